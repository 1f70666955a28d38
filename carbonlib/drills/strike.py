"""Kill a member of the platform, and time how it heals without hands."""

from __future__ import annotations

import html
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd
import plotly.graph_objects as go

from ..waiting import wait_until
from .figures import durations
from .healing import LOOK_EVERY, until_well

if TYPE_CHECKING:
    from ..platform import Platform


@dataclass(frozen=True)
class Strike:
    """One member killed.

    Args:
        member: its name.
        replaced_s: seconds until another runs in its place.
        healed_s: seconds until every layer of the platform is well again.
        seen: what `status` called unwell meanwhile, in the order of its finding.
    """

    member: str
    replaced_s: float
    healed_s: float
    seen: Sequence[str]

    def __repr__(self) -> str:
        unwell = ", ".join(self.seen) or "nothing, it was back before anybody looked"
        after = f"replaced after {self.replaced_s:.1f} s, healed after {self.healed_s:.1f} s"
        return f"{self.member}: {after}; unwell: {unwell}"


class Strikes:
    """Several strikes, as a table and a figure."""

    def __init__(self, strikes: Sequence[Strike]) -> None:
        self.strikes = list(strikes)

    @property
    def longest_s(self) -> float:
        """Seconds of the slowest healing."""
        return max((s.healed_s for s in self.strikes), default=0.0)

    def figure(self) -> go.Figure:
        """Seconds to a new process and to a healthy platform, by member."""
        replaced, healed = [s.replaced_s for s in self.strikes], [s.healed_s for s in self.strikes]
        members = [s.member for s in self.strikes]
        return durations("Seconds from kill -9", members, {"replaced": replaced, "healed": healed})

    def table(self) -> pd.DataFrame:
        """A row a strike."""
        rows = [[s.member, round(s.replaced_s, 1), round(s.healed_s, 1), ", ".join(s.seen)] for s in self.strikes]
        return pd.DataFrame(rows, columns=["member", "replaced, s", "healed, s", "unwell meanwhile"])

    def __repr__(self) -> str:
        return "\n".join(map(repr, self.strikes))

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, Any]:
        rows = "".join(f"<p>{html.escape(repr(s))}</p>" for s in self.strikes)
        return {"text/plain": repr(self), "text/html": rows}


def strike(platform: Platform, *members: str, timeout: str | float = "3 min") -> Strikes:
    """Kill members one after another, each with SIGKILL and only once the one before has healed.

    Raises:
        UsageError: no such member runs.
        WaitTimeout: the platform did not heal; names what is unwell.
    """
    return Strikes([_strike(platform, member, timeout) for member in members])


def _strike(platform: Platform, member: str, timeout: str | float) -> Strike:
    replaced = platform.target.kill(member)
    began = time.monotonic()
    wait_until(replaced, what=f"Another {member} in the place of the killed one", timeout=timeout, every=LOOK_EVERY)
    replaced_s = time.monotonic() - began
    seen = until_well(platform, after=f"{member} was killed", timeout=timeout)
    print(f"{member} was killed and has healed after {time.monotonic() - began:.1f} s")
    return Strike(member, replaced_s, time.monotonic() - began, seen)
