"""The local processes as `manifests/local/processes.yaml` declares them, made concrete for this checkout."""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from .._errors import UsageError
from .._files import read_mapping, require
from .._project import MANIFESTS
from ..config import Settings
from ..references import resolve
from . import engines

LOCAL = MANIFESTS / "local"
PARTS = ("defaults", "secrets", "choices", "live_apis", "ports", "liveness", "jvm", "flink_opens", "processes")
PROCESS_PARTS = ("layer", "listens", "memory_mib", "command", "ready")


@dataclass(frozen=True)
class Process:
    """One process, ready to be started.

    Args:
        name: unique on this stack, for example `kafka-2`.
        layer: the layer it belongs to.
        ports: what it listens on, by role.
        ready: a question, as `probes.silence` takes it, that is answered once it can be used.
        stop_seconds: for which it may take to end in order before it is killed.
    """

    name: str
    layer: str
    command: list[str]
    environment: dict[str, str]
    directory: Path
    files: dict[Path, str]
    ports: dict[str, int]
    ready: dict[str, str]
    memory_mib: int
    after: list[str] = field(default_factory=list)
    prepare: dict[str, Any] | None = None
    stop_signal: str = "TERM"
    stop_seconds: int = 25
    unprivileged: bool = False
    folders: list[Path] = field(default_factory=list)

    @property
    def fingerprint(self) -> str:
        """Changes when anything changes that the process would only see after a restart."""
        known = [
            self.command,
            str(self.directory),
            self.environment,
            {str(p): t for p, t in self.files.items()},
            self.unprivileged,
            list(map(str, self.folders)),
        ]
        return hashlib.sha256(json.dumps(known, sort_keys=True).encode()).hexdigest()[:16]


@cache
def declared() -> dict[str, Any]:
    """The manifest as it is written.

    Raises:
        UsageError: naming the part of it that is broken.
    """
    path = LOCAL / "processes.yaml"
    data = read_mapping(path, needs=PARTS)
    for part in ("defaults", "choices", "ports", "processes"):
        require(f"{path.name}: {part}", data[part], ())
    for kind, spec in data["processes"].items():
        require(f"{path.name}: the process {kind}", spec, PROCESS_PARTS)
        require(f"{path.name}: ports, for the process {kind},", data["ports"], spec["listens"])
    return data


def port(settings: Settings, role: str, index: int = 0) -> int:
    """The port of a role, `index` counting its processes from 0."""
    return settings.port_base + int(declared()["ports"][role][index])


def ports_of(settings: Settings, index: int) -> dict[str, int]:
    """The port of every role for the process of that number, counted from 0; roles with fewer give their last."""
    roles = declared()["ports"].items()
    return {role: port(settings, role, min(index, len(offsets) - 1)) for role, offsets in roles}


def stops_last(name: str) -> bool:
    """Whether a process, by its name, is one that the others need while they stop."""
    kinds = declared()["processes"]
    return bool(kinds.get(name, kinds.get(name.rsplit("-", 1)[0], {})).get("stops_last"))


def all_ports(settings: Settings) -> dict[str, int]:
    """Every port that the stack may use, by `role` or `role-number`."""
    roles = declared()["ports"].items()
    return {f"{role}-{i + 1}": settings.port_base + o for role, offsets in roles for i, o in enumerate(offsets)}


def processes(settings: Settings, layer: str, sizes: Mapping[str, int], values: Mapping[str, str]) -> list[Process]:
    """The processes of a layer.

    Args:
        layer: name of the layer.
        sizes: how many of each replicated kind, and which switches are on: `{"brokers": 3, "search": 1}`.
        values: references that the texts may use, without `port.*`, `dir.*` and `node.*`.
    """
    found = []
    for kind, spec in declared()["processes"].items():
        if spec["layer"] == layer:
            found += list(_replicas(settings, kind, spec, sizes, values))
    if not found and not kinds(layer):
        raise UsageError(f"No process of the local target belongs to the layer {layer!r}.")
    return found


def kinds(layer: str) -> set[str]:
    """The kinds of processes of a layer, switched on or not."""
    return {kind for kind, spec in declared()["processes"].items() if spec["layer"] == layer}


def switches() -> dict[str, str]:
    """The systems that can be switched off, each with the option that does it."""
    return {spec["layer"]: spec["switch"] for spec in declared()["processes"].values() if "switch" in spec}


