"""Waiting: what is on its way is waited for, what is beyond hope ends the wait at once, and the reason is told."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

from carbonlib._errors import ApplyError, CarbonError, WaitTimeout
from carbonlib.targets.kubernetes.cluster import Cluster
from carbonlib.targets.kubernetes.explain import reasons
from carbonlib.targets.kubernetes.objects import identity
from carbonlib.targets.kubernetes.plan import plan
from carbonlib.targets.kubernetes.wait import wait
from carbonlib.waiting import wait_until

from . import declared
from .control_plane import ControlPlane

LONG = 120.0  # of a wait that is to end by itself
SHORT = 4.0  # of one that is to run out


@pytest.fixture
def place(request: pytest.FixtureRequest, cluster: Cluster) -> Iterator[str]:
    """Name of a namespace for one test, which is deleted after it."""
    name = request.node.name.removeprefix("test_").replace("_", "-").replace("[", "-").strip("]")[:50].strip("-")
    yield name
    cluster.delete("Namespace", name)


def apply(cluster: Cluster, place: str, *manifests: dict[str, Any], security: str = "restricted") -> None:
    plan(cluster, [declared.namespace(place, place, security), *manifests], place).apply()


def failing(cluster: Cluster, manifest: dict[str, Any], timeout: float = LONG) -> tuple[CarbonError, float]:
    """The error of a wait and the seconds after which it came."""
    began = time.monotonic()
    with pytest.raises((ApplyError, WaitTimeout)) as caught:
        wait(cluster, [manifest], timeout)
    return caught.value, time.monotonic() - began


@pytest.mark.parametrize("fault, told", [
    ("crash-loop", "OOMKilled(137)"), ("image-pull", "ImagePullBackOff (Back-off pulling image engine:1)"),
])  # fmt: skip
def test_containers_that_never_run_end_the_wait(cluster: Cluster, place: str, fault: str, told: str) -> None:
    manifests = [declared.stateful_set(place, place, fault=fault), declared.deployment(place, place, fault=fault)]
    apply(cluster, place, *manifests)
    for manifest in manifests:
        error, seconds = failing(cluster, manifest)
        assert isinstance(error, ApplyError), error
        assert f"{identity(manifest)} cannot become ready" in error.message
        assert told in error.cause
        assert seconds < LONG / 2
        print(f"{fault} of a {manifest['kind']}: told after {seconds:.1f} s")


def test_what_may_still_come_is_waited_for_and_its_reason_is_told_when_time_is_up(cluster: Cluster, place: str) -> None:
    never, huge = (declared.stateful_set(place, place, name, **pod) for name, pod in [
        ("slow", {"fault": "never-ready"}), ("huge", {"cpu": "5000"}),
    ])  # fmt: skip
    unbound = declared.stateful_set(place, place, "unbound", storage="1Gi")
    unbound["spec"]["volumeClaimTemplates"][0]["spec"]["storageClassName"] = "nobody-provides"
    apply(cluster, place, never, huge, unbound)
    for manifest, words in [
        (never, ["slow-0/engine, slow-1/engine, slow-2/engine: running, not ready"]),
        (huge, ["Unschedulable", "Insufficient cpu"]),
        (unbound, ["PersistentVolumeClaim/data-unbound-0", "Pending, storage class nobody-provides"]),
    ]:  # fmt: skip
        error, _ = failing(cluster, manifest, SHORT)
        assert isinstance(error, WaitTimeout), error
        assert identity(manifest) in error.message
        assert all(word in error.cause for word in words), error.cause


def test_pods_that_the_server_refuses_end_the_wait_with_its_rule(cluster: Cluster, place: str) -> None:
    set_, web = (make(place, place, privileged=True) for make in (declared.stateful_set, declared.deployment))
    apply(cluster, place, set_, web)
    for manifest in (set_, web):
        error, seconds = failing(cluster, manifest)
        assert isinstance(error, ApplyError), error
        assert 'violates PodSecurity "restricted' in error.message
        print(f"pod security, {manifest['kind']}: told after {seconds:.1f} s")


def test_a_quota_that_stays_full_ends_the_wait_and_names_the_quota(cluster: Cluster, place: str) -> None:
    set_, room = declared.stateful_set(place, place), declared.quota(place, place, pods=1)
    apply(cluster, place, room, set_)
    error, seconds = failing(cluster, set_)
    assert isinstance(error, ApplyError), error
    assert "exceeded quota: room" in error.message
    assert "1 of 3 pods exist" in error.cause
    print(f"quota: told after {seconds:.1f} s")


def test_a_deployment_past_its_deadline_and_a_failed_job_end_the_wait(cluster: Cluster, place: str) -> None:
    web = declared.deployment(place, place, fault="never-ready", deadline=2)
    once = declared.job(place, place, fault="job-failed")
    apply(cluster, place, web, once)
    error, _ = failing(cluster, web)
    assert "ProgressDeadlineExceeded" in error.message
    assert "Readiness probe failed" in error.cause
    error, _ = failing(cluster, once)
    assert "BackoffLimitExceeded" in error.message


def test_a_repair_is_not_refused_for_what_it_repairs(cluster: Cluster, place: str) -> None:
    broken = [make(place, place, fault="crash-loop") for make in (declared.stateful_set, declared.deployment)]
    apply(cluster, place, *broken)
    for manifest in broken:
        failing(cluster, manifest)
    good = [make(place, place) for make in (declared.stateful_set, declared.deployment)]
    lines: list[str] = []
    plan(cluster, good, place).apply()
    wait(cluster, good, LONG, on_progress=lines.append)
    assert any(line.startswith(f"StatefulSet/{place}/engine: 3/3 available") for line in lines)
    assert all(reasons(cluster, cluster.live(m) or {}) == [] for m in good)


def test_pods_below_a_partition_or_replaced_by_hand_may_keep_their_revision(
    plane: ControlPlane, cluster: Cluster, place: str
) -> None:
    strategies = {
        "stepped": {"type": "RollingUpdate", "rollingUpdate": {"partition": 2}}, "by-hand": {"type": "OnDelete"},
    }  # fmt: skip
    for image in ("engine:1", "engine:2"):
        manifests = [
            declared.stateful_set(place, place, name, image=image, strategy=strategy)
            for name, strategy in strategies.items()
        ]
        apply(cluster, place, *manifests)
        wait(cluster, manifests, LONG)
    images = {p["metadata"]["name"]: p["spec"]["containers"][0]["image"] for p in cluster.list("Pod", place)}
    assert {name for name, image in images.items() if image == "engine:2"} == {"stepped-2"}
    plane.kubectl("delete", "pod/by-hand-1", f"--namespace={place}")
    status = wait_until(
        lambda: _updated(cluster.live(manifests[1]) or {}), what="The controller's count", timeout=LONG
    )  # fmt: skip
    wait(cluster, manifests, LONG)
    assert status["updatedReplicas"] == 1


def _updated(obj: dict[str, Any]) -> dict[str, Any] | None:
    """The status once it counts a pod of the new revision."""
    status: dict[str, Any] = obj["status"]
    return status if status.get("updatedReplicas") else None
