"""Teardown of exactly what carries our label, in the reverse of the order in which it was applied.

Data and what data lives in (claims, namespaces, definitions) and our own records stay unless they are purged; a
namespace or a definition that holds something of a stranger stays even then.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import NoReturn

from ..._errors import WaitTimeout
from ...changes import Change, Plan
from ...waiting import wait_until
from .cluster import Cluster
from .explain import reasons
from .history import RECORD, touched
from .inventory import AT_ONCE, owned
from .kinds import Kind
from .objects import KEPT, ORDER, Object, controlled, identity, labels, rank, summary
from .plan import delete as remove

GONE_S = 300.0  # twice the longest termination grace of our pods
# Made by the cluster in every namespace, or in passing.
GIVEN = ("ConfigMap/kube-root-ca.crt", "ServiceAccount/default")
PASSING = ("Event", "Lease", "Endpoints", "EndpointSlice", "PodMetrics")


def plan_down(cluster: Cluster, purge: bool = False, timeout: float = GONE_S) -> Plan:
    """What a teardown deletes; applying it waits until it is gone.

    Args:
        purge: also claims with their data, and our namespaces, definitions and records.
        timeout: seconds that the objects of one kind may take to be gone.
    """
    found = _ours(cluster)
    doomed = [obj for obj in found if _goes(obj, purge)]
    if purge:
        names = {identity(obj) for obj in doomed}
        doomed += [claim for claim in _claims(cluster, found) if identity(claim) not in names]
        names = {identity(obj) for obj in doomed}
        doomed = [obj for obj in doomed if not _strangers(cluster, obj, names)]
    ordered = sorted(doomed, key=rank, reverse=True)
    falling = _Falling(cluster, timeout)
    return Plan(
        Change(identity(obj), "delete", summary(obj), None, falling.step(obj, last=obj is ordered[-1]))
        for obj in ordered
    )


def leftovers(cluster: Cluster, purge: bool = False) -> list[str]:
    """What a teardown should have deleted and is still there, with what holds it where that is known."""
    found = [obj for obj in _ours(cluster) if _goes(obj, purge)]
    return sorted(f"{identity(obj)}{_held(cluster, obj)}" for obj in found)


def _ours(cluster: Cluster) -> list[Object]:
    """All that carries our label; of the kinds that were deployed here, none may be hidden from these credentials."""
    kinds, namespaces = touched(cluster)
    return owned(cluster, kinds=kinds or ORDER, namespaces=namespaces)


def _goes(obj: Object, purge: bool) -> bool:
    return purge or (obj["kind"] not in KEPT and RECORD not in labels(obj))


class _Falling:
    """Deletes objects kind after kind: those of one kind fall together, and the next wait until they are gone.

    So a custom resource has its operator, and a pod its account and its network, until it is gone itself.
    """

    def __init__(self, cluster: Cluster, timeout: float) -> None:
        self._cluster, self._timeout = cluster, timeout
        self._going: list[Object] = []

    def step(self, obj: Object, *, last: bool) -> Callable[[], None]:
        """The call that deletes one object; the last one waits for what is still going."""

        def delete() -> None:
            if self._going and rank(self._going[0]) != rank(obj):
                self._settle()
            remove(self._cluster, obj)
            self._going.append(obj)
            if last:
                self._settle()

        return delete

    def _settle(self) -> None:
        def gone() -> bool:
            self._going = [obj for obj in self._going if self._there(obj)]
            return not self._going

        try:
            wait_until(gone, what="The teardown", timeout=self._timeout, every=0.1)
        except WaitTimeout:
            self._stuck()

    def _there(self, obj: Object) -> bool:
        live = self._cluster.live(obj)
        return live is not None and live["metadata"]["uid"] == obj["metadata"]["uid"]

    def _stuck(self) -> NoReturn:
        live = [each for obj in self._going if (each := self._cluster.live(obj))]
        told = [f"{identity(obj)}{_held(self._cluster, obj)}" for obj in live]
        told += [line for obj in live for line in reasons(self._cluster, obj)]
        raise WaitTimeout(
            f"Still there after {self._timeout:g} s: {', '.join(identity(obj) for obj in self._going)}.",
            cause="\n".join(told),
            remedy="What clears a finalizer is the controller that set it: see that it runs, then run again.",
        )


def _claims(cluster: Cluster, found: Iterable[Object]) -> list[Object]:
    """Claims of our StatefulSets, which keep them when they go; labelled or not, they were made for us."""
    claims = []
    for obj in (o for o in found if o["kind"] == "StatefulSet"):
        templates = "|".join(re.escape(t["metadata"]["name"]) for t in obj["spec"].get("volumeClaimTemplates") or [])
        pattern = re.compile(rf"(?:{templates})-{re.escape(obj['metadata']['name'])}-\d+")
        there = cluster.list("PersistentVolumeClaim", obj["metadata"]["namespace"], "v1") if templates else []
        claims += [claim for claim in there if pattern.fullmatch(claim["metadata"]["name"])]
    return claims


def _strangers(cluster: Cluster, obj: Object, ours: set[str]) -> list[str]:
    """Names of what would fall with a namespace or a definition and is not ours."""
    if obj["kind"] == "CustomResourceDefinition":
        kinds, namespace = [k for k in cluster.kinds.all() if k.name == obj["spec"]["names"]["kind"]][:1], None
    elif obj["kind"] == "Namespace":
        namespace = obj["metadata"]["name"]
        kinds = [k for k in cluster.kinds.all() if k.namespaced and "list" in k.verbs and k.name not in PASSING]
    else:
        return []

    def of(kind: Kind) -> list[str]:
        objects = cluster.list(kind.name, namespace, kind.api_version)
        return [identity(o) for o in objects if not controlled(o) and identity(o) not in ours and not _given(o)]

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return sorted({name for names in pool.map(of, kinds) for name in names})


def _given(obj: Object) -> bool:
    return f"{obj['kind']}/{obj['metadata']['name']}" in GIVEN


def _held(cluster: Cluster, obj: Object) -> str:
    """What keeps an object: its finalizers, or what a stranger has in it."""
    meta = obj["metadata"]
    if meta.get("deletionTimestamp"):
        finalizers = [*(meta.get("finalizers") or []), *((obj.get("spec") or {}).get("finalizers") or [])]
        return f": being deleted, held by {', '.join(finalizers) or 'nothing that it names'}"
    strangers = _strangers(cluster, obj, {identity(o) for o in _ours(cluster)}) if obj["kind"] in KEPT else []
    more = f" and {len(strangers) - 5} more" if len(strangers) > 5 else ""
    return f": it holds {', '.join(strangers[:5])}{more}" if strangers else ""
