"""The local stack: which processes should run, which do, and the changes between the two."""

from __future__ import annotations

import base64
import json
import os
import shutil
import socket
import subprocess
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from .._errors import ApplyError, CarbonError, PreflightError
from ..changes import Change, Plan
from ..config import Settings
from ..waiting import wait_until
from . import engines, manifest
from .manifest import Process
from .probes import silence
from .supervision import Supervisor

LIVE = {"RUNNING", "STARTING"}


class Stack:
    """The processes of one state folder."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.supervisor = Supervisor(settings)
        self._starting: list[Process] = []

    def cluster_id(self) -> str:
        """The Kafka cluster id of this stack: made once, kept with the data."""
        path = self.settings.state / "data" / "cluster-id"
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(new_cluster_id())
        return path.read_text().strip()

    def processes(self, layer: str, sizes: Mapping[str, int], values: Mapping[str, str]) -> list[Process]:
        """What should run for a layer."""
        return manifest.processes(self.settings, layer, sizes, {**values, "node.cluster_id": self.cluster_id()})

    def plan(self, wanted: list[Process], kinds: set[str]) -> Plan:
        """Start what is absent or dead, restart what would run with other settings, stop what is too much.

        Args:
            wanted: the processes that should run.
            kinds: the kinds that they are of; one of these that is not wanted is too much.
        """
        states = self.supervisor.states()
        changes = []
        for process in wanted:
            state = states.get(process.name, {}).get("statename")
            running = self._fingerprint(process.name) if state in LIVE | {"BACKOFF"} else None
            if running == process.fingerprint:
                continue
            action = "start" if running is None else "restart"
            changes.append(self._change(process, action, state))
        names = {p.name for p in wanted}
        extra = [n for n in states if kind_of(n) in kinds and n not in names]
        return Plan([*changes, *(self._removal(name) for name in extra)])

    def _change(self, process: Process, action: str, state: str | None) -> Change:
        after = {"ports": ",".join(map(str, sorted(process.ports.values()))), "memory_mib": process.memory_mib}
        return Change(f"process/{process.name}", action, state, after, lambda: self._start(process))

    def _removal(self, name: str) -> Change:
        return Change(f"process/{name}", "stop", "RUNNING", None, lambda: self.supervisor.remove(name))

    def _start(self, process: Process) -> None:
        self._refuse_missing_engines()
        self.supervisor.start()
        self._refuse_taken_ports(process)
        for path, text in process.files.items():
            _write_private(path, text)
        data = manifest.data_folder(self.settings, process.name, process.unprivileged)
        for folder in (data, process.directory, *process.folders):
            folder.mkdir(parents=True, exist_ok=True)
        if process.unprivileged:
            _give_to_nobody(self.settings, process.name)
        self._prepare(process)
        for name in process.after:
            self.wait_named(name)
        self.supervisor.run(process)
        _write_private(
            self._record(process.name), json.dumps({"fingerprint": process.fingerprint, "ready": process.ready})
        )
        self._starting.append(process)

    def restart(self, process: Process) -> None:
        """Stop a process by its own signal, and start it as it is declared now; returns before it answers."""
        self._start(process)

    def revision(self, name: str) -> str:
        """The settings that a process was started with, as the fingerprint of them; empty where it does not run."""
        running = self.supervisor.states().get(name, {}).get("statename") in LIVE
        return (self._fingerprint(name) or "") if running else ""

    def settle(self) -> None:
        """Wait until everything that was started since the last call answers; processes come up side by side."""
        starting, self._starting = self._starting, []
        self.wait(starting, timeout="150 s")

    def _refuse_missing_engines(self) -> None:
        """A worker whose plugin folder is not there yet starts without the plugin, and nobody would know why."""
        missing = engines.missing_modules(self.settings)
        if missing or not engines.engines_folder(self.settings).is_dir():
            raise PreflightError(
                f"Not there yet: {', '.join(missing) or 'the engines'}.",
                cause="Nothing was fetched or built for these versions and sources.",
                remedy="Run deploy-00, or `make setup`.",
                notebook="deploy-00",
            )

    def _refuse_taken_ports(self, process: Process) -> None:
        """A port of ours that somebody else holds is named before anything is started on it."""
        if process.name in self.supervisor.states():
            self.supervisor.remove(process.name)
        for role, port in process.ports.items():
            reason = why_taken(port)
            if reason:
                raise PreflightError(
                    f"Port {port} ({role} of {process.name}) is taken.",
                    cause=reason,
                    remedy="Stop what listens there, or choose other ports: CARBON_PORT_BASE=31000.",
                )

    def _prepare(self, process: Process) -> None:
        if process.prepare is None or process.prepare["creates"].exists():
            return
        nobody = {"user": "nobody", "group": "nogroup", "extra_groups": []}
        user: dict[str, Any] = nobody if _switch_user(process) else {}
        environment = {**os.environ, **process.environment}
        for folder in process.prepare["folders"]:
            folder.mkdir(parents=True, exist_ok=True)
        if _switch_user(process):
            _give_to_nobody(self.settings, process.name)
        text = "".join(path.read_text(encoding="utf-8") for path in process.prepare["input"])
        done = subprocess.run(
            process.prepare["command"], env=environment, input=text, capture_output=True, text=True,
            cwd=process.directory, **user,
        )  # fmt: skip
        if done.returncode:
            raise ApplyError(
                f"{process.name} could not be prepared (exit {done.returncode}).",
                cause=(done.stderr or done.stdout)[-600:],
                remedy="Purge its data with `carbon down --purge`, then deploy again.",
            )

    def wait_named(self, name: str, timeout: str = "60 s") -> None:
        """Wait until a process that is already supervised answers on its ports."""
        ready = self._recorded(name).get("ready")
        if ready is None:
            raise ApplyError(f"{name} was never started.", remedy="Deploy its layer first.", notebook="deploy-00")
        wait_until(lambda: _answers(ready), what=f"{name} answering", timeout=timeout)

    def wait(self, wanted: list[Process], timeout: str | float) -> None:
        """Wait until each process answers.

        Raises:
            WaitTimeout: with the process's last log lines as the cause.
        """
        for process in wanted:

            def probe(process: Process = process) -> bool:
                if _answers(process.ready):
                    return True
                state = self.supervisor.states().get(process.name, {})
                raise ApplyError(
                    f"{process.name} is {state.get('statename', 'absent')}", cause=self.last_lines(process.name)
                )

            wait_until(probe, what=f"{process.name} answering", timeout=timeout, notebook="deploy-00")

    def answers(self, process: Process) -> bool:
        """Whether the process can be used now."""
        return _answers(process.ready)

    def last_lines(self, name: str, lines: int = 12) -> str:
        """The end of a process's log."""
        path = self.settings.state / "logs" / f"{name}.log"
        if not path.exists():
            return "no log yet"
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - 64 * 1024))
            return "\n".join(file.read().decode(errors="replace").splitlines()[-lines:])

    def down(self, *, purge: bool, on_step: Callable[[str], None]) -> None:
        """Stop everything that this stack started; with `purge`, remove its data, logs and secrets too."""
        self.supervisor.stop(on_step)
        shutil.rmtree(self.settings.state / "run", ignore_errors=True)
        if purge:
            on_step("removing data, logs and secrets")
            for part in ("data", "conf", "logs", "supervisor", "secrets.json", "profile.json", "flink"):
                _remove(self.settings.state / part)
            _remove(manifest.unprivileged_home(self.settings))

    def _record(self, name: str) -> Path:
        return self.settings.state / "run" / f"{name}.json"

    def _recorded(self, name: str) -> dict[str, Any]:
        """What was noted when the process was started; nothing where that is missing, or was cut short by a crash."""
        try:
            return dict(json.loads(self._record(name).read_text()))
        except (OSError, ValueError, TypeError):
            return {}

    def _fingerprint(self, name: str) -> str | None:
        return self._recorded(name).get("fingerprint")


