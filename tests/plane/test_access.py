"""The rights of the runbooks' ServiceAccount, both ways: it can do all that carbonlib does, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from carbonlib._errors import AccessDenied
from carbonlib.targets.kubernetes import access, plan
from carbonlib.targets.kubernetes.access import Right
from carbonlib.targets.kubernetes.certificates import plan_certificates
from carbonlib.targets.kubernetes.cluster import Cluster
from carbonlib.targets.kubernetes.crds import flink_crds
from carbonlib.targets.kubernetes.forwards import Forwards
from carbonlib.targets.kubernetes.objects import LAYER
from carbonlib.targets.kubernetes.preflight import inspect
from carbonlib.targets.kubernetes.secrets import ClusterSecrets, plan_secrets
from carbonlib.targets.kubernetes.wait import wait
from tests.manifests import rendering

from .control_plane import ControlPlane
from .test_forwards import get

PRODUCTION = rendering.KUBERNETES / "overlays" / "production"
HOME, ACCOUNT = "data-platform", "carbon-runbooks"
TOKEN_S = 3600
FORBIDDEN = (
    Right("", "secrets", "list", HOME),
    Right("", "secrets", "get", HOME, "somebody-elses"),
    Right("", "secrets", "get", HOME, "kafka-authority"),
    Right("", "secrets", "delete", HOME, "carbon-secrets"),
    Right("", "secrets", "get", "kube-system", "carbon-secrets"),
    Right("", "secrets", "get", "default", "carbon-secrets"),
    Right("", "pods", "list"),
    Right("", "pods", "list", "kube-system"),
    Right("", "pods/exec", "create", HOME),
    Right("", "pods/exec", "get", HOME),
    Right("", "pods/attach", "create", HOME),
    Right("", "pods/ephemeralcontainers", "patch", HOME),
    Right("", "pods/portforward", "create", "kube-system"),
    Right("", "serviceaccounts/token", "create", HOME),
    Right("", "configmaps", "patch", "kube-system"),
    Right("", "nodes", "patch"),
    Right("", "nodes", "delete"),
    Right("", "nodes/proxy", "get"),
    Right("", "namespaces", "delete", "", "kube-system"),
    Right("", "namespaces", "patch", "", "kube-system"),
    Right("", "persistentvolumes", "delete"),
    Right("", "users", "impersonate"),
    Right("", "serviceaccounts", "impersonate", HOME),
    Right("apps", "deployments", "create", "default"),
    Right("apps", "daemonsets", "create", HOME),
    Right("storage.k8s.io", "storageclasses", "create"),
    Right("rbac.authorization.k8s.io", "clusterroles", "escalate"),
    Right("rbac.authorization.k8s.io", "clusterroles", "bind"),
    Right("rbac.authorization.k8s.io", "roles", "escalate", HOME),
    Right("rbac.authorization.k8s.io", "clusterroles", "patch", "", "cluster-admin"),
    Right("rbac.authorization.k8s.io", "clusterrolebindings", "patch", "", "cluster-admin"),
    Right("apiextensions.k8s.io", "customresourcedefinitions", "delete", "", "servicemonitors.monitoring.coreos.com"),
    Right("admissionregistration.k8s.io", "validatingwebhookconfigurations", "create"),
    Right("certificates.k8s.io", "certificatesigningrequests", "approve"),
    Right("*", "*", "*"),
)


@pytest.fixture(scope="module")
def objects() -> list[dict[str, Any]]:
    """Everything that the production overlay deploys, with the operator's definitions."""
    return [*rendering.objects(PRODUCTION), *flink_crds(print)]


@pytest.fixture(scope="module", autouse=True)
def prepared(plane: ControlPlane, cluster: Cluster, objects: list[dict[str, Any]]) -> Iterator[None]:
    """What an administrator does once: namespaces, the roles of the runbooks, secrets."""
    first = [o for o in objects if _is_first(o)]
    plan.plan(cluster, first).apply()
    plan_certificates(cluster).apply()
    plan_secrets(cluster).apply()
    yield
    names = [f"namespace/{o['metadata']['name']}" for o in objects if o["kind"] == "Namespace"]
    plane.kubectl("delete", "--ignore-not-found", "--wait", *names)
    kinds = "clusterroles,clusterrolebindings,priorityclasses"
    plane.kubectl("delete", kinds, "--selector=app.kubernetes.io/managed-by=carbonlib")


def _is_first(obj: dict[str, Any]) -> bool:
    labels = obj["metadata"]["labels"]
    ours = labels[LAYER] == "prerequisites" or labels.get("app.kubernetes.io/name") == ACCOUNT
    return ours or obj["kind"] == "Namespace"


