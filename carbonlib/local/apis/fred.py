"""FRED series observations: daily series in which a weekday without a value has the value `"."`.

Shape and parameters after https://fred.stlouisfed.org/docs/api/fred/series_observations.html; JSON only.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

from aiohttp import web

from .clock import PublicationClock
from .history import History
from .replies import BadRequest, whole_number

SERIES = {"DCOILWTICO": "CL", "DCOILBRENTEU": "BZ", "DHHNGSP": "NG"}
MAX_ROWS = 100_000
FIRST, LAST = "1776-07-04", "9999-12-31"
SATURDAY = 5


def observations(request: web.Request, history: History, clock: PublicationClock) -> dict[str, Any]:
    """The answer of `/fred/series/observations`.

    Raises:
        BadRequest: a parameter that FRED would refuse.
    """
    query = request.query
    code = SERIES.get(query.get("series_id", ""))
    if code is None:
        raise BadRequest("Bad Request.  The series does not exist.")
    if query.get("file_type") != "json":
        raise BadRequest("Bad Request.  This replay answers file_type=json only.")
    order = query.get("sort_order", "asc")
    if order not in ("asc", "desc"):
        raise BadRequest("Bad Request.  Variable sort_order is not one of the values: 'asc', 'desc'.")
    first, last = _day(query.get("observation_start", FIRST)), _day(query.get("observation_end", LAST))
    today = clock.published_until("prices")
    rows = [
        {"realtime_start": today, "realtime_end": today, "date": day, "value": value}
        for day, value in _weekdays(history, code, first, min(last, today))
    ]
    if order == "desc":
        rows.reverse()
    offset = whole_number(query.get("offset"), "offset", 0)
    limit = min(whole_number(query.get("limit"), "limit", MAX_ROWS, least=1), MAX_ROWS)
    return {
        "realtime_start": today,
        "realtime_end": today,
        "observation_start": first,
        "observation_end": last,
        "units": "lin",
        "output_type": 1,
        "file_type": "json",
        "order_by": "observation_date",
        "sort_order": order,
        "count": len(rows),
        "offset": offset,
        "limit": limit,
        "observations": rows[offset : offset + limit],
    }


def _weekdays(history: History, code: str, first: str, last: str) -> Iterator[tuple[str, str]]:
    series = history.prices[code]
    values = {day: row["price"] for day, row in series.between(first, last)}
    first = max(first, series.days[0])
    if first > last:
        return
    day, end = date.fromisoformat(first), date.fromisoformat(last)
    while day <= end:
        if day.weekday() < SATURDAY:
            yield day.isoformat(), values.get(day.isoformat(), ".")
        day += timedelta(days=1)


def _day(text: str) -> str:
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError as error:
        raise BadRequest(f"Bad Request.  Value {text!r} is not a date in the format YYYY-MM-DD.") from error
