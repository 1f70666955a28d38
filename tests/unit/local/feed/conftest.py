"""A running feed whose clock the test moves."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import httpx
import pytest
from aiohttp import web

from carbonlib.local.apis import history as data
from carbonlib.local.feed.numbering import Numbering
from carbonlib.local.feed.server import Feed, make_app
from carbonlib.local.feed.ticks import Ticks

TOKEN = "feed-t0ken"


class Wall:
    """A wall clock that stands still until it is moved, in seconds."""

    def __init__(self) -> None:
        self.seconds = 1_000_000.0

    def __call__(self) -> float:
        return self.seconds


@dataclass
class Served:
    """A feed behind a real port of the loopback address."""

    url: str
    feed: Feed
    wall: Wall

    def control(self, **order: Any) -> httpx.Response:
        return httpx.post(f"{self.url}/control", json=order)

    def stats(self) -> dict[str, Any]:
        stats: dict[str, Any] = httpx.get(f"{self.url}/control/stats").json()
        return stats

    def listen(self, first: str, frames: int, *, orders: list[dict[str, Any]] | None = None) -> list[Any]:
        """Send a first message and return the next frames: JSON as data, anything else as it came."""
        return asyncio.run(self._listen(first, frames, orders or []))

    async def _listen(self, first: str, frames: int, orders: list[dict[str, Any]]) -> list[Any]:
        got: list[Any] = []
        headers = {"Authorization": f"Bearer {TOKEN}"}
        async with (
            aiohttp.ClientSession() as session,
            session.ws_connect(f"{self.url}/v1/prices", headers=headers, autoping=False) as socket,
        ):
            await socket.send_str(first)
            async with asyncio.timeout(5):
                while len(got) < frames:
                    message = await socket.receive()
                    got.append(_data(message))
                    if orders and len(got) == 1:
                        for order in orders:
                            await asyncio.to_thread(self.control, **order)
        return got


def _data(message: aiohttp.WSMessage) -> Any:
    if message.type is not aiohttp.WSMsgType.TEXT:
        return message.type
    try:
        return json.loads(message.data)
    except ValueError:
        return message.data


@pytest.fixture(scope="session")
def history() -> data.History:
    return data.load()


@pytest.fixture
def wall() -> Wall:
    return Wall()


@pytest.fixture
def served(history: data.History, wall: Wall, tmp_path: Path) -> Iterator[Served]:
    numbering = Numbering(10.0, state=tmp_path / "feed.json", now=wall)
    feed = Feed(Ticks(history, numbering, "2020-04-17"), numbering, TOKEN, kept=50)
    loop = asyncio.new_event_loop()
    runner = web.AppRunner(make_app(feed), shutdown_timeout=1)
    loop.run_until_complete(runner.setup())
    site = web.TCPSite(runner, "127.0.0.1", 0)
    loop.run_until_complete(site.start())
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    host, port = runner.addresses[0][:2]
    yield Served(f"http://{host}:{port}", feed, wall)
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.run_until_complete(runner.cleanup())
    loop.close()
