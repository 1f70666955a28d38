"""Mistakes and losses that a cluster meets, each with the words in which it must be told, and the way back from it.

A rollout goes wrong by a field of a manifest, as it does in real life; nothing here needs a special image. What happens
to the cluster itself (a quota, a budget, a zone, another manager) is done to it, and taken back.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ..._errors import UsageError
from ...waiting import wait_until
from . import history, pods
from .cluster import Cluster
from .objects import Object, labels
from .plan import plan
from .wait import wait

if TYPE_CHECKING:
    from .target import Kubernetes

QUOTA = "carbon-drill"
OTHER_MANAGER = "carbon-drill"
NO_PATH = "/carbon-drill-no-such-path"
NO_TAG = "carbon-drill-no-such-tag"
LITTLE_MEMORY = "48Mi"  # no JVM starts in it
NO_NODE_HAS = "900Ti"
ZONE = "topology.kubernetes.io/zone"
CLOSED = "carbon.io/drill-closed"  # marks the nodes that the drill has cordoned
QUICK_S = 60  # for what the control plane does by itself


@dataclass(frozen=True)
class Scene:
    """Where a mistake is made: a workload, and what is known of it.

    Args:
        layer: of the workload, a StatefulSet.
        workload: its name.
        patience_s: after which a rollout that only time can judge counts as stuck.
        heal_s: limit of a way back.
    """

    target: Kubernetes
    layer: str
    workload: str
    patience_s: float
    heal_s: float

    @cached_property
    def cluster(self) -> Cluster:
        """The target's connection."""
        return self.target.cluster

    @cached_property
    def namespace(self) -> str:
        """Of the workload."""
        return str(self._workload(self.manifests())["metadata"]["namespace"])

    def manifests(self, edit: Callable[[Object], None] | None = None) -> list[Object]:
        """The layer as declared, with its workload edited.

        Raises:
            UsageError: the layer has no such workload.
        """
        found = copy.deepcopy(self.target.manifests(self.layer))
        workload = self._workload(found)
        if edit:
            edit(workload)
        return found

    def _workload(self, manifests: list[Object]) -> Object:
        sets = {m["metadata"]["name"]: m for m in manifests if m["kind"] == "StatefulSet"}
        if self.workload not in sets:
            there = ", ".join(sets) or "none"
            raise UsageError(
                f"The layer {self.layer} has no StatefulSet {self.workload!r}.", remedy=f"StatefulSets: {there}."
            )
        return sets[self.workload]

    def roll_out(self, edit: Callable[[Object], None]) -> None:
        """Apply the layer with its workload edited, and wait for it."""
        edited = self.manifests(edit)
        plan(self.cluster, edited, self.layer).apply()
        wait(self.cluster, edited, self.patience_s)

    def roll_back(self) -> None:
        """The layer's last healthy revision, ready."""
        history.rollback(self.cluster, self.layer, timeout=self.heal_s).apply()

    def differing(self) -> list[str]:
        """Objects of the layer that are not as declared."""
        return [change.object for change in plan(self.cluster, self.manifests(), self.layer).changes]


@dataclass(frozen=True)
class Mistake:
    """One of them.

    Args:
        says: what is done, for people.
        words: a regular expression that the error must match, over several lines.
        make: does it; the error is to come out of it.
        mend: takes it back.
        layer, workload: where it is made.
    """

    says: str
    words: str
    make: Callable[[Scene], None]
    mend: Callable[[Scene], None] = Scene.roll_back
    layer: str = "connect"
    workload: str = "kafka-connect"


def _edited(edit: Callable[[Object], None]) -> Callable[[Scene], None]:
    return lambda scene: scene.roll_out(edit)


def _container(workload: Object) -> Any:
    return workload["spec"]["template"]["spec"]["containers"][0]


def _never_ready(workload: Object) -> None:
    _container(workload)["readinessProbe"]["httpGet"]["path"] = NO_PATH


def _little_memory(workload: Object) -> None:
    for part in ("requests", "limits"):
        _container(workload)["resources"][part]["memory"] = LITTLE_MEMORY


def _no_image(workload: Object) -> None:
    container = _container(workload)
    name = container["image"].partition("@")[0]
    head, slash, last = name.rpartition("/")
    container["image"] = f"{head}{slash}{last.partition(':')[0]}:{NO_TAG}"


def _no_node(workload: Object) -> None:
    for part in ("requests", "limits"):
        _container(workload)["resources"][part]["ephemeral-storage"] = NO_NODE_HAS


def _one_more(workload: Object) -> None:
    workload["spec"]["replicas"] += 1


