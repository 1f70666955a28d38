"""Why an object is not ready, in the words of the cluster: the one screen that an operator needs.

Container states and what ended them last, what the scheduler says, volumes that are not bound, and the warnings that
the controllers wrote down.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from ..._errors import shorten
from .cluster import Cluster
from .objects import Object
from .ready import RULES, flink_error

WARNINGS = 3  # the newest of each object; they repeat themselves
LINE = 240
Trouble = tuple[str, str]  # who, and what is wrong with it


def reasons(cluster: Cluster, obj: Object) -> list[str]:
    """Lines such as `kafka-2/kafka: CrashLoopBackOff, 4 restarts, last OOMKilled(137)`; none where nothing is wrong.

    Pods of which the same is to be said share a line.

    Args:
        obj: a workload, claim or Flink deployment as it was read.
    """
    pods = pods_of(cluster, obj)
    unwell = [pod for pod in pods if not _well(pod)]
    told = [pair for pod in unwell for pair in [*_pod_troubles(pod), *_claim_troubles(cluster, pod)]]
    if obj["kind"].startswith("Flink") and flink_error(obj):
        told.append(("operator", flink_error(obj)))
    wanted = (obj.get("spec") or {}).get("replicas")
    lines = _merged(told)
    if obj["kind"] in ("StatefulSet", "Deployment") and len(pods) < (wanted or 0):
        lines.append(f"{len(pods)} of {wanted} pods exist")
    for about in [obj, *_replica_sets(cluster, obj), *unwell]:
        # The scheduler says the same in the pod's condition and as an event.
        news = [w for w in warnings(cluster, about) if not any(w.partition(": ")[2] in line for line in lines)]
        lines += [w for w in news if w not in lines]
    return [shorten(line, LINE) for line in lines]


def _merged(troubles: Iterable[Trouble]) -> list[str]:
    subjects: dict[str, list[str]] = {}
    for subject, message in troubles:
        names = subjects.setdefault(message, [])
        if subject not in names:
            names.append(subject)
    return [f"{', '.join(names)}: {message}" for message, names in subjects.items()]


def pods_of(cluster: Cluster, obj: Object) -> list[Object]:
    """The pods that belong to a workload, by name."""
    meta = obj["metadata"]
    if obj["kind"] == "Job":
        selector = {"batch.kubernetes.io/job-name": meta["name"]}
    elif obj["kind"] == "FlinkDeployment":
        selector = {"app": meta["name"], "type": "flink-native-kubernetes"}
    else:
        selector = ((obj.get("spec") or {}).get("selector") or {}).get("matchLabels") or {}
    if obj["kind"] not in ("StatefulSet", "Deployment", "DaemonSet", "Job", "FlinkDeployment") or not selector:
        return []
    pods = cluster.list("Pod", meta["namespace"], "v1", selector)
    return sorted(pods, key=lambda pod: str(pod["metadata"]["name"]))


def _pod_troubles(pod: Object) -> list[Trouble]:
    """What a pod says about itself: its containers, its place, its end."""
    name, status = pod["metadata"]["name"], pod.get("status") or {}
    told = [(f"{name}/{c['name']}", _container(c)) for c in _containers(pod) if not c.get("ready")]
    for condition in status.get("conditions") or []:
        if condition["type"] == "PodScheduled" and condition["status"] != "True":
            told.append((name, f"{condition.get('reason')}: {condition.get('message')}"))
    if status.get("reason"):
        told.append((name, f"{status['reason']}: {status.get('message', '')}"))
    if pod["metadata"].get("deletionTimestamp"):
        held = ", ".join(pod["metadata"].get("finalizers") or [])
        told.append((name, "being deleted" + (f", held by {held}" if held else "")))
    return told or [(name, f"{status.get('phase', 'Pending')}, not ready")]


def warnings(cluster: Cluster, obj: Object, most: int = WARNINGS) -> list[str]:
    """The newest warnings about an object, newest first, as `Reason: message`."""
    return [f"{e.get('reason')}: {e.get('message')}" for e in warning_events(cluster, obj)[:most]]


def warning_events(cluster: Cluster, obj: Object) -> list[Object]:
    """The warning events about this very object, newest first."""
    meta = obj["metadata"]
    fields = {"involvedObject.uid": meta["uid"], "type": "Warning"}
    events = cluster.list("Event", meta.get("namespace") or "default", "v1", None, fields)
    return sorted(events, key=_when, reverse=True)


def _when(event: Object) -> str:
    series = (event.get("series") or {}).get("lastObservedTime")
    return str(series or event.get("lastTimestamp") or event.get("eventTime") or "")


def _well(pod: Object) -> bool:
    status = pod.get("status") or {}
    return status.get("phase") == "Succeeded" or (RULES["Pod"](pod).ok and not pod["metadata"].get("deletionTimestamp"))


def _containers(pod: Object) -> Iterator[dict[str, Any]]:
    status = pod.get("status") or {}
    yield from (c for c in status.get("initContainerStatuses") or [] if not _done(c))
    yield from status.get("containerStatuses") or []


def _done(container: dict[str, Any]) -> bool:
    ended = (container.get("state") or {}).get("terminated")
    return container.get("ready", False) or bool(ended and ended.get("exitCode") == 0)


def _container(container: dict[str, Any]) -> str:
    state, last = container.get("state") or {}, (container.get("lastState") or {}).get("terminated")
    parts = []
    if waiting := state.get("waiting"):
        parts.append(" ".join(p for p in (waiting.get("reason"), _in_brackets(waiting.get("message"))) if p))
    elif ended := state.get("terminated"):
        parts.append(f"ended {_end(ended)} {_in_brackets(ended.get('message'))}".strip())
    else:
        parts.append("running, not ready")
    if container.get("restartCount"):
        parts.append(f"{container['restartCount']} restarts")
    if last:
        parts.append(f"last {_end(last)}")
    return ", ".join(parts)


def _end(ended: dict[str, Any]) -> str:
    return f"{ended.get('reason', 'Error')}({ended.get('exitCode')})"


def _in_brackets(message: str | None) -> str:
    return f"({shorten(message, 120)})" if message else ""


def _claim_troubles(cluster: Cluster, pod: Object) -> Iterator[Trouble]:
    """Claims of a pod that is not placed yet and that are not bound."""
    if pod["spec"].get("nodeName"):
        return
    namespace = pod["metadata"]["namespace"]
    for volume in pod["spec"].get("volumes") or []:
        name = (volume.get("persistentVolumeClaim") or {}).get("claimName")
        claim = cluster.get("PersistentVolumeClaim", name, namespace, "v1") if name else None
        if name and claim is None:
            yield f"PersistentVolumeClaim/{name}", "not there"
        elif claim and (phase := (claim.get("status") or {}).get("phase")) != "Bound":
            storage = claim["spec"].get("storageClassName") or "none, and the cluster has no default"
            told = "; ".join([f"{phase}, storage class {storage}", *warnings(cluster, claim, 1)])
            yield f"PersistentVolumeClaim/{name}", told


def _replica_sets(cluster: Cluster, obj: Object) -> Sequence[Object]:
    if obj["kind"] != "Deployment":
        return []
    labels = (obj["spec"].get("selector") or {}).get("matchLabels") or {}
    sets: Iterable[Object] = cluster.list("ReplicaSet", obj["metadata"]["namespace"], "apps/v1", labels)
    return [s for s in sets if (s["spec"].get("replicas") or 0) > 0]
