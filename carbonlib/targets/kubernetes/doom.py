"""Whether a workload that is not ready can still become so."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from .cluster import Cluster
from .explain import pods_of, warning_events
from .objects import Object, labels

RESTARTS = 3  # a crash loop: this often it was not for want of something that starts later
NEVER_RUNS = (
    "ImagePullBackOff", "ErrImagePull", "InvalidImageName", "ErrImageNeverPull", "CreateContainerConfigError",
    "CreateContainerError",
)  # fmt: skip
WORKLOADS = ("StatefulSet", "Deployment", "DaemonSet", "Job")


class Verdict(NamedTuple):
    """Why something cannot become ready.

    Args:
        reason: in the words of the cluster.
        final: it will not pass by itself; else it may, as a quota does that a rollout still fills.
    """

    reason: str
    final: bool


class Doom:
    """Judges workloads; warnings that were there before it first looked are old stories and do not count."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._before: dict[str, dict[str, Any]] = {}

    def of(self, obj: Object) -> Verdict | None:
        """Why a workload is beyond hope, or None."""
        if obj["kind"] not in WORKLOADS:
            return None
        for pod in pods_of(self._cluster, obj):
            if not pod["metadata"].get("deletionTimestamp") and self._newest(pod, obj):
                for verdict in _pod_verdicts(pod):
                    return verdict
        return self._refused(obj)

    def _newest(self, pod: Object, obj: Object) -> bool:
        """Whether a pod is of the revision that is wanted."""
        if obj["kind"] == "StatefulSet":
            return labels(pod).get("controller-revision-hash") == (obj.get("status") or {}).get("updateRevision")
        if obj["kind"] == "Deployment":
            return labels(pod).get("pod-template-hash") == self._newest_hash(obj)
        return True

    def _newest_hash(self, deployment: Object) -> str | None:
        newest = self._newest_replica_set(deployment)
        return labels(newest).get("pod-template-hash") if newest else None

    def _newest_replica_set(self, deployment: Object) -> Object | None:
        meta, note = deployment["metadata"], "deployment.kubernetes.io/revision"
        wanted = (meta.get("annotations") or {}).get(note)
        selector = (deployment["spec"].get("selector") or {}).get("matchLabels")
        for each in self._cluster.list("ReplicaSet", meta["namespace"], "apps/v1", selector):
            owners = {o["uid"] for o in each["metadata"].get("ownerReferences") or []}
            if meta["uid"] in owners and (each["metadata"].get("annotations") or {}).get(note) == wanted:
                return each
        return None

    def _refused(self, obj: Object) -> Verdict | None:
        """Pods that the server does not let the controller create."""
        for message in self._failures(obj):
            if "is forbidden" in message:
                return Verdict(message, "exceeded quota" not in message)
        return None

    def _failures(self, obj: Object) -> Iterator[str]:
        if obj["kind"] == "Deployment":
            newest = self._newest_replica_set(obj) or {}
            for condition in (newest.get("status") or {}).get("conditions") or []:
                if condition["type"] == "ReplicaFailure" and condition["status"] == "True":
                    yield condition.get("message", "")
            return
        events = [e for e in warning_events(self._cluster, obj) if e.get("reason") == "FailedCreate"]
        counts = {e["metadata"]["uid"]: (e.get("count"), e["metadata"]["resourceVersion"]) for e in events}
        before = self._before.setdefault(obj["metadata"]["uid"], counts)
        yield from (e["message"] for e in events if before.get(e["metadata"]["uid"]) != counts[e["metadata"]["uid"]])


def _pod_verdicts(pod: Object) -> Iterator[Verdict]:
    status, name = pod.get("status") or {}, pod["metadata"]["name"]
    for container in [*(status.get("initContainerStatuses") or []), *(status.get("containerStatuses") or [])]:
        waiting = (container.get("state") or {}).get("waiting") or {}
        reason, restarts = waiting.get("reason"), container.get("restartCount", 0)
        if reason in NEVER_RUNS:
            yield Verdict(f"{name}/{container['name']}: {reason}", True)
        if reason == "CrashLoopBackOff" and restarts >= RESTARTS:
            yield Verdict(f"{name}/{container['name']}: CrashLoopBackOff after {restarts} restarts", True)
