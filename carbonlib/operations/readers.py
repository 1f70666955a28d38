"""Who reads a secret: processes or pods that get it when they start, and Flink jobs whose scripts refer to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..job_specs import load_jobs
from ..references import names

if TYPE_CHECKING:
    from ..platform import Platform
    from ..targets.kubernetes.target import Kubernetes
    from ..targets.local import Local

SECRET = "secret."


def jobs_that_read(name: str) -> list[str]:
    """Names of the jobs whose scripts refer to the secret; they get another one only when they are replaced."""
    return [job.name for job in load_jobs()[1] if f"{SECRET}{name}" in names(job.text())]


def members_that_read(platform: Platform, name: str) -> list[str]:
    """Names of the processes or pods that have the secret in their environment since they started."""
    target: Any = platform.target
    return _pods(target, name) if platform.target.name == "kubernetes" else _processes(target, name)


def _processes(target: Local, name: str) -> list[str]:
    value = target.secrets[name]
    found = [p for layer in target.layers() for p in _of(target, layer.name) if value in p.environment.values()]
    return [process.name for process in found]


def _of(target: Local, layer: str) -> list[Any]:
    from ..targets.local import LAYERS

    return target.processes(layer) if layer in LAYERS else []


def _pods(target: Kubernetes, name: str) -> list[str]:
    """Pods of the workloads whose template takes the key into a variable; a mounted file follows by itself."""
    found = []
    for layer in target.layers():
        for obj in target.manifests(layer.name):
            if obj["kind"] == "StatefulSet" and name in _keys(obj["spec"]["template"]["spec"]):
                live = target.cluster.live(obj) or obj
                count = live["spec"].get("replicas", 1)
                found += [f"{obj['metadata']['name']}-{index}" for index in range(count)]
    return found


def _keys(pod: dict[str, Any]) -> set[str]:
    variables = [v for container in pod["containers"] for v in container.get("env") or []]
    sources = [(v.get("valueFrom") or {}).get("secretKeyRef") or {} for v in variables]
    return {source["key"] for source in sources if "key" in source}
