"""Kafka Connect: connectors declared against live, their states, offsets, and what a worker says about a config.

Protocol: https://kafka.apache.org/documentation/#connect_rest. Any worker answers for the group. While the group
rebalances a worker answers 409; such calls are repeated for a while.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from .._errors import ApplyError, EngineError, UsageError, WaitTimeout
from ..changes import Change, Plan
from ..waiting import wait_until
from .connectors import Connector, ConnectorState, TaskState, difference, live_state, load_connectors
from .rest import Refused, Rest
from .worker_metrics import counters, records_written

__all__ = ["Connect", "Connector", "ConnectorState", "TaskState", "load_connectors"]

NOTEBOOK = "deploy-60"
REBALANCE_SECONDS = 45.0
# A task that was just restarted is still shown with its old state for a moment.
FAILED_SECONDS = 3.0
# A task is shown as RUNNING before its first poll, in which a refused key or table makes it fail.
SETTLED_SECONDS = 1.0
_CLASS_KEYS = ("connector.class", "key.converter", "value.converter", "header.converter")


class Connect:
    """A group of Connect workers.

    Args:
        url: the REST address of any of them.
        metrics: addresses of their Prometheus exporters.
    """

    def __init__(self, url: str, metrics: Sequence[str] = ()) -> None:
        self.url = url.rstrip("/")
        self._metrics = metrics
        self._rest = Rest(self.url, "Kafka Connect", "deploy-20")

    # -- looking ----------------------------------------------------------------------------------------------------

    def reachable(self) -> bool:
        """Whether a worker answers at once."""
        return self._rest.answers("/connectors")

    def plugins(self) -> dict[str, str]:
        """Installed plugin classes and their kind (source, sink, converter, …)."""
        return {p["class"]: p["type"] for p in self._rest.call("GET", "/connector-plugins?connectorsOnly=false")}

    def missing_plugins(self, configs: Iterable[Mapping[str, str]]) -> list[str]:
        """Connector and converter classes that the configs name and the workers have not."""
        wanted = {config[key] for config in configs for key in _CLASS_KEYS if key in config}
        return sorted(wanted - set(self.plugins()))

    def status(self) -> dict[str, ConnectorState]:
        """Every live connector with its tasks, by name."""
        answer: dict[str, Any] = self._patiently(lambda: self._rest.call("GET", "/connectors?expand=status"))
        return {name: live_state(name, entry["status"]) for name, entry in sorted(answer.items())}

    def configs(self) -> dict[str, dict[str, str]]:
        """The live config of every connector, as the workers answer it: references unresolved."""
        answer: dict[str, Any] = self._patiently(lambda: self._rest.call("GET", "/connectors?expand=info"))
        return {name: entry["info"]["config"] for name, entry in sorted(answer.items())}

    def topics(self, name: str) -> list[str]:
        """Topics that the connector has written to or read from since it was made, or since a reset."""
        answer = self._rest.get_or_none(f"{_path(name)}/topics")
        return sorted(answer[name]["topics"]) if answer else []

    def offsets(self, name: str) -> list[dict[str, Any]]:
        """Committed offsets: `[{partition, offset}]` in the connector's own words."""
        offsets: list[dict[str, Any]] = self._rest.call("GET", f"{_path(name)}/offsets")["offsets"]
        return offsets

    def workers(self) -> list[str]:
        """Addresses of the workers that carry a connector or a task; Connect's REST names no idle ones."""
        states = self.status().values()
        return sorted({s.worker for s in states} | {t.worker for s in states for t in s.tasks})

    def summary(self, name: str, live: Mapping[str, ConnectorState] | None = None) -> dict[str, Any]:
        """One connector in a line: `{name, state, ok, progress, problem}`.

        `progress` is the offsets that a sink has committed, or the records that a source has written since its tasks
        started; None where nothing counts them.
        """
        state = (self.status() if live is None else live).get(name)
        if state is None:
            return {
                "name": name,
                "state": "ABSENT",
                "ok": False,
                "progress": None,
                "problem": "declared, but not there",
            }
        word = "FAILED" if state.failure else state.state
        problem = state.failure or ("" if state.running else "not every task is running")
        return {"name": name, "state": word, "ok": state.running, "progress": self._progress(state), "problem": problem}

    def counters(self, name: str) -> dict[str, int]:
        """What a connector of the project's own counts since its tasks started, by the name of the counter."""
        return counters(self._metrics, name)

    def _progress(self, state: ConnectorState) -> int | None:
        if state.kind != "sink":
            return records_written(self._metrics).get(state.name)
        return sum(int(o["offset"]["kafka_offset"]) for o in self.offsets(state.name) if o["offset"])

    # -- plan -------------------------------------------------------------------------------------------------------

    def validate(self, name: str, config: Mapping[str, str]) -> None:
        """Have a worker check a config.

        Raises:
            UsageError: with each wrong field and what is wrong with it, or because the plugin is not installed.
        """
        kind = config.get("connector.class", "")
        if kind not in self.plugins():
            raise UsageError(
                f"Connector {name}: no worker has the plugin {kind!r}.",
                remedy="Correct connector.class, or install the plugin and restart the workers.",
                notebook="deploy-20",
            )
        path = f"/connector-plugins/{quote(kind)}/config/validate"
        answer = self._patiently(lambda: self._rest.call("PUT", path, {**config, "name": name}))
        wrong = [
            f"{value['name']}: {message}"
            for value in (entry["value"] for entry in answer["configs"])
            for message in value["errors"]
        ]
        if wrong:
            raise UsageError(
                f"Connector {name}: {answer['error_count']} wrong.",
                cause="; ".join(wrong),
                remedy=f"Correct these fields in the file of {name}.",
                notebook=NOTEBOOK,
            )

    def plan(self, connectors: Sequence[Connector]) -> Plan:
        """Connectors to create or update, and failed ones to restart; what is to change has been validated.

        Connectors that are live and not declared are left alone.

        Raises:
            UsageError: from `validate`.
        """
        live, states = self.configs(), self.status()
        return Plan(c for connector in connectors for c in self._changes(connector, live, states))

    def _changes(
        self, connector: Connector, live: Mapping[str, dict[str, str]], states: Mapping[str, ConnectorState]
    ) -> list[Change]:
        thing = f"connector/{connector.name}"
        before, after = difference(connector, live.get(connector.name))
        if after or before:
            self.validate(connector.name, connector.config)
            action = "update" if connector.name in live else "create"
            return [Change(thing, action, before or None, after, lambda: self._put(connector))]
        failure = states[connector.name].failure if connector.name in states else ""
        if failure:
            return [Change(thing, "restart", failure, "RUNNING", lambda: self.restart_failed(connector.name))]
        return []

    def _put(self, connector: Connector) -> None:
        try:
            self._patiently(lambda: self._rest.call("PUT", f"{_path(connector.name)}/config", connector.config))
        except Refused as refusal:
            raise ApplyError(
                f"Connector {connector.name} was not accepted.",
                cause=refusal.cause,
                remedy="Correct the field that the cause names, then run again.",
                notebook=NOTEBOOK,
            ) from refusal

    # -- wait and act -----------------------------------------------------------------------------------------------

    def wait(self, names: Iterable[str], timeout: str | float) -> dict[str, ConnectorState]:
        """Wait until each connector and every task of it runs, and has gone on running for a second.

        Raises:
            EngineError: one has failed; the cause is the last line of its reason, not its stack.
            WaitTimeout: naming those that do not run yet.
        """
        wanted = list(names)
        if not wanted:
            return {}
        watch = _Watch(wanted)
        what = f"Every task of {', '.join(wanted)} running"
        states = wait_until(lambda: watch.decide(self.status()), what=what, timeout=timeout, notebook=NOTEBOOK)
        for name, state in states.items():
            if state.failure:
                raise EngineError(
                    f"Connector {name} has failed.",
                    cause=state.failure,
                    remedy="Remove the cause, then restart it: run the notebook again.",
                    notebook=NOTEBOOK,
                )
        return states

    def pause(self, name: str, timeout: str | float = "30 s") -> None:
        """Pause a connector and wait until it and its tasks are paused; they stay assigned and keep their place."""
        self._act("PUT", name, "pause")
        self._settled(name, "PAUSED", timeout)

    def resume(self, name: str, timeout: str | float = "60 s") -> None:
        """Resume a paused or stopped connector and wait until every task runs."""
        self._act("PUT", name, "resume")
        self.wait([name], timeout)

    def stop(self, name: str, timeout: str | float = "60 s") -> None:
        """Stop a connector: its tasks are shut down, config and offsets stay."""
        self._act("PUT", name, "stop")
        self._settled(name, "STOPPED", timeout)

    def restart_failed(self, name: str) -> None:
        """Restart the connector, where it has failed, and those tasks that have."""
        self._act("POST", name, "restart?includeTasks=true&onlyFailed=true")

    def reset_offsets(self, name: str, *, allow_destroy: bool = False, timeout: str | float = "60 s") -> None:
        """Forget how far a connector has come, so that it begins anew; it runs again afterwards.

        Raises:
            UsageError: without `allow_destroy`, since a source then sends everything again.
        """
        _permitted(
            allow_destroy, f"Resetting the offsets of {name} makes it begin anew: a source sends everything again."
        )
        self.stop(name, timeout)
        self._act("DELETE", name, "offsets")
        self.resume(name, timeout)

    def move_offsets(
        self,
        name: str,
        offsets: Sequence[Mapping[str, Any]],
        *,
        allow_destroy: bool = False,
        timeout: str | float = "60 s",
    ) -> None:
        """Have a connector go on from other places, as `offsets` shows them; partitions not named keep theirs.

        It is stopped for it, and runs again afterwards whatever comes of it.

        Raises:
            UsageError: without `allow_destroy`: what lies behind a place further back is moved again, what is skipped
                is never moved.
            ApplyError: the connector refuses the offsets; then it goes on from where it was.
        """
        _permitted(allow_destroy, f"Moving the offsets of {name} makes it send records again, or skip some for good.")
        self.stop(name, timeout)
        try:
            self._act("PATCH", name, "offsets", {"offsets": [dict(o) for o in offsets]})
        finally:
            self.resume(name, timeout)

    def create_stopped(self, name: str, config: Mapping[str, str]) -> None:
        """Create a connector that does nothing yet, so that it can be given its offsets first.

        Raises:
            ApplyError: the workers refuse it.
        """
        body = {"name": name, "config": dict(config), "initial_state": "STOPPED"}
        try:
            self._patiently(lambda: self._rest.call("POST", "/connectors", body))
        except Refused as refusal:
            raise ApplyError(f"Connector {name} was not accepted.", cause=refusal.cause, notebook=NOTEBOOK) from refusal
        self._settled(name, "STOPPED", "60 s")

    def put_offsets(self, name: str, offsets: Sequence[Mapping[str, Any]]) -> None:
        """Give a stopped connector its offsets, as `offsets` shows them.

        Raises:
            ApplyError: the connector refuses them, or is not stopped.
        """
        self._act("PATCH", name, "offsets", {"offsets": [dict(o) for o in offsets]})

    def forget(self, name: str, *, allow_destroy: bool = False, timeout: str | float = "60 s") -> None:
        """Remove a connector with its offsets.

        Raises:
            UsageError: without `allow_destroy`.
        """
        _permitted(allow_destroy, f"Forgetting {name} ends its flow, and nobody knows how far it had come.")
        self.stop(name, timeout)
        self._act("DELETE", name, "offsets")
        self._act("DELETE", name, "")

    def delete(self, name: str, *, allow_destroy: bool = False) -> None:
        """Remove a connector; its offsets stay with the workers.

        Raises:
            UsageError: without `allow_destroy`.
        """
        _permitted(allow_destroy, f"Deleting {name} ends its flow.")
        self._act("DELETE", name, "")

    def _act(self, method: str, name: str, action: str, body: Any = None) -> None:
        try:
            self._patiently(lambda: self._rest.call(method, f"{_path(name)}/{action}".rstrip("/"), body))
        except Refused as refusal:
            if refusal.status == 404:
                raise UsageError(
                    f"There is no connector {name!r}.", remedy=f"Live ones: {', '.join(self.configs()) or 'none'}."
                ) from refusal
            raise ApplyError(
                f"{method} {action or 'connector'} of {name} was refused.", cause=refusal.cause, notebook=NOTEBOOK
            ) from refusal

    def _settled(self, name: str, state: str, timeout: str | float) -> None:
        def probe() -> bool:
            live = self.status().get(name)
            return live is not None and live.state == state and all(t.state == state for t in live.tasks)

        wait_until(probe, what=f"Connector {name} {state}", timeout=timeout, notebook=NOTEBOOK)

    def _patiently(self, call: Callable[[], Any]) -> Any:
        """Repeat a call while the group rebalances (409)."""
        deadline = time.monotonic() + REBALANCE_SECONDS
        while True:
            try:
                return call()
            except Refused as refusal:
                if refusal.status != 409:
                    raise
                if time.monotonic() >= deadline:
                    raise WaitTimeout(
                        f"The Connect workers did not end their rebalance within {REBALANCE_SECONDS:g} s.",
                        cause=refusal.cause,
                        remedy="Look whether a worker keeps leaving and joining.",
                        notebook="deploy-20",
                    ) from refusal
            time.sleep(0.5)