def _replicas(
    settings: Settings, kind: str, spec: dict[str, Any], sizes: Mapping[str, int], values: Mapping[str, str]
) -> Iterator[Process]:
    count = sizes[spec["replicas"]] if "replicas" in spec else sizes.get(spec.get("switch", ""), 1)
    for index in range(count):
        name = f"{kind}-{index + 1}" if "replicas" in spec else kind
        yield _concrete(settings, name, index, of_member(spec, index), values)


def of_member(spec: dict[str, Any], index: int) -> dict[str, Any]:
    """What holds for a member of a kind, counted from 0: those beyond a number may differ."""
    beyond = spec.get("beyond")
    return {**spec, **beyond} if beyond and index >= beyond["number"] else spec


def _concrete(settings: Settings, name: str, index: int, spec: dict[str, Any], values: Mapping[str, str]) -> Process:
    folders = {
        "data": data_folder(settings, name, bool(spec.get("unprivileged"))),
        "conf": conf_folder(settings, name, bool(spec.get("unprivileged"))),
        "state": settings.state,
        "logs": settings.state / "logs",
        "engines": engines.engines_folder(settings),
        **{name: engines.module_folder(settings, name) for name in engines.MODULES},
        "flink": settings.state / "data" / "flink",
    }
    ports = ports_of(settings, index)
    known = {
        **values,
        **{f"dir.{k}": str(v) for k, v in folders.items()},
        **{f"port.{k}": str(v) for k, v in ports.items()},
        "node.id": str(index + 1),
        "node.name": name,
        "node.port_base": str(settings.port_base),
        "java.shared": engines.shared_java(settings),
    }
    files = {folders["conf"] / file: _text(sources, known) for file, sources in spec.get("files", {}).items()}
    prepare = spec.get("prepare")
    return Process(
        name=name,
        layer=spec["layer"],
        command=_command(spec["command"], spec, known),
        environment={k: resolve(str(v), known) for k, v in spec.get("environment", {}).items()},
        directory=Path(resolve(spec["directory"], known)) if "directory" in spec else folders["conf"],
        files=files,
        ports={role: ports[role] for role in spec["listens"]},
        ready={k: resolve(v, known) for k, v in spec["ready"].items()},
        memory_mib=spec["memory_mib"],
        after=spec.get("after", []),
        prepare=prepare and _preparation(prepare, known),
        stop_signal=spec.get("stop_signal", "TERM"),
        stop_seconds=spec.get("stop_seconds", 25),
        unprivileged=bool(spec.get("unprivileged")),
        folders=[Path(resolve(folder, known)) for folder in spec.get("folders", [])],
    )


def _preparation(spec: dict[str, Any], known: Mapping[str, str]) -> dict[str, Any]:
    return {
        "creates": Path(resolve(spec["creates"], known)),
        "folders": [Path(resolve(folder, known)) for folder in spec.get("folders", [])],
        "command": _command(spec["command"], {}, known),
        "input": [Path(resolve(file, known)) for file in spec.get("input", [])],
    }


def _command(words: list[str], spec: dict[str, Any], known: Mapping[str, str]) -> list[str]:
    program, *rest = [resolve(str(word), known) for word in words]
    if program == "python":
        return [sys.executable, *rest]
    if program == "java":
        opens = declared()["flink_opens"] if spec.get("flink_opens") else []
        runtime = known["java.shared"] if spec.get("unprivileged") else engines.java()
        return [runtime, *declared()["jvm"], *opens, *rest]
    return [program, *rest]


def _text(sources: str | list[str], known: Mapping[str, str]) -> str:
    """The files put together in order: general settings first, then where this process is."""
    parts = [sources] if isinstance(sources, str) else sources
    return "".join(resolve((LOCAL / part).read_text(encoding="utf-8"), known) for part in parts)


def data_folder(settings: Settings, name: str, unprivileged: bool = False) -> Path:
    """Where a process keeps its data."""
    return _home(settings, unprivileged) / "data" / name


def conf_folder(settings: Settings, name: str, unprivileged: bool = False) -> Path:
    """Where a process finds its rendered settings."""
    return _home(settings, unprivileged) / "conf" / name


def unprivileged_home(settings: Settings) -> Path:
    """A folder that another user than root can reach, whatever the modes above the checkout are."""
    return Path("/var/lib/carbon") / settings.tag


def _home(settings: Settings, unprivileged: bool) -> Path:
    return unprivileged_home(settings) if unprivileged and os.geteuid() == 0 else settings.state
