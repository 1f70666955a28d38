"""The control plane itself: started once, mended where a part has died, its pods as a kubelet would tell of them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from carbonlib._errors import EngineError
from carbonlib.targets.kubernetes.cluster import Cluster
from carbonlib.targets.kubernetes.wait import wait
from carbonlib.waiting import wait_until

from . import declared
from .binary import kubernetes_version
from .control_plane import ControlPlane
from .logs import Follower
from .plumbing import Lead, log_of, write

BUSY = 120.0
SPACE = "test-control-plane"
ZONE = "topology.kubernetes.io/zone"


@pytest.fixture(scope="module")
def space(cluster: Cluster) -> Iterator[str]:
    """A namespace with a StatefulSet of three pods with volumes, and a Job."""
    engines = declared.stateful_set(SPACE, SPACE, storage="1Gi")
    manifests = [declared.namespace(SPACE, SPACE), engines, declared.job(SPACE, SPACE)]
    for manifest in manifests:
        cluster.apply(manifest)
    wait(cluster, manifests, BUSY)
    yield SPACE
    cluster.delete("Namespace", SPACE)


def test_it_is_the_kubernetes_that_go_mod_names(cluster: Cluster) -> None:
    assert cluster.version()["gitVersion"] == kubernetes_version()


def test_a_second_start_finds_it_running(plane: ControlPlane) -> None:
    told: list[str] = []
    assert not plane.up(told.append)
    assert told == []


def test_a_part_that_died_is_started_again_on_the_data_that_is_there(
    plane: ControlPlane, cluster: Cluster, space: str
) -> None:
    plane.processes.kill("kube-scheduler")
    assert "kube-scheduler" not in plane.running()
    told: list[str] = []
    assert plane.up(told.append)
    assert told == ["starting kube-scheduler"]
    assert len(plane.running()) == 5
    assert cluster.get("StatefulSet", "engine", space) is not None


def test_the_viewer_may_do_nothing(plane: ControlPlane) -> None:
    with pytest.raises(EngineError) as caught:
        plane.kubectl("get", "pods", user="viewer")
    assert "cannot list resource" in caught.value.cause


def test_pods_are_spread_by_zone_and_carry_it_with_volumes_made_where_they_are(cluster: Cluster, space: str) -> None:
    pods = [cluster.get("Pod", f"engine-{i}", space) or {} for i in range(3)]
    nodes = {
        n["metadata"]["name"]: n["metadata"]["labels"]["topology.kubernetes.io/zone"] for n in cluster.list("Node")
    }
    assert len(set(nodes.values())) == 3
    for pod in pods:
        assert pod["metadata"]["labels"][ZONE] == nodes[pod["spec"]["nodeName"]]
    claims = cluster.list("PersistentVolumeClaim", space)
    assert [c["status"]["phase"] for c in claims] == ["Bound"] * 3
    assert {c["spec"]["storageClassName"] for c in claims} == {"fast"}
    assert {c["metadata"]["annotations"]["volume.kubernetes.io/selected-node"] for c in claims} <= set(nodes)


def test_a_pod_recovers_when_its_fault_is_taken_away(plane: ControlPlane, cluster: Cluster, space: str) -> None:
    def ready() -> str:
        conditions = (cluster.get("Pod", "engine-1", space) or {})["status"]["conditions"]
        return str(next(c["status"] for c in conditions if c["type"] == "Ready"))

    label = ("label", "pod/engine-1", f"--namespace={space}")
    plane.kubectl(*label, f"{declared.FAULT}=crash-loop")
    wait_until(lambda: ready() == "False", what="engine-1 in a crash loop", timeout=BUSY, every=0.1)
    plane.kubectl(*label, f"{declared.FAULT}-")
    wait_until(lambda: ready() == "True", what="engine-1 ready again", timeout=BUSY, every=0.1)


def test_the_log_of_a_process_is_that_of_its_pod(
    plane: ControlPlane, cluster: Cluster, space: str, tmp_path: Path
) -> None:
    lead = Lead(space, "engine-2", {8083: 1}, tmp_path / "engine.log")
    follower = Follower(lead.log, [log_of(lead, tmp_path)])
    plane.processes.stop("kwok")
    ControlPlane(plane.state, plane.port_base, [write(tmp_path / "plumbing.yaml", [lead], tmp_path)]).restart("kwok")
    try:
        lead.log.write_text("first\nsecond\n")
        follower.follow()
        logs = wait_until(
            lambda: plane.kubectl("logs", "engine-2", "--tail=1", f"--namespace={space}"), what="a log", timeout=BUSY
        )
        assert logs == "second\n"
    finally:
        plane.processes.stop("kwok")
        plane.restart("kwok")


def test_its_memory_is_known_process_by_process(plane: ControlPlane) -> None:
    memory = plane.memory_mib()
    print(json.dumps({name: round(mib) for name, mib in memory.items()}), f"sum {sum(memory.values()):.0f} MiB")
    assert len(memory) == 5
    assert all(mib > 20 for mib in memory.values())
