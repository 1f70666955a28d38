"""The API server is lost, refuses the credentials, or does not let them do what is asked."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from carbonlib._errors import AccessDenied, TargetError, TargetUnreachable
from carbonlib.targets.kubernetes.cluster import Cluster
from carbonlib.targets.kubernetes.plan import plan
from carbonlib.targets.kubernetes.wait import wait

from . import declared
from .control_plane import ControlPlane

PLACE = "lost-server"
LONG = 180.0


@pytest.fixture(scope="module", autouse=True)
def namespace(cluster: Cluster) -> Iterator[None]:
    cluster.apply(declared.namespace(PLACE, PLACE))
    yield
    cluster.delete("Namespace", PLACE)


def test_an_api_server_that_is_killed_in_the_middle_of_an_apply_is_waited_for(
    plane: ControlPlane, cluster: Cluster
) -> None:
    manifests = [declared.config_map(PLACE, PLACE, f"settings-{i}") for i in range(30)]
    manifests.append(declared.stateful_set(PLACE, PLACE))
    planned = plan(cluster, manifests, PLACE)
    back: list[float] = []

    def restart() -> None:
        back.append(plane.restart("kube-apiserver"))

    healer = threading.Thread(target=restart)
    count = 0

    def kill_half_way(_: object) -> None:
        nonlocal count
        count += 1
        if count == len(manifests) // 2:
            plane.processes.stop("kube-apiserver")
            healer.start()

    began = time.monotonic()
    patient = Cluster(plane.kubeconfig, patience=LONG)
    for change in plan(patient, manifests, PLACE):
        kill_half_way(change)
        assert change.apply is not None
        change.apply()
    healer.join()
    print(f"API server back after {back[0]:.1f} s, whole apply {time.monotonic() - began:.1f} s")
    assert len(planned) == len(manifests)
    wait(patient, manifests, LONG)
    assert plan(patient, manifests, PLACE).changes == []


def test_a_server_that_stays_away_is_named_with_what_to_do(plane: ControlPlane, cluster: Cluster) -> None:
    hasty = Cluster(plane.kubeconfig, patience=1)
    plane.processes.stop("kube-apiserver")
    try:
        with pytest.raises(TargetUnreachable, match=f"no answer from the API server {cluster.server}") as caught:
            hasty.apply(declared.config_map(PLACE, PLACE))
        assert "KUBECONFIG" in caught.value.remedy
        assert caught.value.exit_code == 3
        began = time.monotonic()
        with pytest.raises(TargetUnreachable, match="no answer"):
            Cluster(plane.kubeconfig)
        assert time.monotonic() - began < 10  # a first call is not tried again: nobody waits for a wrong address
    finally:
        plane.restart("kube-apiserver")


def test_credentials_that_are_not_known_or_may_not_are_told_apart(
    plane: ControlPlane, tmp_path: Path, cluster: Cluster
) -> None:
    text = plane.kubeconfig.read_text(encoding="utf-8")
    unknown = tmp_path / "unknown.yaml"
    unknown.write_text(text.replace(plane.identity.token("admin"), "not-a-token"), encoding="utf-8")
    with pytest.raises(TargetError, match="does not accept these credentials"):
        Cluster(unknown)
    viewer = Cluster(plane.identity.kubeconfig("viewer"))
    with pytest.raises(AccessDenied, match="does not allow it") as caught:
        viewer.apply(declared.config_map(PLACE, PLACE))
    assert 'User "viewer" cannot patch resource "configmaps"' in caught.value.cause
    assert caught.value.exit_code == 3
    with pytest.raises(TargetError, match="no usable configuration"):
        Cluster(tmp_path / "absent.yaml")
