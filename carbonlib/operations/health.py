"""Whether Kafka is healthy enough to do without one of its members for a while, and if not, why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .._errors import ApplyError, EngineError, WaitTimeout
from ..clients.kafka_cluster import KafkaCluster, Partition, Quorum
from ..waiting import wait_until

if TYPE_CHECKING:
    from ..platform import Platform

NAMED = 6  # of many partitions, so many are named


def cluster_of(platform: Platform) -> KafkaCluster:
    """The cluster behind the platform's topics."""
    return KafkaCluster(platform.kafka.bootstrap_servers)


@dataclass(frozen=True)
class Health:
    """Partitions and voters as they were when looked at."""

    partitions: Sequence[Partition]
    quorum: Quorum

    @property
    def offline(self) -> list[str]:
        """Partitions without a leader."""
        return [p.name for p in self.partitions if p.leader < 0]

    @property
    def under_replicated(self) -> list[str]:
        """Partitions with fewer replicas in sync than they have."""
        return [p.name for p in self.partitions if len(p.in_sync) < len(p.replicas)]

    @property
    def at_minimum(self) -> list[str]:
        """Partitions that take no write any more when one more replica leaves."""
        return [p.name for p in self.partitions if len(p.in_sync) <= p.least]

    def reasons(self) -> list[str]:
        """Why no member can be spared; empty when one can."""
        found = [
            _count("without a leader", self.offline),
            _count("under-replicated", self.under_replicated),
            _count("at the least number of replicas in sync", self.at_minimum),
        ]
        if not self.quorum.survives_one_less():
            behind = ", ".join(str(node) for node in sorted(self.quorum.behind)) or "none"
            voters = ", ".join(map(str, self.quorum.voters))
            found.append(f"the quorum of {voters} has no majority without one more voter (behind: {behind})")
        return [reason for reason in found if reason]


def look(cluster: KafkaCluster) -> Health:
    """Partitions and quorum now."""
    return Health(cluster.layout(), cluster.quorum())


def reasons(platform: Platform, timeout: str | float = "30 s") -> list[str]:
    """Why Kafka cannot spare a member, where it does not become healthy in time; empty when it can."""
    cluster = cluster_of(platform)
    try:
        require(cluster, "go on", timeout)
    except ApplyError as refused:
        return [refused.cause]
    return []


def require(cluster: KafkaCluster, doing: str, timeout: str | float = "30 s") -> Health:
    """Kafka healthy enough, which a moment's lag of a replica does not deny.

    Args:
        doing: what needs it, in words that go on from "not healthy enough to".
        timeout: how long it may take to become so.

    Raises:
        ApplyError: it is not; the cause is every reason.
    """

    def probe() -> Health:
        health = look(cluster)
        if health.reasons():
            raise EngineError("; ".join(health.reasons()))
        return health

    try:
        return wait_until(probe, what="A Kafka that can spare a member", timeout=timeout, every=1)
    except WaitTimeout as late:
        raise ApplyError(
            f"Kafka is not healthy enough to {doing}, so nothing more was done.", cause=late.cause,
            remedy="Bring back what is missing, then run the notebook again: it goes on with what is left.",
            notebook="drill-20",
        ) from late  # fmt: skip


def _count(what: str, names: Sequence[str]) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return f"{len(names)} {what}: {', '.join(names[:NAMED])}{more}" if names else ""
