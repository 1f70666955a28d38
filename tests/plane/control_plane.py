"""A control plane in a state folder: started by readiness, adopted where it runs, stopped in reverse order."""

from __future__ import annotations

import fcntl
import json
import shlex
import shutil
import ssl
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from carbonlib._errors import EngineError, TargetUnreachable, UsageError
from carbonlib.local.stack import why_taken
from carbonlib.targets.kubernetes.lint.schemas import definition_files
from carbonlib.waiting import wait_until

from . import binary
from .binary import Progress
from .identity import Identity
from .processes import Processes
from .programs import Program, ports, programs

CLUSTER = Path(__file__).parent / "cluster"
START_S = 120


class ControlPlane:
    """One control plane.

    Args:
        state: its folder: data, logs, pid files, keys, kubeconfigs.
        port_base: first of its six ports; what the folder remembers of a running one counts more.
        plumbing: further configuration files of KWOK, read when it starts.
    """

    def __init__(self, state: Path, port_base: int, plumbing: Sequence[Path] = ()) -> None:
        self.state = state.resolve()
        self.processes = Processes(self.state)
        self.port_base = self._remembered() or port_base
        self.identity = Identity(self.state, ports(self.port_base)["api"])
        self._plumbing = list(plumbing)

    @property
    def kubeconfig(self) -> Path:
        """The kubeconfig of the administrator."""
        return self.identity.kubeconfig("admin")

    @property
    def programs_folder(self) -> Path:
        """A folder with `kubectl`, for the PATH."""
        return self.state / "bin"

    @property
    def programs(self) -> list[Program]:
        """Its programs in the order of their start."""
        return programs(self.state, self.port_base, self.identity, self._plumbing)

    def running(self) -> list[str]:
        """Names of its processes that live."""
        return [p.name for p in self.programs if self.processes.running(p.name)]

    def memory_mib(self) -> dict[str, float]:
        """Resident memory by process."""
        return {name: self.processes.memory_mib(name) for name in self.running()}

    # -- up and down ------------------------------------------------------------------------------------------------

    def up(self, progress: Progress) -> bool:
        """Start what does not run, and wait until all of it can be used; tells whether anything was started.

        Where etcd still runs, the others are started on its data; else everything begins anew.

        Raises:
            PreflightError: the program cannot be built.
            EngineError: a process ended instead of becoming ready.
        """
        with self._alone():
            self._offer(binary.path())
            missing = [p for p in self.programs if not self.processes.running(p.name)]
            if not missing and self._furnished.exists():
                return False
            program = binary.build(progress)
            fresh = self.processes.running("etcd") is None
            if fresh:
                self._clear(progress)
            for one in self.programs:
                self._start(program, one, progress)
            if not self._furnished.exists():
                self._furnish(progress)
            return True

    def down(self, progress: Progress) -> bool:
        """Stop every process, the last started first; tells whether there was any."""
        with self._alone():
            running = self.running()
            for name in reversed(running):
                progress(f"stopping {name}")
                self.processes.stop(name)
            shutil.rmtree(self.state / "etcd", ignore_errors=True)
            (self.state / "plane.json").unlink(missing_ok=True)
            return bool(running)

    def restart(self, name: str) -> float:
        """Start a process that has ended, on the data that is there; returns the seconds until it answers."""
        began = time.monotonic()
        self._start(binary.path(), next(p for p in self.programs if p.name == name), lambda line: None)
        return time.monotonic() - began

    def kubectl(self, *arguments: str, user: str = "admin", stdin: str | None = None) -> str:
        """Run kubectl as a user and return what it prints.

        Raises:
            EngineError: it failed; the cause holds its words.
        """
        command = [str(binary.path()), "kubectl", f"--kubeconfig={self.identity.kubeconfig(user)}", *arguments]
        done = subprocess.run(command, capture_output=True, text=True, input=stdin)
        if done.returncode:
            raise EngineError(f"kubectl {' '.join(arguments[:3])} failed.", cause=done.stderr)
        return done.stdout

    # -- steps ------------------------------------------------------------------------------------------------------

    def _clear(self, progress: Progress) -> None:
        """A namespace that was left while it was being deleted would take what is deployed next: nothing is kept."""
        for name in reversed(self.running()):
            progress(f"stopping {name}, which is left of an earlier one")
            self.processes.stop(name)
        shutil.rmtree(self.state / "etcd", ignore_errors=True)
        for one in self.programs:
            self.processes.log(one.name).unlink(missing_ok=True)
        self._refuse_taken_ports()
        self.identity.create()
        self._remember()

    def _offer(self, program: Path) -> None:
        """Let shells and notebooks find the kubectl that is part of the program."""
        self.programs_folder.mkdir(parents=True, exist_ok=True)
        script = self.programs_folder / "kubectl"
        script.write_text(f'#!/bin/sh\nexec {shlex.quote(str(program))} kubectl "$@"\n', encoding="utf-8")
        script.chmod(0o755)

    def _refuse_taken_ports(self) -> None:
        for role, port in ports(self.port_base).items():
            reason = why_taken(port)
            if reason:
                raise UsageError(
                    f"Port {port} ({role} of the control plane) is taken.",
                    cause=reason,
                    remedy="Stop what listens there, or choose others with --port-base.",
                )

    def _start(self, program: Path, one: Program, progress: Progress) -> None:
        if self.processes.running(one.name):
            return
        progress(f"starting {one.name}")
        self.processes.start(one.name, [str(program), one.name, *one.arguments])
        verdict = wait_until(lambda: self._verdict(one), what=f"The start of {one.name}", timeout=START_S, every=0.1)
        if verdict == "ended":
            raise EngineError(
                f"{one.name} ended instead of becoming ready.",
                cause=self.processes.last_lines(one.name),
                remedy=f"Read {self.processes.log(one.name)}.",
            )

    def _verdict(self, one: Program) -> str | None:
        if self.processes.running(one.name) is None:
            return "ended"
        return "ready" if self._answers(one.ready) else None

    def _answers(self, url: str) -> bool:
        context = ssl.create_default_context(cafile=str(self.identity.ca))
        headers = {"Authorization": f"Bearer {self.identity.token('admin')}"} if url.startswith("https") else {}
        try:
            answer = httpx.get(url, verify=context, headers=headers, timeout=5, trust_env=False)
        except httpx.HTTPError as error:
            raise TargetUnreachable(f"{url} does not answer.", cause=str(error)) from error
        return answer.status_code == 200

    def _furnish(self, progress: Progress) -> None:
        """What a cluster has before anybody deploys: nodes, a storage class, the kinds of other operators."""
        progress("adding nodes, storage class and resource definitions")
        definitions = [f"--filename={path}" for path in definition_files()]
        self.kubectl("apply", "--server-side", f"--filename={CLUSTER}", *definitions)
        self.kubectl("wait", "--for=condition=Established", "--timeout=60s", "customresourcedefinition", "--all")
        self.kubectl("wait", "--for=condition=Ready", "--timeout=60s", "node", "--all")
        wait_until(self._accounts, what="The default service account", timeout=START_S, every=0.1)
        self._furnished.touch()

    def _accounts(self) -> bool:
        return bool(self.kubectl("get", "serviceaccount", "default", "--namespace=default", "--output=name"))

    # -- the folder -------------------------------------------------------------------------------------------------

    @property
    def _furnished(self) -> Path:
        """Within etcd's folder, since it says something about what is in there."""
        return self.state / "etcd" / ".furnished"

    @contextmanager
    def _alone(self) -> Iterator[None]:
        self.state.mkdir(mode=0o700, parents=True, exist_ok=True)
        with (self.state / ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _remember(self) -> None:
        record: dict[str, Any] = {"port_base": self.port_base, "roles": ports(self.port_base)}
        (self.state / "plane.json").write_text(json.dumps(record), encoding="utf-8")

    def _remembered(self) -> int | None:
        """The port base of the plane that runs here, None where none does."""
        try:
            base = int(json.loads((self.state / "plane.json").read_text(encoding="utf-8"))["port_base"])
        except (OSError, ValueError, KeyError):
            return None
        return base if self.processes.running("etcd") else None
