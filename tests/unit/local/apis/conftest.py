"""A running replay whose clock the test moves."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import pytest
from aiohttp import web

from carbonlib.local.apis import history as data
from carbonlib.local.apis.clock import PublicationClock
from carbonlib.local.apis.faults import Budget
from carbonlib.local.apis.server import Replay, make_app

KEYS = {"eia": "eia-key", "fred": "fred-key", "noaa": "noaa-token"}


class Wall:
    """A wall clock that stands still until it is moved, in seconds."""

    def __init__(self) -> None:
        self.seconds = 1_000_000.0

    def __call__(self) -> float:
        return self.seconds


@dataclass
class Served:
    """A replay behind a real port of the loopback address."""

    client: httpx.Client
    replay: Replay
    wall: Wall

    def eia(self, **params: str) -> httpx.Response:
        query = {"api_key": KEYS["eia"], "data[0]": "value", **params}
        return self.client.get("/v2/petroleum/pri/spt/data/", params=query)

    def fred(self, **params: str) -> httpx.Response:
        query = {"api_key": KEYS["fred"], "file_type": "json", "series_id": "DCOILWTICO", **params}
        return self.client.get("/fred/series/observations", params=query)

    def noaa(self, **params: str) -> httpx.Response:
        query = {
            "dataset": "daily-summaries", "format": "json", "units": "metric", "stations": "USW00024233",
            "startDate": "2014-12-29", "endDate": "2049-01-01", **params,
        }  # fmt: skip
        return self.client.get("/access/services/data/v1", params=query, headers={"token": KEYS["noaa"]})


@pytest.fixture(scope="session")
def history() -> data.History:
    return data.load()


@pytest.fixture
def served(history: data.History) -> Iterator[Served]:
    wall = Wall()
    clock = PublicationClock(
        history.trading_days, history.weather_days, start="2020-02-03", weather_start="2014-12-31", pace=1.0, now=wall
    )
    replay = Replay(history, clock, KEYS, Budget(0, 60))
    loop = asyncio.new_event_loop()
    runner = web.AppRunner(make_app(replay))
    loop.run_until_complete(runner.setup())
    site = web.TCPSite(runner, "127.0.0.1", 0)
    loop.run_until_complete(site.start())
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    host, port = runner.addresses[0][:2]
    with httpx.Client(base_url=f"http://{host}:{port}", timeout=10) as client:
        yield Served(client, replay, wall)
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.run_until_complete(runner.cleanup())
    loop.close()
