"""Whether pods find a place, reckoned as the scheduler would."""

from __future__ import annotations

from typing import Any

import pytest

from carbonlib.targets.kubernetes.capacity import Demand, Node, demands, homeless, homeless_more, quantity

GIB = 2.0**30


def room(*zones: str, cpu: float = 4, gib: float = 16, pods: int = 10) -> list[Node]:
    return [Node(f"node-{i}", zone, cpu, gib * GIB, pods) for i, zone in enumerate(zones)]


@pytest.mark.parametrize(("text", "value"), [("500m", 0.5), ("2", 2), ("4Gi", 4 * GIB), ("1e3", 1000)])
def test_quantities_are_read_as_kubernetes_writes_them(text: str, value: float) -> None:
    assert quantity(text) == value


def test_what_fits_has_a_place() -> None:
    wanted = [Demand("broker", 3, 1, 6 * GIB, apart=True, zones=True), Demand("worker", 3, 0.5, 4 * GIB, apart=True)]
    assert homeless(wanted, room("a", "b", "c")) == []


def test_pods_that_stay_apart_need_a_node_each() -> None:
    assert homeless([Demand("broker", 3, 1, GIB, apart=True)], room("a", "a")) == [
        "1 of 3 pods of broker (no node is left that its rules allow: one a node)"
    ]


def test_a_full_zone_stops_the_others_of_a_spread() -> None:
    nodes = [*room("a", "a", "b"), Node("small", "c", 4, GIB, 10)]
    told = homeless([Demand("broker", 4, 1, 6 * GIB, apart=True, zones=True)], nodes)
    assert told == ["2 of 4 pods of broker (zones are filled unevenly: the nodes that are free are in a zone that has "
                    "its share)"]  # fmt: skip


def test_a_pod_that_is_larger_than_what_is_free_anywhere_is_named() -> None:
    told = homeless([Demand("backend", 1, 8, 4 * GIB)], room("a", "b"))
    assert told == ["1 of 1 pods of backend (no node has 8 cores and 4.0 GiB free)"]


def test_the_number_of_pods_of_a_node_is_a_limit_too() -> None:
    assert len(homeless([Demand("tiny", 3, 0.01, 1)], room("a", pods=2))) == 1


def test_demands_are_read_from_workloads_and_flink_deployments() -> None:
    container = {"resources": {"requests": {"cpu": "500m", "memory": "4Gi"}}}
    anti = {"requiredDuringSchedulingIgnoredDuringExecution": [{"topologyKey": "kubernetes.io/hostname"}]}
    spread = [{"topologyKey": "topology.kubernetes.io/zone", "whenUnsatisfiable": "DoNotSchedule"}]
    pod = {
        "containers": [container, {}], "affinity": {"podAntiAffinity": anti}, "topologySpreadConstraints": spread,
    }  # fmt: skip
    meta = {"name": "kafka", "namespace": "x"}
    workload: dict[str, Any] = {
        "kind": "StatefulSet", "metadata": meta, "spec": {"replicas": 3, "template": {"spec": pod}},
    }  # fmt: skip
    flink: dict[str, Any] = {
        "kind": "FlinkDeployment", "metadata": {"name": "job", "namespace": "x"},
        "spec": {
            "flinkConfiguration": {"taskmanager.numberOfTaskSlots": "2"}, "job": {"parallelism": 5},
            "jobManager": {"replicas": 2, "resource": {"cpu": 1, "memory": "2048m"}},
            "taskManager": {"resource": {"cpu": 2, "memory": "4Gi"}},
        },
    }  # fmt: skip
    assert demands([workload, flink, {"kind": "Service", "metadata": meta, "spec": {}}]) == [
        Demand("StatefulSet/x/kafka", 3, 0.5, 4 * GIB, apart=True, zones=True),
        Demand("FlinkDeployment/x/job/jobManager", 2, 1.0, 2 * GIB),
        Demand("FlinkDeployment/x/job/taskManager", 3, 2.0, 4 * GIB),
    ]


class Cluster:
    """Three nodes in three zones, a broker on each."""

    def __init__(self, *more_zones: str) -> None:
        self.zones = ["a", "b", "c", *more_zones]

    def list(self, kind: str) -> list[dict[str, Any]]:
        return [self._node(i) for i in range(len(self.zones))] if kind == "Node" else [self._pod(i) for i in range(3)]

    def _node(self, index: int) -> dict[str, Any]:
        meta = {"name": f"node-{index}", "labels": {"topology.kubernetes.io/zone": self.zones[index]}}
        status = {"allocatable": {"cpu": "4", "memory": "16Gi"}, "conditions": [{"type": "Ready", "status": "True"}]}
        return {"metadata": meta, "spec": {}, "status": status}

    def _pod(self, index: int) -> dict[str, Any]:
        owner = {"kind": "StatefulSet", "name": "kafka"}
        meta = {"name": f"kafka-{index}", "namespace": "x", "ownerReferences": [owner]}
        containers = [{"resources": {"requests": {"cpu": "1", "memory": "6Gi"}}}]
        spec = {"nodeName": f"node-{index}", "containers": containers}
        return {"metadata": meta, "spec": spec, "status": {"phase": "Running"}}


@pytest.mark.parametrize(
    ("zones", "told"),
    [((), "2 of 2 pods"), (("a",), "1 of 2 pods"), (("a", "a"), "1 of 2 pods"), (("a", "b"), "")],
)
def test_more_members_are_reckoned_beside_those_that_run(zones: tuple[str, ...], told: str) -> None:
    anti = {"requiredDuringSchedulingIgnoredDuringExecution": [{"topologyKey": "kubernetes.io/hostname"}]}
    spread = [{"topologyKey": "topology.kubernetes.io/zone", "whenUnsatisfiable": "DoNotSchedule"}]
    containers = [{"resources": {"requests": {"cpu": "1", "memory": "6Gi"}}}]
    pod = {"containers": containers, "affinity": {"podAntiAffinity": anti}, "topologySpreadConstraints": spread}
    meta = {"name": "kafka", "namespace": "x"}
    wider = {"kind": "StatefulSet", "metadata": meta, "spec": {"replicas": 5, "template": {"spec": pod}}}
    cluster: Any = Cluster(*zones)
    found = homeless_more(cluster, [wider])
    assert found == [] if not told else found[0].startswith(told)
    assert homeless_more(cluster, [{**wider, "spec": {**wider["spec"], "replicas": 3}}]) == []
