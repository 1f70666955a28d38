"""EIA open data, version 2: daily spot prices of petroleum and natural gas.

Shape and parameters after https://www.eia.gov/opendata/documentation.php: bracketed parameters, paging by offset and
length (5000 at most), values as strings, newest first unless asked otherwise. Only the daily frequency is replayed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from aiohttp import web
from multidict import MultiMapping

from .clock import PublicationClock
from .history import History
from .replies import BadRequest, whole_number

MAX_ROWS = 5000
INCOMPLETE = (
    "The API can only return 5000 rows in JSON format. Please consider constraining your request with facet, start, "
    "or end, or using offset to paginate results."
)
FIRST, LAST = "0000-01-01", "9999-12-31"
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


@dataclass(frozen=True)
class SeriesInfo:
    """What EIA says about a series besides period and value."""

    code: str
    series: str
    duoarea: str
    area: str
    product: str
    product_name: str
    process: str
    process_name: str
    description: str
    units: str


WTI = SeriesInfo(
    "CL",
    "RWTC",
    "YCUOK",
    "NA",
    "EPCWTI",
    "WTI Crude Oil",
    "PF4",
    "Spot Price FOB",
    "Cushing, OK WTI Spot Price FOB (Dollars per Barrel)",
    "$/BBL",
)
BRENT = SeriesInfo(
    "BZ",
    "RBRTE",
    "ZEU",
    "NA",
    "EPCBRENT",
    "UK Brent Crude Oil",
    "PF4",
    "Spot Price FOB",
    "Europe Brent Spot Price FOB (Dollars per Barrel)",
    "$/BBL",
)
HENRY_HUB = SeriesInfo(
    "NG",
    "RNGWHHD",
    "RGC",
    "NA",
    "EPG0",
    "Natural Gas",
    "PS0",
    "Spot Price",
    "Henry Hub Natural Gas Spot Price (Dollars per Million Btu)",
    "$/MMBTU",
)
ROUTES = {"petroleum/pri/spt": (WTI, BRENT), "natural-gas/pri/fut": (HENRY_HUB,)}


def data(route: str, request: web.Request, history: History, clock: PublicationClock) -> dict[str, Any]:
    """The answer of `/v2/<route>/data/`.

    Raises:
        BadRequest: a parameter that EIA would refuse.
    """
    query = request.query
    if query.get("frequency", "daily") != "daily":
        raise BadRequest(f"Invalid frequency '{query['frequency']}' provided. The only valid frequencies are 'daily'.")
    rows = _rows(route, query, history, clock)
    _sort(rows, query)
    offset = whole_number(query.get("offset"), "offset", 0)
    length = whole_number(query.get("length"), "length", MAX_ROWS)
    page = rows[offset : offset + min(length, MAX_ROWS)]
    response: dict[str, Any] = {"total": str(len(rows)), "dateFormat": "YYYY-MM-DD", "frequency": "daily", "data": page}
    if len(rows) > MAX_ROWS and len(page) == MAX_ROWS:
        response["warnings"] = [{"warning": "incomplete return", "description": INCOMPLETE}]
    return {"response": response, "request": {"command": request.path, "params": _echo(query)}, "apiVersion": "2.1.7"}


def _rows(route: str, query: MultiMapping[str], history: History, clock: PublicationClock) -> list[dict[str, str]]:
    wanted = {value for name, value in query.items() if re.fullmatch(r"facets\[series\]\[\d*\]", name)}
    columns = {value for name, value in query.items() if re.fullmatch(r"data(\[\d*\])?", name)}
    if columns - {"value"}:
        raise BadRequest(f"Invalid data '{sorted(columns - {'value'})[0]}' provided. The only valid data are 'value'.")
    first, last = _day(query, "start", FIRST), min(_day(query, "end", LAST), clock.published_until("prices"))
    rows = []
    for info in ROUTES[route]:
        if wanted and info.series not in wanted:
            continue
        for day, row in history.prices[info.code].between(first, last):
            value = {"value": row["price"], "units": info.units} if columns else {}
            rows.append(
                {
                    "period": day,
                    "duoarea": info.duoarea,
                    "area-name": info.area,
                    "product": info.product,
                    "product-name": info.product_name,
                    "process": info.process,
                    "process-name": info.process_name,
                    "series": info.series,
                    "series-description": info.description,
                    **value,
                }
            )
    return rows


def _day(query: MultiMapping[str], name: str, default: str) -> str:
    day = query.get(name, default)
    if not _DATE.fullmatch(day):
        raise BadRequest(f"Invalid {name} '{day}' provided. The date format of this frequency is YYYY-MM-DD.")
    return day


def _sort(rows: list[dict[str, str]], query: MultiMapping[str]) -> None:
    rows.sort(key=lambda row: row["period"], reverse=True)
    keys = sorted({m.group(1) for name in query if (m := re.fullmatch(r"sort\[(\d+)\]\[column\]", name))}, reverse=True)
    for key in keys:
        column, direction = query[f"sort[{key}][column]"], query.get(f"sort[{key}][direction]", "asc")
        if direction not in ("asc", "desc") or (rows and column not in rows[0]):
            raise BadRequest(f"Invalid sort '{column} {direction}' provided.")
        rows.sort(key=lambda row: row[column], reverse=direction == "desc")


def _echo(query: MultiMapping[str]) -> dict[str, str]:
    """EIA repeats the parameters, less the key."""
    return {name: value for name, value in query.items() if name != "api_key"}
