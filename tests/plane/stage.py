"""The plane with engines behind its pods: all that a deployment on the target `kubernetes` needs, in one folder."""

from __future__ import annotations

import sys
from pathlib import Path

from carbonlib.local import manifest

from . import door, flink, flink_overlay, kubelet, logs, overlay, plumbing, supplies
from .binary import Progress
from .control_plane import ControlPlane
from .engines import Engines

ENGINES_OFFSET = 100  # their ports begin so far behind the plane's
FOLLOWER = "engine-logs"


class Stage:
    """A control plane, and where they are wanted its engines with the plumbing between.

    Args:
        state: the folder of all of it.
        port_base: first of the plane's ports; the engines' begin 100 later.
        engines: whether engines are to stand behind the pods.
    """

    def __init__(self, state: Path, port_base: int, *, engines: bool) -> None:
        state = state.resolve()
        self._wanted = engines
        self._plumbing = state / "plumbing.yaml"
        self._flink_plumbing = state / "flink-plumbing.yaml"
        self.plane = ControlPlane(state, port_base, [self._plumbing, self._flink_plumbing] if engines else [])
        self.engines = Engines(state / "engines", self.plane.port_base + ENGINES_OFFSET)
        self.overlay = state / "overlay"

    def up(self, progress: Progress, *options: str) -> None:
        """Start what does not run: first the engines, since a pod that is ready promises that something answers.

        Args:
            options: sizes of the local target, as `workers=2`.
        """
        if self._wanted:
            progress("starting the engines that stand behind the pods")
            door.prepare(self.engines.settings)
            self.engines.run("up", *(f"{name}={value}" for name, value in door.LOCKED.items()), *options)
            self._plumb()
        progress("the control plane is there" if self.plane.up(progress) else "the control plane runs already")
        if self._wanted:
            first = manifest.port(self.engines.settings, "kafka_forwarded")
            overlay.write(self.overlay, self.engines.references(), self.engines.options(), first)
            flink_overlay.amend(self.overlay, self.plane.state, self.plane.port_base)
            made = supplies.supply(self.plane, self.engines.secrets())
            progress(f"supplied as a cluster's owner would: {', '.join(made)}")
            where = self.engines.environment
            kubelet.start(self.plane.processes, self.plane.state, {**where, "KUBECONFIG": str(self.plane.kubeconfig)})
            flink.start(self.plane.processes, self.plane.state, self.plane.kubeconfig, self.engines.flink_urls())

    def down(self, progress: Progress) -> bool:
        """Stop all of it and remove the engines' data; tells whether anything ran."""
        for process in (flink.PROCESS, kubelet.PROCESS):
            self.plane.processes.stop(process)
        (self.plane.state / kubelet.RECORD).unlink(missing_ok=True)
        self.plane.processes.stop(FOLLOWER)
        ran = self.plane.down(progress)
        if self.engines.exist():
            progress("stopping the engines")
            self.engines.run("down")
            return True
        return ran

    def use(self) -> str:
        """The line that lets a shell use it."""
        more = f" CARBON_OVERLAY={self.overlay}" if self._wanted else ""
        return f"export PATH={self.plane.programs_folder}:$PATH KUBECONFIG={self.plane.kubeconfig}{more}"

    def _plumb(self) -> None:
        """Write where ports and logs of pods lead; what read it before is stopped, to be started anew."""
        folder = self.plane.state / "pods"
        folder.mkdir(parents=True, exist_ok=True)
        before = self._plumbing.read_text(encoding="utf-8") if self._plumbing.exists() else ""
        leads = plumbing.leads(self.engines.settings, self.engines.options())
        plumbing.write(self._plumbing, leads, folder)
        flink_overlay.write_plumbing(self._flink_plumbing, self.plane.port_base)
        if self._plumbing.read_text(encoding="utf-8") != before:
            self.plane.processes.stop("kwok")
            self.plane.processes.stop(FOLLOWER)
        if self.plane.processes.running(FOLLOWER) is None:
            pairs = [str(path) for lead in leads for path in (lead.log, plumbing.log_of(lead, folder))]
            self.plane.processes.start(FOLLOWER, [sys.executable, str(logs.__file__), *pairs])
