"""Scaling brokers against a cluster in memory: what is refused, how batches are limited, and what is called off."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from carbonlib._errors import ApplyError, UsageError
from carbonlib.changes import Change, Plan
from carbonlib.clients.kafka_cluster import Broker, Partition, Place, Quorum
from carbonlib.operations import brokers, moves
from carbonlib.operations.brokers import BrokerCount
from carbonlib.targets.base import Member

VOTERS = (1, 2, 3)


class Cluster:
    """Brokers and partitions that do what they are told; a slow one never ends a move."""

    def __init__(self, nodes: Sequence[int], partitions: int = 10) -> None:
        self.nodes = list(nodes)
        turns = [(1, 2, 3), (2, 3, 1), (3, 1, 2)]
        self.replicas: dict[Place, tuple[int, ...]] = {("t", n): turns[n % 3] for n in range(partitions)}
        self.leads = {place: nodes[0] for place, nodes in self.replicas.items()}
        self.under_way: dict[Place, tuple[int, ...]] = {}
        self.slow = False
        self.limits: dict[str, str] = {}
        self.limits_while_moving: list[dict[str, str]] = []
        self.called_off: list[Place] = []
        self.forgotten: list[int] = []
        self.stopped: set[int] = set()

    def brokers(self) -> list[Broker]:
        return [Broker(n, f"rack {n}", n in self.stopped) for n in self.nodes]

    def layout(self) -> list[Partition]:
        return [Partition(t, n, self.leads[t, n], r, r, 2) for (t, n), r in sorted(self.replicas.items())]

    def quorum(self) -> Quorum:
        return Quorum(1, VOTERS, {})

    def sizes(self) -> dict[Place, int]:
        return {}

    def moving(self) -> dict[Place, tuple[int, ...]]:
        return self.under_way

    def setting(self, name: str, topics: object) -> dict[str, str]:
        return {"t": self.limits[name]} if self.limits.get(name) else {}

    def configure(self, of_brokers: Mapping[int, Mapping[str, str]], topics: Mapping[str, Mapping[str, str]]) -> None:
        for config in [*of_brokers.values(), *topics.values()]:
            self.limits.update(config)

    def reassign(self, wanted: Mapping[Place, Sequence[int] | None]) -> None:
        self.limits_while_moving.append(dict(self.limits))
        for place, nodes in wanted.items():
            if nodes is None:
                self.called_off.append(place)
                self.under_way.pop(place)
            elif self.slow:
                self.under_way[place] = tuple(nodes)
            else:
                self.replicas[place] = tuple(nodes)

    def elect_preferred(self) -> None:
        self.leads = {place: nodes[0] for place, nodes in self.replicas.items()}

    def unregister(self, node: int) -> None:
        self.forgotten.append(node)
        self.nodes.remove(node)


class World:
    """A platform on a target that starts and stops brokers of the cluster in memory."""

    kafka = SimpleNamespace(bootstrap_servers="nowhere:1")

    def __init__(self, cluster: Cluster) -> None:
        self.cluster, self.wanted = cluster, len(cluster.nodes)
        self.outdated = False
        self.room = 99

    @property
    def target(self) -> World:
        return self

    def assume(self, options: Mapping[str, int]) -> Plan:
        self.wanted = options["brokers"]
        return Plan()

    def kafka_members(self) -> list[Member]:
        running = "old" if self.outdated else "new"
        return [Member(f"kafka-{n}", n, n in VOTERS, True, running, "new") for n in range(1, self.wanted + 1)]

    def homeless(self, layer: str) -> list[str]:
        more = self.wanted - len(self.cluster.nodes)
        return [f"{more - self.room} of {more} pods"] if more > self.room else []

    def plan(self, layer: str, **options: int) -> Plan:
        to_be = set(range(1, self.wanted + 1))
        start = [Change(f"process/kafka-{n}", "start", apply=lambda n=n: self.cluster.nodes.append(n))  # type: ignore[misc]
                 for n in sorted(to_be - set(self.cluster.nodes))]  # fmt: skip
        stop = [Change(f"process/kafka-{n}", "stop", apply=lambda n=n: self.cluster.stopped.add(n))  # type: ignore[misc]
                for n in sorted(set(self.cluster.nodes) - to_be)]  # fmt: skip
        return Plan([*start, *stop])


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    made = World(Cluster([1, 2, 3]))
    monkeypatch.setattr(brokers, "cluster_of", lambda platform: made.cluster)
    return made


def scaled(world: World, count: int, **options: Any) -> BrokerCount:
    platform: Any = world
    return BrokerCount(platform, count, **options)


def carry_out(scale: BrokerCount) -> None:
    scale.plan_growth().apply()
    scale.plan_moves().apply()
    scale.plan_shrinkage().apply()


def test_there_and_back_every_broker_carries_the_same_and_the_gone_are_forgotten(world: World) -> None:
    wider = scaled(world, 5)
    carry_out(wider)
    assert list(wider.now()["replicas"]) == [6, 6, 6, 6, 6] and list(wider.now()["leads"]) == [2, 2, 2, 2, 2]
    assert wider.uneven() == [] and wider.leaving() == [] and len(wider.plan()) == 0
    narrower = scaled(world, 3)
    assert narrower.leaving() == [4, 5]
    carry_out(narrower)
    assert list(narrower.now()["replicas"]) == [10, 10, 10]
    assert world.cluster.forgotten == [4, 5] and len(narrower.plan()) == 0


def test_without_room_for_all_of_them_no_broker_is_started(world: World) -> None:
    world.room = 1
    with pytest.raises(ApplyError, match=r"no room for 5 brokers(.|\n)*1 of 2 pods"):
        scaled(world, 5).plan()
    assert len(scaled(world, 4).plan_growth()) == 1


def test_moves_are_limited_while_they_last_and_batches_go_one_after_another(world: World) -> None:
    scale = scaled(world, 5, mib_per_second=2, batch=4)
    scale.plan_growth().apply()
    scale.plan_moves().apply()
    assert len(world.cluster.limits_while_moving) >= 2
    for limits in world.cluster.limits_while_moving:
        assert limits[moves.RATES[0]] == limits[moves.RATES[1]] == str(2 * 1024 * 1024)
        assert limits[f"{moves.FOLLOWER}.replicas"] and limits[f"{moves.LEADER}.replicas"]
    assert set(world.cluster.limits.values()) == {""}


def test_a_batch_that_does_not_arrive_is_called_off_and_its_limit_lifted(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(moves, "BATCH_TIMEOUT", 0)
    scale = scaled(world, 5)
    scale.plan_growth().apply()
    world.cluster.slow = True
    with pytest.raises(ApplyError, match="were called off"):
        scale.plan_moves().apply()
    assert world.cluster.called_off and world.cluster.under_way == {}
    assert set(world.cluster.limits.values()) == {""}


def test_limits_that_a_killed_run_left_are_lifted(world: World) -> None:
    world.cluster.limits = {f"{moves.FOLLOWER}.replicas": "0:4"}
    plan = scaled(world, 5).plan_moves()
    assert plan.changes[0].object == "limits/replication"
    plan.apply()
    assert set(world.cluster.limits.values()) == {""}


def test_a_broker_with_replicas_is_never_stopped(world: World) -> None:
    carry_out(scaled(world, 5))
    with pytest.raises(ApplyError, match="still lie on a broker that is to go"):
        scaled(world, 3).plan_shrinkage().apply()
    assert world.cluster.forgotten == []


def test_a_voter_does_not_go(world: World) -> None:
    with pytest.raises(UsageError, match="Brokers 2, 3 vote in the quorum"):
        scaled(world, 1).plan()


def test_nothing_is_planned_on_top_of_a_move(world: World) -> None:
    world.cluster.under_way = {("t", 0): (4,)}
    with pytest.raises(ApplyError, match="1 partitions are being moved already"):
        scaled(world, 5).plan_moves()


def test_members_with_other_settings_are_rolled_first(world: World) -> None:
    world.outdated = True
    with pytest.raises(ApplyError, match="would be restarted beside, all at once") as refused:
        scaled(world, 5).plan()
    assert refused.value.notebook == "operate-51"