def _quota(scene: Scene) -> None:
    space = scene.namespace
    running = [p for p in scene.cluster.list("Pod", space, "v1") if p["status"]["phase"] in ("Pending", "Running")]
    spec = {"hard": {"pods": str(len(running))}}
    scene.cluster.apply(
        {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": QUOTA, "namespace": space}, "spec": spec}
    )
    wait_until(
        lambda: (scene.cluster.get("ResourceQuota", QUOTA, space, "v1") or {}).get("status", {}).get("used"),
        what="the count of the quota", timeout=QUICK_S, every=0.1,
    )  # fmt: skip
    scene.roll_out(_one_more)


def _no_quota(scene: Scene) -> None:
    scene.cluster.delete("ResourceQuota", QUOTA, scene.namespace, "v1")
    scene.roll_back()


def _budget(scene: Scene) -> None:
    edited = scene.manifests()
    (budget,) = [m for m in edited if m["kind"] == "PodDisruptionBudget" and m["metadata"]["name"] == scene.workload]
    budget["spec"].pop("minAvailable", None)
    budget["spec"]["maxUnavailable"] = 0
    plan(scene.cluster, edited, scene.layer).apply()

    def used_up() -> bool:
        status = (scene.cluster.get("PodDisruptionBudget", scene.workload, scene.namespace, "policy/v1") or {}).get(
            "status", {}
        )
        return bool(status.get("disruptionsAllowed") == 0)

    wait_until(used_up, what="a disruption budget of nothing", timeout=QUICK_S, every=0.1)
    pods.evict(scene.cluster.impatient(), f"{scene.workload}-0")


def _zone(scene: Scene) -> None:
    """Close the zone of a pod whose volume lies there, and delete the pod."""
    name = f"{scene.workload}-1"
    node = pods.find(scene.cluster, name)["spec"]["nodeName"]
    zone = labels(scene.cluster.get("Node", node, api_version="v1") or {}).get(ZONE, "")
    for each in scene.cluster.list("Node", api_version="v1", labels={ZONE: zone}):
        if not each["spec"].get("unschedulable"):
            _patch(scene, each, {"metadata": {"annotations": {CLOSED: zone}}, "spec": {"unschedulable": True}})
    pods.delete(scene.cluster, name, grace_s=0)
    wait_until(
        lambda: _unscheduled(scene.cluster.get("Pod", name, scene.namespace, "v1")),
        what=f"the scheduler's word on {name}", timeout=QUICK_S, every=0.1,
    )  # fmt: skip
    wait(scene.cluster, scene.manifests(), scene.patience_s)


def _zone_back(scene: Scene) -> None:
    for each in scene.cluster.list("Node", api_version="v1"):
        if CLOSED in (each["metadata"].get("annotations") or {}):
            _patch(scene, each, {"metadata": {"annotations": {CLOSED: None}}, "spec": {"unschedulable": None}})
    wait(scene.cluster, scene.manifests(), scene.heal_s)


def _patch(scene: Scene, node: Object, body: Object) -> None:
    name = node["metadata"]["name"]
    path = scene.cluster.kind("Node", "v1").path(name)
    scene.cluster.request("patch", path, body, content_type="application/merge-patch+json", what=f"node {name}")


def _unscheduled(pod: Object | None) -> bool:
    conditions = ((pod or {}).get("status") or {}).get("conditions") or []
    return any(c["type"] == "PodScheduled" and c.get("reason") == "Unschedulable" for c in conditions)


def _conflict(scene: Scene) -> None:
    meta = {"name": scene.workload, "namespace": scene.namespace}
    theirs = {
        "apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": meta,
        "spec": {"template": {"spec": {"terminationGracePeriodSeconds": 77}}},
    }  # fmt: skip
    path = scene.cluster.kind("StatefulSet", "apps/v1").path(scene.workload, meta["namespace"])
    query = [("fieldManager", OTHER_MANAGER), ("force", "true")]
    scene.cluster.request("patch", path, theirs, query=query, content_type="application/apply-patch+yaml")
    plan(scene.cluster, scene.manifests(), scene.layer).apply()


MISTAKES = {
    "never-ready": Mistake(
        "a readiness probe asks for a path that nobody serves", "running, not ready", _edited(_never_ready)
    ),
    "out-of-memory": Mistake(f"a memory limit of {LITTLE_MEMORY}", "OOMKilled", _edited(_little_memory)),
    "image-pull": Mistake("an image tag that was never pushed", f"(ImagePull|ErrImage).*{NO_TAG}", _edited(_no_image)),
    "unschedulable": Mistake(
        f"a request of {NO_NODE_HAS} of disk, which no node has", "Unschedulable.*Insufficient ephemeral-storage",
        _edited(_no_node),
    ),
    "quota": Mistake("one worker more than a quota allows", f"exceeded quota: {QUOTA}", _quota, _no_quota),
    "budget": Mistake("an eviction that the disruption budget does not allow", "disruption budget", _budget),
    "zone": Mistake(
        "the zone of a broker's volume takes no pods any more, and the broker is gone", "-1: Unschedulable",
        _zone, _zone_back, "kafka", "kafka",
    ),
    "conflict": Mistake(
        "somebody else holds a field of the workload", f"(?=.*{OTHER_MANAGER})(?=.*terminationGracePeriodSeconds)",
        _conflict,
    ),
}  # fmt: skip


def mistake(name: str) -> Mistake:
    """One of them by its name.

    Raises:
        UsageError: there is none of this name.
    """
    if name not in MISTAKES:
        raise UsageError(f"There is no mistake {name!r}.", remedy=f"Known: {', '.join(MISTAKES)}.")
    return MISTAKES[name]
