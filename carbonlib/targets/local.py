"""The local target: every engine a real process on this machine, Doris by its stand-in."""

from __future__ import annotations

import json
import os
import signal
from collections import deque
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from .._errors import UsageError
from .._files import make_folder, read_mapping
from ..changes import Change, Plan
from ..config import Settings, settings
from ..findings import Findings
from ..jobs import Jobs
from ..local import addresses, manifest
from ..local.layers import Engines, ProcessLayer
from ..local.preflight import inspect, taken_ports
from ..local.stack import LIVE, Stack, broker_settings, kind_of
from ..local.supervision import marked
from ..secrets import Secrets
from .base import Layer, Member

if TYPE_CHECKING:
    from ..platform import Platform

CORE = ("kafka", "registry", "connect", "flink", "doris", "iceberg")
PROCESS = "process/"
LAYERS = (*CORE, "mariadb", "search", "objectstore", "apis", "feed")
FORGET = "Remove the file, and give the sizes again as parameters where they are not the default ones."


class Local:
    """The stack of this checkout."""

    name = "local"

    def __init__(self, where: Settings | None = None) -> None:
        self.settings = where or settings()
        make_folder(self.settings.state, "state folder", "CARBON_STATE")
        self.stack = Stack(self.settings)
        self._secrets = Secrets(self.settings.state / "secrets.json")
        self._secrets.ensure(manifest.declared()["secrets"])
        self._assumed: dict[str, Any] = {}

    @property
    def secrets(self) -> Secrets:
        """The secrets of this stack."""
        return self._secrets

    # -- options ----------------------------------------------------------------------------------------------------

    def profile(self) -> dict[str, Any]:
        """The options that were applied last, with those that the current plan assumes."""
        return {**manifest.declared()["defaults"], **self._kept(), **self._assumed}

    def _kept(self) -> dict[str, Any]:
        path = self.settings.state / "profile.json"
        if not path.exists():
            return {}
        kept, defaults = read_mapping(path, remedy=FORGET), manifest.declared()["defaults"]
        choices = manifest.declared()["choices"]
        for name, value in kept.items():
            if not _fits(value, defaults.get(name, value)) or value not in choices.get(name, [value]):
                raise UsageError(f"{path.name} says {name}={value!r}, which is not possible here.", remedy=FORGET)
        return kept

    def options(self) -> set[str]:
        """Names of the options that this target understands."""
        return set(manifest.declared()["defaults"])

    def assume(self, options: dict[str, Any]) -> Plan:
        """Take options as given from now on; the plan keeps those that are new, for every later notebook.

        Raises:
            UsageError: when a value is not possible here.
        """
        for name, choices in manifest.declared()["choices"].items():
            if name in options and options[name] not in choices:
                possible = ", ".join(map(str, choices))
                raise UsageError(f"{name}={options[name]!r} is not possible here.", remedy=f"Choose from {possible}.")
        before = {**manifest.declared()["defaults"], **self._kept()}
        self._assumed.update(options)
        new = {k: v for k, v in options.items() if before[k] != v}
        if not new:
            return Plan()
        old = {k: before[k] for k in new}
        return Plan([Change("setting/local", "update", old, new, lambda: self._keep(new))])

    def _keep(self, options: dict[str, Any]) -> None:
        path = self.settings.state / "profile.json"
        temporary = path.with_suffix(".tmp")
        temporary.write_text(json.dumps({**self._kept(), **options}, sort_keys=True), encoding="utf-8")
        temporary.replace(path)

    # -- addresses --------------------------------------------------------------------------------------------------

    def addresses(self) -> dict[str, Any]:
        """Addresses of all systems of the stack, running or not."""
        return addresses.addresses(self.settings, self.profile())

    def endpoints(self) -> dict[str, Any]:
        """Addresses of the systems whose processes run."""
        states = self.stack.supervisor.states()
        running = {kind_of(name) for name, s in states.items() if s["statename"] in LIVE}
        process_of = {"flink": "jobmanager", "catalog": "postgres"}
        return {k: v for k, v in self.addresses().items() if process_of.get(k, k) in running}

    def values(self) -> dict[str, str]:
        """What the references in manifests and SQL stand for on this machine."""
        known = {f"secret.{name}": self.secrets[name] for name in manifest.declared()["secrets"]}
        return {**addresses.references(self.settings, self.profile()), **known}

    # -- layers -----------------------------------------------------------------------------------------------------

    def layers(self) -> Sequence[Layer]:
        """The layers that run processes, in the order of deployment."""
        return [Engines(self.settings), *(ProcessLayer(self, name) for name in LAYERS)]

    def jobs(self, platform: Platform) -> Layer:
        """The Flink jobs, in one session cluster."""
        return Jobs(platform)

    def owns(self, change: Change) -> bool:
        """Whether a change is about a process."""
        return change.object.startswith(PROCESS)

    def processes(self, layer: str) -> list[manifest.Process]:
        """What should run for a layer under the current options."""
        profile = self.profile()
        if layer == "apis" and profile["apis_source"] == "live":
            return []
        sizes = {k: int(v) for k, v in profile.items() if isinstance(v, int)}
        return self.stack.processes(layer, sizes, self.values())

    def systems(self) -> set[str]:
        """The systems beside the core of the platform that this target has under the current options."""
        profile = self.profile()
        return {layer for layer, switch in manifest.switches().items() if profile[switch]}

    def job_references(self, name: str, text: str) -> str:
        """Keep a job's references in a 0600 file that the JobManagers, which are processes here, can read."""
        path = self.settings.state / "flink" / f"{name}.properties"
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            file.write(text)
        return str(path)

    def settle(self) -> None:
        """Wait until every process that was started answers."""
        self.stack.settle()

    def kill(self, member: str) -> Callable[[], bool]:
        """Send SIGKILL to a process; the result tells whether the supervisor runs a new one under its name.

        Raises:
            UsageError: no such process runs.
        """
        pid = self._pid(member)
        if pid is None:
            running = ", ".join(sorted(self.stack.supervisor.states()))
            raise UsageError(f"No process {member!r} runs here.", remedy=f"Running ones: {running or 'none'}.")
        os.kill(pid, signal.SIGKILL)
        return lambda: self._pid(member) not in (None, pid)

    def restart(self, member: str) -> Callable[[], bool]:
        """Stop a process by its own signal and start it with what is declared now.

        Raises:
            UsageError: no such process is declared here.
        """
        declared = {p.name: p for layer in LAYERS for p in self.processes(layer)}
        if member not in declared:
            raise UsageError(f"There is no process {member!r} here.", remedy=f"Declared: {', '.join(declared)}.")
        self.stack.restart(declared[member])
        return lambda: self.stack.answers(declared[member])

    def kafka_members(self) -> Sequence[Member]:
        """The brokers, each of which may vote too, as their settings say."""
        found = ((p, broker_settings(p)) for p in self.processes("kafka"))
        return [
            Member(
                p.name, int(s["node.id"]), "controller" in s["process.roles"], "broker" in s["process.roles"],
                self.stack.revision(p.name), p.fingerprint,
            )
            for p, s in found
            if s
        ]  # fmt: skip

    def kafka_users(self) -> dict[str, str]:
        """Nobody: these brokers ask for nothing."""
        return {}

    def homeless(self, layer: str) -> list[str]:
        """Nothing: a process takes its place when it starts, and deploy-00 looks at the machine as a whole."""
        return []

    def _pid(self, member: str) -> int | None:
        return self.stack.supervisor.states().get(member, {}).get("pid") or None

    def preflight(self, **needs: float) -> Findings:
        """Whether this machine can carry the platform."""
        return inspect(self.stack, **needs)

    # -- down -------------------------------------------------------------------------------------------------------

    def plan_down(self, *, purge: bool) -> Plan:
        """Every process that would be stopped, and what would be removed."""
        running = [n for n, s in self.stack.supervisor.states().items() if s["statename"] in LIVE]
        changes = [Change(f"process/{n}", "stop", "RUNNING") for n in sorted(running, reverse=True)]
        if purge:
            changes.append(Change("data/local", "delete", "data, logs and secrets"))
        if changes:
            last = changes[-1]
            changes[-1] = Change(last.object, last.action, last.before, None, lambda: self._down(purge))
        return Plan(changes)

    def _down(self, purge: bool) -> None:
        self.down(purge=purge, on_step=print)

    def down(self, *, purge: bool, on_step: Callable[[str], None]) -> None:
        """Stop the stack; with `purge`, remove its data, logs and secrets."""
        self.stack.down(purge=purge, on_step=on_step)

    def leftovers(self, *, purge: bool = False) -> list[str]:
        """Processes that carry this stack's mark, and ports of ours that somebody listens on."""
        return [*marked(self.settings), *taken_ports(self.settings)]

    def log_lines(self, layer: str, words: Sequence[str], most: int) -> list[tuple[str, str]]:
        """Of the log of each process of a layer, the last lines that hold one of the words, with its name."""
        found: list[tuple[str, str]] = []
        for process in self.processes(layer):
            path = self.settings.state / "logs" / f"{process.name}.log"
            if path.exists():
                with path.open(encoding="utf-8", errors="replace") as file:
                    lines = deque((line.rstrip() for line in file if any(word in line for word in words)), most)
                found += [(process.name, line) for line in lines]
        return found

    def diagnose(self) -> list[tuple[str, str]]:
        """State of every process, and the last log lines of those that are not well."""
        states = self.stack.supervisor.states()
        table = "\n".join(f"{name:16} {s['statename']:9} {s['description']}" for name, s in sorted(states.items()))
        unwell = [n for n, s in states.items() if s["statename"] != "RUNNING"]
        logs = [(f"last lines of {n}", self.stack.last_lines(n, 25)) for n in sorted(unwell or states)]
        return [("processes", table or "the supervisor does not run"), *logs]


def _fits(value: object, default: object) -> bool:
    """Whether a kept value is of the kind of its default; whole numbers may stand for others."""
    return type(value) is type(default) or (isinstance(default, float) and type(value) is int)
