"""NOAA daily summaries, in the shape of NCEI's access data service: one row a station and day, values padded strings.

Shape and parameters after https://www.ncei.noaa.gov/support/access-data-service-api-user-documentation; JSON and metric
units only. This service and not the older CDO web services, which NOAA has deprecated and which give a row for each
data type. Like CDO, the replay wants a `token` header, so that a header secret is used here; the true service ignores
it.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from aiohttp import web

from .clock import PublicationClock
from .history import History
from .replies import BadRequest

STATIONS = {"USW00024233": "Seattle", "USW00094728": "New York"}
COLUMNS = {"PRCP": "precipitation", "TMAX": "temp_max", "TMIN": "temp_min", "AWND": "wind"}
WEATHER_TYPES = {"fog": "WT01", "drizzle": "WT14", "rain": "WT16", "snow": "WT18"}
WIDTH = 7


def daily_summaries(request: web.Request, history: History, clock: PublicationClock) -> list[dict[str, Any]]:
    """The answer of `/access/services/data/v1`.

    Raises:
        BadRequest: a parameter that the service would refuse, or a format that the replay does not give.
    """
    query = request.query
    for name, only in (("dataset", "daily-summaries"), ("format", "json"), ("units", "metric")):
        if query.get(name) != only:
            raise BadRequest(f"{name} must be {only} here, not {query.get(name)!r}.")
    stations = [s for s in query.get("stations", "").split(",") if s]
    if not stations:
        raise BadRequest("stations is required.")
    types = {t for t in query.get("dataTypes", "").split(",") if t}
    first, last = _day(query.get("startDate"), "startDate"), _day(query.get("endDate"), "endDate")
    last = min(last, clock.published_until("weather"))
    return [
        _row(station, day, row, types)
        for station in stations
        if station in STATIONS
        for day, row in history.weather[STATIONS[station]].between(first, last)
    ]


def _row(station: str, day: str, row: dict[str, str], types: set[str]) -> dict[str, str]:
    values = {name: row[column] for name, column in COLUMNS.items()}
    if row["weather"] in WEATHER_TYPES:
        values[WEATHER_TYPES[row["weather"]]] = "1"
    kept = {name: value.rjust(WIDTH) for name, value in values.items() if not types or name in types}
    return {"DATE": day, "STATION": station, **kept}


def _day(text: str | None, name: str) -> str:
    try:
        return date.fromisoformat((text or "")[:10]).isoformat()
    except ValueError as error:
        raise BadRequest(f"{name} must be a date, not {text!r}.") from error
