"""Plans by the server's own dry run: what is new, what differs and by whom, what is refused and why."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from carbonlib._errors import ApplyError, FieldConflict, ImmutableField
from carbonlib.targets.kubernetes.cluster import Cluster
from carbonlib.targets.kubernetes.plan import CONFLICT, DROPPED, TAKEN, dropped, plan
from carbonlib.targets.kubernetes.wait import wait

from . import declared
from .control_plane import ControlPlane

BUSY = 90.0


@pytest.fixture
def place(request: pytest.FixtureRequest, cluster: Cluster) -> Iterator[str]:
    """Name of a namespace, and of a layer, for one test; the namespace does not exist yet."""
    name = request.node.name.removeprefix("test_").replace("_", "-")[:50].strip("-")
    yield name
    cluster.delete("Namespace", name)


def applied_by_others(cluster: Cluster, manager: str, manifest: dict[str, Any]) -> None:
    meta = manifest["metadata"]
    path = cluster.kind(manifest["kind"], manifest["apiVersion"]).path(meta["name"], meta["namespace"])
    query = [("fieldManager", manager), ("force", "true")]
    cluster.request("patch", path, manifest, query=query, content_type="application/apply-patch+yaml")


@pytest.fixture
def kind(cluster: Cluster) -> Iterator[str]:
    """A custom kind whose definition is deleted after the test."""
    yield "Gadget"
    cluster.delete("CustomResourceDefinition", "gadgets.carbon.test")


def test_a_first_plan_shows_what_cannot_be_tried_yet_and_a_second_finds_nothing(
    cluster: Cluster, place: str, kind: str
) -> None:
    manifests = [
        declared.custom(place, place, 3, kind), declared.stateful_set(place, place, cpu="1000m", storage="1024Mi"),
        declared.service(place, place), declared.config_map(place, place),
        declared.namespace(place, place), declared.definition(place, "gadgets", kind),
    ]  # fmt: skip
    first = plan(cluster, manifests, place)
    assert [c.object for c in first] == [
        f"Namespace/{place}", "CustomResourceDefinition/gadgets.carbon.test", f"ConfigMap/{place}/settings",
        f"Service/{place}/engine", f"StatefulSet/{place}/engine", f"Gadget/{place}/one",
    ]  # fmt: skip
    assert {c.action for c in first} == {"create"}
    assert first.changes[4].after == {"replicas": 3, "images": ["engine:1"], "storage": ["data 1024Mi"]}
    assert len(first.apply()) == 6
    assert plan(cluster, manifests, place).changes == []
    wait(cluster, manifests, BUSY)
    assert plan(cluster, manifests, place).changes == []


def test_edits_by_hand_are_found_named_and_undone(plane: ControlPlane, cluster: Cluster, place: str) -> None:
    manifests = [
        declared.namespace(place, place), declared.stateful_set(place, place), declared.config_map(place, place),
    ]  # fmt: skip
    plan(cluster, manifests, place).apply()
    plane.kubectl("scale", "statefulset/engine", "--replicas=5", f"--namespace={place}")
    plane.kubectl("delete", "configmap/settings", f"--namespace={place}")
    found = plan(cluster, manifests, place)
    created, changed = found.changes
    assert (created.object, created.action) == (f"ConfigMap/{place}/settings", "create")
    assert (changed.object, changed.action) == (f"StatefulSet/{place}/engine", "update")
    assert changed.before == {"spec.replicas": 5}
    assert changed.after["spec.replicas"] == 3
    assert changed.after[TAKEN]["spec.replicas"].startswith("kubectl")
    found.apply()
    assert plan(cluster, manifests, place).changes == []
    assert (cluster.live(manifests[1]) or {})["spec"]["replicas"] == 3


def test_what_was_added_by_hand_is_found_and_removed(plane: ControlPlane, cluster: Cluster, place: str) -> None:
    set_, settings = declared.stateful_set(place, place), declared.config_map(place, place)
    set_["spec"]["template"]["spec"]["containers"][0]["env"] = [{"name": "OURS", "value": "1"}]
    manifests = [declared.namespace(place, place), set_, settings]
    plan(cluster, manifests, place).apply()
    where = f"--namespace={place}"
    plane.kubectl("set", "env", "statefulset/engine", "FIRST=2", "THEIRS=2", where)
    labels = {"spec": {"template": {"metadata": {"labels": {declared.FAULT: "never-ready"}}}}}
    plane.kubectl("patch", "statefulset/engine", "--type=merge", f"--patch={json.dumps(labels)}", where)
    plane.kubectl("patch", "configmap/settings", "--type=merge", '--patch={"data": {"more": "x", "a": "2"}}', where)
    # What is nobody's fault: labels of the object itself, and a restart that was asked for.
    plane.kubectl("label", "configmap/settings", "team=theirs", where)
    plane.kubectl("rollout", "restart", "statefulset/engine", where)
    found = plan(cluster, manifests, place)
    told = {c.object: (c.before, {k: v for k, v in c.after.items() if k != TAKEN}) for c in found}
    template = "spec.template"
    env = f"{template}.spec.containers[engine].env"
    assert told == {
        f"ConfigMap/{place}/settings": ({"data.more": "x", "data.a": "2"}, {"data.more": None, "data.a": "1"}),
        f"StatefulSet/{place}/engine": (
            {
                f"{template}.metadata.labels[{declared.FAULT}]": "never-ready",
                f"{env}[FIRST]": {"name": "FIRST", "value": "2"}, f"{env}[THEIRS]": {"name": "THEIRS", "value": "2"},
            },
            {f"{template}.metadata.labels[{declared.FAULT}]": None, f"{env}[FIRST]": None, f"{env}[THEIRS]": None},
        ),
    }  # fmt: skip
    found.apply()
    assert plan(cluster, manifests, place).changes == []
    live = cluster.live(set_) or {}
    assert live["spec"]["template"]["spec"]["containers"][0]["env"] == [{"name": "OURS", "value": "1"}]
    wait(cluster, manifests, BUSY)


def test_an_object_that_was_made_by_hand_is_taken_over(plane: ControlPlane, cluster: Cluster, place: str) -> None:
    web = declared.deployment(place, place)
    plan(cluster, [declared.namespace(place, place)]).apply()
    theirs = declared.deployment(place, place)
    theirs["metadata"]["labels"] = {}
    theirs["spec"]["paused"] = True
    plane.kubectl("create", "--filename=-", stdin=json.dumps(theirs))
    (change,) = plan(cluster, [web], place).apply()
    assert change.action == "update"
    assert set(change.after) == {"metadata.labels", "spec.paused"}
    assert plan(cluster, [web], place).changes == []


def test_a_field_of_another_manager_is_a_conflict_that_names_it_until_it_is_taken_by_force(
    cluster: Cluster, place: str
) -> None:
    manifests = [declared.namespace(place, place), declared.stateful_set(place, place)]
    plan(cluster, manifests, place).apply()
    theirs = declared.stateful_set(place, place, image="engine:2")
    applied_by_others(cluster, "other-team", theirs)
    path = "spec.template.spec.containers[engine].image"
    contested = plan(cluster, manifests, place)
    assert len(contested) == 1
    assert contested.changes[0].before[path] == "engine:2"
    assert list(contested.changes[0].before[CONFLICT].values()) == ["other-team"]
    with pytest.raises(FieldConflict, match="other-team") as caught:
        contested.apply()
    assert "roll-back" in caught.value.remedy and caught.value.notebook == "respond-20"
    plan(cluster, manifests, place, force=True).apply()
    assert plan(cluster, manifests, place).changes == []


def test_replicas_that_an_autoscaler_sets_stay_its_own(cluster: Cluster, place: str) -> None:
    manifests = [declared.namespace(place, place), declared.stateful_set(place, place)]
    plan(cluster, manifests, place).apply()
    path = cluster.kind("StatefulSet", "apps/v1").path("engine", place) + "/scale"
    scaled = {"apiVersion": "autoscaling/v1", "kind": "Scale", "spec": {"replicas": 4}}
    query = [("fieldManager", "kube-controller-manager")]
    cluster.request("patch", path, scaled, query=query, content_type="application/merge-patch+json")
    assert plan(cluster, manifests, place).changes == []
    newer = declared.stateful_set(place, place, image="engine:2")
    done = plan(cluster, [manifests[0], newer], place).apply()
    assert done.changes[0].after == {"spec.template.spec.containers[engine].image": "engine:2"}
    assert (cluster.live(newer) or {})["spec"]["replicas"] == 4


def test_every_manifest_that_the_server_refuses_is_named_before_anything_changes(cluster: Cluster, place: str) -> None:
    plan(cluster, [declared.namespace(place, place), declared.stateful_set(place, place)]).apply()
    typo = declared.config_map(place, place)
    typo["dta"] = {"b": "2"}
    with pytest.raises(ApplyError, match="does not know a field") as caught:
        plan(cluster, [typo, declared.service(place, place)])
    assert ".dta: field not declared" in caught.value.cause
    assert cluster.get("Service", "engine", place) is None
    renamed = declared.stateful_set(place, place)
    renamed["spec"]["serviceName"] = "another"
    with pytest.raises(ImmutableField, match="cannot change while the object lives") as immutable:
        plan(cluster, [renamed])
    assert immutable.value.message.endswith("declared otherwise than it is: spec.serviceName.")
    assert "its volumes stay" in immutable.value.remedy
    with pytest.raises(ApplyError, match="refuses 2 objects") as both:
        plan(cluster, [renamed, typo])
    assert f"StatefulSet/{place}/engine" in both.value.message
    assert f"ConfigMap/{place}/settings" in both.value.message


def test_fields_that_the_server_drops_are_named_and_are_no_change(cluster: Cluster, place: str) -> None:
    strategy = {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 2}}
    manifests = [declared.namespace(place, place), declared.stateful_set(place, place, strategy=strategy)]
    lost = ["spec.updateStrategy.rollingUpdate.maxUnavailable"]
    done = plan(cluster, manifests, place).apply()
    assert done.changes[1].after[DROPPED] == lost
    assert plan(cluster, manifests, place).changes == []
    assert dropped(cluster, manifests) == {f"StatefulSet/{place}/engine": lost}


def test_values_of_secrets_never_stand_in_a_plan(cluster: Cluster, place: str) -> None:
    values = {"a": "tell-nobody", "b": "keep-quiet"}
    manifests = [declared.namespace(place, place), declared.secret(place, place, **values)]
    plan(cluster, manifests, place).apply()
    assert plan(cluster, manifests, place).changes == []
    changed = plan(cluster, [manifests[0], declared.secret(place, place, a="speak-low", b="keep-quiet")], place)
    told = json.dumps(changed.as_dict())
    assert changed.changes[0].after == {"data.a": "(another value)"}
    wrong = declared.secret(place, place)
    wrong["data"] = {"a": {"nested": "tell-nobody"}}
    with pytest.raises(ApplyError) as caught:
        plan(cluster, [wrong])
    for text in (told, str(caught.value)):
        assert not any(word in text for word in ("tell-nobody", "keep-quiet", "speak-low", "dGVsbC1ub2JvZHk="))


def test_what_is_not_declared_any_more_is_deleted_but_never_data_nor_what_a_pod_still_mounts(
    cluster: Cluster, place: str
) -> None:
    mounted = declared.stateful_set(place, place, storage="1Gi")
    pod = mounted["spec"]["template"]["spec"]
    pod["volumes"] = [{"name": "settings", "configMap": {"name": "mounted"}}]
    first = [
        declared.namespace(place, place), mounted, declared.service(place, place),
        declared.config_map(place, place, "mounted"), declared.config_map(place, place, "free"),
    ]  # fmt: skip
    plan(cluster, first, place).apply()
    wait(cluster, first, BUSY)
    stranger = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "theirs", "namespace": place}}
    cluster.create(stranger)
    shrunk = plan(cluster, [mounted], place)
    assert [(c.action, c.object) for c in shrunk] == [
        ("delete", f"Service/{place}/engine"), ("delete", f"ConfigMap/{place}/free"),
    ]  # fmt: skip
    shrunk.apply()
    assert cluster.live(stranger) is not None
    assert plan(cluster, [mounted], place).changes == []
    gone = plan(cluster, [], place)
    assert [c.object for c in gone] == [f"StatefulSet/{place}/engine"]
    gone.apply()
    assert [c.object for c in plan(cluster, [], place)] == [f"ConfigMap/{place}/mounted"]
    assert len(cluster.list("PersistentVolumeClaim", place)) == 3


def test_a_job_makes_room_for_the_next_one(cluster: Cluster, place: str) -> None:
    manifests = [declared.namespace(place, place), declared.job(place, place)]
    plan(cluster, manifests, place).apply()
    wait(cluster, manifests, BUSY)
    assert plan(cluster, manifests, place).changes == []
    newer = [manifests[0], declared.job(place, place, image="engine:2")]
    (change,) = plan(cluster, newer, place).apply()
    assert (change.before["images"], change.after["images"]) == (["engine:1"], ["engine:2"])
    wait(cluster, newer, BUSY)
    assert plan(cluster, newer, place).changes == []
