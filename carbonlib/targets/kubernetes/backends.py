"""Which pod serves a Service's port now, and why none does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..._errors import EngineError, UsageError
from .cluster import Cluster
from .objects import Object

ALIASES = 3  # Services that point to Services, at most


@dataclass(frozen=True)
class Backend:
    """A port of a pod that takes connections."""

    namespace: str
    pod: str
    port: int


def backends(cluster: Cluster, namespace: str, name: str, port: int) -> list[Backend]:
    """The ready pods behind a name, by name of the pod.

    Args:
        name: `pod/NAME` or `service/NAME`; a Service that is an alias is followed.
        port: of the pod, or of the Service, whose target port is looked up.

    Raises:
        EngineError: nothing takes connections; it names what is there and why not.
        UsageError: the name is of another form.
    """
    kind, _, called = name.partition("/")
    if kind == "pod":
        pod = cluster.get("Pod", called, namespace)
        return _ready(f"pod {called} in {namespace}", [pod] if pod else [], port)
    if kind != "service" or not called:
        raise UsageError(f"{name!r} is neither a pod nor a Service.", remedy="Write pod/NAME or service/NAME.")
    where, service = _follow(cluster, namespace, called)
    target = _target_port(service, port)
    selector = service["spec"].get("selector")
    pods = cluster.list("Pod", where, labels=selector) if selector else []
    return _ready(f"Service {called} in {namespace}", pods, target)


def _follow(cluster: Cluster, namespace: str, name: str) -> tuple[str, Object]:
    for _ in range(ALIASES):
        service = cluster.get("Service", name, namespace)
        if service is None:
            raise EngineError(f"There is no Service {name} in {namespace}.", remedy="Deploy the layer it belongs to.")
        if service["spec"].get("type") != "ExternalName":
            return namespace, service
        alias = service["spec"]["externalName"].split(".")
        if alias[2:3] != ["svc"]:
            raise EngineError(
                f"Service {name} in {namespace} points out of the cluster, to {service['spec']['externalName']}.",
                remedy="Use that address itself: a port-forward ends at a pod.",
            )
        name, namespace = alias[0], alias[1]
    raise EngineError(f"Service {name} in {namespace} is an alias of an alias.", remedy="Point it at a real Service.")


def _target_port(service: Object, port: int) -> int | str:
    ports = service["spec"].get("ports") or []
    for declared in ports:
        if declared["port"] == port:
            target: int | str = declared.get("targetPort") or port
            return target
    there = ", ".join(str(p["port"]) for p in ports) or "none"
    raise EngineError(
        f"Service {service['metadata']['name']} has no port {port}.", remedy=f"Its ports: {there}. Correct the caller."
    )


def _ready(what: str, pods: list[Object], port: int | str) -> list[Backend]:
    ready = [pod for pod in pods if is_ready(pod)]
    found = [Backend(p["metadata"]["namespace"], p["metadata"]["name"], n) for p in ready if (n := _number(p, port))]
    if found:
        return sorted(found, key=lambda backend: backend.pod)
    if ready:
        raise EngineError(f"No pod of {what} has a port named {port}.", remedy="Name the port in the pod's template.")
    raise EngineError(
        f"Nothing takes connections for {what}.",
        cause="; ".join(why_not(pod) for pod in pods) or "there is no such pod",
        remedy="Look at the pods: `carbon status --target kubernetes`.",
    )


def _number(pod: Object, port: int | str) -> int | None:
    if isinstance(port, int):
        return port
    spec = pod["spec"]
    for container in [*spec["containers"], *(spec.get("initContainers") or [])]:
        for declared in container.get("ports") or []:
            if declared.get("name") == port:
                return int(declared["containerPort"])
    return None


def is_ready(pod: Object) -> bool:
    """Whether a pod takes connections: ready, and not on its way out."""
    conditions = pod.get("status", {}).get("conditions") or []
    on = any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)
    return on and not pod["metadata"].get("deletionTimestamp")


def why_not(pod: Object) -> str:
    """Why a pod takes no connections, in one line."""
    name, status = pod["metadata"]["name"], pod.get("status", {})
    if pod["metadata"].get("deletionTimestamp"):
        return f"{name}: being deleted"
    said = [_said(s) for s in status.get("containerStatuses") or [] if not s.get("ready")]
    unscheduled = [
        str(c.get("message")) for c in status.get("conditions") or []
        if c["type"] == "PodScheduled" and c["status"] != "True"
    ]  # fmt: skip
    return f"{name}: {'; '.join([*unscheduled, *filter(None, said)]) or status.get('phase', 'Unknown')}"


def _said(container: dict[str, Any]) -> str:
    waiting = (container.get("state") or {}).get("waiting") or {}
    ended = (container.get("lastState") or {}).get("terminated") or {}
    parts = [waiting.get("reason") or "not ready", f"{container.get('restartCount', 0)} restarts"]
    if ended:
        parts.append(f"ended last with {ended.get('reason')} ({ended.get('exitCode')})")
    return f"{container['name']} {', '.join(parts)}"
