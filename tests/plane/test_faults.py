"""Faults planted into the production overlay: told in words, in seconds, and healed by a roll-back.

Each is an edit of the real manifests, as a mistake would be, or something that happens to the cluster under them. KWOK
says what a kubelet would; all else is the production code of Kubernetes. The figures go into the report of the tests.
"""

from __future__ import annotations

import copy
import re
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from carbonlib._errors import ApplyError, CarbonError, EngineError, FieldConflict, TargetUnreachable, WaitTimeout
from carbonlib.secrets import Secrets
from carbonlib.targets.kubernetes import history, pods, teardown
from carbonlib.targets.kubernetes.cluster import Cluster
from carbonlib.targets.kubernetes.objects import Object
from carbonlib.targets.kubernetes.overlay import Overlay
from carbonlib.targets.kubernetes.plan import plan
from carbonlib.targets.kubernetes.wait import wait
from carbonlib.waiting import wait_until

from . import supplies
from .control_plane import ControlPlane

BUSY = 120.0  # seconds that something may take on a machine that is busy with other things
PATIENCE = 6.0  # seconds that a wait is given where only time tells
SPACE, LAYER, WORKERS = "data-platform", "connect", "kafka-connect"
SPACES = ("data-platform", "doris", "flink-operator", "monitoring")
Report = Callable[[str, float], None]


@pytest.fixture(scope="module")
def overlay(plane: ControlPlane) -> Overlay:
    return Overlay("production")


@pytest.fixture(scope="module")
def platform(
    plane: ControlPlane, cluster: Cluster, overlay: Overlay, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Cluster]:
    """The cluster with namespaces, Kafka and Connect of the production overlay, each kept as a healthy revision."""
    supplies.supply(plane, Secrets(tmp_path_factory.mktemp("plane") / "secrets.json"))
    for layer in ("prerequisites", "kafka", LAYER):
        manifests = declared(overlay, layer)
        plan(cluster, manifests, layer).apply()
        wait(cluster, manifests, BUSY)
        history.remember(cluster, layer, manifests)
    yield cluster
    for space in SPACES:
        cluster.delete("Namespace", space)
    wait_until(lambda: not _spaces(cluster), what="the end of the namespaces", timeout=BUSY)
    teardown.plan_down(cluster, purge=True).apply()


def _spaces(cluster: Cluster) -> list[str]:
    return [space for space in SPACES if cluster.get("Namespace", space)]


@pytest.fixture
def report(record_property: Callable[[str, object], None], request: pytest.FixtureRequest) -> Report:
    """Note a figure for the report of the tests, and show it."""

    def note(name: str, seconds: float) -> None:
        record_property(name, round(seconds, 2))
        print(f"{request.node.name}: {name} {seconds:.2f}")

    return note


def declared(overlay: Overlay, layer: str) -> list[Object]:
    return copy.deepcopy(overlay.manifests(layer, overlay.sizes()))


def workers(manifests: list[Object]) -> dict[str, Any]:
    """The StatefulSet of the workers among the manifests."""
    return next(m for m in manifests if m["kind"] == "StatefulSet" and m["metadata"]["name"] == WORKERS)


def labelled(fault: str) -> Callable[[dict[str, Any]], None]:
    def edit(workload: dict[str, Any]) -> None:
        workload["spec"]["template"]["metadata"]["labels"]["carbon.test/fault"] = fault

    return edit


def too_large(workload: dict[str, Any]) -> None:
    """More than any node has, of what no quota counts."""
    resources = workload["spec"]["template"]["spec"]["containers"][0]["resources"]
    for part in ("requests", "limits"):
        resources[part]["ephemeral-storage"] = "900Gi"


def timed(call: Callable[[], object]) -> float:
    began = time.monotonic()
    call()
    return time.monotonic() - began


def detected(cluster: Cluster, manifests: list[Object], error: type[CarbonError], words: str, report: Report) -> None:
    """Apply what is broken: the wait ends by the error, and its words hold the reason."""
    plan(cluster, manifests, LAYER).apply()
    began = time.monotonic()
    with pytest.raises(error) as caught:
        wait(cluster, manifests, PATIENCE if error is WaitTimeout else BUSY)
    report("seconds to detect", time.monotonic() - began)
    told = f"{caught.value.message}\n{caught.value.cause}"
    assert re.search(words, told, re.S), told
    assert "roll the layer back" in caught.value.remedy


