"""Kinds of a cluster from its discovery, and what pods refer to."""

from __future__ import annotations

from typing import Any

from carbonlib.targets.kubernetes.kinds import Kinds
from carbonlib.targets.kubernetes.references import referenced


def group(name: str, version: str, *resources: tuple[str, str, str]) -> dict[str, Any]:
    served = [
        {"resource": plural, "responseKind": {"kind": kind}, "scope": scope, "verbs": ["list", "delete"]}
        for plural, kind, scope in resources
    ]
    return {"metadata": {"name": name} if name else {}, "versions": [{"version": version, "resources": served}]}


DOCUMENTS = {
    "/api": {"items": [group("", "v1", ("pods", "Pod", "Namespaced"), ("nodes", "Node", "Cluster"))]},
    "/apis": {"items": [
        group("apps", "v1", ("statefulsets", "StatefulSet", "Namespaced")),
        group("flink.apache.org", "v1beta1", ("flinkdeployments", "FlinkDeployment", "Namespaced")),
        group("storage.k8s.io", "v1", ("storageclasses", "StorageClass", "Cluster")),
    ]},
}  # fmt: skip


def test_kinds_are_read_once_and_know_their_paths() -> None:
    asked: list[str] = []

    def read(path: str) -> dict[str, Any]:
        asked.append(path)
        return DOCUMENTS[path]

    kinds = Kinds(read)
    sets, flink = kinds.find("StatefulSet"), kinds.find("FlinkDeployment", "flink.apache.org/v1beta1")
    assert sets is not None
    assert flink is not None
    assert sets.path("kafka", "there") == "/apis/apps/v1/namespaces/there/statefulsets/kafka"
    assert sets.path() == "/apis/apps/v1/statefulsets"
    assert [kind.custom for kind in (sets, flink)] == [False, True]
    node = kinds.find("Node")
    assert node is not None
    assert node.path("a", "ignored") == "/api/v1/nodes/a"
    assert not kinds.all()[-1].custom
    # One that is not known is asked for once more: its definition may have come since.
    assert asked == ["/api", "/apis"]
    assert kinds.find("StatefulSet", "apps/v2") is None
    assert asked == ["/api", "/apis"] * 2


def test_every_way_in_which_a_pod_refers_to_settings_is_seen() -> None:
    env = [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "s1", "key": "a"}}}]
    spec = {
        "containers": [{"name": "a", "env": env, "envFrom": [{"configMapRef": {"name": "c1"}}]}],
        "initContainers": [{"name": "i", "envFrom": [{"secretRef": {"name": "s2"}}]}],
        "volumes": [
            {"name": "v1", "configMap": {"name": "c2"}}, {"name": "v2", "secret": {"secretName": "s3"}},
            {"name": "v3", "projected": {"sources": [{"configMap": {"name": "c3"}}, {"secret": {"name": "s4"}}]}},
        ],
    }  # fmt: skip
    found = referenced({"metadata": {"namespace": "there"}, "spec": spec})
    assert found == {f"ConfigMap/there/c{i}" for i in (1, 2, 3)} | {f"Secret/there/s{i}" for i in (1, 2, 3, 4)}
