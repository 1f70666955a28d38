"""Fields that somebody added by hand to an object of ours: drift that a server-side apply leaves alone.

An apply takes back what our manifest declares, and nothing else: a variable or a label that was added at a terminal
would stay for ever. The server knows who set which field (`managedFields`), so what a person set and we do not declare
is removed. Defaults that the server fills in again are no change.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from .cluster import Cluster
from .objects import MANAGER, Object, identity

# Managers of tools in which a person edits an object.
HANDS = ("kubectl", "k9s", "Mozilla", "node-fetch")
# The object's own labels and annotations are anybody's; the number of replicas may be an autoscaler's to set again.
ANYBODYS = ("f:metadata", "f:status")
LEFT = {("spec", "replicas")}
RESTARTED = "f:kubectl.kubernetes.io/restartedAt"  # a restart that was asked for and has happened
Pointer = tuple[Any, ...]  # keys and positions from the root of an object


def undo(cluster: Cluster, obj: Object, owners: Object, *, dry_run: bool) -> Object | None:
    """Remove from an object what was added by hand, and return it as it then is; None where nothing was.

    Args:
        obj: as the server has it.
        owners: the object after our apply, on a dry run too: it says which fields are ours.
    """
    pointers = sorted(set(_added(obj, owners)), reverse=True)  # of a list, the last first: the others keep their place
    if not pointers:
        return None
    meta = obj["metadata"]
    # Controllers write the status all the time, so the version of the object says nothing; what is removed must match.
    steps = [{"op": "test", "path": _json_pointer(pointer), "value": _value(obj, pointer)} for pointer in pointers]
    steps += [{"op": "remove", "path": _json_pointer(pointer)} for pointer in pointers]
    return cluster.request(
        "patch",
        cluster.kind(obj["kind"], obj["apiVersion"]).path(meta["name"], meta.get("namespace")),
        steps,
        query=[("fieldManager", MANAGER), ("dryRun", "All" if dry_run else "")],
        content_type="application/json-patch+json",
        what=identity(obj),
    )


def _added(obj: Object, owners: Object) -> Iterator[Pointer]:
    entries = owners["metadata"].get("managedFields") or []
    ours: dict[str, Any] = {}
    for entry in entries:
        if entry["manager"] == MANAGER and entry["operation"] == "Apply":
            ours = entry.get("fieldsV1") or {}
    if not ours:
        return
    for entry in entries:
        if entry["manager"].startswith(HANDS) and entry["operation"] == "Update" and not entry.get("subresource"):
            theirs = {k: v for k, v in (entry.get("fieldsV1") or {}).items() if k not in ANYBODYS}
            yield from (p for p in _walk(obj, theirs, ours, ()) if p not in LEFT)


def _walk(value: Any, theirs: dict[str, Any], ours: dict[str, Any], at: Pointer) -> Iterator[Pointer]:
    for key, inner in theirs.items():
        place = _place(value, key)
        if key in (".", RESTARTED) or place is None:
            continue
        whole = key not in ours and (not inner or "." in inner)
        if whole and RESTARTED not in inner:
            yield (*at, place)
        else:
            yield from _walk(value[place], inner, ours.get(key, {}), (*at, place))


def _place(value: Any, key: str) -> Any:
    """Where in a value the part is that `managedFields` calls by a key: `f:` a field, `k:` an item, `v:` a value."""
    sort, _, name = key.partition(":")
    if sort == "f" and isinstance(value, dict):
        return name if name in value else None
    if sort == "k" and isinstance(value, list):
        wanted = json.loads(name)
        return next((i for i, item in enumerate(value) if wanted.items() <= item.items()), None)
    if sort == "v" and isinstance(value, list):
        return next((i for i, item in enumerate(value) if item == json.loads(name)), None)
    return None


def _value(obj: Any, pointer: Pointer) -> Any:
    for part in pointer:
        obj = obj[part]
    return obj


def _json_pointer(pointer: Pointer) -> str:
    return "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in pointer)
