"""Rights: which ones a deployment of some manifests needs, and which of them these credentials lack."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from .cluster import Cluster
from .inventory import AT_ONCE
from .kinds import Kind
from .objects import KEPT, Object
from .secrets import declared

LOOK = ("get", "list", "watch")
CHANGE = ("create", "patch", "delete")
# Beside the objects themselves: what looks for reasons, reaches pods, rolls and heals them, widens or removes claims.
WORKLOADS = ("StatefulSet", "Deployment", "Job", "FlinkDeployment")
AROUND = {
    ("", "pods"): (*LOOK, "delete"),
    ("", "pods/log"): ("get",),
    ("", "pods/portforward"): ("get", "create"),
    ("", "pods/eviction"): ("create",),
    ("", "events"): ("get", "list"),
    ("", "persistentvolumeclaims"): (*LOOK, "patch", "delete"),
    ("apps", "controllerrevisions"): ("list",),
    ("apps", "replicasets"): ("list",),
}
CLUSTER_WIDE = {("", "nodes"): ("get", "list"), ("storage.k8s.io", "storageclasses"): ("get", "list")}


@dataclass(frozen=True, order=True)
class Right:
    """One verb on one resource.

    Args:
        resource: in the plural, a part of an object after a slash.
        namespace: empty for what is in none.
        name: of one object; empty for all of them.
    """

    group: str
    resource: str
    verb: str
    namespace: str = ""
    name: str = ""

    def __str__(self) -> str:
        resource = f"{self.resource}.{self.group}" if self.group else self.resource
        where = f" in {self.namespace}" if self.namespace else ""
        return f"{self.verb} {resource}{f' {self.name}' if self.name else ''}{where}"


def needed_rights(cluster: Cluster, manifests: Iterable[Object]) -> list[Right]:
    """What carbonlib does to deploy, look at, reach and take down the objects; kinds that are nowhere are left out."""
    objects = list(manifests)
    kinds = {obj["kind"]: kind for obj in objects if (kind := kind_of(cluster, obj, objects))}
    rights = {r for obj in objects if obj["kind"] in kinds for r in _of_object(obj, kinds[obj["kind"]])}
    for namespace in sorted({o["metadata"]["namespace"] for o in objects if o["kind"] in WORKLOADS}):
        rights |= {Right(*what, verb, namespace) for what, verbs in AROUND.items() for verb in verbs}
    rights |= {Right(*what, verb) for what, verbs in CLUSTER_WIDE.items() for verb in verbs}
    spaces = {o["metadata"]["namespace"] for o in objects if "namespace" in o["metadata"]}
    rights |= {Right("", "secrets", "get", w.namespace, w.secret) for w in declared() if w.namespace in spaces}
    return sorted(rights)


def kind_of(cluster: Cluster, obj: Object, manifests: Iterable[Object]) -> Kind | None:
    """The kind of an object as the cluster serves it, or as a definition among the manifests will."""
    found = cluster.kinds.find(obj["kind"], obj["apiVersion"])
    if found:
        return found
    for crd in manifests:
        if crd["kind"] != "CustomResourceDefinition" or crd["spec"]["names"]["kind"] != obj["kind"]:
            continue
        versions = [f"{crd['spec']['group']}/{v['name']}" for v in crd["spec"]["versions"] if v["served"]]
        if obj["apiVersion"] in versions:
            scoped = crd["spec"]["scope"] == "Namespaced"
            return Kind(obj["kind"], obj["apiVersion"], crd["spec"]["names"]["plural"], scoped, frozenset())
    return None


def _of_object(obj: Object, kind: Kind) -> Iterator[Right]:
    namespace = obj["metadata"].get("namespace", "") if kind.namespaced else ""
    for verb in LOOK:
        yield Right(kind.group, kind.plural, verb, namespace)
    for verb in CHANGE:
        # What others live in is made and never taken away with a layer; a right to create cannot name an object.
        if verb == "delete" and obj["kind"] in KEPT:
            continue
        name = "" if kind.namespaced or verb == "create" else obj["metadata"]["name"]
        yield Right(kind.group, kind.plural, verb, namespace, name)


def refused(cluster: Cluster, rights: Iterable[Right]) -> list[Right]:
    """Those of the rights that the API server says these credentials do not have."""
    if allowed(cluster, Right("*", "*", "*")):
        return []
    asked = list(rights)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        answers = list(pool.map(lambda right: allowed(cluster, right), asked))
    return [right for right, answer in zip(asked, answers, strict=True) if not answer]


def allowed(cluster: Cluster, right: Right) -> bool:
    """Whether these credentials have a right: the API server's own word (SelfSubjectAccessReview)."""
    resource, _, part = right.resource.partition("/")
    attributes = {
        "group": right.group, "resource": resource, "subresource": part, "verb": right.verb,
        "namespace": right.namespace, "name": right.name,
    }  # fmt: skip
    spec = {"resourceAttributes": {k: v for k, v in attributes.items() if v}}
    review = {"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview", "spec": spec}
    return bool(cluster.create(review)["status"]["allowed"])


def summary(rights: Iterable[Right]) -> list[str]:
    """Rights in few lines: the verbs of a resource together."""
    by: dict[tuple[str, str, str, str], list[str]] = {}
    for right in rights:
        by.setdefault((right.group, right.resource, right.namespace, right.name), []).append(right.verb)
    return [str(Right(g, r, ",".join(verbs), ns, name)) for (g, r, ns, name), verbs in by.items()]
