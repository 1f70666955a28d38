"""Caring for connectors that are live: pause and resume, other offsets, one more from a template, repair of a failure.

What changes is a plan, as everywhere; what a notebook needs to see beforehand is a table.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from ._errors import EngineError, UsageError
from ._project import MANIFESTS
from .changes import UNCHANGED, Change, Plan
from .clients.connectors import Connector, ConnectorState
from .references import names, resolve
from .waiting import seconds, wait_until

if TYPE_CHECKING:
    from .platform import Platform

TEMPLATES = MANIFESTS / "connect" / "templates"
STATES = ("RUNNING", "PAUSED", "STOPPED")
SHOWN_LINES = 12
NAMESPACE = "new"


def plan_state(platform: Platform, name: str, wanted: str) -> Plan:
    """Bring a connector into a state: RUNNING, PAUSED (it keeps its tasks) or STOPPED (its tasks are shut down).

    Raises:
        UsageError: no such state, or no such connector.
    """
    if wanted not in STATES:
        raise UsageError(f"{wanted!r} is no state of a connector.", remedy=f"Choose from {', '.join(STATES)}.")
    live = _live(platform, name).state
    acts: dict[str, Callable[[str], None]] = {
        "RUNNING": platform.connect.resume,
        "PAUSED": platform.connect.pause,
        "STOPPED": platform.connect.stop,
    }
    if live == wanted:
        return Plan()
    action = "start" if wanted == "RUNNING" else "stop"
    return Plan([Change(f"connector/{name}", action, live, wanted, lambda: acts[wanted](name))])


def offsets(platform: Platform, name: str) -> pd.DataFrame:
    """How far a connector has come: one row a partition of its source, in its own words.

    Raises:
        UsageError: no such connector.
    """
    _live(platform, name)
    rows = [[_words(o["partition"]), _words(o["offset"])] for o in platform.connect.offsets(name)]
    return pd.DataFrame(rows, columns=["partition", "offset"], dtype=object)


def plan_offsets(platform: Platform, name: str, *, back: int, allow_destroy: bool) -> Plan:
    """Have a sink take in the last `back` records of each partition once more; 0 changes nothing.

    Raises:
        UsageError: a source, whose offsets only its own kind can move; a negative number; no `allow_destroy`.
    """
    state = _live(platform, name)
    if back == 0:
        return Plan()
    if state.kind != "sink" or back < 0:
        raise UsageError(
            f"{name} is a {state.kind}, and {back} records back were asked for.",
            remedy="A sink goes back by a number of records; a source begins anew with connect.reset_offsets, "
            "or goes on from places in its own words with connect.move_offsets.",
        )
    live = platform.connect.offsets(name)
    moved_back = [_moved(o, back) for o in live if _counted(o)]
    before, after = ({_place(o): o["offset"]["kafka_offset"] for o in x if _counted(o)} for x in (live, moved_back))
    if before == after:
        return Plan()
    if not allow_destroy:
        raise UsageError(
            f"{name} would take in records again: what its target does not know by id would be there twice.",
            remedy="Set allow_destroy if the target keeps one of each.",
        )
    act = lambda: platform.connect.move_offsets(name, moved_back, allow_destroy=True)  # noqa: E731
    return Plan([Change(f"offsets/{name}", "update", before, after, act)])


def templates() -> pd.DataFrame:
    """The templates that there are, with the names that each wants to be given."""
    rows = [
        [path.stem, ", ".join(sorted(_wanted(path.read_text(encoding="utf-8"))))] for path in TEMPLATES.glob("*.json")
    ]
    return pd.DataFrame(rows, columns=["template", "wants"], dtype=object)


def from_template(platform: Platform, template: str, name: str, values: Mapping[str, str]) -> Connector:
    """A connector that a template makes of some values.

    Raises:
        UsageError: no such template, a value missing or not wanted, or a name that the project declares already.
    """
    path = TEMPLATES / f"{template}.json"
    if not path.exists():
        raise UsageError(
            f"There is no template {template!r}.", remedy=f"Choose from {', '.join(templates()['template'])}."
        )
    text, given = path.read_text(encoding="utf-8"), {"name": name, **values}
    if _wanted(text) | {"name"} != set(given):
        raise UsageError(
            f"Template {template} was not given what it wants.",
            cause=f"given {', '.join(sorted(given))}; wanted {', '.join(sorted(_wanted(text) | {'name'}))}",
            remedy="Give each of them once.",
        )
    if (MANIFESTS / "connect" / "connectors" / f"{name}.json").exists():
        raise UsageError(f"The project declares a connector {name} itself.", remedy="Choose another name.")
    values_of = {**platform.values(), **{f"{NAMESPACE}.{k}": v for k, v in given.items()}}
    config: dict[str, str] = json.loads(text)["config"]
    return Connector(name, {k: resolve(v, values_of) for k, v in config.items()})


def plan_one(platform: Platform, connector: Connector, *, remove: bool = False) -> Plan:
    """Create or update a single connector, or remove it.

    Raises:
        UsageError: a worker finds a field wrong.
    """
    return plan_removal(platform, connector.name) if remove else platform.connect.plan([connector])


def plan_removal(platform: Platform, name: str, *, keep: bool = False) -> Plan:
    """Remove a connector that the project does not declare; nothing to do where there is none, or with `keep`.

    Raises:
        UsageError: the project declares it.
    """
    if (MANIFESTS / "connect" / "connectors" / f"{name}.json").exists():
        raise UsageError(f"The project declares {name}.", remedy="Take its file away first, then use connect.delete.")
    if keep or name not in platform.connect.status():
        return Plan()
    remove = lambda: platform.connect.delete(name, allow_destroy=True)  # noqa: E731
    return Plan([Change(f"connector/{name}", "delete", "RUNNING", None, remove)])


def settle(platform: Platform, connector: Connector, *, removed: bool, timeout: str | float) -> str:
    """Wait until a connector and every task of it runs, or until it is gone; returns its state.

    Raises:
        EngineError: it has failed, with the last cause.
        WaitTimeout: naming what did not happen.
    """
    name = connector.name
    if not removed:
        platform.connect.wait([name], timeout)
    else:
        wait_until(lambda: name not in platform.connect.status(), what=f"Connector {name} gone", timeout=timeout)
    return str(platform.connect.summary(name)["state"])


def moved(platform: Platform, connector: Connector, *, least: int, timeout: str | float) -> int:
    """Wait until a connector has moved so many records in all, and return how many it has.

    Raises:
        WaitTimeout: it has not; its topic may hold none.
    """
    if least <= 0:
        return 0
    return wait_until(
        lambda: n if (n := _progress(platform, connector.name)) >= least else None,
        what=f"Connector {connector.name} moving {least} records", timeout=timeout, every=1,
        remedy="Look whether there is anything for it to move.", notebook="respond-10",
    )  # fmt: skip


def behind(platform: Platform, name: str, move: Plan) -> list[str]:
    """Partitions that stand behind the place to which a plan has moved them."""
    places = {_place(o): int(o["offset"]["kafka_offset"]) for o in platform.connect.offsets(name) if _counted(o)}
    wanted = {place: offset for change in move for place, offset in change.after.items()}
    return [place for place, offset in wanted.items() if places.get(place, -1) < offset]


@dataclass(frozen=True)
class Diagnosis:
    """What is wrong with some connectors.

    Args:
        table: one row a connector and task: state, worker, last cause in one line.
        log: the last lines of the workers' logs that name a failed connector or an error.
    """

    table: pd.DataFrame
    log: pd.DataFrame

    @property
    def failed(self) -> list[str]:
        """Connectors of which something has failed."""
        return sorted(set(self.table.loc[self.table["state"] == "FAILED", "connector"]))


def diagnose(platform: Platform, name: str = "all") -> Diagnosis:
    """States and last causes of a connector, or of all, and what the workers' logs say of those that have failed.

    Raises:
        UsageError: no such connector.
    """
    live = platform.connect.status()
    chosen = list(live.values()) if name == "all" else [_live(platform, name)]
    rows = [row for state in chosen for row in _rows(state)]
    table = pd.DataFrame(rows, columns=["connector", "part", "state", "worker", "last cause"], dtype=object)
    failed = set(table.loc[table["state"] == "FAILED", "connector"])
    return Diagnosis(table, _log(platform, failed))


def plan_repair(platform: Platform, name: str = "all") -> Plan:
    """Restart what has failed of a connector, or of all, and nothing else."""
    found = diagnose(platform, name)
    causes = found.table[found.table["state"] == "FAILED"].groupby("connector")["last cause"].first()
    return Plan(Change(f"connector/{n}", "restart", causes[n], "RUNNING", _restart(platform, n)) for n in found.failed)


def without_progress(platform: Platform, names: Sequence[str], timeout: str | float) -> list[str]:
    """Connectors of these that have moved no record from now on until the deadline."""
    began = {name: _progress(platform, name) for name in names}
    still = list(names)
    deadline = time.monotonic() + seconds(timeout)
    while still and time.monotonic() < deadline:
        still = [name for name in still if _progress(platform, name) <= began[name]]
        time.sleep(1 if still else 0)
    return still


def _restart(platform: Platform, name: str) -> Callable[[], object]:
    def apply() -> object:
        if name not in diagnose(platform, name).failed:
            return UNCHANGED
        platform.connect.restart_failed(name)
        return None

    return apply


def _progress(platform: Platform, name: str) -> int:
    progress = platform.connect.summary(name)["progress"]
    if progress is None:
        raise EngineError(f"Nothing counts what connector {name} moves.", notebook="deploy-20")
    return int(progress)


def _live(platform: Platform, name: str) -> ConnectorState:
    live = platform.connect.status()
    if name not in live:
        raise UsageError(f"There is no connector {name!r}.", remedy=f"Live ones: {', '.join(live) or 'none'}.")
    return live[name]


def _rows(state: ConnectorState) -> Sequence[list[str]]:
    tasks = [[state.name, f"task {t.id}", t.state, t.worker, t.problem] for t in state.tasks]
    return [[state.name, "connector", state.state, state.worker, state.problem], *tasks]


def _log(platform: Platform, failed: set[str]) -> pd.DataFrame:
    """The last lines in which a worker names a task that has failed; its last errors, where none has."""
    words = [w for name in sorted(failed) for w in (f"id={name}-", f"task {name}-", f"'{name}'")] or [" ERROR "]
    lines = platform.target.log_lines("connect", words, SHOWN_LINES)
    return pd.DataFrame([[worker, line[:300]] for worker, line in lines], columns=["worker", "line"], dtype=object)


def _wanted(text: str) -> set[str]:
    return {n.removeprefix(f"{NAMESPACE}.") for n in names(text) if n.startswith(f"{NAMESPACE}.")}


def _moved(offset: Mapping[str, Any], back: int) -> dict[str, Any]:
    place = {"kafka_offset": max(0, int(offset["offset"]["kafka_offset"]) - back)}
    return {"partition": dict(offset["partition"]), "offset": place}


def _counted(offset: Mapping[str, Any]) -> bool:
    return "kafka_offset" in (offset["offset"] or {})


def _place(offset: Mapping[str, Any]) -> str:
    return f"{offset['partition']['kafka_topic']}-{offset['partition']['kafka_partition']}"


def _words(value: Mapping[str, Any] | None) -> str:
    return "none yet" if not value else ", ".join(f"{k}={v}" for k, v in value.items())
