"""The local target: every engine a real process on this machine, Doris by its stand-in."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from typing import Any

from .._errors import UsageError
from ..changes import Change, Plan
from ..config import Settings, settings
from ..local import manifest
from ..local.stack import LIVE, Stack
from ..secrets import Secrets
from ..status import Component
from .base import Layer

SECRETS = [
    "doris_root", "doris_loader", "doris_reader", "doris_admin", "postgres", "eia_api_key", "fred_api_key", "noaa_token",
]  # fmt: skip
LAYERS = ("kafka", "registry", "connect", "flink", "doris", "iceberg", "apis")
SIZES = {"kafka": ("brokers",), "connect": ("workers",), "flink": ("jobmanagers", "taskmanagers")}
SETTINGS = {**SIZES, "apis": ("apis_start", "apis_pace")}


class Local:
    """The stack of this checkout."""

    name = "local"

    def __init__(self, where: Settings | None = None) -> None:
        self.settings = where or settings()
        self.stack = Stack(self.settings)
        self.secrets = Secrets(self.settings.state / "secrets.json")
        self.secrets.ensure(SECRETS)

    # -- sizes ------------------------------------------------------------------------------------------------------

    def profile(self) -> dict[str, Any]:
        """The sizes that were applied last, defaults where none were."""
        path = self.settings.state / "profile.json"
        applied = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        return {**manifest.declared()["defaults"], **applied}

    def keep(self, options: dict[str, Any]) -> None:
        """Remember sizes, so that every later notebook sees the same platform."""
        if options:
            path = self.settings.state / "profile.json"
            applied = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
            path.write_text(json.dumps({**applied, **options}, sort_keys=True), encoding="utf-8")

    # -- addresses --------------------------------------------------------------------------------------------------

    def _url(self, role: str, index: int = 0) -> str:
        return f"http://127.0.0.1:{manifest.port(self.settings, role, index)}"

    def _bootstrap(self, profile: dict[str, Any]) -> str:
        ports = [manifest.port(self.settings, "kafka", i) for i in range(int(profile["brokers"]))]
        return ",".join(f"127.0.0.1:{p}" for p in ports)

    def addresses(self) -> dict[str, Any]:
        """Addresses of all systems of the stack, running or not."""
        profile = self.profile()
        return {
            "kafka": {"bootstrap_servers": self._bootstrap(profile)},
            "registry": {"url": f"{self._url('registry')}/apis/ccompat/v7"},
            "connect": {"url": self._url("connect")},
            "flink": {
                "url": self._url("jobmanager"),
                "urls": [self._url("jobmanager", i) for i in range(int(profile["jobmanagers"]))],
            },
            "doris": {
                "host": "127.0.0.1",
                "query_port": manifest.port(self.settings, "doris_query"),
                "http_url": self._url("doris_http"),
                "user": "rt_reader",
                "secret": "doris_reader",
            },
            "catalog": {
                "host": "127.0.0.1",
                "port": manifest.port(self.settings, "postgres"),
                "user": "carbon",
                "secret": "postgres",
                "warehouse": f"file://{self.settings.state}/data/warehouse",
            },
            "apis": {"url": self._url("apis")},
        }

    def endpoints(self) -> dict[str, Any]:
        """Addresses of the systems whose processes run."""
        states = self.stack.supervisor.states()
        running = {name.rsplit("-", 1)[0] for name, s in states.items() if s["statename"] in LIVE}
        process_of = {"flink": "jobmanager", "catalog": "postgres"}
        return {k: v for k, v in self.addresses().items() if process_of.get(k, k) in running}

    def values(self) -> dict[str, str]:
        """What the references in manifests and SQL stand for on this machine."""
        return self._values(self.profile())

    def _values(self, profile: dict[str, Any]) -> dict[str, str]:
        known = self.addresses()
        brokers = int(profile["brokers"])
        doris, catalog, apis = known["doris"], known["catalog"], known["apis"]["url"]
        voters = [f"{i + 1}@127.0.0.1:{manifest.port(self.settings, 'controller', i)}" for i in range(brokers)]
        return {
            "kafka.bootstrap_servers": self._bootstrap(profile),
            "kafka.voters": ",".join(voters),
            "kafka.replication": str(min(3, brokers)),
            "kafka.min_insync": "2" if brokers >= 3 else "1",
            "registry.url": known["registry"]["url"],
            "registry.api_url": f"{self._url('registry')}/apis/registry/v2",
            "connect.url": known["connect"]["url"],
            "doris.fenodes": doris["http_url"].removeprefix("http://"),
            "doris.query_address": f"{doris['host']}:{doris['query_port']}",
            "doris.replication_num": "1",
            "catalog.uri": f"jdbc:postgresql://{catalog['host']}:{catalog['port']}/iceberg",
            "catalog.user": catalog["user"],
            "catalog.warehouse": catalog["warehouse"],
            "apis.eia_url": apis,
            "apis.fred_url": apis,
            "apis.noaa_url": apis,
            "apis.start": str(profile["apis_start"]),
            "apis.pace": str(profile["apis_pace"]),
            "apis.poll_interval_ms": str(profile["poll_interval_ms"]),
            **{f"secret.{name}": self.secrets[name] for name in SECRETS},
        }

    # -- layers -----------------------------------------------------------------------------------------------------

    def layers(self) -> Sequence[Layer]:
        """The layers that run processes, in the order of deployment."""
        return [ProcessLayer(self, name) for name in LAYERS]

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

    def down(self, *, purge: bool, on_step: Callable[[str], None]) -> None:
        """Stop the stack; with `purge`, remove its data, logs and secrets."""
        self.stack.down(purge=purge, on_step=on_step)

    def diagnose(self) -> list[tuple[str, str]]:
        """State of every process, and the last log lines of those that are not well."""
        states = self.stack.supervisor.states()
        table = "\n".join(f"{name:16} {s['statename']:9} {s['description']}" for name, s in sorted(states.items()))
        unwell = [n for n, s in states.items() if s["statename"] != "RUNNING"]
        logs = [(f"last lines of {n}", self.stack.last_lines(n, 25)) for n in sorted(unwell or states)]
        return [("processes", table or "the supervisor does not run"), *logs]


class ProcessLayer:
    """A layer of the local target: some processes of one kind."""

    def __init__(self, target: Local, name: str) -> None:
        self.name = name
        self._target = target

    def _wanted(self, options: dict[str, Any]) -> list[manifest.Process]:
        unknown = set(options) - set(SETTINGS.get(self.name, ()))
        if unknown:
            known = ", ".join(SETTINGS.get(self.name, ())) or "none"
            raise UsageError(
                f"The layer {self.name} has no option {', '.join(sorted(unknown))}.", remedy=f"Options: {known}."
            )
        profile = {**self._target.profile(), **options}
        if int(profile["brokers"]) not in (1, 3):
            raise UsageError(f"brokers={profile['brokers']} is not possible here.", remedy="Choose 1 or 3.")
        sizes = {k: int(profile[k]) for k in ("brokers", "workers", "jobmanagers", "taskmanagers")}
        return self._target.stack.processes(self.name, sizes, self._target._values(profile))

    def plan(self, **options: Any) -> Plan:
        """Processes to start, restart or stop."""
        plan = self._target.stack.plan(self._wanted(options))
        if not plan.changes or not options:
            return plan
        first = plan.changes[0]

        def apply() -> None:
            self._target.keep(options)
            if first.apply:
                first.apply()

        return Plan([Change(first.object, first.action, first.before, first.after, apply), *plan.changes[1:]])

    def wait(self, timeout: str | float) -> None:
        """Wait until every process answers."""
        self._target.stack.wait(self._wanted({}), timeout)

    def status(self) -> list[Component]:
        """State of each process, by the supervisor and by what it answers."""
        states = self._target.stack.supervisor.states()
        return [self._component(p, states.get(p.name, {})) for p in self._wanted({})]

    def _component(self, process: manifest.Process, state: dict[str, Any]) -> Component:
        name = str(state.get("statename", "ABSENT"))
        if name not in LIVE:
            return Component(self.name, process.name, name, False, problem=str(state.get("spawnerr") or "not running"))
        if not self._target.stack.answers(process):
            return Component(self.name, process.name, "STARTING", False, problem="does not answer yet")
        return Component(self.name, process.name, "RUNNING", True)
