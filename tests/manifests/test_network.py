"""Who may talk to whom, reckoned from the network policies as a network plug-in would; none of them is enforced here.

A packet passes when a policy of its sender lets it out and one of its receiver lets it in; a pod that no policy selects
for a direction is open in it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import pytest

from .rendering import KUBERNETES, Object, objects

PRODUCTION = KUBERNETES / "overlays" / "production"
PART_OF = {"app.kubernetes.io/part-of": "commodity-platform"}


@dataclass(frozen=True)
class Pod:
    """Where a pod is, what it is called by, and the numbers of its named ports."""

    namespace: str
    labels: dict[str, str]
    ports: dict[str, int] = field(default_factory=dict)


@cache
def policies() -> list[Object]:
    """The policies as they are rendered."""
    return [o for o in objects(PRODUCTION) if o["kind"] == "NetworkPolicy"]


@cache
def pods() -> dict[str, Pod]:
    """One pod of each workload, and those that somebody else makes."""
    found = {
        "prometheus": Pod("monitoring", {"app.kubernetes.io/name": "prometheus"}),
        "stranger": Pod("default", {"app.kubernetes.io/name": "kafka", "app.kubernetes.io/component": "broker"}),
        "names": Pod("kube-system", {"k8s-app": "kube-dns"}, {"dns": 53}),
        "runbooks": Pod("data-platform", {"app.kubernetes.io/component": "runbooks", **PART_OF}),
    }
    for obj in objects(PRODUCTION):
        meta, spec = obj["metadata"], obj.get("spec", {})
        if obj["kind"] in ("StatefulSet", "Deployment", "Job"):
            template = spec["template"]
            ports = {p["name"]: p["containerPort"] for c in template["spec"]["containers"] for p in c.get("ports", [])}
            found[meta["name"]] = Pod(meta["namespace"], template["metadata"]["labels"], ports)
        elif obj["kind"] == "FlinkDeployment":
            native = {"app": meta["name"], "type": "flink-native-kubernetes"}
            for role in ("jobmanager", "taskmanager"):
                labels = {**spec["podTemplate"]["metadata"]["labels"], **native, "component": role}
                ports = {"rest": 8081, "metrics": 9249} if role == "jobmanager" else {"metrics": 9249}
                found[f"{meta['name']}-{role}"] = Pod(meta["namespace"], labels, ports)
    return found


def selects(selector: dict[str, Any], labels: dict[str, str]) -> bool:
    for name, value in (selector.get("matchLabels") or {}).items():
        if labels.get(name) != value:
            return False
    for wish in selector.get("matchExpressions") or []:
        assert wish["operator"] == "In", "no other operator is used"
        if labels.get(wish["key"]) not in wish["values"]:
            return False
    return True


def is_meant(peers: list[dict[str, Any]] | None, other: Pod, policy: Object) -> bool:
    if peers is None:
        return True
    for peer in peers:
        space = {"kubernetes.io/metadata.name": other.namespace}
        near = other.namespace == policy["metadata"]["namespace"]
        there = selects(peer["namespaceSelector"], space) if "namespaceSelector" in peer else near
        if there and selects(peer.get("podSelector", {}), other.labels):
            return True
    return False


def passes(direction: str, own: Pod, other: Pod, receiver: Pod, port: int, protocol: str) -> bool:
    """Whether the policies of a pod let a packet out (`Egress`) or in (`Ingress`)."""
    side = {"Egress": "to", "Ingress": "from"}[direction]
    selected = [
        p
        for p in policies()
        if p["metadata"]["namespace"] == own.namespace
        and selects(p["spec"]["podSelector"], own.labels)
        and direction in p["spec"]["policyTypes"]
    ]
    if not selected:
        return True
    rules = [(p, rule) for p in selected for rule in p["spec"].get(direction.lower()) or []]
    return any(
        is_meant(rule.get(side), other, policy) and port_is_meant(rule.get("ports"), receiver, port, protocol)
        for policy, rule in rules
    )


def port_is_meant(ports: list[dict[str, Any]] | None, receiver: Pod, port: int, protocol: str) -> bool:
    if ports is None:
        return True
    numbers = ((receiver.ports.get(p["port"], p["port"]), p.get("protocol", "TCP")) for p in ports)
    return (port, protocol) in numbers


def reaches(sender: str, receiver: str, port: int, protocol: str = "TCP") -> bool:
    one, other = pods()[sender], pods()[receiver]
    out = passes("Egress", one, other, other, port, protocol)
    return out and passes("Ingress", other, one, other, port, protocol)


JOBS = ("data-enricher", "price-aggregator", "anomaly-detector")
JOB_PODS = [f"{job}-{role}" for job in JOBS for role in ("jobmanager", "taskmanager")]
NEEDED: list[tuple[str, str, int]] = [
    ("kafka", "kafka", 9091), ("kafka", "kafka-controller", 9093), ("kafka-controller", "kafka-controller", 9093),
    ("kafka-access", "kafka", 9091), ("schema-registry", "kafka", 9092), ("kafka-connect", "kafka", 9092),
    ("kafka-connect", "schema-registry", 8081), ("kafka-connect", "kafka-connect", 8083),
    ("doris-fe", "doris-fe", 9010), ("doris-fe", "doris-fe", 9030), ("doris-fe", "doris-be", 9050),
    ("doris-fe", "doris-be", 9060), ("doris-fe", "doris-be", 8060), ("doris-be", "doris-fe", 9020),
    ("doris-be", "doris-fe", 9030), ("doris-be", "doris-be", 8060), ("doris-be", "doris-be", 8040),
    ("doris-be", "kafka", 9092), ("doris-schema", "doris-fe", 9030), ("doris-schema", "doris-fe", 8030),
    ("kafka-connect", "doris-fe", 8030), ("kafka-connect", "doris-be", 8040),
    ("flink-kubernetes-operator", "data-enricher-jobmanager", 8081),
    *((pod, "kafka", 9092) for pod in JOB_PODS), *((pod, "schema-registry", 8081) for pod in JOB_PODS),
    *((pod, "doris-fe", 8030) for pod in JOB_PODS), *((pod, "doris-be", 8040) for pod in JOB_PODS),
    *((f"{job}-taskmanager", f"{job}-jobmanager", 6123) for job in JOBS),
    ("runbooks", "kafka", 9092), ("runbooks", "kafka-connect", 8083), ("runbooks", "schema-registry", 8081),
    ("runbooks", "doris-fe", 9030), ("runbooks", "doris-fe", 8030), ("runbooks", "data-enricher-jobmanager", 8081),
    ("runbooks", "doris-be", 8040),
]  # fmt: skip
DENIED: list[tuple[str, str, int]] = [
    ("kafka-connect", "kafka", 9091), ("kafka-connect", "kafka-controller", 9093), ("schema-registry", "kafka", 9091),
    ("doris-be", "kafka", 9091), ("doris-be", "kafka-connect", 8083), ("doris-fe", "kafka-connect", 8083),
    ("data-enricher-taskmanager", "kafka-connect", 8083), ("data-enricher-taskmanager", "kafka-controller", 9093),
    ("schema-registry", "doris-fe", 9030), ("kafka", "doris-fe", 9030), ("kafka", "kafka-connect", 8083),
    ("doris-schema", "kafka", 9092), ("doris-schema", "doris-fe", 9010), ("prometheus", "kafka", 9092),
    ("prometheus", "kafka-connect", 8083), ("kafka-connect", "doris-fe", 9010), ("kafka-connect", "doris-be", 9060),
    ("runbooks", "kafka", 9091), ("runbooks", "kafka-controller", 9093),
]  # fmt: skip


def scraped() -> Iterator[tuple[str, int]]:
    """Every pod with a port of figures."""
    for name, pod in pods().items():
        if "metrics" in pod.ports:
            yield name, pod.ports["metrics"]
    yield from (("doris-fe", 8030), ("doris-be", 8040))


@pytest.mark.parametrize(("sender", "receiver", "port"), NEEDED, ids=lambda v: str(v))
def test_what_is_needed_passes(sender: str, receiver: str, port: int) -> None:
    assert reaches(sender, receiver, port)


@pytest.mark.parametrize(("sender", "receiver", "port"), DENIED, ids=lambda v: str(v))
def test_what_nobody_needs_does_not(sender: str, receiver: str, port: int) -> None:
    assert not reaches(sender, receiver, port)


def test_figures_are_there_for_prometheus_alone() -> None:
    ports = list(scraped())
    assert len(ports) > 10
    assert [place for place in ports if not reaches("prometheus", *place)] == []
    assert [place for place in ports if reaches("stranger", *place)] == []


def test_everybody_may_ask_for_names_and_a_stranger_gets_nowhere() -> None:
    ours = sorted(set(pods()) - {"prometheus", "stranger", "names"})
    deaf = [name for name in ours if not (reaches(name, "names", 53, "UDP") and reaches(name, "names", 53))]
    assert deaf == []
    open_doors = [
        (name, p) for name in ours for p in (*pods()[name].ports.values(), 22) if reaches("stranger", name, p)
    ]
    assert open_doors == []


@pytest.mark.parametrize("namespace", ["data-platform", "doris", "flink-operator"])
def test_a_pod_that_no_layer_names_is_shut_in(namespace: str) -> None:
    unnamed, stranger, kafka = Pod(namespace, {}, {"http": 8080}), pods()["stranger"], pods()["kafka"]
    assert not passes("Ingress", unnamed, stranger, unnamed, 8080, "TCP")
    assert not passes("Egress", unnamed, kafka, kafka, 9092, "TCP")


def test_every_named_port_of_a_policy_exists_on_whom_it_lets_in() -> None:
    """A name that no pod has would close the door without a word."""
    wrong = []
    for policy in policies():
        targets = [
            pod
            for pod in pods().values()
            if pod.namespace == policy["metadata"]["namespace"] and selects(policy["spec"]["podSelector"], pod.labels)
        ]
        for rule in policy["spec"].get("ingress") or []:
            for port in rule.get("ports") or []:
                if isinstance(port["port"], str) and not any(port["port"] in pod.ports for pod in targets):
                    wrong.append((policy["metadata"]["name"], port["port"]))
    assert wrong == []
