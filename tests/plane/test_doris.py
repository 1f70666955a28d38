"""The layer of Doris on the real control plane: admitted where it must be, refused where it must not, and spread."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from carbonlib._errors import EngineError
from tests.manifests import rendering

from .control_plane import ControlPlane

PRODUCTION = rendering.KUBERNETES / "overlays" / "production"
KERNEL = rendering.KUBERNETES / "components" / "kernel-settings"
NEEDED = {("Namespace", "data-platform"), ("PriorityClass", "carbon-data"), ("PriorityClass", "carbon-ui")}
Object = dict[str, Any]


def listed(objects: list[Object]) -> str:
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": objects})


def apply(plane: ControlPlane, objects: list[Object], *options: str) -> str:
    return plane.kubectl("apply", "--server-side", "--force-conflicts", "--filename=-", *options, stdin=listed(objects))


def layer(objects: list[Object]) -> list[Object]:
    return [o for o in objects if o["metadata"]["labels"]["carbon.io/layer"] == "doris"]


@pytest.fixture(scope="module")
def deployed(plane: ControlPlane) -> Iterator[list[Object]]:
    rendered = rendering.objects(PRODUCTION)
    before = [o for o in rendered if (o["kind"], o["metadata"]["name"]) in NEEDED]
    objects = [*before, *layer(rendered)]
    apply(plane, objects)
    for name in ("doris-fe", "doris-be"):
        plane.kubectl("rollout", "status", f"statefulset/{name}", "--namespace=doris", "--timeout=120s")
    yield objects
    plane.kubectl("delete", "--ignore-not-found", "--wait", "--filename=-", stdin=listed(objects))


@pytest.fixture
def kernel(tmp_path: Path) -> list[Object]:
    """The overlay with the component that lets a backend prepare its node."""
    made = {
        "apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization",
        "resources": [os.path.relpath(PRODUCTION, tmp_path)], "components": [os.path.relpath(KERNEL, tmp_path)],
    }  # fmt: skip
    (tmp_path / "kustomization.yaml").write_text(yaml.safe_dump(made), encoding="utf-8")
    return layer(rendering.objects(tmp_path))


def pod_of(objects: list[Object], workload: str, namespace: str) -> Object:
    """A pod as the StatefulSet would make it, alone, so that admission judges it itself."""
    template = next(o for o in objects if o["kind"] == "StatefulSet" and o["metadata"]["name"] == workload)["spec"][
        "template"
    ]
    spec = {k: v for k, v in template["spec"].items() if k not in ("serviceAccountName", "affinity")}
    claims = {"doris-fe": "meta", "doris-be": "storage"}[workload]
    spec["volumes"] = [*spec["volumes"], {"name": claims, "emptyDir": {}}]
    meta = {"name": "trial", "namespace": namespace, "labels": {"carbon.test": "trial"}}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec}


def test_members_are_ready_each_in_a_zone_of_its_own(plane: ControlPlane, deployed: list[Object]) -> None:
    pods = json.loads(plane.kubectl("get", "pods", "--namespace=doris", "--output=json"))["items"]
    zones = {p["metadata"]["name"]: p["spec"]["nodeName"] for p in pods}
    for part in ("doris-fe", "doris-be"):
        members = {name: node for name, node in zones.items() if name.startswith(part)}
        assert set(members) == {f"{part}-{i}" for i in range(3)} and len(set(members.values())) == 3
    claims = json.loads(plane.kubectl("get", "pvc", "--namespace=doris", "--output=json"))["items"]
    sizes = {c["metadata"]["name"]: (c["status"]["phase"], c["spec"]["storageClassName"]) for c in claims}
    wanted = {f"{claim}-{i}" for claim in ("meta-doris-fe", "storage-doris-be") for i in range(3)}
    assert sizes == dict.fromkeys(wanted, ("Bound", "fast"))


def test_a_second_apply_changes_nothing(plane: ControlPlane, deployed: list[Object]) -> None:
    kinds = "statefulsets,configmaps,services,networkpolicies"

    def revisions() -> dict[str, str]:
        items = json.loads(plane.kubectl("get", kinds, "--namespace=doris", "--output=json"))["items"]
        return {f"{i['kind']}/{i['metadata']['name']}": i["metadata"]["resourceVersion"] for i in items}

    before = revisions()
    apply(plane, deployed)
    assert revisions() == before


@pytest.mark.parametrize("workload", ["doris-fe", "doris-be"])
def test_the_namespace_of_the_platform_refuses_doris(
    plane: ControlPlane, deployed: list[Object], workload: str
) -> None:
    with pytest.raises(EngineError) as refused:
        apply(plane, [pod_of(deployed, workload, "data-platform")], "--dry-run=server")
    assert 'violates PodSecurity "restricted' in refused.value.cause


def test_its_own_namespace_admits_it_and_nothing_privileged(
    plane: ControlPlane, deployed: list[Object], kernel: list[Object]
) -> None:
    apply(plane, [pod_of(deployed, "doris-be", "doris")], "--dry-run=server")
    with pytest.raises(EngineError) as refused:
        apply(plane, [pod_of(kernel, "doris-be", "doris")], "--dry-run=server")
    assert "privileged" in refused.value.cause


def test_the_component_lets_a_backend_prepare_its_node(
    plane: ControlPlane, deployed: list[Object], kernel: list[Object]
) -> None:
    def namespace_of(objects: list[Object]) -> list[Object]:
        return [o for o in objects if (o["kind"], o["metadata"]["name"]) == ("Namespace", "doris")]

    apply(plane, namespace_of(kernel))
    try:
        apply(plane, [pod_of(kernel, "doris-be", "doris")], "--dry-run=server")
    finally:
        apply(plane, namespace_of(deployed))


def test_one_member_at_a_time_may_be_evicted(plane: ControlPlane, deployed: list[Object]) -> None:
    budgets = json.loads(plane.kubectl("get", "pdb", "--namespace=doris", "--output=json"))["items"]
    allowed = {b["metadata"]["name"]: b["status"]["disruptionsAllowed"] for b in budgets}
    assert allowed == {"doris-fe": 1, "doris-be": 1}