def kind_of(name: str) -> str:
    """The kind of a process by its name: `kafka` for `kafka-2`."""
    return name.rsplit("-", 1)[0]


def broker_settings(process: Process) -> dict[str, str]:
    """The settings of a member of the Kafka cluster, the later line of a name; nothing for another process."""
    texts = [text for path, text in process.files.items() if path.name == "server.properties"]
    lines = [line for text in texts for line in text.splitlines() if "=" in line and not line.startswith("#")]
    return dict(line.split("=", 1) for line in lines)


def new_cluster_id() -> str:
    """A random id in Kafka's form: 16 bytes in URL-safe base64, none that a command line would read as an option."""
    while True:
        text = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        if not text.startswith("-"):
            return text


def why_taken(port: int) -> str:
    """What the system says against listening on a loopback port; empty where it is free."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            return str(error)
    return ""


def _answers(ready: Mapping[str, Any]) -> bool:
    return not silence(ready, timeout=3)


def _write_private(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)


def _switch_user(process: Process) -> bool:
    return process.unprivileged and os.geteuid() == 0


def _give_to_nobody(settings: Settings, name: str) -> None:
    """Give a process that is not running its folders; those of the others are in use, and files in them come and go."""
    if os.geteuid() != 0:
        return
    own = [manifest.data_folder(settings, name, True), manifest.conf_folder(settings, name, True)]
    above = {parent for folder in own for parent in (folder.parent, folder.parent.parent)}
    for path in [*above, *(p for folder in own for p in (folder, *folder.rglob("*")))]:
        shutil.chown(path, "nobody", "nogroup")


def _remove(path: Path) -> None:
    try:
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    except OSError as error:
        raise CarbonError(
            f"{path.name} could not be removed.", cause=str(error), remedy="Remove it by hand."
        ) from error
