"""Which ticks are due, and when each of them was: a number is given once, whatever happens to the process.

The state file holds spans of time in which ticks were due at a steady rate, and a number up to which ticks may have
been sent. It is written before that number is reached, so a killed feed goes on behind it.
"""

from __future__ import annotations

import json
import math
import time
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import astuple, dataclass
from pathlib import Path

from ..._errors import UsageError

AHEAD_SECONDS = 5.0  # so long a state file lasts; a killed feed quotes at most so much that nobody had heard
KEPT_SPANS = 200


@dataclass(frozen=True)
class Span:
    """Ticks from `first` on, the first due at `start` (epoch seconds), `rate` a second."""

    first: int
    start: float
    rate: float

    def due(self, seq: int) -> float:
        """When a tick of this span is due."""
        return self.start + (seq - self.first) / self.rate


class Numbering:
    """The numbers of the ticks, from 1 on.

    Args:
        rate: ticks a second.
        state: file that keeps the position, None to keep none.
        now: wall clock in epoch seconds.

    Raises:
        UsageError: a rate that is not positive, or a state file that is none.
    """

    def __init__(self, rate: float, *, state: Path | None = None, now: Callable[[], float] = time.time) -> None:
        if not 0 < rate <= 10_000:
            raise UsageError(f"{rate} is no number of ticks a second.", remedy="Give a positive number, for example 2.")
        self._now = now
        self._state = state
        self.run, self._spans, self._reserved = _read(state) or (int(now()), [], 0)
        first = self._reserved + 1
        start = max(now(), self._spans[-1].due(first)) if self._spans else now()
        self._spans = [*self._spans, Span(first, start, rate)][-KEPT_SPANS:]
        self._reserve(self._reserved)

    @property
    def oldest(self) -> int:
        """The first number whose time is still known."""
        return self._spans[0].first

    def newest(self) -> int:
        """The last number that is due, 0 before the first."""
        now, span = self._now(), self._spans[-1]
        if now < span.start:
            earlier = [s for s in self._spans if s.start <= now]
            newest = earlier[-1].first + int((now - earlier[-1].start) * earlier[-1].rate + 1e-9) if earlier else 0
            return min(newest, span.first - 1)
        newest = span.first + int((now - span.start) * span.rate + 1e-9)
        if newest > self._reserved - math.ceil(span.rate * AHEAD_SECONDS / 2):
            self._reserve(newest)
        return newest

    def due_ms(self, seq: int) -> int:
        """When a tick is due, in epoch milliseconds; at most when the next span begins."""
        at = bisect_right(self._spans, seq, key=lambda span: span.first) - 1
        return round(self._spans[max(at, 0)].due(seq) * 1000)

    def seconds_until(self, seq: int) -> float:
        """Seconds until a tick is due; 0 when it is."""
        return max(0.0, self.due_ms(seq) / 1000 - self._now())

    def _reserve(self, newest: int) -> None:
        """Write down that ticks a while ahead of `newest` may be sent."""
        self._reserved = newest + math.ceil(self._spans[-1].rate * AHEAD_SECONDS)
        if self._state is None:
            return
        self._state.parent.mkdir(parents=True, exist_ok=True)
        temporary = self._state.with_suffix(".tmp")
        kept = {"run": self.run, "reserved": self._reserved, "spans": [astuple(span) for span in self._spans]}
        temporary.write_text(json.dumps(kept), encoding="utf-8")
        temporary.replace(self._state)


def _read(state: Path | None) -> tuple[int, list[Span], int] | None:
    if state is None or not state.exists():
        return None
    try:
        kept = json.loads(state.read_text(encoding="utf-8"))
        spans = [Span(int(first), float(start), float(rate)) for first, start, rate in kept["spans"]]
        return int(kept["run"]), spans, int(kept["reserved"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(
            f"{state.name} is not a position of the price feed.",
            cause=repr(error),
            remedy="Remove it, and reset the offsets of the connector that reads the feed: numbers begin anew.",
        ) from error
