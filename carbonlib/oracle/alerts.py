"""Alerts: every price against the lowest and the highest of the minute before it, in the order of the partition.

Prices are compared as whole millionths, so that `more than 5 %` is exact.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pandas as pd

SPAN = timedelta(seconds=60)
COOL_DOWN = timedelta(seconds=60)
MILLIONTHS = 1_000_000
SEVERITIES = ((Fraction(20, 100), "CRITICAL"), (Fraction(10, 100), "HIGH"), (Fraction(5, 100), "MEDIUM"))

ALERT_KEYS = ["commodity_code", "direction", "severity", "event_id"]
ALERT_COLUMNS = [*ALERT_KEYS, "alert_type", "price", "reference_price", "change_pct", "event_time"]


@dataclass
class _Past:
    """What has arrived of one commodity, by event time, and when each kind of alert was last given."""

    times: list[tuple[datetime, int]] = field(default_factory=list)
    alerted: dict[tuple[str, str], datetime] = field(default_factory=dict)

    def between(self, start: datetime, end: datetime) -> list[int]:
        low = bisect_left(self.times, start, key=lambda p: p[0])
        high = bisect_right(self.times, end, key=lambda p: p[0])
        return [price for _, price in self.times[low:high]]


def expected_alerts(enriched: pd.DataFrame) -> pd.DataFrame:
    """The alerts that the prices must give.

    Args:
        enriched: partition, offset, commodity_code, event_time, event_id, price of each record of the enriched topic;
            its order within a partition is what counts.
    """
    pasts: dict[str, _Past] = defaultdict(_Past)
    alerts: list[dict[str, Any]] = []
    records = enriched.to_dict("records")
    for record in sorted(records, key=lambda r: (r["partition"], r["offset"])):
        past = pasts[record["commodity_code"]]
        alert = _judge(record, past)
        if alert is not None:
            alerts.append(alert)
        insort(past.times, (record["event_time"], _millionths(record["price"])), key=lambda p: p[0])
    return pd.DataFrame(alerts, columns=ALERT_COLUMNS, dtype=object)


def _judge(record: dict[Any, Any], past: _Past) -> dict[str, Any] | None:
    """The alert that a price gives against what came before it, None when it gives none or one was given already."""
    moment, price = record["event_time"], _millionths(record["price"])
    earlier = past.between(moment - SPAN, moment)
    if not earlier:
        return None
    reference, change = max(((p, _change(price, p)) for p in (min(earlier), max(earlier))), key=lambda c: _size(c[1]))
    severity = "HIGH" if change is None else next((name for least, name in SEVERITIES if abs(change) > least), None)
    if severity is None:
        return None
    direction = "UP" if price > reference else "DOWN"
    before = past.alerted.get((direction, severity))
    # A price from before the last alert falls under its cool-down too, however long before.
    if before is not None and moment < before + COOL_DOWN:
        return None
    past.alerted[direction, severity] = moment
    return {
        "commodity_code": record["commodity_code"],
        "direction": direction,
        "severity": severity,
        "event_id": record["event_id"],
        "alert_type": "ZERO_REFERENCE" if change is None else "PRICE_CHANGE",
        "price": record["price"],
        "reference_price": Decimal(reference) / MILLIONTHS,
        "change_pct": None if change is None else float(change * 100),
        "event_time": moment,
    }


def _millionths(price: Decimal) -> int:
    return int(price * MILLIONTHS)


def _change(price: int, reference: int) -> Fraction | None:
    """(p − p₀) / |p₀|; None where p₀ is zero and p is not, which no percentage can say."""
    if reference == 0:
        return None if price else Fraction(0)
    return Fraction(price - reference, abs(reference))


def _size(change: Fraction | None) -> float | Fraction:
    return float("inf") if change is None else abs(change)
