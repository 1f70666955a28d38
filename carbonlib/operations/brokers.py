"""More brokers, or fewer: those that come get their share of the replicas, those that go are emptied first."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pandas as pd

from .._errors import ApplyError, UsageError
from ..changes import Change, Plan
from ..waiting import wait_until
from .assignment import spread
from .health import cluster_of, require
from .moves import MIB, Moves

if TYPE_CHECKING:
    from ..platform import Platform

ROLL = "operate-51"


class BrokerCount:
    """A change of the number of brokers, in three plans that are applied in this order.

    Args:
        platform: whose Kafka.
        brokers: how many there are to be.
        mib_per_second: with which a broker may send, and take in, replicas that move.
        batch: partitions that are moved at a time.

    Raises:
        UsageError: the target cannot have that number.
    """

    def __init__(self, platform: Platform, brokers: int, *, mib_per_second: float = 50, batch: int = 40) -> None:
        self._platform, self._wanted = platform, brokers
        self._cluster = cluster_of(platform)
        self._rate, self._batch = mib_per_second, batch
        self._before = {m.node: m for m in platform.target.kafka_members()}
        platform.target.assume({"brokers": brokers})
        self.nodes = sorted(m.node for m in platform.target.kafka_members() if m.serves)

    # -- looking ----------------------------------------------------------------------------------------------------

    def now(self) -> pd.DataFrame:
        """A row a broker: its rack, how many replicas it has, how many partitions it leads, and MiB."""
        layout, sizes = self._cluster.layout(), self._cluster.sizes()
        held = Counter(node for p in layout for node in p.replicas)
        led = Counter(p.leader for p in layout)
        weight: Counter[int] = Counter()
        for partition in layout:
            for node in partition.replicas:
                weight[node] += sizes.get(partition.place, 0)
        rows = [
            [b.node, b.rack, not b.fenced, held[b.node], led[b.node], round(weight[b.node] / MIB, 1)]
            for b in self._cluster.brokers()
        ]
        return pd.DataFrame(rows, columns=["broker", "rack", "live", "replicas", "leads", "MiB"], dtype=object)

    def leaving(self) -> list[int]:
        """Brokers that are registered and are not to stay."""
        return [b.node for b in self._cluster.brokers() if b.node not in self.nodes]

    def _live(self) -> set[int]:
        return {b.node for b in self._cluster.brokers() if not b.fenced}

    def uneven(self) -> list[str]:
        """Partitions that would still have to move for an even load."""
        return [f"{topic}-{number}" for topic, number in spread(self._cluster.layout(), self._racks())]

    def _racks(self) -> dict[int, str]:
        """The racks of the brokers that are to stay; one that does not run yet stands in none that is known."""
        known = {b.node: b.rack for b in self._cluster.brokers()}
        return {node: known.get(node, "") for node in self.nodes}

    # -- plans ------------------------------------------------------------------------------------------------------

    def plan(self) -> Plan:
        """All three, as they look beforehand: where the racks of new brokers are not known yet, moves may differ."""
        return self.plan_growth() + self.plan_moves() + self.plan_shrinkage()

    def plan_growth(self) -> Plan:
        """Brokers to start; none when there are to be fewer.

        Raises:
            ApplyError: a member runs with other settings than declared, so that this would restart it beside; or no
                node would take a new one.
        """
        if set(self.nodes) <= self._live():
            return Plan()
        self._refuse_outdated()
        self._refuse_homeless()
        require(self._cluster, "get another broker")
        return self._platform.plan("kafka", brokers=self._wanted)

    def _refuse_outdated(self) -> None:
        outdated = [m.name for n, m in self._before.items() if m.outdated and n in self.nodes and m.revision]
        if outdated:
            raise ApplyError(
                f"{', '.join(outdated)} would be restarted beside, all at once.",
                cause="they run with other settings than those that are declared", remedy="Roll Kafka first.",
                notebook=ROLL,
            )  # fmt: skip

    def _refuse_homeless(self) -> None:
        lacking = self._platform.target.homeless("kafka")
        if lacking:
            raise ApplyError(
                f"There is no room for {self._wanted} brokers, so none was started.", cause="; ".join(lacking),
                remedy="Give the cluster more nodes, or ask for fewer brokers.", notebook="deploy-00",
            )  # fmt: skip

    def wait_grown(self) -> None:
        """Wait until every broker that is to be there is live.

        Raises:
            WaitTimeout: naming those that are not.
        """
        wait_until(
            lambda: set(self.nodes) <= self._live(), what=f"Brokers {', '.join(map(str, self.nodes))} live",
            timeout="4 min", every=1, notebook="deploy-10",
        )  # fmt: skip

    def plan_moves(self) -> Plan:
        """Partitions to move, and leaders to put in their places.

        Raises:
            ApplyError: Kafka is not healthy, or moves partitions already.
            UsageError: a partition has more replicas than there would be brokers, or a broker that is to go votes.
        """
        self._refuse_voters()
        moving = self._cluster.moving()
        if moving:
            raise ApplyError(
                f"{len(moving)} partitions are being moved already.",
                remedy="Wait until they are where they should be, then plan again.",
            )
        require(self._cluster, "move partitions")
        layout = self._cluster.layout()
        wanted = spread(layout, self._racks(), self._cluster.sizes())
        return Moves(self._cluster, layout, wanted, mib_per_second=self._rate, batch=self._batch).plan()

    def _refuse_voters(self) -> None:
        voters = sorted(set(self._cluster.quorum().voters) & set(self.leaving()))
        if voters:
            raise UsageError(
                f"Brokers {', '.join(map(str, voters))} vote in the quorum, and were to go.",
                remedy="Keep at least as many brokers as the quorum has voters.",
            )

    def plan_shrinkage(self) -> Plan:
        """Brokers to stop and to forget; none when there are to be more.

        Raises:
            ApplyError: a member runs with other settings than declared, so that this would restart it beside.
        """
        leaving = self.leaving()
        if not leaving:
            return Plan()
        self._refuse_outdated()
        stop = self._platform.plan("kafka", brokers=self._wanted)
        guarded = [Change(c.object, c.action, c.before, c.after, lambda c=c: self._empty_first(c)) for c in stop]  # type: ignore[misc]
        forget = [Change(f"broker/{n}", "delete", "registered", None, lambda n=n: self._forget(n)) for n in leaving]  # type: ignore[misc]
        return Plan([*guarded, *forget])

    def _empty_first(self, change: Change) -> object:
        held = [p.name for p in self._cluster.layout() if set(p.replicas) & set(self.leaving())]
        if held:
            raise ApplyError(
                f"{len(held)} partitions still lie on a broker that is to go, so none was stopped.",
                cause=", ".join(held[:6]), remedy="Apply the plan of moves first.",
            )  # fmt: skip
        return change.apply() if change.apply else None

    def _forget(self, node: int) -> None:
        gone = lambda: all(b.fenced for b in self._cluster.brokers() if b.node == node)  # noqa: E731
        wait_until(gone, what=f"Broker {node} gone", timeout="2 min", every=1)
        self._cluster.unregister(node)
        wait_until(lambda: node not in {b.node for b in self._cluster.brokers()}, what=f"Broker {node} forgotten",
                   timeout="1 min", every=0.5)  # fmt: skip
