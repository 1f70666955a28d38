"""Alerts: every price against the lowest and the highest of the minute before it, in the order of the partition.

Prices are compared as whole millionths, so that `more than 5 %` is exact.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pandas as pd

SPAN = timedelta(seconds=60)
COOL_DOWN = timedelta(seconds=60)
HORIZON = timedelta(seconds=120)  # how far behind the newest price the detector promises to be exact
MILLIONTHS = 1_000_000
DIRECTIONS = ("UP", "DOWN")
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

    def add(self, record: dict[Any, Any]) -> None:
        insort(self.times, (record["event_time"], _millionths(record["price"])), key=lambda p: p[0])


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
        past.add(record)
    return pd.DataFrame(alerts, columns=ALERT_COLUMNS, dtype=object)


def uncertain_alerts(enriched: pd.DataFrame) -> set[str]:
    """Event ids for which an alert is not promised, nor its absence.

    The detector forgets what lies further behind the newest price than its horizon. A price that comes later than that
    may go without its alert, and then its cool-down is missing too: whatever of the same kind falls into that one may
    be alerted or not, and goes on to blur the next minute in the same way.

    Args:
        enriched: as for `expected_alerts`, and enriched_at, which tells the order of arrival between partitions.
    """
    arrived: dict[tuple[int, int], datetime] = {}
    newest: datetime | None = None
    for record in sorted(enriched.to_dict("records"), key=lambda r: (r["enriched_at"], r["partition"], r["offset"])):
        newest = max(newest or record["event_time"], record["event_time"])
        arrived[record["partition"], record["offset"]] = newest
    return set(_uncertain(enriched, arrived))


def _uncertain(enriched: pd.DataFrame, arrived: dict[tuple[int, int], datetime]) -> Iterator[str]:
    pasts: dict[str, _Past] = defaultdict(_Past)
    unsure: dict[tuple[str, str, str], datetime] = {}  # by commodity and kind, the end of the last doubtful cool-down
    kinds = [(d, s) for d in DIRECTIONS for _, s in SEVERITIES]
    for record in sorted(enriched.to_dict("records"), key=lambda r: (r["partition"], r["offset"])):
        code, moment = record["commodity_code"], record["event_time"]
        if moment < arrived[record["partition"], record["offset"]] - HORIZON:
            # Of fewer prices another severity may follow, and another direction.
            doubtful = kinds
        else:
            finding = _finding(record, pasts[code])
            found = [] if finding is None else [(finding.direction, finding.severity)]
            doubtful = [kind for kind in found if moment < unsure.get((code, *kind), datetime.min)]
        if doubtful:
            yield record["event_id"]
        for direction, severity in doubtful:
            end = moment + COOL_DOWN
            unsure[code, direction, severity] = max(unsure.get((code, direction, severity), end), end)
        pasts[code].add(record)


@dataclass(frozen=True)
class _Finding:
    direction: str
    severity: str
    reference: int
    change: Fraction | None


def _finding(record: dict[Any, Any], past: _Past) -> _Finding | None:
    """What a price is against what came before it, None when it moved too little."""
    moment, price = record["event_time"], _millionths(record["price"])
    earlier = past.between(moment - SPAN, moment)
    if not earlier:
        return None
    reference, change = max(((p, _change(price, p)) for p in (min(earlier), max(earlier))), key=lambda c: _size(c[1]))
    severity = "HIGH" if change is None else next((name for least, name in SEVERITIES if abs(change) > least), None)
    if severity is None:
        return None
    return _Finding(DIRECTIONS[price < reference], severity, reference, change)


def _judge(record: dict[Any, Any], past: _Past) -> dict[str, Any] | None:
    """The alert that a price gives, None when it gives none or one was given already."""
    found, moment = _finding(record, past), record["event_time"]
    if found is None:
        return None
    before = past.alerted.get((found.direction, found.severity))
    # A price from before the last alert falls under its cool-down too, however long before.
    if before is not None and moment < before + COOL_DOWN:
        return None
    past.alerted[found.direction, found.severity] = moment
    return {
        "commodity_code": record["commodity_code"],
        "direction": found.direction,
        "severity": found.severity,
        "event_id": record["event_id"],
        "alert_type": "ZERO_REFERENCE" if found.change is None else "PRICE_CHANGE",
        "price": record["price"],
        "reference_price": Decimal(found.reference) / MILLIONTHS,
        "change_pct": None if found.change is None else float(found.change * 100),
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
