"""One-minute bars of event time, each computed from all its prices at once."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pandas as pd

MINUTE = timedelta(minutes=1)
BAR_KEYS = ["commodity_code", "window_start"]
BAR_COLUMNS = [
    *BAR_KEYS, "window_end", "open_price", "high_price", "low_price", "close_price", "volume", "vwap", "trade_count",
]  # fmt: skip


def expected_bars(prices: pd.DataFrame) -> pd.DataFrame:
    """One row per commodity and minute in which it has a price.

    Open and close follow event time, ties by event id in code point order; a repeated event id counts each time it
    came. `vwap` = Σ(price · volume) / Σ volume, exact to 28 digits; None where the volume is zero.
    """
    minutes: dict[tuple[str, datetime], list[dict[Any, Any]]] = defaultdict(list)
    for price in prices.to_dict("records"):
        minutes[price["commodity_code"], minute_of(price["event_time"])].append(price)
    rows = [_bar(code, start, trades) for (code, start), trades in sorted(minutes.items())]
    return pd.DataFrame(rows, columns=BAR_COLUMNS, dtype=object)


def minute_of(moment: datetime) -> datetime:
    """Start of the minute that holds the moment."""
    return moment.replace(second=0, microsecond=0)


def _bar(code: str, start: datetime, trades: list[dict[Any, Any]]) -> dict[str, Any]:
    first = min(trades, key=lambda t: (t["event_time"], t["event_id"]))
    last = max(trades, key=lambda t: (t["event_time"], t["event_id"]))
    volume = sum((t["volume"] for t in trades), Decimal(0))
    turnover = sum((t["price"] * t["volume"] for t in trades), Decimal(0))
    return {
        "commodity_code": code,
        "window_start": start,
        "window_end": start + MINUTE,
        "open_price": first["price"],
        "high_price": max(t["price"] for t in trades),
        "low_price": min(t["price"] for t in trades),
        "close_price": last["price"],
        "volume": volume,
        "vwap": turnover / volume if volume else None,
        "trade_count": len(trades),
    }
