"""Any one engine dies while prices flow: the platform heals by itself, and nothing is lost or doubled.

What the connectors work with is killed by the drill's own notebook, which looks into every store.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from carbonlib import bench, drills
from tests.conftest import Carbon

ENGINES = [
    "kafka-2",
    "registry",
    "zookeeper",
    "jobmanager-1",
    "jobmanager-2",
    "taskmanager-1",
    "doris",
    "apis",
]
RATE = 50  # prices a second while an engine is down


@pytest.mark.timeout(300)
@pytest.mark.parametrize("engine", ENGINES)
def test_a_killed_engine_heals_and_nothing_is_lost_or_doubled(platform: Any, engine: str, record_property: Any) -> None:
    since = datetime.now(UTC)
    with drills.Load(platform.kafka.bootstrap_servers, rate=RATE):
        strikes = drills.strike(platform, engine)
    record_property("seconds_to_heal", round(strikes.longest_s, 1))
    audit = bench.audit(platform, since=since, timeout="120 s")
    assert (audit.lost, audit.duplicated) == (0, 0), repr(audit)


@pytest.mark.timeout(900)
def test_what_the_connectors_work_with_is_killed_and_nothing_is_lost(platform: Any, carbon: Carbon) -> None:
    (notebook,) = carbon.run("drill-10")["notebooks"]
    assert notebook["verdict"] == "passed", notebook["error"]
    missing = [c for c in notebook["checks"] if c["name"].endswith("_missing")]
    assert missing and all(c["measured"] == 0 for c in missing)
