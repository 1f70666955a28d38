"""Pods one by one: end them, restart them, read their logs; and the members of Kafka among them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from ..._errors import CarbonError, UsageError
from ..base import Member
from .cluster import Cluster
from .explain import reasons
from .objects import LAYER, MANAGED_BY, MANAGER, Object, identity
from .ready import readiness

WORKLOADS = ("StatefulSet", "Deployment", "Job", "FlinkDeployment")
REVISION = "controller-revision-hash"
LOG_LINES = 2000  # of each container that are searched
LAST_LINES = 25


def find(cluster: Cluster, name: str) -> Object:
    """A pod of ours by its name.

    Raises:
        UsageError: there is none.
    """
    pods = _ours(cluster, {})
    found = [pod for pod in pods if pod["metadata"]["name"] == name]
    if not found:
        there = ", ".join(sorted(pod["metadata"]["name"] for pod in pods))
        raise UsageError(f"There is no pod {name!r} of the platform.", remedy=f"Pods: {there or 'none'}.")
    return found[0]


def delete(cluster: Cluster, name: str, *, grace_s: int) -> Callable[[], bool]:
    """Delete a pod; the result tells whether another one of its name is ready."""
    pod = find(cluster, name)
    body = {"gracePeriodSeconds": grace_s, "preconditions": {"uid": pod["metadata"]["uid"]}}
    cluster.request("delete", _path(cluster, pod), body, what=identity(pod))
    return lambda: _replaced(cluster, pod)


def evict(cluster: Cluster, name: str) -> Callable[[], bool]:
    """Evict a pod, as far as disruption budgets allow it; the result tells whether another one is ready in its place.

    Raises:
        EngineError: the budget does not allow it now.
    """
    pod = find(cluster, name)
    meta = {key: pod["metadata"][key] for key in ("name", "namespace")}
    eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": meta}
    cluster.request("post", f"{_path(cluster, pod)}/eviction", eviction, what=f"the eviction of {name}")
    return lambda: _replaced(cluster, pod)


def members(cluster: Cluster, declared: Sequence[Mapping[str, Any]], wanted: Mapping[str, int]) -> list[Member]:
    """The members of Kafka by their StatefulSets, as many as there are to be.

    Args:
        declared: per StatefulSet `namespace`, `pods` (its name), `first_node`, `votes` and `serves`.
        wanted: the replicas of each StatefulSet under the current options, by its name.
    """
    found = []
    for part in declared:
        owner = cluster.get("StatefulSet", part["pods"], part["namespace"], "apps/v1")
        for index in range(wanted[part["pods"]]):
            name = f"{part['pods']}-{index}"
            pod = cluster.get("Pod", name, part["namespace"], "v1")
            runs = ((pod or {}).get("metadata", {}).get("labels") or {}).get(REVISION, "")
            newest = ((owner or {}).get("status") or {}).get("updateRevision", "")
            node = int(part["first_node"]) + index
            found.append(Member(name, node, bool(part["votes"]), bool(part["serves"]), runs, newest))
    return found


def log_lines(cluster: Cluster, layer: str, words: Sequence[str], most: int) -> list[tuple[str, str]]:
    """Of the log of each pod of a layer, the last lines that hold one of the words, with the pod's name."""
    found: list[tuple[str, str]] = []
    for pod in _ours(cluster, {LAYER: layer}):
        lines = [line for line in _log(cluster, pod, LOG_LINES) if any(word in line for word in words)]
        found += [(pod["metadata"]["name"], line) for line in lines[-most:]]
    return found


def diagnose(cluster: Cluster, manifests: Iterable[Object]) -> list[tuple[str, str]]:
    """Every workload that is not ready, with the reasons, and the last log lines of its pods that are not."""
    texts: list[tuple[str, str]] = []
    table = []
    for manifest in manifests:
        if manifest["kind"] not in WORKLOADS:
            continue
        live = cluster.live(manifest)
        state = readiness(live) if live else None
        table.append(f"{identity(manifest):60} {state.why if state else 'not there'}")
        if live and state and not state.ok:
            texts.append((f"why {identity(manifest)} is not ready", "\n".join(reasons(cluster, live)) or state.why))
    for pod in _ours(cluster, {}):
        if not readiness(pod).ok and pod["status"].get("phase") != "Succeeded":
            lines = "\n".join(_log(cluster, pod, LAST_LINES))
            texts.append((f"last lines of {pod['metadata']['name']}", lines or "no log yet"))
    return [("workloads", "\n".join(table) or "none are declared"), *texts]


def _ours(cluster: Cluster, labels: Mapping[str, str]) -> list[Object]:
    """Our pods, namespace by namespace: the runbooks' own account may not look into all others."""
    spaces = [space["metadata"]["name"] for space in cluster.list("Namespace", labels={MANAGED_BY: MANAGER})]
    wanted = {MANAGED_BY: MANAGER, **labels}
    return [pod for space in spaces for pod in cluster.list("Pod", space, labels=wanted)]


def _log(cluster: Cluster, pod: Object, lines: int) -> list[str]:
    container = pod["spec"]["containers"][0]["name"]
    query = [("container", container), ("tailLines", str(lines))]
    try:
        return cluster.text(f"{_path(cluster, pod)}/log", query, what=f"the log of {identity(pod)}").splitlines()
    except CarbonError as error:  # a container that has not started has none, and the server says so by an error
        return [error.cause or error.message]


def _replaced(cluster: Cluster, former: Object) -> bool:
    meta = former["metadata"]
    now = cluster.get("Pod", meta["name"], meta["namespace"], "v1")
    return now is not None and now["metadata"]["uid"] != meta["uid"] and readiness(now).ok


def _path(cluster: Cluster, pod: Object) -> str:
    return cluster.kind("Pod", "v1").path(pod["metadata"]["name"], pod["metadata"]["namespace"])
