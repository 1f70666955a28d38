"""Waiting for a condition: poll until it holds or a deadline passes, never a fixed sleep."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import TypeVar

from ._errors import CarbonError, UsageError, WaitTimeout

T = TypeVar("T")
_UNITS = {"ms": 0.001, "s": 1.0, "sec": 1.0, "min": 60.0, "h": 3600.0}


def seconds(duration: str | float) -> float:
    """`"3 min"`, `"500 ms"` or a number of seconds, as seconds.

    Raises:
        UsageError: when the text is no duration.
    """
    if isinstance(duration, (int, float)):
        return float(duration)
    match = re.fullmatch(r"\s*([\d.]+)\s*(ms|s|sec|min|h)\s*", duration)
    if not match:
        raise UsageError(f"{duration!r} is not a duration.", remedy="Write for example '90 s' or '3 min'.")
    return float(match.group(1)) * _UNITS[match.group(2)]


def wait_until(
    probe: Callable[[], T | None],
    *,
    what: str,
    timeout: str | float,
    every: float = 0.25,
    remedy: str = "",
    notebook: str | None = None,
) -> T:
    """Call `probe` until it returns something true, and return that.

    A `CarbonError` from the probe counts as "not yet"; its text is the cause when time runs out.

    Raises:
        WaitTimeout: naming what was waited for and the last reason.
    """
    limit = seconds(timeout)
    deadline = time.monotonic() + limit
    last = ""
    while True:
        try:
            result = probe()
            if result:
                return result
        except CarbonError as error:
            last = error.message + (f" ({error.cause})" if error.cause else "")
        if time.monotonic() >= deadline:
            raise WaitTimeout(
                f"{what} did not happen within {limit:g} s.", cause=last, remedy=remedy, notebook=notebook
            )
        time.sleep(every)
