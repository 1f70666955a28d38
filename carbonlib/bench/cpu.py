"""CPU time per message: what a piece of work costs, whatever else the machine does meanwhile.

Wall-clock figures on a shared machine swing by a factor of two; CPU seconds of the processes that do the work do not.
Runs are compared in pairs, one after the other, and the median of the pairs' ratios is told.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import psutil

from .._errors import EngineError


@dataclass(frozen=True)
class CpuCost:
    """CPU time of some processes around a run.

    Args:
        name: what ran.
        seconds: user and system time of all of them.
        messages: how many messages they handled.
    """

    name: str
    seconds: float
    messages: int

    @property
    def us_per_message(self) -> float:
        """Microseconds of CPU per message."""
        return self.seconds / self.messages * 1e6 if self.messages else float("nan")

    def __repr__(self) -> str:
        return f"{self.name}: {self.us_per_message:.2f} µs CPU per message ({self.messages:,} messages)"


@dataclass(frozen=True)
class Paired:
    """Two kinds of runs in turn, A B A B …: the cost of each and the ratio of each pair."""

    baseline: Sequence[CpuCost]
    subject: Sequence[CpuCost]

    @property
    def ratios(self) -> list[float]:
        """Cost of the subject over that of the baseline beside it."""
        return [s.us_per_message / b.us_per_message for b, s in zip(self.baseline, self.subject, strict=True)]

    @property
    def ratio(self) -> float:
        """Median of the pairs."""
        return statistics.median(self.ratios)

    def __repr__(self) -> str:
        base = statistics.median(c.us_per_message for c in self.baseline)
        cost = statistics.median(c.us_per_message for c in self.subject)
        pairs = ", ".join(f"{r:.2f}" for r in self.ratios)
        names = self.subject[0].name, self.baseline[0].name
        costs = f"{names[0]} {cost:.2f} µs, {names[1]} {base:.2f} µs CPU per message"
        return f"{costs}: ratio {self.ratio:.2f} (pairs {pairs})"


def cpu_seconds(pids: Iterable[int]) -> float:
    """User and system time that the processes have used so far, their children left out.

    Raises:
        EngineError: when one of them has ended, since its time can no longer be told.
    """
    total = 0.0
    for pid in pids:
        try:
            times = psutil.Process(pid).cpu_times()
        except psutil.NoSuchProcess as error:
            raise EngineError(f"Process {pid} ended while its cost was measured.", cause=str(error)) from error
        total += times.user + times.system
    return total


def cost(name: str, pids: Sequence[int], run: Callable[[], int]) -> CpuCost:
    """Do the work, which returns how many messages it handled, and tell what it cost those processes."""
    before = cpu_seconds(pids)
    messages = run()
    return CpuCost(name, cpu_seconds(pids) - before, messages)


def paired(baseline: Callable[[], CpuCost], subject: Callable[[], CpuCost], pairs: int = 5) -> Paired:
    """Run the two in turn, so that what the machine does beside it falls on both alike."""
    found = [(baseline(), subject()) for _ in range(pairs)]
    return Paired([b for b, _ in found], [s for _, s in found])