def healed(cluster: Cluster, overlay: Overlay, report: Report) -> None:
    """Roll back: everything is ready, and as the manifests say."""
    report("seconds to heal", timed(lambda: history.rollback(cluster, LAYER, timeout=BUSY).apply()))
    good = declared(overlay, LAYER)
    wait(cluster, good, 1)
    assert plan(cluster, good, LAYER).changes == []


@pytest.mark.parametrize(
    ("edit", "error", "words"),
    [
        pytest.param(labelled("never-ready"), WaitTimeout, "kafka-connect-2/.*running, not ready", id="never ready"),
        pytest.param(labelled("crash-loop"), ApplyError, r"CrashLoopBackOff.*last OOMKilled\(137\)", id="crash loop"),
        pytest.param(labelled("image-pull"), ApplyError, "ImagePullBackOff.*Back-off pulling image", id="image pull"),
        pytest.param(too_large, WaitTimeout, "Unschedulable.*Insufficient ephemeral-storage", id="unschedulable"),
    ],
)
def test_a_new_revision_that_cannot_run_is_told_and_rolled_back(
    platform: Cluster, overlay: Overlay, report: Report, edit: Any, error: type[CarbonError], words: str
) -> None:
    broken = declared(overlay, LAYER)
    edit(workers(broken))
    detected(platform, broken, error, words, report)
    healed(platform, overlay, report)


def test_a_job_that_fails_is_told_and_its_next_try_replaces_it(
    platform: Cluster, overlay: Overlay, report: Report
) -> None:
    broken = declared(overlay, "kafka")
    job = next(m for m in broken if m["kind"] == "Job")
    labelled("job-failed")(job)
    job["spec"]["backoffLimit"] = 0
    plan(platform, broken, "kafka").apply()
    began = time.monotonic()
    with pytest.raises(ApplyError) as caught:
        wait(platform, broken, BUSY)
    report("seconds to detect", time.monotonic() - began)
    assert re.search(r"BackoffLimitExceeded|backoff limit", str(caught.value)), str(caught.value)
    assert "ended Error(1)" in caught.value.cause
    report("seconds to heal", timed(lambda: history.rollback(platform, "kafka", timeout=BUSY).apply()))
    assert plan(platform, declared(overlay, "kafka"), "kafka").changes == []


def test_a_quota_that_is_used_up_is_told_with_its_numbers(platform: Cluster, overlay: Overlay, report: Report) -> None:
    counted = [p for p in platform.list("Pod", SPACE, "v1") if p["status"].get("phase") not in ("Succeeded", "Failed")]
    meta, spec = {"name": "tight", "namespace": SPACE}, {"hard": {"pods": str(len(counted))}}
    platform.apply({"apiVersion": "v1", "kind": "ResourceQuota", "metadata": meta, "spec": spec})
    try:
        wait_until(
            lambda: (platform.get("ResourceQuota", "tight", SPACE, "v1") or {}).get("status", {}).get("used"),
            what="the count of the quota", timeout=BUSY, every=0.1,
        )  # fmt: skip
        more = declared(overlay, LAYER)
        workers(more)["spec"]["replicas"] += 1
        detected(platform, more, ApplyError, r"exceeded quota: tight, requested: pods=1, used: pods=\d+", report)
    finally:
        platform.delete("ResourceQuota", "tight", SPACE)
    healed(platform, overlay, report)


def test_a_disruption_budget_refuses_a_second_eviction(plane: ControlPlane, platform: Cluster, report: Report) -> None:
    label = ("label", "pod/kafka-0", f"--namespace={SPACE}")
    impatient = Cluster(plane.kubeconfig, patience=0)
    try:
        plane.kubectl(*label, "carbon.test/fault=never-ready")
        began = time.monotonic()
        wait_until(lambda: _disruptions(platform, "kafka") == 0, what="the budget used up", timeout=BUSY, every=0.1)
        with pytest.raises(EngineError, match="kafka-1") as caught:
            pods.evict(impatient, "kafka-1")
        report("seconds to detect", time.monotonic() - began)
        assert "disruption budget" in caught.value.cause
    finally:
        plane.kubectl(*label, "carbon.test/fault-")
    began = time.monotonic()
    wait_until(lambda: _disruptions(platform, "kafka") == 1, what="kafka-0 ready again", timeout=BUSY, every=0.1)
    replaced = pods.evict(platform, "kafka-1")
    wait_until(replaced, what="another kafka-1 in its place", timeout=BUSY, every=0.1)
    report("seconds to heal", time.monotonic() - began)


