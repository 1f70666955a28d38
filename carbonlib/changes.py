"""Plan, apply, look again: one model of change for every client and target.

A client's `plan` compares what is declared with what is live and returns a `Plan`; each `Change` carries
the call that makes it true. Applying an empty plan does nothing, which is what a second run shows.
"""

from __future__ import annotations

import html
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

UNCHANGED = object()  # returned by a change that, looked at again when its turn came, had nothing to do
CHANGES_MIME = "application/vnd.carbon.changes+json"


@dataclass(frozen=True)
class Change:
    """One difference between declared and live.

    Args:
        object: what it is about, as `kind/name`, for example `topic/market-alerts`.
        action: create, update, delete, start, restart or stop.
        before: the live value, None where there is none.
        after: the wanted value, None for a deletion.
        apply: makes it so; raises `ApplyError` when it cannot, returns `UNCHANGED` when nothing was to do after all.
    """

    object: str
    action: str
    before: Any = None
    after: Any = None
    apply: Callable[[], Any] | None = field(default=None, repr=False, compare=False)

    def as_dict(self) -> dict[str, Any]:
        """The change as it stands in `results.json`."""
        return {"object": self.object, "action": self.action, "before": self.before, "after": self.after}


class Plan:
    """An ordered list of changes that renders as a table and is empty when nothing is to do."""

    def __init__(self, changes: Iterable[Change] = (), *, applied: bool = False) -> None:
        self.changes = list(changes)
        self.applied = applied

    def __len__(self) -> int:
        return len(self.changes)

    def __iter__(self) -> Iterator[Change]:
        return iter(self.changes)

    def __add__(self, other: Plan) -> Plan:
        return Plan([*self.changes, *other.changes], applied=self.applied or other.applied)

    def apply(self, *, dry_run: bool = False, on_change: Callable[[Change], None] | None = None) -> Plan:
        """Carry the changes out in order and return what was done (an unapplied plan on a dry run).

        Raises:
            ApplyError: from the first change that fails; earlier ones stay done, and the next plan shows the rest.
        """
        if dry_run:
            return Plan(self.changes)
        done = []
        for change in self.changes:
            if on_change:
                on_change(change)
            if change.apply is None or change.apply() is not UNCHANGED:
                done.append(change)
        return Plan(done, applied=True)

    def as_dict(self) -> dict[str, Any]:
        """`{applied, changes}`, the payload that the runner collects."""
        return {"applied": self.applied, "changes": [c.as_dict() for c in self.changes]}

    def __repr__(self) -> str:
        if not self.changes:
            return "nothing to change"
        return "\n".join(f"{c.action:8} {c.object}  {_short(c.before)} → {_short(c.after)}" for c in self.changes)

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, Any]:
        return {"text/plain": repr(self), "text/html": self._html(), CHANGES_MIME: self.as_dict()}

    def _html(self) -> str:
        if not self.changes:
            return '<p class="carbon-none">nothing to change</p>'
        rows = "".join(
            f"<tr><td>{html.escape(c.action)}</td><td>{html.escape(c.object)}</td>"
            f"<td>{html.escape(_short(c.before))}</td><td>{html.escape(_short(c.after))}</td></tr>"
            for c in self.changes
        )
        head = "done" if self.applied else "planned"
        return (
            f'<table class="carbon-changes"><thead><tr><th>{head}</th><th>object</th><th>before</th><th>after</th>'
            f"</tr></thead><tbody>{rows}</tbody></table>"
        )


def diff_fields(wanted: dict[str, Any], live: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The wanted fields whose live value differs, as `(before, after)`; fields the server added are left out."""
    differing = [key for key, value in wanted.items() if live.get(key) != value]
    return {k: live.get(k) for k in differing}, {k: wanted[k] for k in differing}


def _short(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, dict):
        value = ", ".join(f"{k}={v}" for k, v in value.items())
    text = str(value)
    return text if len(text) <= 120 else text[:117] + "…"
