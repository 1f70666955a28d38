"""What makes the replayed APIs refuse or misbehave: request budgets, and faults ordered for a drill."""

from __future__ import annotations

import math
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ..._errors import UsageError

APIS = ("eia", "fred", "noaa")
MODES = ("ok", "500", "429", "slow", "garbage")


class Budget:
    """So many requests per key within a sliding window.

    Args:
        requests: most requests of one key in the window; 0 sets no limit.
        seconds: length of the window.
        now: monotonic seconds.
    """

    def __init__(self, requests: int, seconds: float, now: Callable[[], float] = time.monotonic) -> None:
        self._requests = requests
        self._seconds = seconds
        self._now = now
        self._taken: dict[str, deque[float]] = {}

    def take(self, key: str) -> int:
        """Take one request; 0 when it is granted, else the whole seconds after which one is free."""
        if not self._requests:
            return 0
        now = self._now()
        taken = self._taken.setdefault(key, deque())
        while taken and taken[0] <= now - self._seconds:
            taken.popleft()
        if len(taken) < self._requests:
            taken.append(now)
            return 0
        return max(1, math.ceil(taken[0] + self._seconds - now))


@dataclass(frozen=True)
class Fault:
    """How requests are to be answered for a while.

    Args:
        mode: 500, 429, slow (after `delay` seconds) or garbage (200 with a cut-off answer).
        api: the API concerned, or all.
        until: monotonic time at which it ends, None without such an end.
        requests: how many requests it concerns, None without such a limit.
        delay: seconds of delay, or of Retry-After.
        date: Retry-After as an HTTP date instead of seconds.
    """

    mode: str
    api: str
    until: float | None
    requests: int | None
    delay: float
    date: bool


class Faults:
    """The fault in force, if any, and how many requests it has met."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._fault: Fault | None = None
        self._met = 0

    def order(self, wanted: Mapping[str, Any]) -> None:
        """Replace the fault in force, as `POST /control` asks.

        Raises:
            UsageError: an unknown mode, API or field, or a number that is none.
        """
        unknown = set(wanted) - {"mode", "api", "seconds", "requests", "delay", "date"}
        mode, api = wanted.get("mode"), wanted.get("api", "all")
        if unknown or mode not in MODES or api not in (*APIS, "all"):
            raise UsageError(
                f"Not a fault: mode={mode!r}, api={api!r}, other fields {sorted(unknown)}.",
                remedy=f"mode: {', '.join(MODES)}; api: {', '.join(APIS)}, all; then seconds, requests, delay, date.",
            )
        seconds, requests, delay = (_positive(wanted, name) for name in ("seconds", "requests", "delay"))
        self._met = 0
        self._fault = (
            None
            if mode == "ok"
            else Fault(
                mode,
                api,
                None if seconds is None else self._now() + seconds,
                None if requests is None else int(requests),
                2.0 if delay is None else delay,
                bool(wanted.get("date", False)),
            )
        )

    def meets(self, api: str) -> Fault | None:
        """The fault that the next request of this API meets; it is counted."""
        fault = self._current()
        if fault is None or fault.api not in (api, "all"):
            return None
        self._met += 1
        return fault

    def as_dict(self) -> dict[str, Any] | None:
        """The fault in force, for the statistics."""
        fault = self._current()
        return (
            None
            if fault is None
            else {"mode": fault.mode, "api": fault.api, "met": self._met, "requests": fault.requests}
        )

    def _current(self) -> Fault | None:
        fault = self._fault
        over = fault is not None and (
            (fault.until is not None and self._now() >= fault.until)
            or (fault.requests is not None and self._met >= fault.requests)
        )
        if over:
            self._fault = None
        return self._fault


class Statistics:
    """Requests by API and outcome, and the busiest second of each."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._outcomes: dict[str, Counter[str]] = {api: Counter() for api in APIS}
        self._seconds: dict[str, Counter[int]] = {api: Counter() for api in APIS}

    def count(self, api: str, status: int) -> None:
        """Count one answer."""
        self._outcomes[api].update(["requests", f"status_{status}"])
        second = int(self._now())
        self._seconds[api][second] += 1
        for old in [s for s in self._seconds[api] if s < second - 3600]:
            del self._seconds[api][old]

    def as_dict(self) -> dict[str, dict[str, int]]:
        """`{api: {requests, status_NNN, most_in_a_second}}`; the last is of the past hour."""
        return {
            api: {"requests": 0, **outcomes, "most_in_a_second": max(self._seconds[api].values(), default=0)}
            for api, outcomes in self._outcomes.items()
        }


def _positive(wanted: Mapping[str, Any], name: str) -> float | None:
    value = wanted.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not value > 0:
        raise UsageError(f"{name} must be a positive number, not {value!r}.", remedy="Give for example 5.")
    return float(value)
