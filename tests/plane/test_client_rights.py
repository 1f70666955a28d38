"""Credentials with few rights plan, apply and wait for what they have rights to, and are told what they lack."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from carbonlib._errors import AccessDenied
from carbonlib.targets.kubernetes import history
from carbonlib.targets.kubernetes.cluster import Cluster
from carbonlib.targets.kubernetes.plan import plan
from carbonlib.targets.kubernetes.wait import wait

from . import declared
from .control_plane import ControlPlane

PLACE = "few-rights"
LONG = 120.0
RULES = [
    {
        "apiGroups": ["", "apps"], "resources": ["configmaps", "statefulsets"],
        "verbs": ["get", "list", "watch", "create", "patch", "delete"],
    },
    {"apiGroups": [""], "resources": ["pods", "events"], "verbs": ["get", "list"]},
]  # fmt: skip


@pytest.fixture(scope="module")
def limited(plane: ControlPlane, cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """The cluster as a ServiceAccount sees it that has rights in one namespace only."""
    where = f"--namespace={PLACE}"
    cluster.apply(declared.namespace(PLACE, PLACE))
    plane.kubectl("create", "serviceaccount", "runbooks", where)
    role = {
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role",
        "metadata": {"name": "runbooks", "namespace": PLACE}, "rules": RULES,
    }  # fmt: skip
    cluster.apply(role)
    plane.kubectl("create", "rolebinding", "runbooks", "--role=runbooks", f"--serviceaccount={PLACE}:runbooks", where)
    token = plane.kubectl("create", "token", "runbooks", where).strip()
    config = tmp_path_factory.mktemp("rights") / "runbooks.yaml"
    text = plane.kubeconfig.read_text(encoding="utf-8")
    config.write_text(text.replace(plane.identity.token("admin"), token), encoding="utf-8")
    yield Cluster(config)
    cluster.delete("Namespace", PLACE)


def test_a_layer_is_deployed_and_rolled_back_with_rights_to_its_kinds_only(limited: Cluster) -> None:
    layer = [declared.stateful_set(PLACE, PLACE), declared.config_map(PLACE, PLACE)]
    more = declared.config_map(PLACE, PLACE, "more")
    plan(limited, [*layer, more], PLACE).apply()
    wait(limited, layer, LONG)
    history.remember(limited, PLACE, layer, PLACE)
    assert [c.object for c in plan(limited, layer, PLACE)] == [f"ConfigMap/{PLACE}/more"]
    plan(limited, [declared.stateful_set(PLACE, PLACE, image="engine:2"), *layer[1:]], PLACE).apply()
    history.rollback(limited, PLACE, namespace=PLACE).apply()
    assert plan(limited, layer, PLACE).changes == []
    assert history.touched(limited, PLACE) == ({"ConfigMap", "StatefulSet"}, {PLACE})


def test_a_right_that_is_missing_is_named(limited: Cluster) -> None:
    with pytest.raises(AccessDenied, match=f"Secret/{PLACE}/passwords: the API server .* does not allow it") as caught:
        plan(limited, [declared.secret(PLACE, PLACE, a="1")], PLACE)
    assert 'cannot get resource "secrets"' in caught.value.cause
