"""The layers of the local target that run processes, and the engines that they run from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._project import versions
from ..changes import Change, Plan
from ..config import Settings
from ..status import Component
from . import engines, manifest
from .stack import LIVE

if TYPE_CHECKING:
    from ..targets.local import Local


class Engines:
    """What the processes run from: the engines and the project's own Java modules, fetched and built."""

    name = "prerequisites"

    def __init__(self, where: Settings) -> None:
        self._where = where

    def plan(self) -> Plan:
        """What is still to be fetched or built."""
        changes = []
        if not engines.engines_folder(self._where).is_dir():
            size = {"download_mib": versions()["download_mib"]["engines"]}
            changes.append(Change("engines/all", "create", None, size, self._fetch))
        missing = engines.missing_modules(self._where)
        if missing:
            changes.append(Change("engines/modules", "create", None, {"modules": ", ".join(missing)}, self._build))
        return Plan(changes)

    def _fetch(self) -> None:
        engines.fetch(self._where, print)

    def _build(self) -> None:
        engines.build_modules(self._where, print)

    def wait(self, timeout: str | float) -> None:
        """Nothing to wait for: fetching ends when everything is there."""

    def status(self) -> list[Component]:
        """Whether the engines of these versions are there."""
        missing = len(self.plan())
        state = "MISSING" if missing else "PRESENT"
        return [Component(self.name, "engines", state, not missing, problem="not fetched yet" if missing else "")]


class ProcessLayer:
    """Some processes of one kind."""

    def __init__(self, target: Local, name: str) -> None:
        self.name = name
        self._target = target

    def plan(self) -> Plan:
        """Processes to start, restart or stop."""
        return self._target.stack.plan(self._target.processes(self.name), manifest.kinds(self.name))

    def wait(self, timeout: str | float) -> None:
        """Wait until every process answers."""
        self._target.stack.wait(self._target.processes(self.name), timeout)

    def status(self) -> list[Component]:
        """State of each process, by the supervisor and by what it answers."""
        states = self._target.stack.supervisor.states()
        return [self._component(p, states.get(p.name, {})) for p in self._target.processes(self.name)]

    def _component(self, process: manifest.Process, state: dict[str, Any]) -> Component:
        name = str(state.get("statename", "ABSENT"))
        if name not in LIVE:
            return Component(self.name, process.name, name, False, problem=str(state.get("spawnerr") or "not running"))
        if not self._target.stack.answers(process):
            return Component(self.name, process.name, "STARTING", False, problem="does not answer yet")
        return Component(self.name, process.name, "RUNNING", True)
