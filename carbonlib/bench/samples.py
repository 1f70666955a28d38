"""Latencies: percentiles, whether they can be trusted, and how they look."""

from __future__ import annotations

import html
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

Floats = npt.NDArray[np.float64]
PERCENTILES = (50.0, 95.0, 99.0)
# A percentile p needs samples beyond it to mean anything: ten of them beyond p95.
LEAST_SAMPLES = 200
LAG_MS = 20.0
LAG_SHARE = 0.10
LEAST_RATE = 0.99


@dataclass(frozen=True)
class Latencies:
    """Latencies of one leg.

    Args:
        name: which leg, in words.
        ms: latency of each sample in milliseconds.
        at: second of the run at which each sample was due.
    """

    name: str
    ms: Floats
    at: Floats

    def percentile(self, p: float) -> float:
        """A percentile in milliseconds, NaN where there are no samples."""
        return float(np.percentile(self.ms, p)) if len(self.ms) else float("nan")

    @property
    def p50(self) -> float:
        """Median in milliseconds."""
        return self.percentile(50)

    @property
    def p95(self) -> float:
        """95th percentile in milliseconds."""
        return self.percentile(95)

    @property
    def p99(self) -> float:
        """99th percentile in milliseconds."""
        return self.percentile(99)

    @property
    def max(self) -> float:
        """The slowest sample in milliseconds."""
        return float(self.ms.max()) if len(self.ms) else float("nan")

    def curve(self) -> tuple[Floats, Floats]:
        """`1/(1-p)` and the latency at each p, from the median to the slowest: the axis of an HdrHistogram plot."""
        ordered = np.sort(self.ms)
        count = len(ordered)
        if not count:
            return np.empty(0), np.empty(0)
        # Even steps on the logarithmic axis; the slowest sample stands at 1/(1-p) = number of samples.
        beyond = np.geomspace(1, count, num=min(200, count))
        ranks = np.clip(np.ceil(count * (1 - 1 / beyond)).astype(int), 0, count - 1)
        return beyond, ordered[ranks]


@dataclass(frozen=True)
class Validity:
    """Whether a measurement can be trusted.

    Args:
        lag_ms: how far the generator fell behind its schedule at most, in milliseconds.
        rate: what share of the planned rate was reached.
        samples: how many there are.
        p99: of the latency that is judged, in milliseconds.
        load: the machine's load average over the last minute.
    """

    lag_ms: float
    rate: float
    samples: int
    p99: float
    load: float

    @property
    def problems(self) -> list[str]:
        """Why it cannot, empty when it can."""
        allowed = max(LAG_MS, LAG_SHARE * self.p99) if self.p99 == self.p99 else LAG_MS
        found = []
        if self.lag_ms > allowed:
            found.append(f"the generator fell {self.lag_ms:.0f} ms behind its schedule, {allowed:.0f} ms are allowed")
        if self.rate < LEAST_RATE:
            found.append(f"only {self.rate:.1%} of the planned rate was reached")
        if self.samples < LEAST_SAMPLES:
            found.append(f"{self.samples} samples are too few, {LEAST_SAMPLES} are needed")
        return found

    @property
    def ok(self) -> bool:
        """Whether it can."""
        return not self.problems

    @property
    def note(self) -> str:
        """One line for the check: the problems, and the facts to judge them by."""
        facts = f"generator lag ≤ {self.lag_ms:.1f} ms, {self.samples} samples, load average {self.load:.1f}"
        return "; ".join([*self.problems, facts])

    def __repr__(self) -> str:
        return f"{'valid' if self.ok else 'INVALID'}: {self.note}"

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, Any]:
        verdict = "passed" if self.ok else "invalid"
        page = f'<p class="carbon-{verdict}">{html.escape(repr(self))}</p>'
        return {"text/plain": repr(self), "text/html": page}


def load_average() -> float:
    """The machine's load average over the last minute."""
    return os.getloadavg()[0]


def percentiles(latencies: Sequence[Latencies]) -> pd.DataFrame:
    """A table of percentiles in milliseconds, one row a leg."""
    columns = ["latency in ms", "samples", *(f"p{p:g}" for p in PERCENTILES), "max"]
    rows = [
        [leg.name, len(leg.ms), *(round(leg.percentile(p), 1) for p in PERCENTILES), round(leg.max, 1)]
        for leg in latencies
    ]
    return pd.DataFrame(rows, columns=columns)
