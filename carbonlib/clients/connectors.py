"""Connectors as the project declares them, and as the workers show them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .._errors import UsageError
from ..references import resolve

_SECRET = re.compile(r"password|secret|credential|access\.key", re.IGNORECASE)


@dataclass(frozen=True)
class Connector:
    """A declared connector.

    Args:
        enabled: whether it is registered by default.
        needs: systems without which it cannot work; a target that has not got one of them leaves it out.
    """

    name: str
    config: dict[str, str]
    enabled: bool = True
    needs: tuple[str, ...] = ()


@dataclass(frozen=True)
class TaskState:
    """A task: its number, state, worker, and the one line that says why it failed."""

    id: int
    state: str
    worker: str
    problem: str = ""


@dataclass(frozen=True)
class ConnectorState:
    """A live connector and its tasks. Connect shows a connector as RUNNING even when a task of it has failed."""

    name: str
    kind: str
    state: str
    worker: str
    tasks: list[TaskState] = field(default_factory=list)
    problem: str = ""

    @property
    def running(self) -> bool:
        """Whether it runs, has tasks, and every one of them runs."""
        return self.state == "RUNNING" and bool(self.tasks) and all(t.state == "RUNNING" for t in self.tasks)

    @property
    def failure(self) -> str:
        """Why it or the first failed task of it has failed; empty where nothing has."""
        if self.state == "FAILED":
            return self.problem or "the connector has failed"
        return next((f"task {t.id}: {t.problem}" for t in self.tasks if t.state == "FAILED"), "")


def load_connectors(folder: Path, values: Mapping[str, str], *, include_disabled: bool = False) -> list[Connector]:
    """The connectors that the JSON files of a folder declare, by name, with references resolved.

    Raises:
        UsageError: a file is not `{"name", "config", "enabled"?}` with texts as values, or names another connector.
    """
    connectors = [_load(path, values) for path in sorted(folder.glob("*.json"))]
    return [c for c in connectors if c.enabled or include_disabled]


def _load(path: Path, values: Mapping[str, str]) -> Connector:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise UsageError(f"{path.name} is not JSON.", cause=str(error), remedy="Correct the file.") from error
    fields = data if isinstance(data, dict) else {}
    config, enabled, needs = fields.get("config"), fields.get("enabled", True), fields.get("needs", [])
    known = not set(fields) - {"name", "config", "enabled", "needs"} and fields.get("name") == path.stem
    known = known and isinstance(needs, list) and all(isinstance(n, str) for n in needs)
    texts = isinstance(config, dict) and all(isinstance(v, str) for v in config.values())
    if not isinstance(config, dict) or not isinstance(enabled, bool) or not known or not texts:
        raise UsageError(
            f"{path.name} does not declare a connector.",
            remedy='Write {"name": "<name of the file>", "config": {"key": "value"}}, every value a text.',
        )
    return Connector(path.stem, {k: resolve(v, values) for k, v in config.items()}, enabled, tuple(needs))


def live_state(name: str, status: Mapping[str, Any]) -> ConnectorState:
    """A connector's state as the workers answer it."""
    tasks = [
        TaskState(t["id"], t["state"], t.get("worker_id", ""), last_cause(t.get("trace", "")))
        for t in sorted(status["tasks"], key=lambda t: int(t["id"]))
    ]
    own = status["connector"]
    return ConnectorState(
        name, status.get("type", ""), own["state"], own.get("worker_id", ""), tasks, last_cause(own.get("trace", ""))
    )


def last_cause(trace: str) -> str:
    """The innermost cause of a Java stack trace, on one line."""
    lines = [line.strip() for line in trace.splitlines() if line.strip() and not line.startswith(("\t", "    at "))]
    causes = [line.removeprefix("Caused by: ") for line in lines if line.startswith("Caused by: ")] or lines[:1]
    return re.sub(r"^(?:[\w$]+\.)+([\w$]+): ", r"\1: ", causes[-1]) if causes else ""


def difference(connector: Connector, live: Mapping[str, str] | None) -> tuple[dict[str, Any], dict[str, Any]]:
    """Fields whose live value differs, as before and after; a field that is to go has the value None after."""
    wanted = {**connector.config, "name": connector.name}
    known = live or {}
    keys = [k for k in [*wanted, *(k for k in known if k not in wanted)] if known.get(k) != wanted.get(k)]
    if live is None:
        keys = [k for k in keys if k != "name"]
    before = {k: _masked(k, known.get(k)) for k in keys} if live is not None else {}
    return before, {k: _masked(k, wanted.get(k)) for k in keys}


def _masked(key: str, value: str | None) -> str | None:
    return "***" if value and _SECRET.search(key) and not value.startswith("${") else value
