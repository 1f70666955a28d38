"""Readiness by the object's own status."""

from __future__ import annotations

import json
from typing import Any

import pytest

from carbonlib.targets.kubernetes.ready import NOT_SEEN, flink_error, flink_generation, readiness


def made(kind: str, spec: dict[str, Any] | None = None, generation: int = 2, **status: Any) -> dict[str, Any]:
    meta = {"name": "one", "namespace": "there", "generation": generation}
    return {"apiVersion": "v1", "kind": kind, "metadata": meta, "spec": spec or {}, "status": status or None}


def stateful(strategy: dict[str, Any] | None = None, **status: Any) -> dict[str, Any]:
    whole = {
        "observedGeneration": 2, "replicas": 3, "availableReplicas": 3, "updatedReplicas": 3,
        "currentRevision": "b", "updateRevision": "b",
    }  # fmt: skip
    return made("StatefulSet", {"replicas": 3, "updateStrategy": strategy or {}}, **{**whole, **status})


@pytest.mark.parametrize("status, ok", [
    ({}, True), ({"availableReplicas": 2}, False), ({"updatedReplicas": 2, "currentRevision": "a"}, False),
    ({"currentRevision": "a"}, False), ({"replicas": 4}, False),
])  # fmt: skip
def test_a_stateful_set_is_ready_when_all_pods_are_available_and_of_the_new_revision(
    status: dict[str, Any], ok: bool
) -> None:
    assert readiness(stateful(**status)).ok is ok


def test_a_status_of_a_former_version_says_nothing() -> None:
    for kind in ("StatefulSet", "Deployment", "DaemonSet"):
        assert readiness(made(kind, {"replicas": 1}, observedGeneration=1)) is NOT_SEEN
        assert readiness(made(kind, {"replicas": 1})) is NOT_SEEN


def test_pods_that_somebody_else_replaces_need_not_be_of_the_new_revision() -> None:
    old = {"updatedReplicas": 0, "currentRevision": "a"}
    assert readiness(stateful({"type": "OnDelete"}, **old)).ok
    partition = {"type": "RollingUpdate", "rollingUpdate": {"partition": 2}}
    assert not readiness(stateful(partition, **old)).ok
    assert readiness(stateful(partition, **{**old, "updatedReplicas": 1})).ok
    assert not readiness(stateful({"type": "OnDelete"}, **{**old, "availableReplicas": 2})).ok


def test_a_workload_without_pods_is_ready() -> None:
    status = {"observedGeneration": 2, "currentRevision": "b", "updateRevision": "b"}
    assert readiness(made("StatefulSet", {"replicas": 0}, **status)).ok
    assert readiness(made("Deployment", {"replicas": 0}, **status)).ok


def test_a_deployment_past_its_deadline_and_a_failed_job_will_never_be_ready() -> None:
    late = {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded", "message": "timed out"}
    state = readiness(made("Deployment", {"replicas": 1}, observedGeneration=2, conditions=[late]))
    assert state.failed
    assert "timed out" in state.why
    for condition in ("Failed", "FailureTarget"):
        gone = {"type": condition, "status": "True", "reason": "BackoffLimitExceeded", "message": "too often"}
        assert readiness(made("Job", conditions=[gone])).failed
    done = {"type": "Complete", "status": "True"}
    assert readiness(made("Job", conditions=[done])).ok
    assert readiness(made("Job")) == (False, "0 succeeded, 0 active, 0 failed", False)


@pytest.mark.parametrize("kind, status, ok, failed", [
    ("CustomResourceDefinition", {"conditions": [{"type": "Established", "status": "True"}]}, True, False),
    ("CustomResourceDefinition", {"conditions": [{"type": "NamesAccepted", "status": "False"}]}, False, True),
    ("PersistentVolumeClaim", {"phase": "Bound"}, True, False), ("PersistentVolumeClaim", {}, False, False),
    ("PersistentVolumeClaim", {"phase": "Lost"}, False, True), ("Namespace", {"phase": "Terminating"}, False, False),
    ("Pod", {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}, True, False),
    ("ScaledObject", {"conditions": None}, True, False),
    ("ScaledObject", {"conditions": [{"type": "Ready", "status": "False"}]}, False, False),
    ("ConfigMap", {}, True, False),
])  # fmt: skip
def test_other_kinds(kind: str, status: dict[str, Any], ok: bool, failed: bool) -> None:
    state = readiness(made(kind, **status))
    assert (state.ok, state.failed) == (ok, failed)


def test_a_load_balancer_is_ready_with_an_address() -> None:
    assert readiness(made("Service", {"type": "ClusterIP"})).ok
    assert not readiness(made("Service", {"type": "LoadBalancer"})).ok
    assert readiness(made("Service", {"type": "LoadBalancer"}, loadBalancer={"ingress": [{"ip": "10.0.0.9"}]})).ok


def reconciled(generation: int) -> dict[str, str]:
    return {"lastReconciledSpec": json.dumps({"resource_metadata": {"metadata": {"generation": generation}}})}


def flink(state: str = "STABLE", job: str = "running", **status: Any) -> dict[str, Any]:
    whole = {"lifecycleState": state, "jobManagerDeploymentStatus": "READY", "observedGeneration": 2}
    return made("FlinkDeployment", {"job": {"state": job}}, **{**whole, **status})


def test_a_flink_deployment_is_ready_when_the_operator_calls_it_stable() -> None:
    assert readiness(flink()).ok
    assert not readiness(flink("DEPLOYED")).ok
    assert readiness(flink("SUSPENDED", "suspended")).ok
    assert not readiness(flink("STABLE", "suspended")).ok
    for state in (flink("FAILED"), flink(jobManagerDeploymentStatus="ERROR"), flink("ROLLED_BACK"), flink(error="no")):
        assert readiness(state).failed


def test_a_status_of_the_operator_counts_only_for_the_version_that_it_took_over() -> None:
    assert flink_generation(flink(observedGeneration=None, reconciliationStatus=reconciled(7))) == 7
    stale = flink(observedGeneration=1, error="of the version before")
    assert not readiness(stale).ok
    assert not readiness(stale).failed
    assert "of the version before" in readiness(stale).why
    assert readiness(flink(observedGeneration=None)) == (False, "the operator has not looked at it yet", False)
    refused = flink(
        "FAILED", observedGeneration=None, jobManagerDeploymentStatus="MISSING", error="ValidationException"
    )
    assert readiness(refused).failed


def test_the_operators_error_is_told_in_words() -> None:
    told = json.dumps(
        {"type": "x.DeploymentFailedException", "message": "pull", "additionalMetadata": {"reason": "Image"}}
    )
    assert flink_error(flink(error=told)) == "Image: pull"
    assert flink_error(flink(error="plain")) == "plain"
    assert flink_error(flink()) == ""
