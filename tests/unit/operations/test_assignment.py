"""The planner of replicas: whatever the layout, the plan keeps what must be kept, and moves no more than it must."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from carbonlib._errors import UsageError
from carbonlib.clients.kafka_cluster import Partition, Place
from carbonlib.operations.assignment import spread

ONE_RACK_EACH = {1: "a", 2: "b", 3: "c", 4: "d", 5: "e"}


def partition(topic: str, number: int, *nodes: int) -> Partition:
    return Partition(topic, number, nodes[0], nodes, nodes, 2)


def after(layout: Sequence[Partition], plan: Mapping[Place, tuple[int, ...]]) -> dict[Place, tuple[int, ...]]:
    return {p.place: plan.get(p.place, p.replicas) for p in layout}


def even(layout: int) -> list[Partition]:
    """Partitions over brokers 1 to 3, the leaders in turn."""
    turns = [(1, 2, 3), (2, 3, 1), (3, 1, 2)]
    return [partition(f"t{i // 3}", i % 3, *turns[i % 3]) for i in range(layout)]


def load(placed: Mapping[Place, tuple[int, ...]]) -> Counter[int]:
    return Counter(node for nodes in placed.values() for node in nodes)


def moved(layout: Sequence[Partition], plan: Mapping[Place, tuple[int, ...]]) -> int:
    before = {p.place: set(p.replicas) for p in layout}
    return sum(len(set(nodes) - before[place]) for place, nodes in plan.items())


def test_an_even_layout_stays() -> None:
    assert spread(even(9), {1: "a", 2: "b", 3: "c"}) == {}


def test_two_more_brokers_get_their_share_and_no_more_is_moved() -> None:
    layout = even(50)
    plan = spread(layout, ONE_RACK_EACH)
    placed = after(layout, plan)
    assert load(placed) == dict.fromkeys(range(1, 6), 30)
    assert set(Counter(nodes[0] for nodes in placed.values()).values()) == {10}
    assert moved(layout, plan) == 60  # exactly what the two are to carry


def test_brokers_that_leave_are_emptied_and_the_way_back_is_as_even() -> None:
    layout = even(50)
    wide = [partition(t, n, *nodes) for (t, n), nodes in after(layout, spread(layout, ONE_RACK_EACH)).items()]
    plan = spread(wide, {1: "a", 2: "b", 3: "c"})
    placed = after(wide, plan)
    assert load(placed) == dict.fromkeys((1, 2, 3), 50)
    assert moved(wide, plan) == 60
    leaders = Counter(nodes[0] for nodes in placed.values())
    assert max(leaders.values()) - min(leaders.values()) <= 1


def test_the_smaller_partition_is_moved_where_either_would_do() -> None:
    layout = [partition("t", n, 1) for n in range(2)]
    assert spread(layout, {1: "", 2: ""}, {("t", 0): 10**9, ("t", 1): 10}) == {("t", 1): (2,)}


def test_replicas_that_share_a_rack_part_when_there_is_another() -> None:
    layout = [partition("t", 0, 1, 2)]
    ((place, nodes),) = spread(layout, {1: "a", 2: "a", 3: "b"}).items()
    assert place == ("t", 0) and 3 in nodes and len(set(nodes)) == 2


def test_two_racks_carry_three_replicas_and_neither_all_of_them() -> None:
    racks = {1: "a", 2: "a", 3: "b", 4: "b"}
    layout = [partition("t", n, 1, 2, 3) for n in range(8)]
    placed = after(layout, spread(layout, racks))
    assert all({racks[n] for n in nodes} == {"a", "b"} for nodes in placed.values())
    assert set(load(placed).values()) == {6}


def test_fewer_brokers_than_replicas_are_refused() -> None:
    with pytest.raises(UsageError, match="t-0 has 3 replicas, and there would be 2 brokers"):
        spread([partition("t", 0, 1, 2, 3)], {1: "a", 2: "b"})


@st.composite
def clusters(draw: st.DrawFn) -> tuple[list[Partition], dict[int, str]]:
    old = draw(st.integers(1, 6))
    wanted = draw(st.sets(st.integers(1, 8), min_size=1, max_size=7))
    replicas = draw(st.integers(1, min(old, len(wanted), 4)))
    layout = []
    for i in range(draw(st.integers(1, 30))):
        nodes = draw(st.permutations(range(1, old + 1)))[:replicas]
        layout.append(partition(f"t{i // 4}", i % 4, *nodes))
    racks = {node: draw(st.sampled_from(["", "a", "b", "c"])) for node in sorted(wanted)}
    return layout, racks


@given(clusters())
@settings(max_examples=200, deadline=None)
def test_any_plan_keeps_the_replicas_apart_and_can_not_be_bettered(
    cluster: tuple[list[Partition], dict[int, str]],
) -> None:
    layout, racks = cluster
    named = {node: rack or f"node {node}" for node, rack in racks.items()}
    placed = after(layout, spread(layout, racks))
    for old in layout:
        nodes = placed[old.place]
        assert len(nodes) == len(old.replicas) == len(set(nodes)) and set(nodes) <= set(racks)
        assert len({named[n] for n in nodes}) == min(len(nodes), len(set(named.values())))
    settled = [partition(topic, number, *nodes) for (topic, number), nodes in placed.items()]
    assert spread(settled, racks) == {}


@given(clusters())
@settings(max_examples=100, deadline=None)
def test_without_racks_all_carry_the_same_to_one(cluster: tuple[list[Partition], dict[int, str]]) -> None:
    layout, racks = cluster
    free = dict.fromkeys(racks, "")
    placed = after(layout, spread(layout, free))
    found = load(placed)
    assert max(found[n] for n in free) - min(found[n] for n in free) <= 1