def _disruptions(cluster: Cluster, name: str) -> int | None:
    budget = cluster.get("PodDisruptionBudget", name, SPACE, "policy/v1") or {}
    if budget.get("status", {}).get("observedGeneration") is None:
        return None
    return int(budget["status"]["disruptionsAllowed"])


def test_a_lost_zone_is_told_by_the_scheduler_and_filled_again(
    plane: ControlPlane, platform: Cluster, overlay: Overlay, report: Report
) -> None:
    kafka = declared(overlay, "kafka")
    node = (platform.get("Pod", "kafka-1", SPACE, "v1") or {})["spec"]["nodeName"]
    plane.kubectl("cordon", node)
    try:
        gone = pods.delete(platform, "kafka-1", grace_s=0)
        began = time.monotonic()
        wait_until(lambda: _ready(platform, "kafka") == 2, what="one broker less", timeout=BUSY, every=0.1)
        with pytest.raises(WaitTimeout) as caught:
            wait(platform, kafka, PATIENCE)
        report("seconds to detect", time.monotonic() - began)
        assert re.search(r"kafka-1: Unschedulable: .*unschedulable", caught.value.cause), caught.value.cause
        assert not gone()
    finally:
        plane.kubectl("uncordon", node)
    report("seconds to heal", timed(lambda: wait(platform, kafka, BUSY)))
    assert gone()
    assert (platform.get("Pod", "kafka-1", SPACE, "v1") or {})["spec"]["nodeName"] == node


def _ready(cluster: Cluster, name: str) -> int:
    return int((cluster.get("StatefulSet", name, SPACE, "apps/v1") or {})["status"].get("readyReplicas", 0))


def test_an_api_server_killed_in_the_middle_of_an_apply_is_outlived(
    plane: ControlPlane, platform: Cluster, overlay: Overlay, report: Report
) -> None:
    newer = declared(overlay, LAYER)
    for manifest in newer:
        manifest["metadata"].setdefault("annotations", {})["carbon.test/round"] = "two"
    found = plan(platform, newer, LAYER)
    assert len(found) >= 3
    server, times = "kube-apiserver", [0.0]

    def strike(change: Any) -> None:
        if change is found.changes[1]:
            plane.processes.kill(server)
            with pytest.raises(TargetUnreachable, match=re.escape(platform.server)):
                Cluster(plane.kubeconfig, patience=0)
            times[0] = time.monotonic()
            threading.Thread(target=plane.restart, args=(server,)).start()

    assert len(found.apply(on_change=strike)) == len(found)
    wait(platform, newer, BUSY)
    report("seconds until applied", time.monotonic() - times[0])
    assert plan(platform, newer, LAYER).changes == []
    healed(platform, overlay, report)


def test_a_field_that_another_manager_holds_stops_the_apply_and_names_it(
    plane: ControlPlane, platform: Cluster, overlay: Overlay, report: Report
) -> None:
    theirs = {
        "apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": WORKERS, "namespace": SPACE},
        "spec": {"template": {"spec": {"terminationGracePeriodSeconds": 77}}},
    }  # fmt: skip
    path = platform.kind("StatefulSet", "apps/v1").path(WORKERS, SPACE)
    query = [("fieldManager", "other-team"), ("force", "true")]
    platform.request("patch", path, theirs, query=query, content_type="application/apply-patch+yaml")
    began = time.monotonic()
    found = plan(platform, declared(overlay, LAYER), LAYER)
    with pytest.raises(FieldConflict, match="other-team") as caught:
        found.apply()
    report("seconds to detect", time.monotonic() - began)
    assert "terminationGracePeriodSeconds" in str(caught.value)
    healed(platform, overlay, report)
