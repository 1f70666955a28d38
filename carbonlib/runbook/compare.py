"""Compare two runs: verdicts, seconds, changes and checks, side by side."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .model import NotebookResult, RunResult


@dataclass(frozen=True)
class Row:
    """One thing in both runs; `differs` is set where the reader should look, which a mere duration never is."""

    kind: str
    name: str
    before: str
    after: str
    differs: bool

    def as_dict(self) -> dict[str, Any]:
        """Plain data for `carbon diff --json`."""
        return {
            "kind": self.kind,
            "name": self.name,
            "before": self.before,
            "after": self.after,
            "differs": self.differs,
        }


def compare(before: RunResult, after: RunResult) -> list[Row]:
    """The rows of the comparison: the runs, then each notebook with its checks."""
    rows = [
        _row("run", "verdict", before.verdict, after.verdict),
        _row("run", "target", before.target, after.target),
        _row("run", "revision", before.git_revision, after.git_revision),
        Row("run", "seconds", f"{before.seconds:.1f}", f"{after.seconds:.1f}", False),
    ]
    for name in sorted(set(before.versions) | set(after.versions)):
        if before.versions.get(name) != after.versions.get(name):
            rows.append(_row("version", name, before.versions.get(name, "–"), after.versions.get(name, "–")))
    left, right = ({n.id: n for n in run.notebooks} for run in (before, after))
    for notebook in dict.fromkeys([*left, *right]):
        rows += _notebook(notebook, left.get(notebook), right.get(notebook))
    return rows


def _notebook(name: str, before: NotebookResult | None, after: NotebookResult | None) -> list[Row]:
    rows = [
        _row("notebook", name, before.verdict if before else "–", after.verdict if after else "–"),
        Row("seconds", name, _seconds(before), _seconds(after), False),
        _row("changes", name, _changes(before), _changes(after)),
    ]
    left, right = ({c["name"]: c for c in (n.checks if n else [])} for n in (before, after))
    for check in dict.fromkeys([*left, *right]):
        one, other = left.get(check), right.get(check)
        differs = (one or {}).get("verdict") != (other or {}).get("verdict")
        rows.append(Row("check", f"{name} {check}", _check(one), _check(other), differs))
    return rows


def _row(kind: str, name: str, before: str, after: str) -> Row:
    return Row(kind, name, before, after, before != after)


def _seconds(notebook: NotebookResult | None) -> str:
    return f"{notebook.seconds:.1f}" if notebook else "–"


def _changes(notebook: NotebookResult | None) -> str:
    return "–" if notebook is None else str(len(notebook.changes))


def _check(check: dict[str, Any] | None) -> str:
    return "–" if check is None else f"{check['measured']} {check['unit']} {check['verdict']}".replace("  ", " ")
