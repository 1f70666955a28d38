"""What the three APIs say when they refuse: each in its own words and shape."""

from __future__ import annotations

from collections.abc import Mapping

from aiohttp import web


class BadRequest(Exception):
    """A request that the true API would refuse; becomes its answer of status 400."""


def refuse(
    api: str, status: int, message: str, *, code: str = "", headers: Mapping[str, str] | None = None
) -> web.Response:
    """An error answer in the shape of the API."""
    bodies: dict[str, object] = {
        "eia": {"error": {"code": code or str(status), "message": message}}
        if status != 400
        else {"error": message, "code": 400},
        "fred": {"error_code": status, "error_message": message},
        "noaa": {"status": str(status), "message": message},
    }
    return web.json_response(bodies[api], status=status, headers=headers)


def whole_number(text: str | None, name: str, default: int, *, least: int = 0) -> int:
    """A query parameter that must be a whole number.

    Raises:
        BadRequest: it is something else.
    """
    if text is None:
        return default
    if not text.isdigit() or int(text) < least:
        raise BadRequest(f"Invalid {name} '{text}': it must be a whole number of at least {least}.")
    return int(text)
