"""Whether an object does what it is for, judged by its own status: ready, not yet, or never."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, NamedTuple

from .objects import Object


class Readiness(NamedTuple):
    """A verdict on one object.

    Args:
        ok: it can be used.
        why: what its status says, in figures where it has any.
        failed: waiting longer cannot help.
    """

    ok: bool
    why: str
    failed: bool = False


NOT_SEEN = Readiness(False, "its controller has not looked at this version yet")


def readiness(obj: Object) -> Readiness:
    """The verdict on an object as it was read; kinds without a state of their own are ready once they are there."""
    return RULES.get(obj["kind"], _custom)(obj)


def _stateful_set(obj: Object) -> Readiness:
    if not _observed(obj):
        return NOT_SEEN
    spec, status = obj["spec"], _status(obj)
    wanted, available = spec.get("replicas", 1), status.get("availableReplicas", 0)
    updated, strategy = status.get("updatedReplicas", 0), spec.get("updateStrategy") or {}
    # With OnDelete, and below the partition, pods keep their revision until somebody replaces them.
    partition = (strategy.get("rollingUpdate") or {}).get("partition", 0)
    due = 0 if strategy.get("type") == "OnDelete" else max(0, wanted - partition)
    rolled = updated >= due and (due < wanted or status.get("currentRevision") == status.get("updateRevision"))
    why = f"{available}/{wanted} available, {updated} of the new revision"
    return Readiness(available >= wanted and status.get("replicas", 0) == wanted and rolled, why)


def _deployment(obj: Object) -> Readiness:
    if not _observed(obj):
        return NOT_SEEN
    progress = _conditions(obj).get("Progressing", {})
    if progress.get("reason") == "ProgressDeadlineExceeded":
        return Readiness(False, f"ProgressDeadlineExceeded: {progress.get('message', '')}", True)
    wanted, status = obj["spec"].get("replicas", 1), _status(obj)
    available, updated = status.get("availableReplicas", 0), status.get("updatedReplicas", 0)
    ok = available >= wanted and updated >= wanted and status.get("replicas", 0) == wanted
    return Readiness(ok, f"{available}/{wanted} available, {updated} updated")


def _daemon_set(obj: Object) -> Readiness:
    if not _observed(obj):
        return NOT_SEEN
    status = _status(obj)
    wanted, available = status.get("desiredNumberScheduled", 0), status.get("numberAvailable", 0)
    updated = status.get("updatedNumberScheduled", 0)
    return Readiness(available >= wanted and updated >= wanted, f"{available}/{wanted} available, {updated} updated")


def _job(obj: Object) -> Readiness:
    conditions = _conditions(obj)
    for name in ("Failed", "FailureTarget"):
        if _true(conditions, name):
            return Readiness(
                False, f"failed: {conditions[name].get('reason')}: {conditions[name].get('message')}", True
            )
    status = _status(obj)
    counts = (
        f"{status.get('succeeded', 0)} succeeded, {status.get('active', 0)} active, {status.get('failed', 0)} failed"
    )
    return Readiness(_true(conditions, "Complete"), counts)


def _definition(obj: Object) -> Readiness:
    conditions = _conditions(obj)
    names = conditions.get("NamesAccepted", {})
    if names.get("status") == "False":
        return Readiness(False, f"names not accepted: {names.get('message')}", True)
    ok = _true(conditions, "Established")
    return Readiness(ok, "established" if ok else "not established yet")


def _claim(obj: Object) -> Readiness:
    phase = _status(obj).get("phase", "Pending")
    return Readiness(phase == "Bound", phase, phase == "Lost")


def _namespace(obj: Object) -> Readiness:
    phase = _status(obj).get("phase", "Active")
    return Readiness(phase == "Active", phase)


def _service(obj: Object) -> Readiness:
    if obj["spec"].get("type") != "LoadBalancer":
        return Readiness(True, "there")
    ok = bool((_status(obj).get("loadBalancer") or {}).get("ingress"))
    return Readiness(ok, "has an address" if ok else "no address from the load balancer yet")


def _pod(obj: Object) -> Readiness:
    phase = _status(obj).get("phase", "Pending")
    return Readiness(_true(_conditions(obj), "Ready"), phase, phase == "Failed")


def _flink(obj: Object) -> Readiness:
    status = _status(obj)
    state, error = status.get("lifecycleState"), flink_error(obj)
    seen = flink_generation(obj)
    if seen is None and not error:
        return Readiness(False, "the operator has not looked at it yet")
    if seen is not None and seen < obj["metadata"].get("generation", 0):
        # An error may still be that of the former version.
        return Readiness(False, f"the operator has not taken this version over yet; {error or state}")
    manager = status.get("jobManagerDeploymentStatus")
    job = (status.get("jobStatus") or {}).get("state")
    if error or manager == "ERROR" or state in ("FAILED", "ROLLED_BACK"):
        return Readiness(False, f"JobManager {manager}, lifecycle {state}: {error}", True)
    suspended = (obj["spec"].get("job") or {}).get("state") == "suspended"
    ok = state == ("SUSPENDED" if suspended else "STABLE")
    return Readiness(ok, f"lifecycle {state}, JobManager {manager}, job {job}")


def flink_error(obj: Object) -> str:
    """What the operator says is wrong with a job, empty where nothing is."""
    text = _status(obj).get("error") or ""
    try:
        told = json.loads(text)
    except ValueError:
        return str(text)
    if not isinstance(told, dict):
        return str(text)
    reason = (told.get("additionalMetadata") or {}).get("reason")
    return ": ".join(part for part in (reason, told.get("message") or told.get("type")) if part)


def flink_generation(obj: Object) -> int | None:
    """The generation that the operator last took over; None where it has taken none."""
    status = _status(obj)
    if isinstance(status.get("observedGeneration"), int):
        return int(status["observedGeneration"])
    kept = (status.get("reconciliationStatus") or {}).get("lastReconciledSpec")
    if not kept:
        return None
    generation = ((json.loads(kept).get("resource_metadata") or {}).get("metadata") or {}).get("generation")
    return generation if isinstance(generation, int) else None


def _custom(obj: Object) -> Readiness:
    """A kind without a rule: its condition Ready counts where it has one."""
    condition = _conditions(obj).get("Ready")
    if condition is None:
        return Readiness(True, "there")
    return Readiness(
        condition["status"] == "True", f"Ready={condition['status']} {condition.get('message', '')}".strip()
    )


def _status(obj: Object) -> dict[str, Any]:
    return obj.get("status") or {}


def _conditions(obj: Object) -> dict[str, dict[str, Any]]:
    return {c["type"]: c for c in _status(obj).get("conditions") or []}


def _true(conditions: dict[str, dict[str, Any]], name: str) -> bool:
    return conditions.get(name, {}).get("status") == "True"


def _observed(obj: Object) -> bool:
    return bool(_status(obj).get("observedGeneration", 0) >= obj["metadata"].get("generation", 0))


RULES: dict[str, Callable[[Object], Readiness]] = {
    "StatefulSet": _stateful_set, "Deployment": _deployment, "DaemonSet": _daemon_set, "Job": _job,
    "CustomResourceDefinition": _definition, "PersistentVolumeClaim": _claim, "Namespace": _namespace,
    "Service": _service, "Pod": _pod, "FlinkDeployment": _flink, "FlinkSessionJob": _flink,
}  # fmt: skip
