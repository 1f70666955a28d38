"""Moving replicas: in batches, no faster than a limit, each batch seen to its end or called off."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from .._errors import ApplyError, EngineError, WaitTimeout
from ..changes import Change, Plan
from ..clients.kafka_cluster import KafkaCluster, Partition, Place
from ..waiting import wait_until
from .health import require

LEADER, FOLLOWER = "leader.replication.throttled", "follower.replication.throttled"
RATES = (f"{LEADER}.rate", f"{FOLLOWER}.rate")
BATCH_TIMEOUT = "30 min"
MIB = 1024 * 1024


class Moves:
    """Some partitions and the nodes that they are to lie on.

    Args:
        cluster: whose partitions.
        layout: as they lie now.
        wanted: the nodes of each partition that changes, the preferred leader first.
        mib_per_second: limit a broker, so that the clients keep theirs.
        batch: so many partitions are moved at a time.
    """

    def __init__(
        self, cluster: KafkaCluster, layout: Sequence[Partition], wanted: Mapping[Place, Sequence[int]], *,
        mib_per_second: float, batch: int,
    ) -> None:  # fmt: skip
        self._cluster, self._wanted = cluster, wanted
        self._now = {p.place: p for p in layout}
        self._rate, self._batch = int(mib_per_second * MIB), batch

    def plan(self) -> Plan:
        """A row a partition; the last of each batch moves the batch. Leaders go to their places at the end."""
        changes = [change for batch in self._batches() for change in self._rows(batch)]
        crooked = sum(p.leader != p.replicas[0] for p in self._now.values())
        if changes or crooked:
            before = _in_words(p.leader for p in self._now.values())
            after = _in_words(self._wanted.get(p.place, p.replicas)[0] for p in self._now.values())
            changes.append(Change("leaders/all", "update", before, after, self._elect))
        return Plan([*self._left_limits(), *changes])

    def _left_limits(self) -> list[Change]:
        """Limits that a run left behind which was killed: with them replicas would go on lagging."""
        names = (f"{LEADER}.replicas", f"{FOLLOWER}.replicas")
        topics = {topic for topic, _ in self._now}
        found = {t: v for name in names for t, v in self._cluster.setting(name, topics).items() if v}
        if not found:
            return []
        lift = lambda: self._cluster.configure(  # noqa: E731
            {b.node: dict.fromkeys(RATES, "") for b in self._cluster.brokers() if not b.fenced},
            {t: dict.fromkeys(names, "") for t in found},
        )
        return [Change("limits/replication", "delete", ", ".join(sorted(found)), None, lift)]

    def _batches(self) -> Iterator[list[Place]]:
        places = sorted(self._wanted)
        for start in range(0, len(places), self._batch):
            yield places[start : start + self._batch]

    def _rows(self, batch: list[Place]) -> Iterator[Change]:
        for place in batch:
            before, after = (",".join(map(str, nodes)) for nodes in (self._now[place].replicas, self._wanted[place]))
            carry = (lambda: self._carry_out(batch)) if place == batch[-1] else None
            yield Change(f"partition/{self._now[place].name}", "update", before, after, carry)

    # -- a batch ----------------------------------------------------------------------------------------------------

    def _carry_out(self, batch: Sequence[Place]) -> None:
        require(self._cluster, f"move {len(batch)} partitions")
        began = time.monotonic()
        self._limit(batch)
        try:
            self._cluster.reassign({place: self._wanted[place] for place in batch})
            self._see_through(batch)
        except WaitTimeout as late:
            self._call_off(batch)
            raise ApplyError(
                f"{len(batch)} partitions did not come to where they should, and were called off.", cause=late.cause,
                remedy="Look whether a broker is too slow, or allow more MiB a second, then run the notebook again.",
            ) from late  # fmt: skip
        finally:
            self._limit(batch, lift=True)
        print(f"{len(batch)} partitions are where they should be after {time.monotonic() - began:.1f} s")

    def _see_through(self, batch: Sequence[Place]) -> None:
        def probe() -> bool:
            moving = set(self._cluster.moving()) & set(batch)
            if moving:
                raise EngineError(f"still moving: {', '.join(f'{t}-{n}' for t, n in sorted(moving)[:5])}")
            late = [p.name for p in self._cluster.layout() if p.place in batch and not self._arrived(p)]
            if late:
                raise EngineError(f"not in sync where they should be: {', '.join(late[:5])}")
            return True

        wait_until(probe, what="Every partition of the batch in its place", timeout=BATCH_TIMEOUT, every=0.5)

    def _arrived(self, partition: Partition) -> bool:
        wanted = tuple(self._wanted[partition.place])
        return partition.replicas == wanted and set(partition.in_sync) == set(wanted)

    def _call_off(self, batch: Sequence[Place]) -> None:
        moving = set(self._cluster.moving()) & set(batch)
        if moving:
            self._cluster.reassign(dict.fromkeys(moving))

    def _limit(self, batch: Sequence[Place], *, lift: bool = False) -> None:
        """Limit the replicas that are read from and those that come; the others go on as fast as they can."""
        nodes: set[int] = set()
        topics: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
        for topic, number in batch:
            old, new = self._now[topic, number].replicas, self._wanted[topic, number]
            nodes |= {*old, *new}
            topics[topic][f"{LEADER}.replicas"] += [f"{number}:{n}" for n in old]
            topics[topic][f"{FOLLOWER}.replicas"] += [f"{number}:{n}" for n in new if n not in old]
        rates = dict.fromkeys(RATES, str(self._rate))
        self._cluster.configure(
            {node: dict.fromkeys(rates, "") if lift else rates for node in nodes},
            {t: {k: "" if lift else ",".join(v) for k, v in names.items()} for t, names in topics.items()},
        )

    def _elect(self) -> None:
        def probe() -> bool:
            self._cluster.elect_preferred()
            crooked = [p.name for p in self._cluster.layout() if p.leader != p.replicas[0]]
            if crooked:
                raise EngineError(f"not led by the first of their replicas: {', '.join(crooked[:5])}")
            return True

        wait_until(probe, what="Every partition led by the first of its replicas", timeout="2 min", every=2)


def _in_words(leaders: Iterable[int]) -> str:
    return ", ".join(f"{node} leads {count}" for node, count in sorted(Counter(leaders).items()))
