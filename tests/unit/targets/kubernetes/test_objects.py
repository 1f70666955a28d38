"""Names, order and differences of objects."""

from __future__ import annotations

from typing import Any

import pytest

from carbonlib.targets.kubernetes.objects import (
    ORDER,
    declared_otherwise,
    differences,
    dropped_fields,
    identity,
    in_order,
    summary,
)


def obj(kind: str = "ConfigMap", **parts: Any) -> dict[str, Any]:
    meta = {"name": "one", "namespace": "there", **parts.pop("metadata", {})}
    return {"apiVersion": "v1", "kind": kind, "metadata": meta, **parts}


def containers(*items: dict[str, Any]) -> dict[str, Any]:
    return {"spec": {"template": {"spec": {"containers": list(items)}}}}


def test_an_object_is_named_by_kind_namespace_and_name() -> None:
    assert identity(obj()) == "ConfigMap/there/one"
    assert identity(obj("Namespace", metadata={"namespace": None})) == "Namespace/one"


def test_what_others_refer_to_comes_first_and_custom_kinds_last() -> None:
    kinds = [
        "FlinkDeployment",
        "StatefulSet",
        "Secret",
        "Role",
        "ResourceQuota",
        "CustomResourceDefinition",
        "Namespace",
    ]
    assert [o["kind"] for o in in_order(obj(k) for k in kinds)] == kinds[::-1]
    assert in_order([obj("Service", metadata={"name": n}) for n in "cab"])[0]["metadata"]["name"] == "c"
    assert len(set(ORDER)) == len(ORDER)


def test_what_the_server_keeps_for_itself_is_no_difference() -> None:
    live = obj(
        metadata={"uid": "1", "resourceVersion": "2", "managedFields": [], "generation": 3, "creationTimestamp": "now"},
        status={"phase": "Active"}, data={"a": "1"},
    )  # fmt: skip
    assert differences(live, obj(data={"a": "1"})) == ({}, {})
    assert differences(obj(data={}), obj()) == ({}, {})


def test_fields_are_named_by_path_and_items_of_lists_by_what_tells_them_apart() -> None:
    live = obj(**containers({"name": "kafka", "image": "k:1", "env": [{"name": "A", "value": "1"}]}, {"name": "old"}))
    wanted = obj(
        metadata={"labels": {"app.kubernetes.io/name": "kafka"}},
        **containers({"name": "kafka", "image": "k:2", "env": [{"name": "A", "value": "2"}]}),
    )
    before, after = differences(live, wanted)
    pod = "spec.template.spec"
    assert before == {
        "metadata.labels": None, f"{pod}.containers[kafka].image": "k:1",
        f"{pod}.containers[kafka].env[A].value": "1", f"{pod}.containers[old]": {"name": "old"},
    }  # fmt: skip
    assert after == {
        "metadata.labels": {"app.kubernetes.io/name": "kafka"}, f"{pod}.containers[kafka].image": "k:2",
        f"{pod}.containers[kafka].env[A].value": "2", f"{pod}.containers[old]": None,
    }  # fmt: skip


def test_lists_whose_items_nothing_tells_apart_differ_as_a_whole() -> None:
    before, after = differences(obj(rules=[{"verbs": ["get"]}]), obj(rules=[{"verbs": ["get", "list"]}]))
    assert before == {"rules": [{"verbs": ["get"]}]}
    assert after == {"rules": [{"verbs": ["get", "list"]}]}


def test_of_a_long_text_only_the_lines_that_differ_are_told() -> None:
    text = "\n".join(f"line {i}" for i in range(50))
    before, after = differences(
        obj(data={"log4j2.xml": text}), obj(data={"log4j2.xml": text.replace("line 7\n", "seven\n")})
    )
    assert (before, after) == ({"data[log4j2.xml]": "line 7"}, {"data[log4j2.xml]": "seven"})


@pytest.mark.parametrize("live, wanted", [
    ({"data": {"a": "b2xk", "b": "c2FtZQ=="}}, {"data": {"a": "bmV3", "b": "c2FtZQ=="}}),
    ({}, {"data": {"a": "bmV3"}}), ({"data": {"a": "b2xk"}}, {}),
])  # fmt: skip
def test_of_secrets_only_names_are_told(live: dict[str, Any], wanted: dict[str, Any]) -> None:
    told = str(differences(obj("Secret", **live), obj("Secret", **wanted)))
    assert "data" in told
    assert "'a'" in told or "data.a" in told
    assert not any(value in told for value in ("b2xk", "bmV3", "c2FtZQ=="))


def test_a_field_that_did_not_come_back_is_dropped_and_one_in_another_spelling_is_not() -> None:
    sent = obj(
        metadata={"creationTimestamp": None}, stringData={"a": "1"},
        spec={"cpu": "1000m", "empty": {}, "none": None, "ports": [{"name": "a", "hostPort": 1}], "update": {"max": 2}},
    )  # fmt: skip
    got = obj(spec={"cpu": "1", "ports": [{"name": "z"}, {"name": "a"}], "update": {}}, data={"a": "MQ=="})
    assert dropped_fields(sent, got) == ["spec.ports[a].hostPort", "spec.update.max"]


def test_a_summary_tells_what_matters_and_no_value() -> None:
    claim = {"metadata": {"name": "data"}, "spec": {"resources": {"requests": {"storage": "50Gi"}}}}
    made = obj("StatefulSet", **containers({"name": "a", "image": "x:1"}))
    made["spec"].update(replicas=0, volumeClaimTemplates=[claim])
    assert summary(made) == {"replicas": 0, "images": ["x:1"], "storage": ["data 50Gi"]}
    assert summary(obj("Secret", data={"b": "x"}, stringData={"a": "y"})) == {"keys": ["a", "b"]}


def test_what_is_declared_otherwise_names_no_field_that_the_server_added() -> None:
    live = obj(spec={"serviceName": "a", "replicas": 3, "clusterIP": "10.0.0.1"})
    assert declared_otherwise(obj(spec={"serviceName": "b", "replicas": 3}), live) == ["spec.serviceName"]
