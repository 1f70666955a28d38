"""The order of a roll and what forbids it, without a cluster."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from carbonlib._errors import ApplyError
from carbonlib.clients.kafka_cluster import Partition, Quorum
from carbonlib.operations import health, roll
from carbonlib.operations.health import Health
from carbonlib.targets.base import Member

VOTERS = Quorum(2, (1, 2, 3), {})


def member(node: int, *, votes: bool = False, serves: bool = False, revision: str = "a", declared: str = "a") -> Member:
    return Member(f"kafka-{node}", node, votes, serves, revision, declared)


def partition(in_sync: tuple[int, ...] = (1, 2, 3), leader: int = 1, least: int = 2) -> Partition:
    return Partition("prices", 0, leader, (1, 2, 3), in_sync, least)


@pytest.mark.parametrize(
    ("partitions", "quorum", "words"),
    [
        ([partition()], VOTERS, []),
        ([partition((1, 2))], VOTERS, ["under-replicated: prices-0", "least number of replicas in sync: prices-0"]),
        ([partition(leader=-1)], VOTERS, ["1 without a leader: prices-0"]),
        ([Partition("prices", 0, 1, (1,), (1,), 1)], VOTERS, ["least number of replicas"]),
        ([partition()], Quorum(2, (1, 2, 3), {3: 9.0}), ["no majority without one more voter (behind: 3)"]),
        ([partition()], Quorum(1, (1, 2, 3, 4, 5), {3: 9.0}), []),
        ([partition()], Quorum(1, (1,), {}), ["no majority without one more voter (behind: none)"]),
    ],
)
def test_every_reason_that_forbids_it_is_said(partitions: list[Partition], quorum: Quorum, words: list[str]) -> None:
    reasons = Health(partitions, quorum).reasons()
    assert len(reasons) == len(words)
    assert all(word in reason for word, reason in zip(words, reasons, strict=True))


def test_of_many_partitions_the_first_are_named_and_the_rest_counted() -> None:
    many = [Partition("prices", n, 1, (1, 2, 3), (1, 2), 1) for n in range(9)]
    assert Health(many, VOTERS).reasons()[0].endswith("prices-5 and 3 more")


def test_controllers_come_before_brokers_and_the_active_one_last_of_them() -> None:
    apart = [member(100, serves=True), *(member(n, votes=True) for n in (0, 1, 2)), member(101, serves=True)]
    assert [m.node for m in roll.in_order(apart, active=1)] == [0, 2, 1, 100, 101]
    both = [member(n, votes=True, serves=True) for n in (1, 2, 3)] + [member(4, serves=True)]
    assert [m.node for m in roll.in_order(both, active=2)] == [1, 3, 4, 2]


class World:
    """A cluster and a target that do what they are told; members that are restarted fall out of sync at will."""

    def __init__(self, *members: Member) -> None:
        self.members = {m.name: m for m in members}
        self.health = Health([partition()], VOTERS)
        self.restarted: list[str] = []
        self.falls_ill_after = ""

    kafka = SimpleNamespace(bootstrap_servers="nowhere:1")

    @property
    def target(self) -> World:
        return self

    def kafka_members(self) -> list[Member]:
        return list(self.members.values())

    def settle(self) -> None: ...

    def restart(self, name: str) -> Any:
        self.restarted.append(name)
        old = self.members[name]
        self.members[name] = Member(old.name, old.node, old.votes, old.serves, old.declared, old.declared)
        if name == self.falls_ill_after:
            self.health = Health([partition((1, 2))], VOTERS)
        return lambda: True


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    made = World(*(member(n, votes=True, serves=True, declared="b") for n in (1, 2, 3)))
    monkeypatch.setattr(health, "look", lambda cluster: made.health)
    monkeypatch.setattr(roll, "require", lambda cluster, doing: health.require(cluster, doing, timeout=0))
    monkeypatch.setattr(roll, "missing_of", lambda cluster, member: "")
    return made


def rolling(world: World, *, unavailable_s: float = 0, outdated_only: bool = False) -> roll.Roll:
    prober: Any = SimpleNamespace(unavailable_s=unavailable_s, topic="probes")
    platform: Any = world
    return roll.Roll(platform, prober, outdated_only=outdated_only, most_unavailable=10)


def test_every_member_is_restarted_once_the_active_last(world: World) -> None:
    wanted = rolling(world)
    wanted.plan().apply()
    assert world.restarted == ["kafka-1", "kafka-3", "kafka-2"] == [s.member for s in wanted.steps]
    assert [s.active for s in wanted.steps] == [False, False, True]
    assert wanted.still_outdated() == []


def test_a_cluster_that_falls_ill_is_left_alone_and_a_later_run_goes_on(world: World) -> None:
    world.falls_ill_after = "kafka-1"
    wanted = rolling(world, outdated_only=True)
    with pytest.raises(ApplyError, match="not healthy enough to restart kafka-3") as refused:
        wanted.plan().apply()
    assert "under-replicated: prices-0" in refused.value.cause
    assert world.restarted == ["kafka-1"]
    world.health = Health([partition()], VOTERS)
    rolling(world, outdated_only=True).plan().apply()
    assert world.restarted == ["kafka-1", "kafka-3", "kafka-2"]
    assert len(rolling(world, outdated_only=True).plan()) == 0


def test_no_plan_is_made_while_a_partition_lacks_a_replica(world: World) -> None:
    world.health = Health([partition((1, 2))], VOTERS)
    with pytest.raises(ApplyError, match="not healthy enough"):
        rolling(world).plan()


def test_a_topic_that_could_not_be_used_for_too_long_ends_it(world: World) -> None:
    with pytest.raises(ApplyError, match=r"could not be used for 10\.5 s"):
        rolling(world, unavailable_s=10.5).plan().apply()
    assert world.restarted == []
