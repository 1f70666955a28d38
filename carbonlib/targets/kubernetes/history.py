"""The revisions of a layer that were healthy, kept in the cluster, and the way back to one.

A revision is what was applied when the layer was last found ready: its manifests, compressed, in ConfigMaps beside the
platform, so that any machine can roll back, with whatever is checked out there. What Secrets hold is never kept; a
roll-back leaves Secrets as they are.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from ..._errors import UsageError
from ...changes import UNCHANGED, Change, Plan
from ...waiting import wait_until
from .cluster import Cluster
from .explain import pods_of
from .objects import MANAGED_BY, MANAGER, Object, identity, in_order, labels
from .plan import plan
from .ready import NOT_SEEN, readiness
from .wait import wait

HOME = "data-platform"
RECORD = "carbon.io/record"  # marks what carbonlib keeps for itself: it outlives a teardown without purge
REVISION_OF = "carbon.io/revision-of"
NUMBER = "carbon.io/revision"
SAVED_AT, DIGEST, PARTS, COUNT = (f"carbon.io/{key}" for key in ("saved-at", "digest", "parts", "objects"))
KINDS, NAMESPACES = "carbon.io/kinds", "carbon.io/namespaces"  # what of the cluster a layer has touched
KEEP = 5  # revisions a layer
PART_BYTES = 700_000  # a ConfigMap holds 1 MiB, and binary data grows by a third


@dataclass(frozen=True)
class Revision:
    """One healthy revision of a layer.

    Args:
        number: counts up from 1.
        saved_at: UTC, ISO 8601.
        digest: tells whether two revisions are the same.
        objects: how many it holds.
        parts: names of the ConfigMaps that hold it.
    """

    layer: str
    number: int
    saved_at: str
    digest: str
    objects: int
    parts: tuple[str, ...]


def remember(cluster: Cluster, layer: str, manifests: Iterable[Object], namespace: str = HOME) -> Revision:
    """Keep manifests as the newest healthy revision of a layer; call it when they were found ready.

    The same manifests again are no new revision. The oldest beyond `KEEP` are removed.
    """
    manifests = in_order(manifests)
    kept = [m for m in manifests if m["kind"] != "Secret"]
    text = json.dumps(kept, sort_keys=True, separators=(",", ":")).encode()
    digest = hashlib.sha256(text).hexdigest()[:16]
    known = revisions(cluster, layer, namespace)
    if known and known[0].digest == digest:
        return known[0]
    number = known[0].number + 1 if known else 1
    packed = gzip.compress(text, mtime=0)
    chunks = [packed[at : at + PART_BYTES] for at in range(0, len(packed), PART_BYTES)]
    notes = {
        SAVED_AT: datetime.now(UTC).isoformat(timespec="seconds"), DIGEST: digest,
        PARTS: str(len(chunks)), COUNT: str(len(kept)), KINDS: ",".join(sorted({m["kind"] for m in manifests})),
        NAMESPACES: ",".join(sorted({ns for m in manifests if (ns := m["metadata"].get("namespace"))})),
    }  # fmt: skip
    # The first part last: it is what makes the revision known, so one that was cut short is none.
    for position in reversed(range(len(chunks))):
        cluster.apply(_config_map(layer, number, position, chunks[position], notes, namespace))
    for old in known[KEEP - 1 :]:
        for part in old.parts:
            cluster.delete("ConfigMap", part, namespace, "v1", "Background")
    return revisions(cluster, layer, namespace)[0]


def revisions(cluster: Cluster, layer: str, namespace: str = HOME) -> list[Revision]:
    """The healthy revisions of a layer, newest first."""
    found = []
    for each in cluster.list("ConfigMap", namespace, "v1", {REVISION_OF: layer}):
        notes = each["metadata"].get("annotations") or {}
        if not each["metadata"]["name"].endswith("-0"):
            continue
        number = int(labels(each)[NUMBER])
        parts = tuple(_name(layer, number, position) for position in range(int(notes[PARTS])))
        found.append(Revision(layer, number, notes[SAVED_AT], notes[DIGEST], int(notes[COUNT]), parts))
    return sorted(found, key=lambda revision: revision.number, reverse=True)


def touched(cluster: Cluster, namespace: str = HOME) -> tuple[set[str], set[str]]:
    """The kinds and the namespaces of all that was ever healthy here, of every layer; empty where nothing was."""
    kinds, namespaces = set(), set()
    for each in cluster.list("ConfigMap", namespace, "v1", {RECORD: "revision"}):
        notes = each["metadata"].get("annotations") or {}
        kinds |= set(filter(None, notes.get(KINDS, "").split(",")))
        namespaces |= set(filter(None, notes.get(NAMESPACES, "").split(",")))
    return kinds, namespaces


def manifests_of(cluster: Cluster, revision: Revision, namespace: str = HOME) -> list[Object]:
    """The manifests of a revision, Secrets left out.

    Raises:
        UsageError: a part of it is gone.
    """
    packed = b""
    for part in revision.parts:
        held = cluster.get("ConfigMap", part, namespace, "v1")
        if held is None:
            raise UsageError(
                f"Revision {revision.number} of {revision.layer} is not whole: ConfigMap {part} is gone.",
                remedy="Choose another revision, or apply the manifests of a checkout that was healthy.",
            )
        packed += base64.b64decode(held["binaryData"]["part"])
    manifests: list[Object] = json.loads(gzip.decompress(packed))
    return manifests


def rollback(
    cluster: Cluster,
    layer: str,
    number: int | None = None,
    timeout: str | float = "5 min",
    namespace: str = HOME,
) -> Plan:
    """A plan that brings a layer back to a healthy revision, heals what is stuck, and waits until it is ready.

    Args:
        number: the revision; the newest by default.

    Raises:
        UsageError: there is no such revision.
    """
    known = revisions(cluster, layer, namespace)
    chosen = next((r for r in known if number in (None, r.number)), None)
    if chosen is None:
        listed = ", ".join(f"{r.number} ({r.saved_at})" for r in known) or "none"
        wanted = "healthy revision" if number is None else f"revision {number}"
        raise UsageError(f"There is no {wanted} of {layer}.", remedy=f"Revisions that are kept: {listed}.")
    manifests = manifests_of(cluster, chosen, namespace)
    # What was edited since, by whomever, is what a roll-back undoes.
    back = plan(cluster, manifests, layer, force=True)
    stuck = [change for m in manifests if m["kind"] == "StatefulSet" for change in _stuck(cluster, m)]
    unready = [identity(m) for m in manifests if (live := cluster.live(m)) and not readiness(live).ok]
    if not back and not unready:
        return back
    before = {"not ready": unready} if unready else None
    final = Change(
        f"revision/{layer}", "update", before, {"revision": chosen.number, "saved_at": chosen.saved_at},
        lambda: wait(cluster, manifests, timeout),
    )  # fmt: skip
    return back + Plan([*stuck, final])


def _stuck(cluster: Cluster, manifest: Object) -> list[Change]:
    """Pods that are not ready and may hold their StatefulSet up: an ordered one waits for them forever."""
    live = cluster.live(manifest)
    pods = [p for p in pods_of(cluster, live) if not readiness(p).ok] if live else []
    return [
        Change(
            identity(pod), "delete", {"ready": False, "revision": labels(pod).get("controller-revision-hash")}, None,
            _heal(cluster, manifest, pod),
        )
        for pod in pods
    ]  # fmt: skip


def _heal(cluster: Cluster, manifest: Object, pod: Object) -> Callable[[], object]:
    """Delete the pod if, once the controller knows the good revision, it is still there, not ready and of another."""

    def heal() -> object:
        wanted = wait_until(
            lambda: _update_revision(cluster, manifest),
            what=f"{identity(manifest)} looked at by its controller", timeout=30, every=0.05,
        )  # fmt: skip
        live, meta = cluster.live(pod), pod["metadata"]
        if (
            live is None
            or live["metadata"]["uid"] != meta["uid"]
            or live["metadata"].get("deletionTimestamp")
            or readiness(live).ok
            or labels(live).get("controller-revision-hash") == wanted
        ):
            return UNCHANGED
        there = cluster.delete("Pod", meta["name"], meta["namespace"], "v1", "Background", meta["uid"])
        return None if there else UNCHANGED

    return heal


def _update_revision(cluster: Cluster, manifest: Object) -> str | None:
    live = cluster.live(manifest)
    if live is None or readiness(live) is NOT_SEEN:
        return None
    return str(live["status"]["updateRevision"])


def _config_map(layer: str, number: int, position: int, chunk: bytes, notes: dict[str, str], namespace: str) -> Object:
    marks = {MANAGED_BY: MANAGER, RECORD: "revision", REVISION_OF: layer, NUMBER: str(number)}
    return {
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {
            "name": _name(layer, number, position), "namespace": namespace, "labels": marks, "annotations": notes,
        },
        "binaryData": {"part": base64.b64encode(chunk).decode()},
    }  # fmt: skip


def _name(layer: str, number: int, position: int) -> str:
    return f"carbon-revision-{layer}-{number}-{position}"