@pytest.fixture(scope="module")
def account(cluster: Cluster, plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Cluster:
    """The cluster, as the runbooks see it when they run in it."""
    path = f"/api/v1/namespaces/{HOME}/serviceaccounts/{ACCOUNT}/token"
    request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"expirationSeconds": TOKEN_S}}
    token = cluster.request("post", path, request)["status"]["token"]
    config = yaml.safe_load(plane.kubeconfig.read_text())
    config["users"][0]["user"] = {"token": token}
    found: Path = tmp_path_factory.mktemp("account") / "kubeconfig"
    found.write_text(yaml.safe_dump(config))
    return Cluster(found)


def test_the_account_has_every_right_that_carbonlib_uses(account: Cluster, objects: list[dict[str, Any]]) -> None:
    needed = access.needed_rights(account, objects)
    assert len(needed) > 250
    assert access.summary(access.refused(account, needed)) == []
    problems = [p for p in inspect(account, objects).problems() if not p.startswith(("rendering", "secrets: missing"))]
    assert problems == []


def test_the_account_has_no_other_right(account: Cluster) -> None:
    assert [str(right) for right in FORBIDDEN if access.allowed(account, right)] == []


def test_no_role_has_a_wildcard(objects: list[dict[str, Any]]) -> None:
    roles = [o for o in objects if o["kind"] in ("Role", "ClusterRole")]
    assert len(roles) >= 4
    for role in roles:
        for rule in role["rules"]:
            granted = {*rule.get("apiGroups", ()), *rule.get("resources", ()), *rule["verbs"]}
            assert not granted & {"*", "escalate", "bind", "impersonate"}, role["metadata"]["name"]
            assert not {"pods/exec", "pods/attach", "nodes/proxy"} & granted, role["metadata"]["name"]


def test_the_account_deploys_waits_and_reads(account: Cluster, objects: list[dict[str, Any]]) -> None:
    kafka = [o for o in objects if o["metadata"]["labels"][LAYER] == "kafka"]
    done = plan.plan(account, kafka, "kafka").apply()
    assert {c.action for c in done} == {"create"}
    wait(account, kafka, "3 min")
    assert len(plan.plan(account, kafka, "kafka")) == 0
    assert len(ClusterSecrets(account)["kafka_carbon"]) > 20
    brokers = next(o for o in kafka if o["kind"] == "StatefulSet" and o["metadata"]["name"] == "kafka")
    changed = {**brokers, "spec": {**brokers["spec"], "replicas": 2}}
    repaired = plan.plan(account, [changed])
    assert repaired.changes[0].after == {"spec.replicas": 2}


def test_the_account_deletes_what_is_no_longer_declared(account: Cluster, objects: list[dict[str, Any]]) -> None:
    kafka = [o for o in objects if o["metadata"]["labels"][LAYER] == "kafka"]
    gone = plan.plan(account, [o for o in kafka if o["kind"] != "PodDisruptionBudget"], "kafka").apply()
    assert {c.action for c in gone} == {"delete"}


def test_the_account_opens_forwards_in_its_namespaces_only(account: Cluster, cluster: Cluster) -> None:
    """What stands behind the port is not the matter here: that the API server lets the stream through is."""
    with Forwards(account) as forwards:
        port = forwards.open(HOME, "pod/kafka-0", 9095)
        with pytest.raises(Exception, match=r"disconnected|reset"):
            get(port)
        assert "error forwarding port 9095" in forwards.problem(HOME, "pod/kafka-0", 9095)
        with pytest.raises(AccessDenied, match='cannot get resource "pods"'):
            forwards.open("kube-system", "pod/anything", 80)


def test_the_account_cannot_grant_itself_more(account: Cluster) -> None:
    role = account.get("ClusterRole", "carbon-runbooks-layers")
    assert role
    more = [*role["rules"], {"apiGroups": [""], "resources": ["secrets"], "verbs": ["list"]}]
    wider = {
        "apiVersion": role["apiVersion"], "kind": "ClusterRole", "rules": more,
        "metadata": {"name": "carbon-runbooks-layers"},
    }  # fmt: skip
    with pytest.raises(AccessDenied, match="attempting to grant RBAC permissions"):
        account.apply(wider, force=True)
    subject = {"kind": "ServiceAccount", "name": ACCOUNT, "namespace": HOME}
    binding = {
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": {"name": "more"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"},
        "subjects": [subject],
    }  # fmt: skip
    with pytest.raises(AccessDenied, match="attempting to grant RBAC permissions"):
        account.create(binding)
