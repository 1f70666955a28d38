"""Operations on the running platform, as the runbooks do them: there and back, and nothing lost on the way."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conftest import Carbon

pytestmark = pytest.mark.timeout(900)


def only(results: dict[str, Any]) -> dict[str, Any]:
    (notebook,) = results["notebooks"]
    assert notebook["verdict"] == "passed", notebook["error"]
    return dict(notebook)


def measured(notebook: dict[str, Any]) -> dict[str, Any]:
    return {check["name"]: check["measured"] for check in notebook["checks"]}


def test_kafka_is_rolled_and_no_record_is_lost(platform: Any, carbon: Carbon) -> None:
    before = {n: s["pid"] for n, s in platform.target.stack.supervisor.states().items()}
    only(carbon.run("operate-51", "--plan"))
    found = only(carbon.run("operate-51"))
    after = {n: s["pid"] for n, s in platform.target.stack.supervisor.states().items()}
    assert {n for n in before if before[n] != after[n]} >= {"kafka-1", "kafka-2", "kafka-3"}
    assert measured(found)["probe_records_lost"] == measured(found)["probe_records_twice"] == 0
    assert [c["object"].partition("-")[0] for c in found["changes"]] == ["member/kafka"] * 3
    assert only(carbon.run("operate-51", "-p", "outdated_only=true"))["changes"] == []


def test_brokers_come_and_go_and_every_record_stays(platform: Any, carbon: Carbon) -> None:
    only(carbon.run("operate-50", "--plan"))
    try:
        wider = only(carbon.run("operate-50"))
        assert measured(wider)["kafka_brokers"] == [1, 2, 3, 4, 5]
    finally:
        narrower = only(carbon.run("operate-50", "-p", "brokers=3"))
    assert measured(narrower)["kafka_brokers"] == [1, 2, 3]
    assert measured(wider)["records_missing"] == measured(narrower)["records_missing"] == 0
    assert len(platform.plan("kafka", "topics")) == 0


def test_workers_share_the_tasks_and_give_them_back(platform: Any, carbon: Carbon) -> None:
    only(carbon.run("operate-53", "--plan"))
    try:
        assert measured(only(carbon.run("operate-53")))["sizes_missed"] == 0
        assert len(platform.connect.workers()) == 2
    finally:
        only(carbon.run("operate-53", "-p", "workers=1"))
    assert len(platform.plan("connect", "connectors")) == 0


def test_what_is_lost_comes_back_from_a_backup(platform: Any, carbon: Carbon) -> None:
    before = set(platform.connect.status()), set(platform.registry.subjects())
    only(carbon.run("operate-54", "--plan"))
    found = measured(only(carbon.run("operate-54")))
    assert (found["objects_lost"], found["objects_differing"], found["backup_files_broken"]) == (3, 0, 0)
    assert (set(platform.connect.status()), set(platform.registry.subjects())) == before


def test_a_job_is_upgraded_by_savepoint_and_goes_on(platform: Any, carbon: Carbon) -> None:
    only(carbon.run("operate-52", "--plan"))
    only(carbon.run("operate-52"))
    assert len(platform.plan("jobs")) == 0


def test_a_password_is_rotated(platform: Any, carbon: Carbon) -> None:
    only(carbon.run("operate-70", "--plan"))
    found = only(carbon.run("operate-70"))
    objects = [change["object"].partition("@")[0] for change in found["changes"]]
    assert objects == ["user/rt_reader", "secret/doris_reader", "user/rt_reader", "user/rt_reader"], objects