class _Watch:
    """Tells when connectors run, or when one has failed for good."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names = names
        self._failed_since: dict[str, float] = {}
        self._all_since: float | None = None

    def decide(self, live: Mapping[str, ConnectorState]) -> dict[str, ConnectorState]:
        """The states once that is known.

        Raises:
            EngineError: it is not known yet; says who does not run.
        """
        found = {n: live[n] for n in self._names if n in live}
        failed = {n for n, s in found.items() if s.failure}
        now = time.monotonic()
        self._failed_since = {n: self._failed_since.get(n, now) for n in failed}
        for_good = any(now - since >= FAILED_SECONDS for since in self._failed_since.values())
        waiting = {n: found[n].state if n in found else "ABSENT" for n in self._names}
        waiting = {n: word for n, word in waiting.items() if n not in found or not found[n].running}
        self._all_since = None if waiting else now if self._all_since is None else self._all_since
        settled = self._all_since is not None and now - self._all_since >= SETTLED_SECONDS
        if not settled and not for_good:
            raise EngineError(", ".join(f"{n} is {word}" for n, word in waiting.items()) or "they run since a moment")
        return found


def _path(name: str) -> str:
    return f"/connectors/{quote(name, safe='')}"


def _permitted(allowed: bool, warning: str) -> None:
    if not allowed:
        raise UsageError(warning, remedy="Call it with allow_destroy=True if that is meant.")
