"""Wait until objects are ready; give up at once where waiting cannot help, and say why in the cluster's words.

What a rollout replaces does not count: only pods of the newest revision can make it hopeless, so that a repair is not
refused because of what it repairs. What is on its way (volumes that bind, images that load) is waited for.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

from ..._errors import ApplyError, WaitTimeout
from ...waiting import seconds
from .cluster import Cluster
from .doom import Doom
from .explain import reasons
from .objects import ORDER, Object, identity, in_order
from .ready import NOT_SEEN, RULES, Readiness, readiness

SLICE_S = 1  # a watch follows one object; the others are looked at again at least this often
GRACE_S = 5.0  # how long a refusal that may pass (a quota that a rollout still fills) may last
SCREEN = 12  # lines of reasons in an error
HELP = "respond-20"
REMEDY = "Correct what the cause names and apply again, or roll the layer back to its last healthy revision."


def wait(
    cluster: Cluster,
    manifests: Iterable[Object],
    timeout: str | float,
    on_progress: Callable[[str], None] | None = None,
) -> None:
    """Wait until every object of the manifests is ready.

    Args:
        on_progress: told a line whenever the state of an object changes.

    Raises:
        ApplyError: an object can never become ready as it is; the cause is the screen of reasons.
        WaitTimeout: naming what is not ready, with the same screen.
    """
    _Waiting(cluster, manifests, seconds(timeout), on_progress).run()


class _Waiting:
    """One wait: what is still pending, what was last told of it, and since when a refusal has lasted."""

    def __init__(
        self,
        cluster: Cluster,
        manifests: Iterable[Object],
        limit: float,
        on_progress: Callable[[str], None] | None,
    ) -> None:
        self.cluster, self.limit, self.on_progress = cluster, limit, on_progress
        self.pending = {identity(m): m for m in in_order(manifests) if _has_state(m)}
        self.told: dict[str, str] = {}
        self.doomed_since: dict[str, float] = {}
        self.doom = Doom(cluster)

    def run(self) -> None:
        """Look at all that is pending, then watch the first of it, until nothing is."""
        deadline = time.monotonic() + self.limit
        while True:
            objects = {name: self.cluster.live(m) for name, m in self.pending.items()}
            for name, obj in objects.items():
                if self._look(name, obj):
                    del self.pending[name]
            if not self.pending:
                return
            if time.monotonic() >= deadline:
                self._time_out(objects)
            self._watch(next(iter(self.pending)), objects, min(SLICE_S, deadline - time.monotonic()))

    def _look(self, name: str, obj: Object | None) -> bool:
        state = readiness(obj) if obj else Readiness(False, "not there")
        if self.on_progress and self.told.get(name) != state.why:
            self.on_progress(f"{name}: {state.why}")
        self.told[name] = state.why
        if obj is None or state.ok:
            return state.ok
        if state.failed:
            self._give_up(name, obj, state.why)
        if state is not NOT_SEEN:
            self._judge(name, obj)
        return False

    def _judge(self, name: str, obj: Object) -> None:
        verdict = self.doom.of(obj)
        if verdict is None:
            self.doomed_since.pop(name, None)
            return
        since = self.doomed_since.setdefault(name, time.monotonic())
        if verdict.final or time.monotonic() - since >= GRACE_S:
            self._give_up(name, obj, verdict.reason)

    def _watch(self, name: str, objects: dict[str, Object | None], slice_s: float) -> None:
        """Until the object changes, or for a slice of time."""
        obj = objects[name] or self.pending[name]
        meta = obj["metadata"]
        since = meta.get("resourceVersion", "")
        for _ in self.cluster.watch(
            obj["kind"], since, meta.get("namespace"), obj["apiVersion"],
            fields={"metadata.name": meta["name"]}, timeout=slice_s,
        ):  # fmt: skip
            return

    def _give_up(self, name: str, obj: Object, why: str) -> None:
        raise ApplyError(
            f"{name} cannot become ready: {why}", cause=_screen(self.cluster, [obj]), remedy=REMEDY, notebook=HELP
        )

    def _time_out(self, objects: dict[str, Object | None]) -> None:
        names = ", ".join(f"{name} ({self.told[name]})" for name in self.pending)
        there = [obj for name in self.pending if (obj := objects[name])]
        raise WaitTimeout(
            f"Not ready within {self.limit:g} s: {names}.",
            cause=_screen(self.cluster, there),
            remedy=REMEDY,
            notebook=HELP,
        )


def _has_state(manifest: Object) -> bool:
    return manifest["kind"] in RULES or manifest["kind"] not in ORDER


def _screen(cluster: Cluster, objects: list[Object]) -> str:
    lines = [line for obj in objects for line in reasons(cluster, obj)]
    return "\n".join(lines[:SCREEN])
