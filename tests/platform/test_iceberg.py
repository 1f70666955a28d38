"""The Iceberg sinks while what they need dies: each row once in the table, and the dimension as PostgreSQL has it."""

from __future__ import annotations

from typing import Any

import pytest

from carbonlib import bench, drills
from carbonlib.dimension import dimension_differences, wait_for_dimension

RATE = 50  # prices a second while a member is down


@pytest.mark.timeout(420)
@pytest.mark.parametrize("member", ["connect-1", "postgres"])
def test_a_killed_member_costs_no_row_and_repeats_none(platform: Any, member: str, record_property: Any) -> None:
    with drills.Load(platform.kafka.bootstrap_servers, rate=RATE):
        strikes = drills.strike(platform, member)
    record_property("seconds_to_heal", round(strikes.longest_s, 1))
    landed = bench.landed(platform, "iceberg-prices", timeout="2 min")
    assert landed.records and (landed.missing, landed.doubled) == ([], []), repr(landed)
    wait_for_dimension(platform, timeout="2 min")
    assert dimension_differences(platform).empty
