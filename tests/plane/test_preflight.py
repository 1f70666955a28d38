"""The preflight of a real cluster: what it lacks is named with what to do, and nothing is changed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest

from carbonlib.targets.kubernetes.certificates import plan_certificates
from carbonlib.targets.kubernetes.cluster import Cluster
from carbonlib.targets.kubernetes.crds import flink_crds
from carbonlib.targets.kubernetes.preflight import inspect
from carbonlib.targets.kubernetes.secrets import declared, merge, plan_secrets
from tests.manifests import rendering

from .control_plane import ControlPlane

PRODUCTION = rendering.KUBERNETES / "overlays" / "production"
SPACES = ("data-platform", "doris", "flink-operator", "monitoring")


@pytest.fixture(scope="module")
def objects() -> list[dict[str, Any]]:
    return [*rendering.objects(PRODUCTION), *flink_crds(print)]


@pytest.fixture(autouse=True)
def path(plane: ControlPlane, monkeypatch: pytest.MonkeyPatch) -> None:
    """What renders the manifests is on the path, as for whoever uses the plane."""
    monkeypatch.setenv("PATH", f"{plane.programs_folder}:{os.environ['PATH']}")


@pytest.fixture
def supplied(plane: ControlPlane, cluster: Cluster, objects: list[dict[str, Any]]) -> Iterator[None]:
    """Namespaces, secrets and the certificate, as an owner of the cluster supplies them."""
    for obj in objects:
        if obj["kind"] == "Namespace":
            cluster.apply(obj)
    plan_certificates(cluster).apply()
    plan_secrets(cluster).apply()
    given = {w.key: "given" for w in declared() if w.source == "given"}
    merge(cluster, "data-platform", "carbon-secrets", given)
    yield
    plane.kubectl("delete", "--ignore-not-found", "--wait", *(f"namespace/{name}" for name in SPACES))


def test_a_cluster_that_has_all_shows_no_problem(
    cluster: Cluster, objects: list[dict[str, Any]], supplied: None
) -> None:
    before = _versions(cluster)
    findings = inspect(cluster, objects)
    assert findings.problems() == []
    names = {f.name for f in findings.findings}
    assert {"Kubernetes", "rights", "definitions", "secrets", "certificate", "memory", "placement"} <= names
    assert "given" not in repr(findings)
    assert _versions(cluster) == before, "nothing was changed"


def _versions(cluster: Cluster) -> dict[str, str]:
    kinds = ("Secret", "Namespace", "ConfigMap")
    return {o["metadata"]["uid"]: o["metadata"]["resourceVersion"] for kind in kinds for o in cluster.list(kind)}


def test_a_new_cluster_is_told_what_to_supply(cluster: Cluster, objects: list[dict[str, Any]]) -> None:
    problems = inspect(cluster, objects).problems()
    assert [p.split(":")[0] for p in problems] == ["secrets"]
    assert "kubectl -n data-platform create secret generic carbon-secrets --from-env-file=secrets.env" in problems[0]
    assert "eia_api_key=…" in problems[0]


def test_what_does_not_fit_the_cluster_is_named(cluster: Cluster, objects: list[dict[str, Any]]) -> None:
    changed = [_changed(o) for o in objects if o["kind"] != "CustomResourceDefinition"]
    told = {f.name: f for f in inspect(cluster, changed).findings}
    assert not told["storage classes"].ok and told["storage classes"].needed == "velvet"
    assert not told["definitions"].ok and "FlinkDeployment (flink.apache.org/v1beta1)" in told["definitions"].found
    assert not told["placement"].ok and "4 of 7 pods of StatefulSet/data-platform/kafka" in told["placement"].found
    assert not told["memory"].ok and told["cores"].ok


def _changed(obj: dict[str, Any]) -> dict[str, Any]:
    """Seven brokers with a node each on three nodes, terabytes of backends, and volumes that nobody offers."""
    if obj["kind"] != "StatefulSet":
        return obj
    spec = obj["spec"]
    for claim in spec.get("volumeClaimTemplates") or []:
        claim["spec"]["storageClassName"] = "velvet"
    if obj["metadata"]["name"] == "kafka":
        spec["replicas"] = 7
    if obj["metadata"]["name"] == "doris-be":
        spec["template"]["spec"]["containers"][0]["resources"]["requests"]["memory"] = "2Ti"
    return obj


def test_what_runs_already_and_nodes_that_are_closed_count(
    plane: ControlPlane, cluster: Cluster, objects: list[dict[str, Any]]
) -> None:
    free = _free(cluster, objects)
    container = {"name": "other", "image": "other", "resources": {"requests": {"cpu": "3", "memory": "1Gi"}}}
    pod = {"metadata": {"name": "other", "namespace": "default"}, "spec": {"containers": [container]}}
    cluster.apply({"apiVersion": "v1", "kind": "Pod", **pod})
    plane.kubectl("wait", "--for=condition=Ready", "pod/other", "--namespace=default", "--timeout=60s")
    try:
        assert round(free - _free(cluster, objects), 3) == 3
        plane.kubectl("cordon", "node-c")
        told = {f.name: f for f in inspect(cluster, objects).findings}
        assert "2 nodes in 2 zones" in told["placement"].found and "kafka" in told["placement"].found
    finally:
        plane.kubectl("uncordon", "node-c")
        cluster.delete("Pod", "other", "default", propagation="Background")


def _free(cluster: Cluster, objects: list[dict[str, Any]]) -> float:
    found = next(f for f in inspect(cluster, objects).findings if f.name == "cores").found
    return float(found.split(" ")[0])


def test_a_namespace_that_enforces_something_else_is_named(
    plane: ControlPlane, cluster: Cluster, objects: list[dict[str, Any]]
) -> None:
    level = {"pod-security.kubernetes.io/enforce": "privileged"}
    meta = {"name": "monitoring", "labels": level}
    cluster.create({"apiVersion": "v1", "kind": "Namespace", "metadata": meta})
    try:
        problems = [p for p in inspect(cluster, objects).problems() if p.startswith("pod security")]
        assert "monitoring enforces privileged, not restricted" in problems[0]
        assert "kubectl label namespace monitoring pod-security.kubernetes.io/enforce=restricted" in problems[0]
    finally:
        plane.kubectl("delete", "namespace/monitoring", "--wait")


def test_without_rights_each_look_says_which_is_missing(plane: ControlPlane, objects: list[dict[str, Any]]) -> None:
    problems = inspect(Cluster(plane.identity.kubeconfig("viewer")), objects).problems()
    rights = next(p for p in problems if p.startswith("rights"))
    assert "create,delete,get,list,patch,watch configmaps in data-platform" in rights and "runbooks.yaml" in rights
    assert any('cannot list resource "nodes"' in p for p in problems)
