"""Any one engine dies while data flows: the platform heals by itself, and nothing is lost or doubled.

The drills' own notebooks do it, each in a process of its own, and look into every place.
"""

from __future__ import annotations

import time
from typing import Any

import pytest
from confluent_kafka import ElectionType
from confluent_kafka.admin import AdminClient

from carbonlib.waiting import wait_until
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


def test_a_group_whose_coordinator_has_just_moved_is_still_counted(platform: Any) -> None:
    """Brokers give a group back to one that has returned, minutes later: nothing is wrong then."""
    kafka, group = platform.kafka, "price-aggregator"
    admin = AdminClient({"bootstrap.servers": str(kafka.bootstrap_servers)})
    preferred = _coordinating(admin, group).replicas[0]

    if _coordinating(admin, group).leader == preferred:  # else a drill has just killed it
        platform.target.kill(f"kafka-{preferred}")
        wait_until(lambda: _coordinating(admin, group).leader != preferred, what="Another one", timeout="2 min")
    wait_until(lambda: len(kafka.brokers()) == 3 and not kafka.under_replicated(), what="Every copy", timeout="2 min")
    before = kafka.group_progress(group)
    admin.elect_leaders(ElectionType.PREFERRED, None).result()

    asked_until = time.monotonic() + 5
    while time.monotonic() < asked_until:  # the former one answers for a moment, then refuses; the next one reads first
        assert kafka.group_progress(group) >= before
    assert _coordinating(admin, group).leader == preferred, "its coordinator did not move, so nothing was shown"


def _coordinating(admin: AdminClient, group: str) -> Any:
    """The partition whose leader coordinates a group."""
    partitions = admin.list_topics(timeout=15).topics["__consumer_offsets"].partitions
    return partitions[_java_hash(group) % len(partitions)]


def _java_hash(text: str) -> int:
    """`Utils.abs(text.hashCode())`, by which Kafka chooses the partition of a group's offsets."""
    code = 0
    for character in text:
        code = (31 * code + ord(character)) & 0xFFFFFFFF
    return code & 0x7FFFFFFF
