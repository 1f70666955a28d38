"""The small overlay on one node: everything is admitted and gets ready although nothing can be spread."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.manifests import rendering

from .control_plane import ControlPlane

SMALL = rendering.KUBERNETES / "overlays" / "small"
ROLLED = ("StatefulSet", "Deployment")
# Defined by the makers of others, and tried with them.
FOREIGN = ("flink.apache.org", "keda.sh")


@pytest.fixture
def one_node(plane: ControlPlane) -> Iterator[str]:
    """The only node that takes pods."""
    nodes = json.loads(plane.kubectl("get", "nodes", "--output=json"))["items"]
    only, *others = sorted(node["metadata"]["name"] for node in nodes)
    for name in others:
        plane.kubectl("cordon", name)
    yield only
    for name in others:
        plane.kubectl("uncordon", name)


@pytest.fixture
def deployed(plane: ControlPlane, one_node: str) -> Iterator[list[dict[str, Any]]]:
    objects = [o for o in rendering.objects(SMALL) if not o["apiVersion"].startswith(FOREIGN)]
    everything = json.dumps({"apiVersion": "v1", "kind": "List", "items": objects})
    plane.kubectl("apply", "--server-side", "--force-conflicts", "--filename=-", stdin=everything)
    yield objects
    plane.kubectl("delete", "--ignore-not-found", "--wait", "--filename=-", stdin=everything)


def test_everything_gets_ready_on_one_node(plane: ControlPlane, one_node: str, deployed: list[dict[str, Any]]) -> None:
    for obj in deployed:
        if obj["kind"] == "StatefulSet" and obj["spec"].get("updateStrategy", {}).get("type") == "OnDelete":
            wanted = f"--for=jsonpath={{.status.readyReplicas}}={obj['spec']['replicas']}"
            where = f"--namespace={obj['metadata']['namespace']}"
            plane.kubectl("wait", wanted, f"statefulset/{obj['metadata']['name']}", where, "--timeout=120s")
        elif obj["kind"] in ROLLED:
            name = f"{obj['kind'].lower()}/{obj['metadata']['name']}"
            plane.kubectl("rollout", "status", name, f"--namespace={obj['metadata']['namespace']}", "--timeout=120s")
    pods = json.loads(plane.kubectl("get", "pods", "--all-namespaces", "--output=json"))["items"]
    ours = [p for p in pods if p["metadata"]["labels"].get("app.kubernetes.io/part-of") == "commodity-platform"]
    assert {p["spec"]["nodeName"] for p in ours} == {one_node} and len(ours) >= 12
