"""What each Flink job costs in CPU time per message, against a JSON-to-JSON pass-through in the same run.

`CARBON_BENCH_MESSAGES` and `CARBON_BENCH_PAIRS` set the size; run it alone, with `-s` to see the figures as they come.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest

from carbonlib.bench.cpu import paired

from .stage import Stage

MESSAGES = int(os.environ.get("CARBON_BENCH_MESSAGES", "4000000"))
PAIRS = int(os.environ.get("CARBON_BENCH_PAIRS", "3"))
LIMITS = {"price-aggregator": 1.5, "anomaly-detector": 1.5, "data-enricher": 2.2}


@pytest.fixture(scope="module")
def stage(platform: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    found = Stage(platform, tmp_path_factory.mktemp("scripts"), MESSAGES)
    try:
        found.open()
        found.cost("pass-through")  # the first run pays for the compiler
        yield found
    finally:
        found.close()


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("job", LIMITS)
def test_a_job_costs_little_more_than_passing_messages_on(stage: Stage, job: str, record_property: Any) -> None:
    result = paired(lambda: stage.cost("pass-through"), lambda: stage.cost(job), pairs=PAIRS)
    print(f"\n{result}")
    record_property("ratio", round(result.ratio, 2))
    assert result.ratio <= LIMITS[job], repr(result)
