"""What in the cluster is ours: the objects that carry our labels, and were not made by a controller."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

from ..._errors import AccessDenied
from .cluster import Cluster
from .kinds import Kind
from .objects import LAYER, MANAGED_BY, MANAGER, ORDER, Object, controlled

AT_ONCE = 6  # requests in flight
# Made by controllers from ours, with our labels and without an owner that says so.
DERIVED = ("Endpoints", "Event")


def owned(
    cluster: Cluster, layer: str | None = None, *, kinds: Iterable[str] = (), namespaces: Iterable[str] = ()
) -> list[Object]:
    """Objects with our label, of one layer or of all, those that are being deleted included.

    Args:
        layer: the value of the label `carbon.io/layer`.
        kinds: those that are certainly ours, beside what else the cluster serves.
        namespaces: where to look when these credentials may not list in all namespaces.

    Raises:
        AccessDenied: a kind that is certainly ours cannot be listed. Another one that these credentials may not list
            is none that they could have applied, and is left out.
    """
    known, places = set(kinds), sorted(set(namespaces))
    selector = {MANAGED_BY: MANAGER} | ({LAYER: layer} if layer else {})

    def of(kind: Kind) -> list[Object]:
        try:
            return _list(cluster, kind, selector, places)
        except AccessDenied:
            if kind.name in known:
                raise
            return []

    with ThreadPoolExecutor(AT_ONCE) as pool:
        found = pool.map(of, _listed(cluster, known))
        return [obj for objects in found for obj in objects if not controlled(obj)]


def _listed(cluster: Cluster, known: set[str]) -> list[Kind]:
    """Each kind once, in its preferred version: Kubernetes' own that can be deployed, and all custom ones."""
    chosen: dict[tuple[str, str], Kind] = {}
    for kind in cluster.kinds.all():
        ours = kind.name in known or kind.custom or kind.name in ORDER
        if ours and kind.name not in DERIVED and {"list", "delete"} <= kind.verbs:
            chosen.setdefault((kind.group, kind.name), kind)
    return list(chosen.values())


def _list(cluster: Cluster, kind: Kind, selector: dict[str, str], places: list[str]) -> list[Object]:
    try:
        return cluster.list(kind.name, None, kind.api_version, selector)
    except AccessDenied:
        if not kind.namespaced or not places:
            raise
        return [o for place in places for o in cluster.list(kind.name, place, kind.api_version, selector)]
