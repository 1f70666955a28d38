"""Pods led to processes of the local target: what KWOK answers for a pod's ports and logs, from `plumbing.yaml`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from carbonlib._files import read_mapping
from carbonlib.config import Settings
from carbonlib.local import manifest

from .identity import HOST

TABLE = Path(__file__).parent / "plumbing.yaml"
API = "kwok.x-k8s.io/v1alpha1"
ANSWERS = "carbon.test/engine-answers"  # the annotation of a pod whose engine does


@dataclass(frozen=True)
class Lead:
    """A pod, and what stands behind it.

    Args:
        pod: its name; empty for every pod of the namespace that has no lead of its own.
        ports: ports of this machine by the pod's ports.
        log: the log of the process, as the process writes it.
    """

    namespace: str
    pod: str
    ports: dict[int, int]
    log: Path


def table() -> dict[str, Any]:
    """The content of `plumbing.yaml`."""
    return read_mapping(TABLE, needs=("pods", "others", "secrets"))


def leads(engines: Settings, sizes: Mapping[str, Any]) -> list[Lead]:
    """Every pod that leads somewhere.

    Args:
        sizes: options of the local target by name, which say how many of each process run.
    """
    declared = table()
    named = [_lead(engines, spec, sizes, i) for spec in declared["pods"] for i in range(spec["replicas"])]
    return [*named, *(_lead(engines, spec, sizes, 0) for spec in declared["others"])]


def _lead(engines: Settings, spec: dict[str, Any], sizes: Mapping[str, Any], index: int) -> Lead:
    number = _number(spec, sizes, index)
    ports = {port: manifest.port(engines, role, number) for port, role in spec["ports"].items()}
    pod = f"{spec['name']}-{index}" if "name" in spec else ""
    return Lead(spec["namespace"], pod, ports, engines.state / "logs" / f"{_process(spec, number)}.log")


def _replicas(spec: Mapping[str, Any]) -> str | None:
    """The option that says how many of the process run; None where there is one."""
    option: str | None = manifest.declared()["processes"][spec["process"]].get("replicas")
    return option


def _number(spec: Mapping[str, Any], sizes: Mapping[str, Any], index: int) -> int:
    """Which of its kind, counted from 0, stands behind the pod of that number."""
    replicas = _replicas(spec)
    return index if spec.get("own") else min(index, int(sizes[replicas]) - 1 if replicas else 0)


def _process(spec: Mapping[str, Any], number: int) -> str:
    return f"{spec['process']}-{number + 1}" if _replicas(spec) else str(spec["process"])


def engine_of(spec: Mapping[str, Any], sizes: Mapping[str, Any], index: int) -> str | None:
    """The process that the pod of that number has to itself, None where it shares one with others."""
    return _process(spec, index) if _number(spec, sizes, index) == index else None


def waiting() -> str:
    """A question of jq for a pod: whether it is one whose engine does not answer yet; null where not."""
    ending = [spec for spec in table()["pods"] if spec.get("ends")]
    names = [f"{spec['namespace']}/{spec['name']}-{index}" for spec in ending for index in range(spec["replicas"])]
    theirs = f'"\\(.metadata.namespace)/\\(.metadata.name)" | test("^({"|".join(names)})$")'
    return f'if ({theirs}) and .metadata.annotations["{ANSWERS}"] == null then "waiting" else null end'


def log_of(lead: Lead, folder: Path) -> Path:
    """The log of the process in the form that a kubelet reads, within the folder of such logs."""
    return folder / f"{lead.namespace}-{lead.pod or 'others'}.log"


def write(path: Path, found: list[Lead], logs: Path) -> Path:
    """Write the configuration of KWOK that carries the leads out, and return its path.

    Args:
        logs: the folder of the logs in a kubelet's form; `logs.py` fills it.
    """
    documents = [document for lead in found for document in _documents(lead, log_of(lead, logs))]
    path.write_text(yaml.safe_dump_all(documents, sort_keys=False), encoding="utf-8")
    return path


def _documents(lead: Lead, log: Path) -> Iterator[dict[str, Any]]:
    forwards = [{"ports": [port], "target": {"address": HOST, "port": local}} for port, local in lead.ports.items()]
    if lead.pod:
        meta = {"name": lead.pod, "namespace": lead.namespace}
        yield {"apiVersion": API, "kind": "PortForward", "metadata": meta, "spec": {"forwards": forwards}}
        yield {"apiVersion": API, "kind": "Logs", "metadata": meta, "spec": {"logs": [{"logsFile": str(log)}]}}
    else:
        meta, selector = {"name": f"{lead.namespace}-others"}, {"matchNamespaces": [lead.namespace]}
        spec = {"selector": selector, "forwards": forwards}
        yield {"apiVersion": API, "kind": "ClusterPortForward", "metadata": meta, "spec": spec}
        spec = {"selector": selector, "logs": [{"logsFile": str(log)}]}
        yield {"apiVersion": API, "kind": "ClusterLogs", "metadata": meta, "spec": spec}
