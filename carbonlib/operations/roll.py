"""Restart the members of Kafka one after another, so that nobody who uses it needs to know.

Each is restarted only while no partition would miss it, and the next only when it is back in sync. What has been
restarted stays so: a roll that was refused half-way goes on where it stopped.
"""

from __future__ import annotations

import html
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from .._errors import ApplyError, EngineError, UsageError
from ..changes import UNCHANGED, Change, Plan
from ..clients.kafka_cluster import KafkaCluster
from ..targets.base import Member
from ..waiting import seconds, wait_until
from .health import cluster_of, look, require
from .prober import Prober

if TYPE_CHECKING:
    from ..platform import Platform

BACK = "4 min"  # for a member to start, and to catch up with what came meanwhile


@dataclass(frozen=True)
class Step:
    """One member restarted.

    Args:
        member: its name.
        active: whether it led the quorum then.
        answers_s: seconds until it answered again.
        in_sync_s: seconds until every replica of it was in sync, and it followed the quorum.
    """

    member: str
    active: bool
    answers_s: float
    in_sync_s: float


def in_order(members: Sequence[Member], active: int) -> list[Member]:
    """Those that only vote before those that serve, and in each part the active controller last."""
    return sorted(members, key=lambda m: (m.serves, m.node == active, m.node))


class Roll:
    """A rolling restart.

    Args:
        platform: whose Kafka.
        prober: what notices whether it can be used meanwhile.
        outdated_only: leave out members that run with what is declared.
        most_unavailable: after so much time in which a record had to wait, no further member is restarted.

    Attributes:
        steps: what was done, in order.
    """

    def __init__(
        self, platform: Platform, prober: Prober, *, outdated_only: bool = False, most_unavailable: str | float = "60 s"
    ) -> None:
        self._platform, self._prober, self._limit = platform, prober, seconds(most_unavailable)
        self._cluster: KafkaCluster = cluster_of(platform)
        self._outdated_only = outdated_only
        self.steps: list[Step] = []

    def members(self) -> pd.DataFrame:
        """Every member with what it runs and would run with."""
        active = self._cluster.quorum().active
        rows = [
            [m.name, m.node, " and ".join(_roles(m)), m.node == active, m.revision[:10] or "–", m.declared[:10]]
            for m in in_order(self._platform.target.kafka_members(), active)
        ]
        return pd.DataFrame(rows, columns=["member", "node", "role", "active", "runs with", "declared"], dtype=object)

    def plan(self) -> Plan:
        """The members to restart, in their order.

        Raises:
            ApplyError: Kafka cannot spare any member now.
        """
        chosen = [m for m in self._platform.target.kafka_members() if m.outdated or not self._outdated_only]
        if not chosen:
            return Plan()
        health = require(self._cluster, "restart a member of it")
        return Plan(self._change(m) for m in in_order(chosen, health.quorum.active))

    def _change(self, member: Member) -> Change:
        before, after = member.revision[:10] or None, member.declared[:10]
        return Change(f"member/{member.name}", "restart", before, after, lambda: self._step(member))

    def _step(self, member: Member) -> object:
        if self._outdated_only and not self._now(member).outdated:
            return UNCHANGED
        self._refuse_too_long()
        active = require(self._cluster, f"restart {member.name}").quorum.active == member.node
        began = time.monotonic()
        answers = self._platform.target.restart(member.name)
        wait_until(answers, what=f"{member.name} answering again", timeout=BACK, every=0.5, notebook="operate-51")
        answered = time.monotonic() - began
        self._platform.target.settle()
        self._wait_back(member)
        step = Step(member.name, active, round(answered, 1), round(time.monotonic() - began, 1))
        self.steps.append(step)
        print(f"{member.name} answered after {step.answers_s} s and was in sync after {step.in_sync_s} s")
        return None

    def _now(self, member: Member) -> Member:
        for live in self._platform.target.kafka_members():
            if live.name == member.name:
                return live
        raise UsageError(f"{member.name} is no member any more.", remedy="Plan again.")

    def _refuse_too_long(self) -> None:
        if self._prober.unavailable_s > self._limit:
            raise ApplyError(
                f"{self._prober.topic} could not be used for {self._prober.unavailable_s} s, so no further member "
                "was restarted.",
                cause=f"at most {self._limit:g} s were allowed",
                remedy="Find out why leaders were slow to move, then run the notebook again for those that are left.",
                notebook="drill-20",
            )

    def _wait_back(self, member: Member) -> None:
        """Until the member is live, holds its replicas in sync, and follows the quorum."""

        def probe() -> bool:
            missing = missing_of(self._cluster, member)
            if missing:
                raise EngineError(missing)
            return True

        what = f"{member.name} back in sync"
        wait_until(probe, what=what, timeout=BACK, every=1, remedy="Read its log; the others were left as they are.")

    # -- what came of it --------------------------------------------------------------------------------------------

    @property
    def longest_s(self) -> float:
        """Seconds of the slowest return."""
        return max((s.in_sync_s for s in self.steps), default=0.0)

    def still_outdated(self) -> list[str]:
        """Members that run with something else than what is declared."""
        return [m.name for m in self._platform.target.kafka_members() if m.outdated]

    def rolled_early(self) -> list[str]:
        """Active controllers that were restarted while others of the same part were still to come."""
        voted = {m.name: m.serves for m in self._platform.target.kafka_members() if m.votes}
        order = [s for s in self.steps if s.member in voted]
        return [
            s.member
            for i, s in enumerate(order)
            if s.active and any(voted[later.member] == voted[s.member] for later in order[i + 1 :])
        ]

    def table(self) -> pd.DataFrame:
        """A row a member, in the order in which they were restarted."""
        rows = [[s.member, s.active, s.answers_s, s.in_sync_s] for s in self.steps]
        columns = ["member", "was the active controller", "answers after, s", "in sync after, s"]
        return pd.DataFrame(rows, columns=columns, dtype=object)

    def __repr__(self) -> str:
        return "\n".join(f"{s.member}: in sync after {s.in_sync_s} s" for s in self.steps) or "nobody was restarted"

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, Any]:
        return {"text/plain": repr(self), "text/html": f"<pre>{html.escape(repr(self))}</pre>"}


def missing_of(cluster: KafkaCluster, member: Member) -> str:
    """What a member still lacks after its restart; empty when nothing."""
    if member.serves and member.node not in {b.node for b in cluster.brokers() if not b.fenced}:
        return f"broker {member.node} is not among the live ones"
    health = look(cluster)
    late = [p.name for p in health.partitions if member.node in p.replicas and member.node not in p.in_sync]
    if late:
        return f"{len(late)} replicas of it are not in sync: {', '.join(late[:5])}"
    if member.votes and member.node in health.quorum.behind:
        return f"voter {member.node} does not follow the quorum"
    return ""


def _roles(member: Member) -> list[str]:
    return [word for word, has in (("controller", member.votes), ("broker", member.serves)) if has]
