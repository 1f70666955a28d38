"""More or fewer Connect workers, TaskManagers and Doris backends: those that are left must be able to carry on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING

import pandas as pd

from .._errors import ApplyError, EngineError, UsageError
from ..changes import Plan
from ..waiting import wait_until
from .decommission import Backends

if TYPE_CHECKING:
    from ..platform import Platform

# The option of a size, and the layer that it belongs to.
LAYERS = {"workers": "connect", "taskmanagers": "flink", "backends": "doris"}


class Sizes:
    """A change of sizes.

    Args:
        platform: whose.
        sizes: `workers`, `taskmanagers`, `backends`; 0 leaves one as it is.

    Raises:
        UsageError: the target has no such size.
    """

    def __init__(self, platform: Platform, **sizes: int) -> None:
        self._platform = platform
        self.wanted = {name: count for name, count in sizes.items() if count}
        unknown = sorted(set(self.wanted) - (set(LAYERS) & platform.target.options()))
        if unknown:
            possible = ", ".join(sorted(set(LAYERS) & platform.target.options()))
            raise UsageError(f"{platform.target.name} has no size {', '.join(unknown)}.", remedy=f"It has {possible}.")
        self._backends = Backends(platform)

    # -- looking ----------------------------------------------------------------------------------------------------

    def now(self) -> pd.DataFrame:
        """A row a member that carries work: tasks of a worker, slots of the TaskManagers, tablets of a backend."""
        rows = [["connect", worker, f"{n} tasks"] for worker, n in sorted(self.tasks().items())]
        if "taskmanagers" in self._platform.target.options():
            overview = self._platform.flink.overview()
            used = overview["slots-total"] - overview["slots-available"]
            rows.append(
                ["flink", f"{overview['taskmanagers']} TaskManagers", f"{used} of {overview['slots-total']} slots"]
            )
        if "backends" in self._platform.target.options():
            rows += [["doris", name, f"{count} tablets"] for name, count in sorted(self._backends.tablets().items())]
        return pd.DataFrame(rows, columns=["layer", "member", "carries"], dtype=object)

    def tasks(self) -> Counter[str]:
        """Tasks of connectors by the worker that carries them."""
        return Counter(task.worker for state in self._platform.connect.status().values() for task in state.tasks)

    # -- plan and apply ---------------------------------------------------------------------------------------------

    def plan(self) -> Plan:
        """Members to start and to stop; backends that go are emptied first.

        Raises:
            ApplyError: a layer is not well, or what is left could not carry the work.
        """
        if not self.wanted:
            return Plan()
        layers = tuple(LAYERS[name] for name in self.wanted)
        unwell = self._platform.status(*layers, "connectors", "jobs").unwell()
        if unwell:
            raise ApplyError(
                f"{len(unwell)} components are not well, so nothing was scaled.",
                cause="; ".join(unwell[:6]),
                remedy="Repair them first.", notebook="respond-10",
            )  # fmt: skip
        self._refuse_too_few_slots()
        emptied = self._backends.plan(self.wanted["backends"]) if "backends" in self.wanted else Plan()
        return emptied + self._guarded(self._platform.plan(*layers, **self.wanted))

    def _refuse_too_few_slots(self) -> None:
        wanted = self.wanted.get("taskmanagers")
        if wanted is None:
            return
        overview = self._platform.flink.overview()
        left = overview["slots-total"] * wanted // max(1, overview["taskmanagers"])
        used = overview["slots-total"] - overview["slots-available"]
        if left < used:
            raise ApplyError(
                f"The jobs use {used} slots, and {wanted} TaskManagers would have {left}.",
                remedy="Keep more TaskManagers, or give the jobs less parallelism.",
            )

    def _guarded(self, plan: Plan) -> Plan:
        """Other changes of these layers, such as new settings, are not made beside."""
        beside = [c for c in plan if c.action == "restart"]
        if beside:
            raise ApplyError(
                f"{', '.join(c.object for c in beside)} would be restarted beside.",
                cause="they run with other settings than those that are declared",
                remedy="Deploy their layer first: `carbon drift` shows what differs.",
            )
        return plan

    def wait(self, timeout: str | float = "4 min") -> None:
        """Wait until the sizes are reached, every task runs, and every worker and TaskManager has joined.

        Raises:
            WaitTimeout: naming what is not so.
        """
        self._platform.wait(*(LAYERS[name] for name in self.wanted), "connectors", "jobs", timeout=timeout)
        if "taskmanagers" in self.wanted:
            wait_until(self._as_many_taskmanagers, what="The TaskManagers registered", timeout=timeout, every=1)
        if "workers" in self.wanted:
            wait_until(self._spread, what="Every worker carrying tasks", timeout=timeout, every=1)
        self._platform.wait("connectors", "jobs", timeout=timeout)

    def _as_many_taskmanagers(self) -> bool:
        there = self._platform.flink.taskmanagers()
        if there != self.wanted["taskmanagers"]:
            raise EngineError(f"{there} TaskManagers are registered")
        return True

    def _spread(self) -> bool:
        tasks = self.tasks()
        if len(tasks) != min(self.wanted["workers"], sum(tasks.values())):
            raise EngineError(f"{len(tasks)} workers carry tasks: {dict(tasks)}")
        return True

    # -- what came of it --------------------------------------------------------------------------------------------

    def missed(self) -> dict[str, int]:
        """Sizes that are not what was asked for, with what they are."""
        ask: dict[str, Callable[[], int]] = {
            "workers": lambda: len(self.tasks()),
            "taskmanagers": lambda: self._platform.flink.taskmanagers(),  # on a cluster there is no one Flink to ask
            "backends": lambda: len(self._backends.tablets()),
        }
        live = {name: ask[name]() for name in self.wanted}
        return {name: count for name, count in live.items() if count != self.wanted[name]}

    def uneven(self) -> int:
        """How many tasks the fullest worker carries more than the emptiest."""
        counts = self.tasks().values()
        return max(counts, default=0) - min(counts, default=0)
