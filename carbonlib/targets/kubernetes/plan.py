"""Declared against live, by a dry run of the server: what it would make of the manifests, field by field."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from ..._errors import AccessDenied, ApplyError, FieldConflict, ImmutableField, NotThereYet, shorten
from ...changes import UNCHANGED, Change, Plan
from ...waiting import wait_until
from . import edits, ownership
from .cluster import Cluster
from .inventory import AT_ONCE, owned
from .objects import (
    KEPT,
    ORDER,
    Object,
    comparable,
    declared_otherwise,
    differences,
    dropped_fields,
    identity,
    in_order,
    rank,
    summary,
)
from .references import referenced

DROPPED = "dropped_by_server"
TAKEN = "taken_from"
CONFLICT = "managed_by"
REREADS = 5
ESTABLISHED_S = 30
GONE_S = 120


def plan(cluster: Cluster, manifests: Iterable[Object], layer: str | None = None, force: bool = False) -> Plan:
    """What must change so that the cluster is as declared, in the order of application; deletions last.

    Args:
        manifests: the objects of a layer.
        layer: its name; objects with its label that are not declared any more are deleted. Data and what data lives
            in (claims, namespaces, definitions) are never.
        force: take over fields that belong to other managers.

    Raises:
        ApplyError: the server refuses manifests; all that it refuses are named.
    """
    declared = in_order(manifests)

    def of(manifest: Object) -> Change | ApplyError | None:
        try:
            return _change(cluster, manifest, force)
        except ApplyError as error:
            return error

    with ThreadPoolExecutor(AT_ONCE) as pool:
        results = list(pool.map(of, declared))
    _refuse([r for r in results if isinstance(r, ApplyError)])
    changes = [r for r in results if isinstance(r, Change)]
    return Plan([*changes, *(_deletions(cluster, declared, layer) if layer else [])])


def dropped(cluster: Cluster, manifests: Iterable[Object]) -> dict[str, list[str]]:
    """Fields that the server drops without a word: dotted paths by the name of the object.

    It asks by a dry run; an object whose kind or namespace is not there yet is left out.
    """
    found = {}
    for manifest in in_order(manifests):
        try:
            done = ownership.apply(cluster, manifest, dry_run=True, force=True)
        except NotThereYet:
            continue
        if missing := dropped_fields(done.sent, done.result):
            found[identity(manifest)] = missing
    return found


def delete(cluster: Cluster, obj: Object) -> bool:
    """Delete this very object; one that owns pods stays until they are gone. False where it is not there."""
    meta = obj["metadata"]
    propagation = "Foreground" if rank(obj) >= ORDER.index("StatefulSet") else "Background"
    return cluster.delete(
        obj["kind"], meta["name"], meta.get("namespace"), obj["apiVersion"], propagation, meta["uid"]
    )  # fmt: skip


def delete_and_wait(cluster: Cluster, obj: Object, timeout: float = GONE_S) -> object:
    """Delete this very object with all that it owns, and wait until it is gone."""
    there = delete(cluster, obj)
    wait_gone(cluster, obj, timeout)
    return None if there else UNCHANGED


def wait_gone(cluster: Cluster, obj: Object, timeout: float = GONE_S) -> None:
    """Wait until this very object is gone; one that took its name since is another."""
    wait_until(
        lambda: ((cluster.live(obj) or {}).get("metadata") or {}).get("uid") != obj["metadata"]["uid"],
        what=f"{identity(obj)} gone", timeout=timeout,
        remedy="Look at its finalizers and at what it owns; a controller that must clear them may not run.",
    )  # fmt: skip


def _refuse(errors: list[ApplyError]) -> None:
    if len(errors) == 1:
        raise errors[0]
    if errors:
        told = "; ".join(e.message for e in errors)
        causes = "\n".join(shorten(e.cause, 500 // len(errors) + 50) for e in errors)
        raise ApplyError(f"The server refuses {len(errors)} objects. {told}", cause=causes, remedy=errors[0].remedy)


def _change(cluster: Cluster, manifest: Object, force: bool) -> Change | None:
    live = cluster.live(manifest)
    for _ in range(REREADS):
        change = _tried(cluster, manifest, live, force)
        now = cluster.live(manifest) if change and live else live
        if now is None or live is None or comparable(now) == comparable(live):
            return change
        live = now  # a controller wrote in between: what differs may be its doing
    return change


def _tried(cluster: Cluster, manifest: Object, live: Object | None, force: bool) -> Change | None:
    if live and live["metadata"].get("deletionTimestamp"):
        gone, live = live, None
    else:
        gone = None
    try:
        trial = ownership.apply(cluster, manifest, dry_run=True, force=force)
    except NotThereYet:
        trial = None  # its kind or its namespace comes first
    except FieldConflict as conflict:
        return _contested(cluster, manifest, live, conflict)
    except ImmutableField as error:
        if live is None:
            raise
        if manifest["kind"] == "Job":
            return _replacement(cluster, manifest, live)
        raise _naming_fields(error, manifest, live) from None
    if live is None or trial is None:
        told = summary(manifest)
        return Change(identity(manifest), "create", None, told, _apply(cluster, manifest, force, told, gone))
    before, after = _compared(cluster, live, trial.result)
    if not after:
        return None
    _note(after, trial)
    return Change(identity(manifest), "update", before, after, _apply(cluster, manifest, force, after))


def _compared(cluster: Cluster, live: Object, wanted: Object) -> tuple[Object, Object]:
    """What applying changes, and what was added by hand and goes with it."""
    before, after = differences(live, wanted)
    if cleaned := edits.undo(cluster, live, wanted, dry_run=True):
        added, removed = differences(live, cleaned)
        before, after = {**added, **before}, {**removed, **after}
    return before, after


def _naming_fields(error: ImmutableField, manifest: Object, live: Object) -> ImmutableField:
    """The server tells which fields may change; the reader wants to know which one was."""
    fields = ", ".join(declared_otherwise(manifest, live))
    message = f"{identity(manifest)}: cannot change while the object lives; declared otherwise than it is: {fields}."
    return ImmutableField(message, cause=error.cause, remedy=error.remedy)


def _contested(cluster: Cluster, manifest: Object, live: Object | None, conflict: FieldConflict) -> Change:
    """Shown with the name of the other manager; applying it tells what can be done."""
    trial = ownership.apply(cluster, manifest, dry_run=True, force=True)
    before, after = differences(live or manifest, trial.result)
    before[CONFLICT] = conflict.owners
    return Change(identity(manifest), "update", before, after, _apply(cluster, manifest, False, after))


def _replacement(cluster: Cluster, manifest: Object, live: Object) -> Change:
    """A Job never changes: the old one, which has run, makes room for the new one."""
    told = summary(manifest)

    def replace() -> None:
        delete_and_wait(cluster, live)
        _apply(cluster, manifest, False, told)()

    return Change(identity(manifest), "update", summary(live), told, replace)


def _apply(
    cluster: Cluster, manifest: Object, force: bool, told: dict[str, Any], gone: Object | None = None
) -> Callable[[], None]:
    def apply() -> None:
        if gone:
            wait_gone(cluster, gone)
        applied = ownership.apply(cluster, manifest, force=force)
        edits.undo(cluster, applied.result, applied.result, dry_run=False)
        _note(told, applied)
        if manifest["kind"] == "CustomResourceDefinition":
            _wait_served(cluster, manifest)

    return apply


def _note(told: dict[str, Any], applied: ownership.Applied) -> None:
    if missing := dropped_fields(applied.sent, applied.result):
        told[DROPPED] = missing
    if applied.taken:
        told[TAKEN] = applied.taken


def _wait_served(cluster: Cluster, definition: Object) -> None:
    """A kind can be applied once its definition is established and discovery lists it."""
    spec = definition["spec"]
    wanted = {f"{spec['group']}/{v['name']}" for v in spec["versions"] if v["served"]}

    def served() -> bool:
        live = cluster.live(definition) or {}
        conditions = (live.get("status") or {}).get("conditions") or []
        if not any(c["type"] == "Established" and c["status"] == "True" for c in conditions):
            return False
        cluster.kinds.forget()
        kind = spec["names"]["kind"]
        return wanted <= {k.api_version for k in cluster.kinds.all() if k.name == kind}

    wait_until(served, what=f"{identity(definition)} established", timeout=ESTABLISHED_S, every=0.1)


def _deletions(cluster: Cluster, declared: list[Object], layer: str) -> list[Change]:
    names = {identity(m) for m in declared}
    namespaces = {m["metadata"]["namespace"] for m in declared if m["metadata"].get("namespace")}
    found = owned(cluster, layer, kinds={m["kind"] for m in declared}, namespaces=namespaces)
    stale = [
        o for o in in_order(found)
        if identity(o) not in names and o["kind"] not in KEPT and not o["metadata"].get("deletionTimestamp")
    ]  # fmt: skip
    if any(o["kind"] in ("ConfigMap", "Secret") for o in stale):
        used = _used(cluster, {o["metadata"].get("namespace", "") for o in stale})
        stale = [o for o in stale if identity(o) not in used]
    return [_deletion(cluster, obj) for obj in reversed(stale)]


def _deletion(cluster: Cluster, obj: Object) -> Change:
    return Change(identity(obj), "delete", summary(obj), None, lambda: delete_and_wait(cluster, obj))


def _used(cluster: Cluster, namespaces: set[str]) -> set[str]:
    """ConfigMaps and Secrets that a running pod mounts: it would not start again without them."""
    try:
        pods = [pod for namespace in namespaces if namespace for pod in cluster.list("Pod", namespace)]
    except AccessDenied as error:
        raise AccessDenied(
            "Pods cannot be listed, so it is not known which ConfigMaps are still in use.", cause=error.cause
        ) from error
    return {name for pod in pods for name in referenced(pod)}
