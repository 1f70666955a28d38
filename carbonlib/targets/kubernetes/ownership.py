"""Who manages a field, and what we do about it.

A field that our manifest declares is ours. Where an edit by hand took it, it is taken back: that is what repairing
drift means. The number of replicas that an autoscaler sets stays the autoscaler's. Any other manager is somebody with
a claim of their own, and only `force` overrides one.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, field

from ..._errors import FieldConflict
from .cluster import Cluster
from .edits import HANDS
from .objects import Object

SCALERS = ("kube-controller-manager", "keda", "vpa-")
SCALED = "spec.replicas"


@dataclass(frozen=True)
class Applied:
    """What came of an apply.

    Args:
        sent: the manifest as it was sent, without fields that were left to an autoscaler.
        result: the object as the server has it now (on a dry run: would have it).
        taken: the manager by path, of fields that were taken from an edit by hand or by force.
    """

    sent: Object
    result: Object
    taken: dict[str, str] = field(default_factory=dict)


def apply(cluster: Cluster, manifest: Object, *, dry_run: bool = False, force: bool = False) -> Applied:
    """Apply a manifest under the rules of this module.

    Raises:
        FieldConflict: fields belong to another manager, and `force` was not given.
    """
    try:
        return Applied(manifest, cluster.apply(manifest, dry_run=dry_run))
    except FieldConflict as conflict:
        if _left_to_scaler(conflict.owners):
            return apply(cluster, _without_replicas(manifest), dry_run=dry_run, force=force)
        if not force and not all(by_hand(owner) for owner in conflict.owners.values()):
            raise
        result = cluster.apply(manifest, dry_run=dry_run, force=True)
        return Applied(manifest, result, conflict.owners)


def by_hand(owner: str) -> bool:
    """Whether a manager, in the server's words, is a person at a tool; it says `using` of an edit, not of an apply."""
    return owner.startswith(HANDS) and " using " in owner


def _left_to_scaler(owners: dict[str, str]) -> bool:
    return owners.get(SCALED, "").startswith(SCALERS)


def _without_replicas(manifest: Object) -> Object:
    manifest = copy.deepcopy(manifest)
    del manifest["spec"]["replicas"]
    return manifest
