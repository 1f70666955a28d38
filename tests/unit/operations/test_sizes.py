"""Scaling what carries the work: refusals, and backends that are emptied before they go."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from carbonlib._errors import ApplyError, UsageError
from carbonlib.changes import Change, Plan
from carbonlib.operations.sizes import Sizes
from carbonlib.status import Component, Status


class World:
    """A platform of two workers with three tasks, two TaskManagers of two slots, and three backends."""

    def __init__(self) -> None:
        self.target = SimpleNamespace(name="local", options=lambda: {"workers", "taskmanagers", "backends"})
        self.carriers = ["w1", "w1", "w2"]
        self.connect = SimpleNamespace(status=self._connectors)
        self.used = 3
        self.flink = SimpleNamespace(overview=self._overview, taskmanagers=lambda: 2)
        self.tablets = {"doris-be-0": 5, "doris-be-1": 5, "doris-be-10": 4}
        self.doris_root = SimpleNamespace(rows=self._backends, execute=self._execute)
        self.said: list[str] = []
        self.components = [Component("connectors", "c", "RUNNING", True)]
        self.changes = [Change("process/x", "start")]

    def _connectors(self) -> dict[str, Any]:
        return {"c": SimpleNamespace(tasks=[SimpleNamespace(worker=w) for w in self.carriers])}

    def _overview(self) -> dict[str, int]:
        return {"taskmanagers": 2, "slots-total": 4, "slots-available": 4 - self.used}

    def _backends(self, sql: str) -> list[dict[str, object]]:
        assert sql == "SHOW BACKENDS"
        return [{"Host": h, "HeartbeatPort": 9050, "TabletNum": str(n)} for h, n in self.tablets.items()]

    def _execute(self, sql: str) -> int:
        self.said.append(sql)
        name = sql.split("'")[1].partition(":")[0]
        del self.tablets[name]  # Doris drops a backend that it has emptied
        return 0

    def values(self) -> dict[str, str]:
        return {"doris.replication_num": "2"}

    def status(self, *layers: str) -> Status:
        return Status(self.components)

    def plan(self, *layers: str, **options: int) -> Plan:
        return Plan(self.changes)


@pytest.fixture
def world() -> Any:
    return World()


def test_a_size_that_the_target_has_not_is_refused(world: Any) -> None:
    world.target.options = lambda: {"workers"}
    with pytest.raises(UsageError, match="local has no size backends"):
        Sizes(world, workers=2, backends=3)
    assert Sizes(world, workers=2, backends=0).wanted == {"workers": 2}


def test_nothing_asked_for_changes_nothing(world: Any) -> None:
    assert len(Sizes(world, workers=0).plan()) == 0


def test_nothing_is_scaled_while_something_is_not_well(world: Any) -> None:
    world.components.append(Component("jobs", "enricher", "RESTARTING", False, problem="restarting"))
    with pytest.raises(ApplyError, match="1 components are not well") as refused:
        Sizes(world, workers=3).plan()
    assert refused.value.cause == "enricher: RESTARTING, restarting"


def test_what_would_be_restarted_beside_is_named(world: Any) -> None:
    world.changes.append(Change("process/connect-1", "restart"))
    with pytest.raises(ApplyError, match="process/connect-1 would be restarted beside"):
        Sizes(world, workers=3).plan()


def test_jobs_keep_the_slots_that_they_use(world: Any) -> None:
    with pytest.raises(ApplyError, match="The jobs use 3 slots, and 1 TaskManagers would have 2"):
        Sizes(world, taskmanagers=1).plan()
    world.used = 2
    assert len(Sizes(world, taskmanagers=1).plan()) == 1


def test_the_last_backend_by_number_is_emptied_before_anything_stops(world: Any) -> None:
    plan = Sizes(world, backends=2).plan()
    assert [c.object for c in plan] == ["backend/doris-be-10:9050", "process/x"]
    plan.changes[0].apply()
    assert world.said == ["ALTER SYSTEM DECOMMISSION BACKEND 'doris-be-10:9050'"]


def test_fewer_backends_than_replicas_are_refused(world: Any) -> None:
    with pytest.raises(UsageError, match="Tables have 2 replicas, and 1 backends would be left"):
        Sizes(world, backends=1).plan()


def test_tasks_are_counted_by_worker(world: Any) -> None:
    sizes = Sizes(world, workers=3)
    assert sizes.missed() == {"workers": 2} and sizes.uneven() == 1
    assert list(sizes.now()["carries"])[:2] == ["2 tasks", "1 tasks"]
