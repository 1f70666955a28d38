"""Teardown takes exactly what carries our label; data, namespaces and definitions only by purge."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from carbonlib._errors import WaitTimeout
from carbonlib.targets.kubernetes import history
from carbonlib.targets.kubernetes.cluster import Cluster
from carbonlib.targets.kubernetes.inventory import owned
from carbonlib.targets.kubernetes.objects import identity
from carbonlib.targets.kubernetes.plan import plan
from carbonlib.targets.kubernetes.teardown import leftovers, plan_down
from carbonlib.targets.kubernetes.wait import wait

from . import declared

LONG = 120.0
PLACES = ("taken-down", "held-up")


@pytest.fixture(autouse=True)
def empty(cluster: Cluster) -> Iterator[None]:
    """Whatever other tests have left with our label is in nobody's way."""
    plan_down(cluster, purge=True).apply()
    yield
    for place in PLACES:
        cluster.delete("Namespace", place)


def test_exactly_ours_goes_in_reverse_order(cluster: Cluster) -> None:
    place, kind = PLACES[0], "Gizmo"
    manifests = [
        declared.namespace(place, "kafka"), declared.definition("kafka", "gizmos", kind),
        declared.config_map(place, "kafka"), declared.service(place, "kafka"),
        declared.stateful_set(place, "kafka", storage="1Gi"), declared.deployment(place, "connect"),
        declared.custom(place, "connect", 3, kind),
    ]  # fmt: skip
    plan(cluster, manifests, "kafka").apply()
    wait(cluster, manifests, LONG)
    history.remember(cluster, "kafka", manifests, place)
    theirs = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "theirs", "namespace": place}}
    cluster.create(theirs)

    down = plan_down(cluster)
    assert [c.object for c in down] == [
        f"Gizmo/{place}/one", f"Deployment/{place}/web", f"StatefulSet/{place}/engine", f"Service/{place}/engine",
        f"ConfigMap/{place}/settings",
    ]  # fmt: skip
    down.apply()
    assert leftovers(cluster) == []
    assert plan_down(cluster).changes == []
    assert cluster.list("Pod", place) == []
    assert len(cluster.list("PersistentVolumeClaim", place)) == 3
    assert history.revisions(cluster, "kafka", place)

    # The StatefulSet comes back to its data; then all of it goes, but for what a stranger has in the namespace.
    plan(cluster, manifests, "kafka").apply()
    purge = plan_down(cluster, purge=True)
    assert f"Namespace/{place}" not in [c.object for c in purge]
    assert {c.object for c in purge} >= {
        "CustomResourceDefinition/gizmos.carbon.test", f"PersistentVolumeClaim/{place}/data-engine-0",
    }  # fmt: skip
    purge.apply()
    assert leftovers(cluster, purge=True) == [f"Namespace/{place}: it holds ConfigMap/{place}/theirs"]
    assert cluster.live(theirs) is not None
    assert cluster.list("PersistentVolumeClaim", place) == []
    cluster.delete("ConfigMap", "theirs", place)
    plan_down(cluster, purge=True).apply()
    assert cluster.get("Namespace", place) is None
    assert owned(cluster) == []


def test_what_hangs_is_named_with_what_holds_it(cluster: Cluster) -> None:
    place = PLACES[1]
    held = declared.config_map(place, "kafka")
    held["metadata"]["finalizers"] = ["carbon.test/nobody-clears-it"]
    plan(cluster, [declared.namespace(place, "kafka"), held], "kafka").apply()
    with pytest.raises(WaitTimeout, match=f"Still there after 2 s: ConfigMap/{place}/settings") as caught:
        plan_down(cluster, timeout=2).apply()
    assert "held by carbon.test/nobody-clears-it" in caught.value.cause
    assert leftovers(cluster) == [f"{identity(held)}: being deleted, held by carbon.test/nobody-clears-it"]
    path = cluster.kind("ConfigMap").path("settings", place)
    free = {"metadata": {"finalizers": None}}
    cluster.request("patch", path, free, content_type="application/merge-patch+json")
    plan_down(cluster, purge=True).apply()
    assert leftovers(cluster, purge=True) == []
