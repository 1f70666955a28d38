"""Roll-back to the last healthy revision, which heals what a mere re-apply leaves stuck."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

import pytest

from carbonlib._errors import ApplyError, UsageError
from carbonlib.targets.kubernetes import history
from carbonlib.targets.kubernetes.cluster import Cluster
from carbonlib.targets.kubernetes.plan import plan
from carbonlib.targets.kubernetes.wait import wait

from . import declared

LONG = 120.0


@pytest.fixture
def place(request: pytest.FixtureRequest, cluster: Cluster) -> Iterator[str]:
    """Name of a namespace, and of a layer, for one test; revisions are kept in it too."""
    name = request.node.name.removeprefix("test_").replace("_", "-").replace("[", "-").strip("]")[:40].strip("-")
    yield name.lower()
    cluster.delete("Namespace", name.lower())


@pytest.mark.parametrize("policy", ["OrderedReady", "Parallel"])
def test_rolled_back(cluster: Cluster, place: str, policy: str) -> None:
    good = [
        declared.namespace(place, place), declared.config_map(place, place, level="info"),
        declared.stateful_set(place, place, policy=policy), declared.deployment(place, place),
    ]  # fmt: skip
    plan(cluster, good, place).apply()
    wait(cluster, good, LONG)
    kept = history.remember(cluster, place, good, place)
    bad = [
        good[0], declared.config_map(place, place, level="debug"), declared.config_map(place, place, "more"),
        declared.stateful_set(place, place, policy=policy, fault="crash-loop", image="engine:2"),
        declared.deployment(place, place, fault="image-pull", image="engine:2"),
    ]  # fmt: skip
    plan(cluster, bad, place).apply()
    with pytest.raises(ApplyError):
        wait(cluster, bad, LONG)
    began = time.monotonic()
    back = history.rollback(cluster, place, namespace=place)
    assert {(c.action, c.object) for c in back} >= {
        ("update", f"ConfigMap/{place}/settings"), ("delete", f"ConfigMap/{place}/more"),
        ("update", f"StatefulSet/{place}/engine"), ("update", f"Deployment/{place}/web"),
        ("update", f"revision/{place}"),
    }  # fmt: skip
    done = back.apply()
    print(f"{policy}: healed in {time.monotonic() - began:.1f} s")
    assert done.changes[-1].after["revision"] == kept.number == 1
    deleted = [c.object for c in done if c.action == "delete" and c.object.startswith("Pod/")]
    if policy == "OrderedReady":
        assert deleted == [f"Pod/{place}/engine-2"]
    wait(cluster, good, LONG)
    assert plan(cluster, good, place).changes == []
    assert history.rollback(cluster, place, namespace=place).changes == []


def test_revisions_are_kept_once_numbered_and_without_secrets(
    cluster: Cluster, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "PART_BYTES", 300)
    plan(cluster, [declared.namespace(place, place)]).apply()
    with pytest.raises(UsageError, match="no healthy revision"):
        history.rollback(cluster, place, namespace=place)
    for number in range(1, history.KEEP + 3):
        manifests = [
            declared.stateful_set(place, place, image=f"engine:{number}"),
            declared.secret(place, place, a="tell-nobody"),
        ]  # fmt: skip
        first = history.remember(cluster, place, manifests, place)
        assert first.number == number
        assert len(first.parts) > 1
        assert history.remember(cluster, place, manifests, place) == first
    known = history.revisions(cluster, place, place)
    assert [r.number for r in known] == list(range(history.KEEP + 2, 2, -1))
    assert history.manifests_of(cluster, known[1], place)[0]["spec"]["template"]["spec"]["containers"][0]["image"] == (
        f"engine:{known[1].number}"
    )
    parts = cluster.list("ConfigMap", place, labels={history.REVISION_OF: place})
    assert len(parts) == sum(len(r.parts) for r in known)
    held = json.dumps([history.manifests_of(cluster, r, place) for r in known])
    assert "tell-nobody" not in held
    with pytest.raises(UsageError, match="no revision 99"):
        history.rollback(cluster, place, 99, namespace=place)
    cluster.delete("ConfigMap", known[0].parts[1], place, propagation="Background")
    with pytest.raises(UsageError, match="not whole"):
        history.rollback(cluster, place, namespace=place)
