"""Operate and respond notebooks on the control plane."""

from __future__ import annotations

import json
from typing import Any

import pytest

from carbonlib._project import ROOT
from tests.conftest import measured

from .conftest import TARGET, Plane

pytestmark = pytest.mark.timeout(900)
MORE_NODES = ROOT / "tests" / "plane" / "more_nodes.yaml"


@pytest.mark.parametrize(
    "notebook", ["operate-20", "operate-30", "operate-40", "respond-10", "operate-54", "operate-52"]
)
def test_an_operation_leaves_the_platform_as_it_is_declared(
    plane: Plane, first_run: dict[str, Any], notebook: str
) -> None:
    (found,) = plane.carbon.run(notebook, *TARGET)["notebooks"]
    assert found["checks"]
    assert nothing_differs(plane)


def test_bad_records_are_refused_with_their_cause_and_replayed_once(plane: Plane, first_run: dict[str, Any]) -> None:
    found = measured(plane.carbon.run("verify-27", "-p", "good=200", "-p", "each=10", *TARGET))
    assert found["good_records_missing"] == found["records_lost"] == found["records_twice_after_replay"] == 0
    plane.carbon.run("operate-10", *TARGET)
    assert nothing_differs(plane)


@pytest.mark.parametrize("secret", ["doris_reader", "doris_loader", "kafka_carbon", "kafka_registry"])
def test_a_password_is_rotated_for_all_who_read_it(plane: Plane, first_run: dict[str, Any], secret: str) -> None:
    found = measured(plane.carbon.run("operate-70", "-p", f"secret={secret}", *TARGET))
    assert (found["stored_password_opens"], found["former_password_opens"]) == (True, False)
    assert nothing_differs(plane)


def test_the_certificate_is_renewed_and_every_broker_shows_it(plane: Plane, first_run: dict[str, Any]) -> None:
    found = measured(plane.carbon.run("operate-71", *TARGET))
    assert found["brokers_with_the_new_certificate"] == 3
    assert found["probe_records_lost"] == 0
    assert nothing_differs(plane)


def test_kafka_is_rolled_by_evictions_and_no_record_is_lost(plane: Plane, first_run: dict[str, Any]) -> None:
    before = plane.stage.engines.pids()
    found = plane.carbon.run("operate-51", *TARGET)
    after = plane.stage.engines.pids()
    assert {name for name in before if before[name] != after.get(name)} == {"kafka-1", "kafka-2", "kafka-3"}
    assert measured(found)["probe_records_lost"] == measured(found)["probe_records_twice"] == 0
    assert nothing_differs(plane)


def test_brokers_come_and_go_and_every_record_stays(plane: Plane, first_run: dict[str, Any]) -> None:
    (refused,) = plane.carbon.run("operate-50", "--plan", *TARGET, expect=1)["notebooks"]
    assert "2 of 2 pods" in json.dumps(refused["error"]), "a broker has a node to itself"
    nodes = f"--filename={MORE_NODES}"
    plane.stage.plane.kubectl("apply", "--server-side", nodes)
    try:
        wider = measured(plane.carbon.run("operate-50", *TARGET))
        assert wider["kafka_brokers"] == [1, 2, 3, 4, 5]
    finally:
        narrower = measured(plane.carbon.run("operate-50", "-p", "brokers=3", *TARGET))
        plane.stage.plane.kubectl("delete", nodes)
    assert narrower["kafka_brokers"] == [1, 2, 3]
    assert wider["records_missing"] == narrower["records_missing"] == 0
    assert nothing_differs(plane)


def test_workers_share_the_tasks_and_give_them_back(plane: Plane, first_run: dict[str, Any]) -> None:
    try:
        fewer = measured(plane.carbon.run("operate-53", "-p", "workers=2", *TARGET))
        assert fewer["sizes_missed"] == 0
    finally:
        again = measured(plane.carbon.run("operate-53", "-p", "workers=3", *TARGET))
    assert again["sizes_missed"] == 0
    assert nothing_differs(plane)


def nothing_differs(plane: Plane) -> bool:
    return json.loads(plane.carbon("drift", "--json", *TARGET).stdout)["changes"] == []
