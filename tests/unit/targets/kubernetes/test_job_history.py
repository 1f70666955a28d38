"""What is kept of a job is what we applied, and nothing that others added to it."""

from __future__ import annotations

import base64
import json
from typing import Any

from carbonlib.targets.kubernetes.job_history import JobHistory

OURS = {
    "f:metadata": {"f:labels": {".": {}, "f:a": {}}},
    "f:spec": {"f:image": {}, "f:podTemplate": {"f:spec": {"f:containers": {}}}},
}
LIVE = {
    "apiVersion": "flink.apache.org/v1beta1",
    "kind": "FlinkDeployment",
    "metadata": {
        "name": "j", "namespace": "n", "uid": "u", "labels": {"a": "1", "b": "2"}, "finalizers": ["theirs"],
        "managedFields": [
            {"manager": "operator", "fieldsV1": {"f:spec": {"f:podTemplate": {"f:kind": {}}}}},
            {"manager": "carbonlib", "fieldsV1": OURS},
            {"manager": "carbonlib", "subresource": "status", "fieldsV1": {}},
        ],
    },
    "spec": {"image": "i", "podTemplate": {"kind": "Pod", "spec": {"containers": [{"name": "c"}]}}},
    "status": {"lifecycleState": "STABLE"},
}  # fmt: skip
MANIFEST: dict[str, Any] = {
    "apiVersion": "flink.apache.org/v1beta1",
    "kind": "FlinkDeployment",
    "metadata": {"name": "j", "namespace": "n", "labels": {"a": "1"}},
    "spec": {
        "podTemplate": {
            "spec": {
                "volumes": [
                    {"name": "sql", "configMap": {"name": "flink-sql"}},
                    {"name": "references", "secret": {"secretName": "j-references"}},
                ]
            }
        }
    },
}


class OneObject:
    """A cluster with one FlinkDeployment, which takes Secrets."""

    def __init__(self) -> None:
        self.kept: dict[str, Any] = {}

    def live(self, obj: dict[str, Any]) -> dict[str, Any] | None:
        return LIVE if obj["kind"] == "FlinkDeployment" else None

    def apply(self, obj: dict[str, Any], force: bool = False) -> None:
        self.kept = obj

    def get(self, kind: str, name: str, *_: str) -> dict[str, Any] | None:
        return self.kept if (kind, name) == ("Secret", JobHistory.name) else None


def test_what_is_kept_can_be_applied_again_as_it_was() -> None:
    cluster: Any = OneObject()
    JobHistory(cluster, MANIFEST).keep([MANIFEST])
    (kept,) = JobHistory(cluster, MANIFEST).read("j") or []
    assert kept == {
        "apiVersion": "flink.apache.org/v1beta1",
        "kind": "FlinkDeployment",
        "metadata": {"name": "j", "namespace": "n", "labels": {"a": "1"}},
        "spec": {"image": "i", "podTemplate": {"spec": {"containers": [{"name": "c"}]}}},
    }


def test_the_record_outlives_a_teardown_and_belongs_to_no_layer() -> None:
    cluster: Any = OneObject()
    JobHistory(cluster, MANIFEST).keep([MANIFEST])
    labels = cluster.kept["metadata"]["labels"]
    assert "carbon.io/record" in labels
    assert "carbon.io/layer" not in labels
    assert json.loads(base64.b64decode(cluster.kept["data"]["j"]))


def test_of_a_job_that_never_ran_well_nothing_is_kept() -> None:
    cluster: Any = OneObject()
    assert JobHistory(cluster, MANIFEST).read("j") is None
