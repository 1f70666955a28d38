"""What differs from production for Flink on the plane, each with its reason: a patch of every FlinkDeployment.

The newest operator to be had as a package is older than the one of production, and no container runs: the state of jobs
is kept in folders, and each JobManager answers on a port of this machine.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml

from .identity import HOST

NAMESPACE = "data-platform"
JOBS = ("data-enricher", "price-aggregator", "anomaly-detector", "probe")
OFFSET = 10  # from the plane's first port
FLINK_VERSION = "v1_19"
REASONS = {
    "spec.flinkVersion": "operator 1.7 knows no v1_20; 1.19 is the newest that it takes",
    "spec.flinkConfiguration[rest.port]": "each JobManager answers on a port of this machine, so they need several",
    "spec.flinkConfiguration[state.*]": "there is no object store that JobManagers and the operator share; folders",
    "spec.flinkConfiguration[high-availability.storageDir]": "as state.*",
    "spec.flinkConfiguration[job.autoscaler.enabled]": "all jobs run in one cluster here, whose figures are not theirs",
}


def rest_ports(port_base: int) -> dict[str, int]:
    """The port of each job's JobManager by the job's name."""
    return {job: port_base + OFFSET + number for number, job in enumerate(JOBS)}


def amend(folder: Path, state: Path, port_base: int) -> None:
    """Add these patches to the kustomization of a folder."""
    _append(folder, patches(state, port_base))


def amend_for_applications(folder: Path, objectstore_url: str) -> None:
    """The patches where each job has processes of its own: the operator's version, and where S3 is.

    `values.yaml` says of the latter that a store other than Amazon's is named like this.
    """
    settings = {"s3.endpoint": objectstore_url, "s3.path.style.access": "true"}
    _append(folder, [_flink_patch(job, settings) for job in JOBS])


def write_plumbing(path: Path, port_base: int) -> Path:
    """Write the configuration of KWOK that leads the REST port of JobManager pods to this machine."""
    ports = rest_ports(port_base).values()
    forwards = [{"ports": [port], "target": {"address": HOST, "port": port}} for port in ports]
    document = {
        "apiVersion": "kwok.x-k8s.io/v1alpha1",
        "kind": "ClusterPortForward",
        "metadata": {"name": "flink-jobs"},
        "spec": {"selector": {"matchNamespaces": [NAMESPACE]}, "forwards": forwards},
    }
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    return path


def patches(state: Path, port_base: int) -> list[dict[str, Any]]:
    """The `patches` of a kustomization.

    Args:
        state: folder under which jobs keep checkpoints and savepoints.
        port_base: first of the plane's ports.
    """
    return [_patch(job, port, state.resolve() / "flink-state") for job, port in rest_ports(port_base).items()]


def _patch(job: str, port: int, state: Path) -> dict[str, Any]:
    settings = {
        "rest.port": str(port),
        "state.checkpoints.dir": f"file://{state}/checkpoints",
        "state.savepoints.dir": f"file://{state}/savepoints",
        "job.autoscaler.enabled": "false",
    }
    if job != "probe":
        settings["high-availability.storageDir"] = f"file://{state}/ha"
    return _flink_patch(job, settings)


def _flink_patch(job: str, settings: dict[str, str]) -> dict[str, Any]:
    changes = [{"op": "add", "path": f"/spec/flinkConfiguration/{k}", "value": v} for k, v in settings.items()]
    version = {"op": "replace", "path": "/spec/flinkVersion", "value": FLINK_VERSION}
    # A kustomization takes a patch as a text; JSON is YAML.
    return {"target": {"kind": "FlinkDeployment", "name": job}, "patch": json.dumps([version, *changes])}


def _append(folder: Path, more: list[dict[str, Any]]) -> None:
    path = folder / "kustomization.yaml"
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    content["patches"] = [*content.get("patches", []), *more]
    path.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
