"""Whether the pods that manifests ask for find a place: on these nodes, beside what runs there, in enough zones."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ..._errors import AccessDenied
from .cluster import Cluster
from .objects import Object, identity, managed

HOST, ZONE = "kubernetes.io/hostname", "topology.kubernetes.io/zone"
_FLINK = {"k": "Ki", "m": "Mi", "g": "Gi"}  # Flink's own suffixes


@dataclass(frozen=True)
class Demand:
    """Pods of one kind.

    Args:
        cpu: cores a pod; memory: bytes a pod.
        apart: no two of them on one node.
        zones: as many in each zone as in any other, give or take one.
    """

    name: str
    replicas: int
    cpu: float
    memory: float
    apart: bool = False
    zones: bool = False


@dataclass
class Node:
    """A node that takes pods, with what is free on it."""

    name: str
    zone: str
    cpu: float
    memory: float
    pods: int
    placed: list[str] = field(default_factory=list)


def demands(manifests: Iterable[Object]) -> list[Demand]:
    """What workloads ask for that stay; Jobs, which end, take their place before or after."""
    return [demand for obj in manifests for demand in _demands(obj)]


def _demands(obj: Object) -> Iterator[Demand]:
    if obj["kind"] in ("StatefulSet", "Deployment"):
        pod, replicas = obj["spec"]["template"]["spec"], obj["spec"].get("replicas", 1)
        requests = [_requests(c) for c in pod["containers"]]
        cpu, memory = (sum(r[i] for r in requests) for i in (0, 1))
        yield Demand(identity(obj), replicas, cpu, memory, _apart(pod), _over_zones(pod))
    elif obj["kind"] == "FlinkDeployment":
        spec = obj["spec"]
        slots = int((spec.get("flinkConfiguration") or {}).get("taskmanager.numberOfTaskSlots", 1))
        needed = math.ceil((spec.get("job") or {}).get("parallelism", 1) / slots)
        for part, replicas in (("jobManager", 1), ("taskManager", needed)):
            asked = spec[part]["resource"]
            count = spec[part].get("replicas") or replicas
            yield Demand(f"{identity(obj)}/{part}", count, float(asked["cpu"]), _flink_memory(asked["memory"]))


def _requests(container: dict[str, Any]) -> tuple[float, float]:
    asked = (container.get("resources") or {}).get("requests") or {}
    return quantity(asked.get("cpu", "0")), quantity(asked.get("memory", "0"))


def quantity(value: object) -> float:
    """`500m`, `4Gi` or a number, in cores or bytes."""
    from kubernetes.utils.quantity import parse_quantity

    return float(parse_quantity(str(value)))


def _flink_memory(value: str) -> float:
    return quantity(value[:-1] + _FLINK[value[-1]]) if value[-1] in _FLINK else quantity(value)


def _apart(pod: Object) -> bool:
    rules = ((pod.get("affinity") or {}).get("podAntiAffinity") or {}).get(
        "requiredDuringSchedulingIgnoredDuringExecution"
    ) or []
    return any(rule.get("topologyKey") == HOST for rule in rules)


def _over_zones(pod: Object) -> bool:
    spread = pod.get("topologySpreadConstraints") or []
    return any(s["topologyKey"] == ZONE and s["whenUnsatisfiable"] == "DoNotSchedule" for s in spread)


def nodes(cluster: Cluster) -> tuple[list[Node], str]:
    """The nodes that take any pod, with what is free beside pods that are not ours; and what could not be seen."""
    found = {n.name: n for n in (_node(obj) for obj in cluster.list("Node")) if n}
    try:
        pods = cluster.list("Pod")
    except AccessDenied:
        return list(found.values()), "what other applications use is not visible to these credentials"
    for pod in pods:
        if not managed(pod):
            _occupy(found, pod)
    return list(found.values()), ""


def _occupy(found: Mapping[str, Node], pod: Object) -> None:
    """Take what a pod asks for from the node on which it stands."""
    node = found.get(pod["spec"].get("nodeName", ""))
    if node and pod.get("status", {}).get("phase") in ("Pending", "Running"):
        for cpu, memory in map(_requests, pod["spec"]["containers"]):
            node.cpu, node.memory = node.cpu - cpu, node.memory - memory
        node.pods -= 1


def homeless_more(cluster: Cluster, workloads: Iterable[Object]) -> list[str]:
    """Pods that come to StatefulSets by these manifests and would find no place beside all that runs now.

    Raises:
        AccessDenied: these credentials may not see nodes or pods.
    """
    found = {n.name: n for n in (_node(obj) for obj in cluster.list("Node")) if n}
    pods = cluster.list("Pod")
    for pod in pods:
        _occupy(found, pod)
    more = []
    for obj in workloads:
        meta = obj["metadata"]
        own = [p for p in pods if p["metadata"]["namespace"] == meta["namespace"] and _owned(p, obj)]
        for pod in own:
            if node := found.get(pod["spec"].get("nodeName", "")):
                node.placed.append(identity(obj))
        more += [replace(d, replicas=d.replicas - len(own)) for d in _demands(obj) if d.replicas > len(own)]
    return homeless(more, found.values())


def _owned(pod: Object, workload: Object) -> bool:
    owners = pod["metadata"].get("ownerReferences") or []
    return any((o["kind"], o["name"]) == (workload["kind"], workload["metadata"]["name"]) for o in owners)


def _node(obj: Object) -> Node | None:
    taints = [t for t in obj["spec"].get("taints") or [] if t["effect"] in ("NoSchedule", "NoExecute")]
    ready = any(c["type"] == "Ready" and c["status"] == "True" for c in obj["status"].get("conditions") or [])
    if taints or obj["spec"].get("unschedulable") or not ready:
        return None
    name, has = obj["metadata"]["name"], obj["status"]["allocatable"]
    zone = (obj["metadata"].get("labels") or {}).get(ZONE, "")
    return Node(name, zone, quantity(has["cpu"]), quantity(has["memory"]), int(quantity(has.get("pods", 110))))


def homeless(wanted: Iterable[Demand], room: Iterable[Node]) -> list[str]:
    """Pods that find no place, one line a kind, with why; the largest are placed first, each where most is free."""
    places, lines = list(room), []
    for demand in sorted(wanted, key=lambda d: (d.memory, d.cpu), reverse=True):
        left = demand.replicas
        while left and (node := _place(demand, places)):
            node.placed.append(demand.name)
            node.cpu, node.memory, node.pods = node.cpu - demand.cpu, node.memory - demand.memory, node.pods - 1
            left -= 1
        if left:
            lines.append(f"{left} of {demand.replicas} pods of {demand.name} ({_why(demand, places)})")
    return lines


def _place(demand: Demand, places: list[Node]) -> Node | None:
    fit = [n for n in places if _allowed(demand, n, places) and _fits(demand, n)]
    return max(fit, key=lambda n: (n.memory, n.cpu), default=None)


def _fits(demand: Demand, node: Node) -> bool:
    return node.cpu >= demand.cpu and node.memory >= demand.memory and node.pods > 0


def _allowed(demand: Demand, node: Node, places: list[Node]) -> bool:
    if demand.apart and demand.name in node.placed:
        return False
    if not demand.zones:
        return True
    here = dict.fromkeys(sorted({n.zone for n in places}), 0)
    for other in places:
        here[other.zone] += other.placed.count(demand.name)
    return bool(node.zone) and here[node.zone] == min(here.values())


def _why(demand: Demand, places: list[Node]) -> str:
    if not any(_allowed(demand, n, places) for n in places):
        return "no node is left that its rules allow: one a node" if demand.apart else "no zone is left"
    if not any(_fits(demand, n) for n in places):
        return f"no node has {demand.cpu:g} cores and {demand.memory / 2**30:.1f} GiB free"
    return "zones are filled unevenly: the nodes that are free are in a zone that has its share"
