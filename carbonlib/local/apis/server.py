"""The HTTP server of the replayed APIs: routes, keys, budgets, faults."""

from __future__ import annotations

import asyncio
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

from aiohttp import web
from aiohttp.typedefs import Handler

from ..._errors import UsageError
from . import eia, fred, noaa
from .clock import PublicationClock
from .faults import Budget, Fault, Faults, Statistics
from .history import History
from .replies import BadRequest, refuse

_PREFIXES = {"/v2/": "eia", "/fred/": "fred", "/access/": "noaa"}
_THROTTLED = {
    "eia": "You have exceeded your rate limit. Try again later or contact us.",
    "fred": "Too Many Requests.  Exceeded Rate Limit",
    "noaa": "This token has reached its temporary request limit.",
}


@dataclass
class Replay:
    """All that the handlers share.

    Args:
        history: everything that will be published.
        clock: how much of it is published.
        keys: the valid key of each API.
        budget: requests allowed per key.
    """

    history: History
    clock: PublicationClock
    keys: Mapping[str, str] = field(repr=False)
    budget: Budget
    faults: Faults = field(default_factory=Faults)
    statistics: Statistics = field(default_factory=Statistics)


REPLAY = web.AppKey("replay", Replay)


def make_app(replay: Replay) -> web.Application:
    """The application that answers as the three APIs do; see `faults` for `/control`."""
    app = web.Application(middlewares=[_as_the_api_does])
    app[REPLAY] = replay
    for route in eia.ROUTES:
        app.router.add_get(f"/v2/{route}/data/", _eia)
        app.router.add_get(f"/v2/{route}/data", _eia)
    app.router.add_get("/fred/series/observations", _fred)
    app.router.add_get("/access/services/data/v1", _noaa)
    app.router.add_get("/health", _health)
    app.router.add_post("/control", _control)
    app.router.add_get("/control/stats", _stats)
    return app


@web.middleware
async def _as_the_api_does(request: web.Request, handler: Handler) -> web.StreamResponse:
    api = next((name for prefix, name in _PREFIXES.items() if request.path.startswith(prefix)), None)
    if api is None:
        return await handler(request)
    response = await _answer(api, request, handler)
    request.app[REPLAY].statistics.count(api, response.status)
    return response


async def _answer(api: str, request: web.Request, handler: Handler) -> web.StreamResponse:
    replay = request.app[REPLAY]
    fault = replay.faults.meets(api)
    if fault is not None and fault.mode != "slow":
        return _faulty(api, fault)
    if fault is not None:
        await asyncio.sleep(fault.delay)
    key = request.headers.get("token", "") if api == "noaa" else request.query.get("api_key", "")
    refused = _refused_key(api, key, replay.keys[api])
    if refused is not None:
        return refused
    wait = replay.budget.take(f"{api} {key}")
    if wait:
        return refuse(api, 429, _THROTTLED[api], code="OVER_RATE_LIMIT", headers={"Retry-After": str(wait)})
    try:
        return await handler(request)
    except BadRequest as error:
        return refuse(api, 400, str(error))
    except web.HTTPNotFound:
        return refuse(api, 404, "Not found.")


def _refused_key(api: str, key: str, valid: str) -> web.Response | None:
    if hmac.compare_digest(key.encode(), valid.encode()):
        return None
    if api == "eia":
        code, what = ("API_KEY_INVALID", "An invalid") if key else ("API_KEY_MISSING", "No")
        what += " api_key was supplied. Get one at https://www.eia.gov/opendata/register.php"
        return refuse(api, 403, what, code=code)
    if api == "fred":
        what = "The value for variable api_key is not registered." if key else "Variable api_key is not set."
        return refuse(api, 400, f"Bad Request.  {what}  Read https://fred.stlouisfed.org/docs/api/api_key.html.")
    return refuse(api, 400, "The token parameter provided is not valid." if key else "Token parameter is required.")


def _faulty(api: str, fault: Fault) -> web.Response:
    if fault.mode == "500":
        return refuse(api, 500, "Internal server error (ordered for a drill).", code="INTERNAL_ERROR")
    if fault.mode == "garbage":
        return web.Response(text='{"response": {"data": [{"period": "20', content_type="application/json")
    moment = datetime.now(UTC) + timedelta(seconds=fault.delay)
    retry_after = format_datetime(moment, usegmt=True) if fault.date else str(max(1, round(fault.delay)))
    return refuse(api, 429, _THROTTLED[api], code="OVER_RATE_LIMIT", headers={"Retry-After": retry_after})


async def _eia(request: web.Request) -> web.Response:
    replay = request.app[REPLAY]
    route = request.path.removeprefix("/v2/").rstrip("/").removesuffix("/data")
    return web.json_response(eia.data(route, request, replay.history, replay.clock))


async def _fred(request: web.Request) -> web.Response:
    replay = request.app[REPLAY]
    return web.json_response(fred.observations(request, replay.history, replay.clock))


async def _noaa(request: web.Request) -> web.Response:
    replay = request.app[REPLAY]
    return web.json_response(noaa.daily_summaries(request, replay.history, replay.clock))


async def _health(request: web.Request) -> web.Response:
    return web.json_response({"status": "ok", "published_until": _published(request.app[REPLAY])})


async def _control(request: web.Request) -> web.Response:
    faults = request.app[REPLAY].faults
    try:
        wanted = await request.json()
        if not isinstance(wanted, dict):
            raise UsageError("The body is not a JSON object.", remedy='Send for example {"mode": "429", "seconds": 5}.')
        faults.order(wanted)
    except (json.JSONDecodeError, UsageError) as error:
        return web.json_response({"error": str(error)}, status=400)
    return web.json_response({"fault": faults.as_dict()})


async def _stats(request: web.Request) -> web.Response:
    replay = request.app[REPLAY]
    return web.json_response(
        {"apis": replay.statistics.as_dict(), "fault": replay.faults.as_dict(), "published_until": _published(replay)}
    )


def _published(replay: Replay) -> dict[str, str]:
    return {kind: replay.clock.published_until(kind) for kind in ("prices", "weather")}
