"""The WebSocket server of the price feed: who may listen, what each listener has got, faults ordered for a drill."""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import json
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from aiohttp import WSMsgType, web

from ..._errors import UsageError
from .faults import GARBAGE, Faults
from .numbering import Numbering
from .ticks import Ticks

SUBSCRIBE_SECONDS = 10.0
POLICY_VIOLATION = 1008


@dataclass
class Feed:
    """All that the handlers share.

    Args:
        ticks: what is quoted.
        numbering: what is due.
        token: what listeners must show.
        kept: so many ticks can be had again.
    """

    ticks: Ticks
    numbering: Numbering
    token: str = field(repr=False)
    kept: int = 7200
    faults: Faults = field(default_factory=Faults)
    counts: Counter[str] = field(default_factory=Counter)
    listeners: set[Listener] = field(default_factory=set)


FEED = web.AppKey("feed", Feed)


def make_app(feed: Feed) -> web.Application:
    """The application; see `faults` for `/control`."""
    app = web.Application()
    app[FEED] = feed
    app.router.add_get("/v1/prices", _prices)
    app.router.add_get("/health", _health)
    app.router.add_post("/control", _control)
    app.router.add_get("/control/stats", _stats)
    app.on_shutdown.append(_say_goodbye)
    return app


class Listener:
    """One connection: the last number it has got, and whether a fault has cut it off."""

    def __init__(self, feed: Feed, socket: web.WebSocketResponse, request: web.Request) -> None:
        self._feed = feed
        self._socket = socket
        self._request = request
        self._muted = False

    def mute(self) -> None:
        """Say nothing any more and answer no ping, as a connection does whose other end has vanished."""
        self._muted = True

    def drop(self) -> None:
        """Cut the connection without a word."""
        if self._request.transport is not None:
            self._request.transport.abort()

    async def close(self) -> None:
        """End the connection in order."""
        await self._socket.close(code=1001, message=b"the feed is going down")

    async def serve(self) -> None:
        """Until the connection ends: what was asked for, then every tick as it falls due."""
        async with asyncio.timeout(SUBSCRIBE_SECONDS):
            asked = await self._socket.receive()
        try:
            after = _after(asked.data if asked.type is WSMsgType.TEXT else "", self._feed.numbering.newest())
        except UsageError as error:
            self._feed.counts["refused_subscriptions"] += 1
            await self._socket.send_json({"type": "error", "error": error.message})
            await self._socket.close(code=POLICY_VIOLATION)
            return
        await self._socket.send_json({"type": "subscribed", "after": after})
        sending = asyncio.ensure_future(self._send(after))
        reading = asyncio.ensure_future(self._read())
        done, pending = await asyncio.wait({sending, reading}, return_when=asyncio.FIRST_COMPLETED)
        for task in pending:
            task.cancel()
        await asyncio.gather(*pending, return_exceptions=True)
        for task in done:
            task.result()

    async def _read(self) -> None:
        async for message in self._socket:
            if message.type is WSMsgType.PING and not self._muted:
                await self._socket.pong(message.data)

    async def _send(self, after: int) -> None:
        feed, seq = self._feed, after + 1
        while True:
            await asyncio.sleep(feed.numbering.seconds_until(seq))
            if self._muted:
                await asyncio.get_running_loop().create_future()
            for _ in range(feed.faults.take_garbage()):
                await self._socket.send_str(GARBAGE)
                feed.counts["garbage"] += 1
            seq = await self._skip_what_is_gone(seq)
            if seq <= feed.numbering.newest():
                await self._socket.send_json(feed.ticks.tick(seq))
                feed.counts["ticks"] += 1
                seq += 1

    async def _skip_what_is_gone(self, seq: int) -> int:
        oldest = max(self._feed.numbering.oldest, self._feed.numbering.newest() - self._feed.kept + 1)
        if seq >= oldest:
            return seq
        self._feed.counts["gaps"] += 1
        await self._socket.send_json({"type": "gap", "gap": {"from": seq, "to": oldest - 1}})
        return oldest


def _after(text: str, newest: int) -> int:
    """The number behind which a listener wants to go on; a negative one or none means from now on.

    Raises:
        UsageError: the text is no subscription, or asks for what is still to come.
    """
    try:
        asked = json.loads(text)
    except ValueError:
        asked = None
    after = asked.get("after", -1) if isinstance(asked, dict) else None
    if not isinstance(after, int) or isinstance(after, bool) or asked.get("subscribe") != "prices":
        raise UsageError('The first message must be {"subscribe": "prices", "after": SEQ}; without after: from now on.')
    if after > newest:
        raise UsageError(f"after {after} is ahead of this feed, which is at {newest}: its numbers have begun anew.")
    return newest if after < 0 else after


async def _prices(request: web.Request) -> web.StreamResponse:
    feed = request.app[FEED]
    wait = feed.faults.refuses()
    if wait:
        feed.counts["refused_connections"] += 1
        return web.json_response({"error": "closed for a drill"}, status=503, headers={"Retry-After": str(wait)})
    shown = request.headers.get("Authorization", "")
    if not hmac.compare_digest(shown.encode(), f"Bearer {feed.token}".encode()):
        feed.counts["unauthorized"] += 1
        return web.json_response({"error": "a valid token is required: Authorization: Bearer TOKEN"}, status=401)
    socket = web.WebSocketResponse(autoping=False)
    await socket.prepare(request)
    listener = Listener(feed, socket, request)
    feed.listeners.add(listener)
    feed.counts["connections"] += 1
    try:
        # A listener that leaves in the middle of a message, or never says what it wants, is no error of the feed.
        with contextlib.suppress(ConnectionError, TimeoutError):
            await listener.serve()
    finally:
        feed.listeners.discard(listener)
    return socket


async def _health(request: web.Request) -> web.Response:
    return web.json_response({"status": "ok", "newest": request.app[FEED].numbering.newest()})


async def _control(request: web.Request) -> web.Response:
    feed = request.app[FEED]
    try:
        wanted = await request.json()
        mode = feed.faults.order(wanted if isinstance(wanted, dict) else {})
    except (json.JSONDecodeError, UsageError) as error:
        return web.json_response({"error": str(error)}, status=400)
    met = list(feed.listeners) if mode in ("drop", "silence") else []
    for listener in met:
        listener.drop() if mode == "drop" else listener.mute()
    feed.counts[mode] += len(met)
    return web.json_response({"listeners": len(met), **_statistics(feed)})


async def _stats(request: web.Request) -> web.Response:
    return web.json_response(_statistics(request.app[FEED]))


def _statistics(feed: Feed) -> dict[str, Any]:
    return {"newest": feed.numbering.newest(), "listening": len(feed.listeners), "counts": dict(feed.counts)}


async def _say_goodbye(app: web.Application) -> None:
    await asyncio.gather(*(listener.close() for listener in list(app[FEED].listeners)), return_exceptions=True)
