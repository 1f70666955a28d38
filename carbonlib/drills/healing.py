"""Wait until the platform is well in every part, and remember what was not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._errors import EngineError
from ..waiting import wait_until

if TYPE_CHECKING:
    from ..platform import Platform

LOOK_EVERY = 0.5


def until_well(platform: Platform, *, after: str, timeout: str | float) -> list[str]:
    """Wait until no component of any layer is unwell; returns the names of those that were, in the order of finding.

    Args:
        after: what has happened to the platform, for the error's words.

    Raises:
        WaitTimeout: it does not heal; what is unwell, and why, is the cause.
    """
    seen: dict[str, None] = {}

    def well() -> bool:
        status = platform.status()
        seen.update({c.name: None for c in status.components if not c.ok})
        if unwell := status.unwell():
            raise EngineError(f"unwell: {'; '.join(unwell)}")
        return True

    wait_until(well, what=f"A healthy platform after {after}", timeout=timeout, every=LOOK_EVERY)
    return list(seen)
