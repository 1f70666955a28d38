"""The way of one price as a table of hops."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from .._errors import shorten


@dataclass(frozen=True)
class Hop:
    """One place on the way.

    Args:
        name: of the place.
        ms: milliseconds from the sending to the moment when the place had it; None when that cannot be told.
        saw: what was read there, empty when it never came.
        trouble: why it could not be looked at, where it could not.
    """

    name: str
    ms: float | None
    saw: Mapping[str, Any] = field(default_factory=dict)
    trouble: str = ""


@dataclass(frozen=True)
class Followed:
    """The way of one price."""

    event_id: str
    hops: Sequence[Hop]

    @property
    def missing(self) -> list[str]:
        """Places that it did not reach in time."""
        return [h.name for h in self.hops if not h.saw]

    def ms(self, name: str) -> float:
        """Milliseconds to a place, NaN when it did not come there."""
        return next((h.ms for h in self.hops if h.name == name and h.ms is not None), float("nan"))

    def table(self) -> pd.DataFrame:
        """One row a hop."""
        rows = [[h.name, "" if h.ms is None else f"{h.ms:.0f}", _said(h)] for h in self.hops]
        return pd.DataFrame(rows, columns=["hop", "ms", "saw"], dtype=object)

    def __repr__(self) -> str:
        lines = [f"{name:36} {ms:>7} ms  {saw}" for name, ms, saw in self.table().itertuples(index=False)]
        return "\n".join([self.event_id, *lines])

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, Any]:
        verdict = "failed" if self.missing else "passed"
        rows = "".join(
            f"<tr><td>{html.escape(name)}</td><td>{html.escape(ms)}</td><td><code>{html.escape(saw)}</code></td></tr>"
            for name, ms, saw in self.table().itertuples(index=False)
        )
        head = "<thead><tr><th>hop</th><th>ms since it was sent</th><th>saw</th></tr></thead>"
        page = f'<p class="carbon-{verdict}">{html.escape(self.event_id)}</p><table>{head}<tbody>{rows}</tbody></table>'
        return {"text/plain": repr(self), "text/html": page}


def _said(hop: Hop) -> str:
    if not hop.saw:
        return f"not seen: {hop.trouble}" if hop.trouble else "not seen"
    return shorten(", ".join(f"{k}={v}" for k, v in hop.saw.items() if v is not None), 600)
