"""When a day is published: everything up to a first day at once, then so many days per second of wall clock.

The position is kept in a state file, so that a restart neither goes back in time nor loses the time it was down.
Another pace takes effect from the moment of the restart; a later first day moves the position forward, an earlier one
does not.
"""

from __future__ import annotations

import json
import time
from bisect import bisect_right
from collections.abc import Callable, Sequence
from pathlib import Path

from ..._errors import UsageError


class PublicationClock:
    """The newest published day of prices and of weather.

    Args:
        trading_days: all days of prices, ascending.
        weather_days: all days of weather, ascending.
        start: last day of prices that is published from the beginning.
        weather_start: the same for weather.
        pace: days per second; 0 publishes nothing more.
        state: file that keeps the position, None to keep none.
        now: wall clock in epoch seconds.

    Raises:
        UsageError: a start before the first day, a negative pace, or a state file that cannot be read.
    """

    def __init__(
        self,
        trading_days: Sequence[str],
        weather_days: Sequence[str],
        *,
        start: str,
        weather_start: str,
        pace: float,
        state: Path | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        if not pace >= 0:
            raise UsageError(
                f"The pace {pace} is no number of days per second.", remedy="Give 0 or more, for example 1."
            )
        self._days = {"prices": trading_days, "weather": weather_days}
        self._pace = pace
        self._now = now
        first = {"prices": _index(trading_days, start), "weather": _index(weather_days, weather_start)}
        kept = _read(state)
        self._at = now()
        since = max(0.0, self._at - kept["at"]) * kept["pace"] if kept else 0.0
        self._position = {kind: max(first[kind], kept[kind] + since if kept else 0.0) for kind in first}
        if state is not None:
            self._write(state)

    def published_until(self, kind: str) -> str:
        """The newest published day of `prices` or `weather`."""
        days = self._days[kind]
        position = self._position[kind] + max(0.0, self._now() - self._at) * self._pace
        return days[min(int(position), len(days) - 1)]

    def _write(self, state: Path) -> None:
        state.parent.mkdir(parents=True, exist_ok=True)
        temporary = state.with_suffix(".tmp")
        temporary.write_text(json.dumps({**self._position, "at": self._at, "pace": self._pace}), encoding="utf-8")
        temporary.replace(state)


def _index(days: Sequence[str], day: str) -> float:
    """Position of the last of the days that is not after `day`."""
    index = bisect_right(days, day) - 1
    if index < 0:
        raise UsageError(f"{day} is before the first day of the data, {days[0]}.", remedy="Give a later first day.")
    return float(index)


def _read(state: Path | None) -> dict[str, float] | None:
    if state is None or not state.exists():
        return None
    try:
        kept = json.loads(state.read_text(encoding="utf-8"))
        return {name: float(kept[name]) for name in ("prices", "weather", "at", "pace")}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(
            f"{state.name} is not a position of the replayed APIs.",
            cause=repr(error),
            remedy="Remove it; the replay then starts anew.",
        ) from error
