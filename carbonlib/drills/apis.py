"""The polled APIs misbehave on order: how often they are asked meanwhile, who counts it, and when news comes again."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx
import pandas as pd
import plotly.graph_objects as go

from .._errors import TargetUnreachable, UsageError
from ..bench.log import until
from ..waiting import wait_until

if TYPE_CHECKING:
    from ..platform import Platform

# What a source counts when it was refused, throttled, or answered with what is no answer.
TROUBLE = ("http_failures_total", "http_throttled_total", "http_garbage_total")
RESUME_SECONDS = 60
PATIENCE = 30


@dataclass(frozen=True)
class Ordeal:
    """One kind of misbehaviour.

    Args:
        mode: as the replayed APIs know it: 500, 429, garbage, slow.
        usual: requests in a span of the same length before anything was ordered.
        requests: requests while the APIs misbehaved.
        counted: troubles that the sources counted meanwhile, by which an alert can be raised.
        resumed_s: seconds from the end of the misbehaviour to the next good answer.
    """

    mode: str
    usual: int
    requests: int
    counted: int
    resumed_s: float


class Ordeals:
    """Several of them, as a table and a figure."""

    def __init__(self, ordeals: Sequence[Ordeal]) -> None:
        self.ordeals = list(ordeals)

    def table(self) -> pd.DataFrame:
        """A row a misbehaviour."""
        rows = [[o.mode, o.usual, o.requests, o.counted, round(o.resumed_s, 1)] for o in self.ordeals]
        columns = ["mode", "requests before", "requests meanwhile", "troubles counted", "resumed after, s"]
        return pd.DataFrame(rows, columns=columns)

    def over_budget(self) -> list[str]:
        """Modes in which the APIs were asked more often than when they are well."""
        return [o.mode for o in self.ordeals if o.requests > o.usual]

    def unnoticed(self) -> list[str]:
        """Modes that no source has counted."""
        return [o.mode for o in self.ordeals if not o.counted]

    def figure(self) -> go.Figure:
        """Requests before and meanwhile, by mode."""
        modes = [o.mode for o in self.ordeals]
        figure = go.Figure()
        figure.add_bar(x=modes, y=[o.usual for o in self.ordeals], name="before")
        figure.add_bar(x=modes, y=[o.requests for o in self.ordeals], name="meanwhile")
        figure.update_layout(title="Requests to the APIs", yaxis_title="requests", barmode="group", height=320)
        return figure

    def __repr__(self) -> str:
        return str(self.table().to_string(index=False))

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, Any]:
        return {"text/plain": repr(self), "text/html": self.table().to_html(index=False)}


def misbehave(
    platform: Platform, *modes: str, seconds: float = 6.0, retry_after: float = 5.0, slow: float = 12.0
) -> Ordeals:
    """Let the replayed APIs misbehave, one mode after another.

    Args:
        modes: 500, 429, garbage, slow.
        seconds: how long each lasts.
        retry_after: seconds that a throttled source is told to wait.
        slow: seconds by which a slow answer comes late; more than a source waits for one.

    Raises:
        UsageError: the APIs are not replayed here, or a mode is unknown.
    """
    where = platform.endpoints().get("apis")
    if where is None:
        raise UsageError(
            "The APIs are not replayed here, so they do as they like.", remedy="Deploy with -p source=replay."
        )
    trial = _Trial(platform, where["url"])
    usual = trial.usual(seconds)
    return Ordeals([trial.run(mode, seconds, slow if mode == "slow" else retry_after, usual) for mode in modes])


class _Trial:
    def __init__(self, platform: Platform, url: str) -> None:
        self._connect = platform.connect
        self._url = url
        self._sources = [name for name in self._connect.status() if self._connect.counters(name)]

    def usual(self, seconds: float) -> int:
        """Requests in a span in which the APIs are well."""
        start, end = self._requests(), time.monotonic() + seconds
        wait_until(lambda: time.monotonic() >= end, what="A span of usual requests", timeout=seconds + PATIENCE)
        return self._requests() - start

    def run(self, mode: str, seconds: float, delay: float, usual: int) -> Ordeal:
        counted = self._troubles()
        self._order({"mode": mode, "seconds": seconds, "delay": delay})
        began = self._requests()
        wait_until(
            lambda: self._stats()["fault"] is None, what="The end of the misbehaviour", timeout=seconds + PATIENCE
        )
        requests, ended, good = self._requests() - began, time.monotonic(), self._good()
        print(f"{mode}: {requests} requests in {seconds:g} s, {usual} in as long when all is well")
        wait_until(
            lambda: self._good() > good, what="A good answer after the misbehaviour", timeout=RESUME_SECONDS,
            notebook="respond-10",
        )  # fmt: skip
        resumed = time.monotonic() - ended
        # A request that was made at the end of it is given up only now.
        until(self._troubles, lambda troubles: troubles > counted, delay + PATIENCE)
        return Ordeal(mode, usual, requests, self._troubles() - counted, resumed)

    def _requests(self) -> int:
        return sum(int(api["requests"]) for api in self._stats()["apis"].values())

    def _good(self) -> int:
        return sum(int(api.get("status_200", 0)) for api in self._stats()["apis"].values())

    def _troubles(self) -> int:
        found = [self._connect.counters(name) for name in self._sources]
        return sum(counted.get(trouble, 0) for counted in found for trouble in TROUBLE)

    def _stats(self) -> dict[str, Any]:
        answer: dict[str, Any] = self._call("GET", "/control/stats")
        return answer

    def _order(self, fault: dict[str, Any]) -> None:
        answer = self._call("POST", "/control", fault)
        if "error" in answer:
            raise UsageError("The APIs do not know this misbehaviour.", cause=answer["error"])

    def _call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        try:
            return httpx.request(method, self._url + path, json=body, timeout=10).json()
        except (httpx.HTTPError, ValueError) as error:
            raise TargetUnreachable(
                "The replayed APIs do not answer.", cause=str(error), notebook="deploy-60"
            ) from error
