"""Any one engine dies while data flows: the platform heals by itself, and nothing is lost or doubled.

The drills' own notebooks do it, each in a process of its own, and look into every place.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.conftest import Carbon

PROMISED = {
    "drill-10": {"rows_lost", "sink_iceberg_rows_missing", "sink_s3_rows_missing", "sink_jdbc_rows_missing"},
    "drill-20": {"rows_lost", "rows_duplicated"},
}


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("drill", PROMISED)
def test_what_is_killed_heals_and_nothing_is_lost_or_doubled(platform: Any, carbon: Carbon, drill: str) -> None:
    (notebook,) = carbon.run(drill)["notebooks"]
    assert notebook["verdict"] == "passed", notebook["error"]
    checks = {check["name"]: check["measured"] for check in notebook["checks"]}
    assert {name: checks[name] for name in PROMISED[drill]} == dict.fromkeys(PROMISED[drill], 0)
