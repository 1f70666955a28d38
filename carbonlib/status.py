"""What a component is doing, in one line each: its state, how far it has come, and what is wrong."""

from __future__ import annotations

import html
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Component:
    """One component of a layer.

    Args:
        layer, name: which it is.
        state: the engine's own word for what it does, for example RUNNING.
        ok: whether that is what it should do.
        progress: a figure that advances while data flows (messages, records, rows), None where there is none.
        problem: what is wrong, empty where nothing is.
    """

    layer: str
    name: str
    state: str
    ok: bool
    progress: int | None = None
    problem: str = ""


class Status:
    """The components of some layers, rendered as a table."""

    def __init__(self, components: Iterable[Component]) -> None:
        self.components = list(components)

    @property
    def ok(self) -> bool:
        """Whether there is anything, and nothing is wrong."""
        return bool(self.components) and all(c.ok for c in self.components)

    def unwell(self) -> list[str]:
        """What is not as it should be, one line each: its name, its state, and what is wrong."""
        return [f"{c.name}: {', '.join(filter(None, (c.state, c.problem)))}" for c in self.components if not c.ok]

    def as_dict(self) -> dict[str, Any]:
        """`{ok, components: […]}`."""
        return {"ok": self.ok, "components": [asdict(c) for c in self.components]}

    def __repr__(self) -> str:
        rows = [("layer", "component", "state", "progress", "problem"), *(_cells(c) for c in self.components)]
        widths = [max(len(row[i]) for row in rows) for i in range(4)]
        return "\n".join(
            "  ".join(cell.ljust(w) for cell, w in zip(row, [*widths, 0], strict=True)).rstrip() for row in rows
        )

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, Any]:
        body = "".join(
            f'<tr class="carbon-{"passed" if c.ok else "failed"}">'
            + "".join(f"<td>{html.escape(cell)}</td>" for cell in _cells(c))
            + "</tr>"
            for c in self.components
        )
        head = "".join(f"<th>{h}</th>" for h in ("layer", "component", "state", "progress", "problem"))
        page = f'<table class="carbon-status"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'
        return {"text/plain": repr(self), "text/html": page}


def _cells(component: Component) -> tuple[str, str, str, str, str]:
    progress = "" if component.progress is None else f"{component.progress:,}"
    return component.layer, component.name, component.state, progress, component.problem
