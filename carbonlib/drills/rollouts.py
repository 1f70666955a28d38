"""Make the mistakes that a cluster meets, one after another: each has to be told in words, and rolled back."""

from __future__ import annotations

import html
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd
import plotly.graph_objects as go

from .._errors import CarbonError, UsageError
from ..waiting import seconds
from .figures import durations
from .healing import until_well

if TYPE_CHECKING:
    from ..platform import Platform
    from ..targets.kubernetes.mistakes import Mistake, Scene


@dataclass(frozen=True)
class Rehearsal:
    """One mistake made and mended.

    Args:
        name, says: of the mistake.
        told: the words of the error; empty where none came.
        fits: whether they name the mistake.
        detected_s: seconds from the mistake to the error.
        healed_s: seconds of the way back.
        differing: objects that were not as declared after it.
    """

    name: str
    says: str
    told: str
    fits: bool
    detected_s: float
    healed_s: float
    differing: Sequence[str]

    def __repr__(self) -> str:
        verdict = "" if self.fits else "NOT TOLD: "
        times = f"told after {self.detected_s:.1f} s, mended in {self.healed_s:.1f} s"
        return f"{self.name}: {self.says}; {times}\n    {verdict}{self.told or 'no error came'}"


class Rehearsals:
    """Several of them, as a table and a figure."""

    def __init__(self, rehearsals: Sequence[Rehearsal]) -> None:
        self.rehearsals = list(rehearsals)

    @property
    def untold(self) -> list[str]:
        """Mistakes of which no error came, or one that does not name it."""
        return [r.name for r in self.rehearsals if not r.fits]

    @property
    def differing(self) -> list[str]:
        """Objects that a way back left otherwise than declared."""
        return [f"{r.name}: {name}" for r in self.rehearsals for name in r.differing]

    @property
    def slowest_s(self) -> tuple[float, float]:
        """Seconds of the slowest detection and of the slowest way back."""
        told = max((r.detected_s for r in self.rehearsals), default=0.0)
        return told, max((r.healed_s for r in self.rehearsals), default=0.0)

    def figure(self) -> go.Figure:
        """Seconds until told and of the way back, by mistake."""
        told, mended = [r.detected_s for r in self.rehearsals], [r.healed_s for r in self.rehearsals]
        return durations(
            "Seconds until a mistake is told, and to mend it", [r.name for r in self.rehearsals],
            {"until told": told, "mended in": mended},
        )  # fmt: skip

    def table(self) -> pd.DataFrame:
        """A row a mistake."""
        rows = [[r.name, r.says, round(r.detected_s, 1), round(r.healed_s, 1), r.fits] for r in self.rehearsals]
        return pd.DataFrame(rows, columns=["mistake", "what is done", "told after, s", "mended in, s", "named"])

    def __repr__(self) -> str:
        return "\n".join(map(repr, self.rehearsals))

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, Any]:
        rows = "".join(
            f"<h4>{html.escape(r.name)}: {html.escape(r.says)}</h4><pre>{html.escape(r.told or 'no error came')}</pre>"
            for r in self.rehearsals
        )
        return {"text/plain": repr(self), "text/html": rows}


def rehearse(
    platform: Platform, *names: str, patience: str | float = "30 s", timeout: str | float = "10 min"
) -> Rehearsals:
    """Make mistakes one after another, each only once the one before is mended and the platform is well again.

    Args:
        names: of the mistakes.
        patience: after which a rollout that only time can judge counts as stuck.
        timeout: of a way back.

    Raises:
        UsageError: there is no such mistake, or the target is no cluster.
        WaitTimeout: a way back did not end, or the platform did not heal; what is in the way is the cause.
    """
    from ..targets.kubernetes.mistakes import Scene, mistake
    from ..targets.kubernetes.target import Kubernetes

    target = platform.target
    if not isinstance(target, Kubernetes):
        raise UsageError("These mistakes are made on a cluster.", remedy="Run it with --target kubernetes.")
    chosen = {name: mistake(name) for name in names}
    made = []
    for name, each in chosen.items():
        scene = Scene(target, each.layer, each.workload, seconds(patience), seconds(timeout))
        made.append(_rehearse(name, each, scene))
        # Workers share their tasks anew for a while after their pods are as declared.
        until_well(platform, after=f"the mistake {name} was mended", timeout=timeout)
    return Rehearsals(made)


def _rehearse(name: str, mistake: Mistake, scene: Scene) -> Rehearsal:
    began, told = time.monotonic(), ""
    try:
        try:
            mistake.make(scene)
        except CarbonError as error:
            told = "\n".join(filter(None, [error.message, error.cause]))
        detected_s = time.monotonic() - began
    finally:
        began = time.monotonic()
        mistake.mend(scene)
    healed_s = time.monotonic() - began
    fits = bool(re.search(mistake.words, told, re.DOTALL))
    print(f"{name}: {'told' if fits else 'NOT told'} after {detected_s:.1f} s, mended in {healed_s:.1f} s")
    return Rehearsal(name, mistake.says, told, fits, detected_s, healed_s, scene.differing())
