"""Where the replicas should lie: evenly over some brokers, apart by rack, with as few of them moved as can be.

Nothing here talks to a cluster: a layout goes in, and the partitions that must change come out.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator, Mapping, Sequence

from .._errors import UsageError
from ..clients.kafka_cluster import Partition, Place

Nodes = tuple[int, ...]


def spread(
    layout: Sequence[Partition], racks: Mapping[int, str], sizes: Mapping[Place, int] | None = None
) -> dict[Place, Nodes]:
    """The partitions that must change so that these brokers, and no others, carry all evenly.

    Every partition keeps its number of replicas. Replicas of one are in as many racks as there can be; then the brokers
    have equally many replicas, as far as the racks allow, and lead equally many partitions. What may stay stays.

    Args:
        layout: every partition as it lies.
        racks: the brokers that are to carry it, with their racks; one without a rack is a rack of its own.
        sizes: bytes by partition; where several would do, the smaller one is moved.

    Returns:
        The nodes of each partition that changes, the preferred leader first.

    Raises:
        UsageError: a partition has more replicas than there would be brokers.
    """
    _refuse_too_few(layout, racks)
    board = _Board(layout, {node: rack or f"node {node}" for node, rack in racks.items()}, sizes or {})
    board.fill()
    board.part_racks()
    while move := board.next_move():
        board.move(*move)
    while chain := board.next_leader():
        board.hand_over(chain)
    return {p.place: tuple(board.nodes[p.place]) for p in layout if board.nodes[p.place] != list(p.replicas)}


def _refuse_too_few(layout: Sequence[Partition], racks: Mapping[int, str]) -> None:
    most = max(layout, key=lambda p: len(p.replicas), default=None)
    if most is not None and len(most.replicas) > len(racks):
        raise UsageError(
            f"{most.name} has {len(most.replicas)} replicas, and there would be {len(racks)} brokers.",
            remedy="Keep at least as many brokers as replicas.",
        )


class _Board:
    """The layout while it is being changed."""

    def __init__(self, layout: Sequence[Partition], racks: Mapping[int, str], sizes: Mapping[Place, int]) -> None:
        self.nodes = {p.place: list(p.replicas) for p in layout}
        self._racks, self._sizes = racks, sizes
        self._count = Counter(dict.fromkeys(racks, 0))
        self._of_topic: Counter[tuple[str, int]] = Counter()
        for place, nodes in self.nodes.items():
            for node in nodes:
                self._count[node] += 1
                self._of_topic[place[0], node] += 1

    # -- replicas ---------------------------------------------------------------------------------------------------

    def fill(self) -> None:
        """Take every replica from the brokers that are not to carry any."""
        leaving = [(place, node) for place, nodes in self.nodes.items() for node in nodes if node not in self._racks]
        for place, node in leaving:
            self.move(place, node, min(self._takers(place, node), key=lambda n: self._load(place, n)))
        for node in set(self._count) - set(self._racks):
            del self._count[node]

    def part_racks(self) -> None:
        """Move replicas that share a rack without need."""
        for place, nodes in self.nodes.items():
            while len(self._racks_of(nodes)) < self._racks_for(nodes):
                shared = Counter(self._racks[n] for n in nodes)
                node = max(nodes, key=lambda n: (shared[self._racks[n]], self._count[n]))
                self.move(place, node, min(self._takers(place, node), key=lambda n: self._load(place, n)))

    def next_move(self) -> tuple[Place, int, int] | None:
        """The move that evens the brokers out most, None where they are even, or the racks allow no other."""
        for giver in sorted(self._racks, key=lambda n: (-self._count[n], n)):
            for taker in sorted(self._racks, key=lambda n: (self._count[n], n)):
                if self._count[giver] - self._count[taker] < 2:
                    break
                able = [p for p, nodes in self.nodes.items() if giver in nodes and self._may_take(p, giver, taker)]
                if able:
                    return min(able, key=lambda p: self._cost(p, giver, taker)), giver, taker
        return None

    def move(self, place: Place, giver: int, taker: int) -> None:
        """Put a replica on another broker; it keeps its place in the order."""
        nodes = self.nodes[place]
        nodes[nodes.index(giver)] = taker
        for node, change in ((giver, -1), (taker, 1)):
            self._count[node] += change
            self._of_topic[place[0], node] += change

    def _cost(self, place: Place, giver: int, taker: int) -> tuple[int, int, Place]:
        """First the topic of which the giver has most against the taker, then the fewest bytes."""
        gained = self._of_topic[place[0], taker] - self._of_topic[place[0], giver]
        return gained, self._sizes.get(place, 0), place

    def _load(self, place: Place, node: int) -> tuple[int, int, int]:
        return self._count[node], self._of_topic[place[0], node], node

    def _takers(self, place: Place, giver: int) -> list[int]:
        """Brokers that could have a replica in the giver's stead: of all others, those that reach most racks."""
        able = [n for n in self._racks if n not in self.nodes[place]]
        reached = {n: self._reached(place, giver, n) for n in able}
        return [n for n in able if reached[n] == max(reached.values())]

    def _may_take(self, place: Place, giver: int, taker: int) -> bool:
        nodes = self.nodes[place]
        return taker not in nodes and self._reached(place, giver, taker) == self._racks_for(nodes)

    def _reached(self, place: Place, giver: int, taker: int) -> int:
        return len(self._racks_of([taker if n == giver else n for n in self.nodes[place]]))

    def _racks_of(self, nodes: Sequence[int]) -> set[str]:
        return {self._racks[n] for n in nodes if n in self._racks}

    def _racks_for(self, nodes: Sequence[int]) -> int:
        return min(len(nodes), len(set(self._racks.values())))

    # -- leaders ----------------------------------------------------------------------------------------------------

    def next_leader(self) -> list[tuple[Place, int]] | None:
        """Partitions and who should lead them, so that one broker leads one less and another one more."""
        led: dict[int, list[Place]] = {node: [] for node in self._racks}
        for place, nodes in self.nodes.items():
            led[nodes[0]].append(place)
        for giver in sorted(led, key=lambda n: (-len(led[n]), n)):
            chain = self._chain(giver, led)
            if chain:
                return chain
        return None

    def _chain(self, giver: int, led: Mapping[int, Sequence[Place]]) -> list[tuple[Place, int]]:
        """The shortest way from a broker that leads many to one that leads two fewer or less."""
        came: dict[int, tuple[int, Place]] = {}
        queue = deque([giver])
        while queue:
            node = queue.popleft()
            if len(led[giver]) - len(led[node]) >= 2:
                return list(self._way(giver, node, came))
            for place in led[node]:
                for follower in self.nodes[place][1:]:
                    if follower != giver and follower not in came:
                        came[follower] = node, place
                        queue.append(follower)
        return []

    @staticmethod
    def _way(giver: int, node: int, came: Mapping[int, tuple[int, Place]]) -> Iterator[tuple[Place, int]]:
        while node != giver:
            before, place = came[node]
            yield place, node
            node = before

    def hand_over(self, chain: Sequence[tuple[Place, int]]) -> None:
        """Make each the preferred leader of its partition; no replica moves for it."""
        for place, node in chain:
            nodes = self.nodes[place]
            here = nodes.index(node)
            nodes[0], nodes[here] = nodes[here], nodes[0]
