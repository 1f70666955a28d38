"""What a target has and what it needs, looked at before anything is started: one row a requirement."""

from __future__ import annotations

import html
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Finding:
    """One requirement: what was found, what is needed, what to do where it does not hold."""

    name: str
    found: str
    needed: str
    ok: bool
    remedy: str = ""


class Findings:
    """All requirements, rendered as a table."""

    def __init__(self, findings: Iterable[Finding]) -> None:
        self.findings = list(findings)

    def problems(self) -> list[str]:
        """What does not hold, each with its remedy."""
        return [f"{f.name}: {f.found}, needed {f.needed}. {f.remedy}" for f in self.findings if not f.ok]

    def __repr__(self) -> str:
        return "\n".join(
            f"{'ok' if f.ok else 'MISSING':8}{f.name:18}{f.found}  (needed {f.needed})" for f in self.findings
        )

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, Any]:
        rows = "".join(
            f'<tr class="carbon-{"passed" if f.ok else "failed"}">'
            + "".join(f"<td>{html.escape(x)}</td>" for x in (f.name, f.found, f.needed, "" if f.ok else f.remedy))
            + "</tr>"
            for f in self.findings
        )
        head = "<tr><th>requirement</th><th>found</th><th>needed</th><th>what to do</th></tr>"
        page = f'<table class="carbon-status"><thead>{head}</thead><tbody>{rows}</tbody></table>'
        return {"text/plain": repr(self), "text/html": page}
