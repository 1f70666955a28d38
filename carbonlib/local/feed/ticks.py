"""What a tick says, which follows from its number alone."""

from __future__ import annotations

from bisect import bisect_right
from typing import Any

from ..._errors import UsageError
from ..apis.history import History
from .numbering import Numbering

TICKS_A_DAY = 120
UNITS = {"BZ": "BBL", "CL": "BBL", "NG": "MMBTU"}


class Ticks:
    """The ticks of a feed.

    Args:
        history: real daily prices.
        numbering: when each tick is due.
        start: trading day of the first tick.

    Raises:
        UsageError: a start outside the data.
    """

    def __init__(self, history: History, numbering: Numbering, start: str) -> None:
        self._prices = history.prices
        self._numbering = numbering
        self._codes = sorted(history.prices)
        first = max(series.days[0] for series in history.prices.values())  # from here on every code has a price
        self._days = [day for day in history.trading_days if day >= first]
        self._start = bisect_right(self._days, start) - 1
        if self._start < 0 or start > self._days[-1]:
            raise UsageError(
                f"{start} is outside the prices, {self._days[0]} to {self._days[-1]}.", remedy="Give another day."
            )

    def tick(self, seq: int) -> dict[str, Any]:
        """The tick of a number."""
        code = self._codes[(seq - 1) % len(self._codes)]
        day = self._days[(self._start + (seq - 1) // TICKS_A_DAY) % len(self._days)]
        series = self._prices[code]
        index = bisect_right(series.days, day) - 1
        return {
            "type": "tick",
            "seq": seq,
            "event_id": f"FEED-{self._numbering.run}-{seq}",
            "commodity_code": code,
            "price": float(series.rows[index]["price"]),
            "currency": "USD",
            "unit": UNITS.get(code),
            "as_of": series.days[index],
            "event_time": self._numbering.due_ms(seq),
            "source": "FEED",
        }
