"""Faults of the price feed, ordered by `POST /control` for a drill."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from typing import Any

from ..._errors import UsageError

MODES = ("ok", "drop", "silence", "garbage", "refuse")
GARBAGE = '{"type": "tick", "seq": 12, "commodity_co'


class Faults:
    """What the feed does wrong on request.

    `drop` cuts every connection that is open; `silence` leaves them open and dead, without a pong; `garbage` puts
    `frames` cut-off frames between the ticks, in place of none; `refuse` answers 503 to new connections for `seconds`;
    `ok` ends garbage and refusals that are still to come.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._garbage = 0
        self._refusing_until = 0.0

    def order(self, wanted: Mapping[str, Any]) -> str:
        """Take an order and return its mode.

        Raises:
            UsageError: an unknown mode or field, or a number that is none.
        """
        mode = wanted.get("mode")
        number = {"garbage": "frames", "refuse": "seconds"}.get(str(mode))
        if mode not in MODES or set(wanted) - {"mode", number}:
            raise UsageError(
                f"Not a fault: {dict(wanted)}.",
                remedy=f"mode: {', '.join(MODES)}; garbage takes frames, refuse takes seconds.",
            )
        value = wanted.get(number, 1) if number else 1
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not value > 0:
            raise UsageError(f"{number} must be a positive number, not {value!r}.", remedy="Give for example 5.")
        if mode in ("garbage", "ok"):
            self._garbage = int(value) if mode == "garbage" else 0
        if mode in ("refuse", "ok"):
            self._refusing_until = self._now() + float(value) if mode == "refuse" else 0.0
        return str(mode)

    def take_garbage(self) -> int:
        """How many garbage frames to send now."""
        frames, self._garbage = self._garbage, 0
        return frames

    def refuses(self) -> int:
        """Whole seconds for which new connections are still refused, 0 when they are not."""
        return max(0, math.ceil(self._refusing_until - self._now()))
