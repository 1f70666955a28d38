"""Manifests as a layer of the platform would declare them, for tests of the client."""

from __future__ import annotations

from typing import Any

FAULT = "carbon.test/fault"
Manifest = dict[str, Any]


def labelled(manifest: Manifest, layer: str) -> Manifest:
    """A manifest with the labels that kustomize gives the objects of a layer."""
    labels = {"app.kubernetes.io/managed-by": "carbonlib", "carbon.io/layer": layer}
    meta = manifest["metadata"]
    return {**manifest, "metadata": {**meta, "labels": {**(meta.get("labels") or {}), **labels}}}


def namespace(name: str, layer: str, security: str = "restricted") -> Manifest:
    """A namespace that enforces a pod security level."""
    labels = {"pod-security.kubernetes.io/enforce": security}
    return labelled({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}, layer)


def config_map(where: str, layer: str, name: str = "settings", **data: str) -> Manifest:
    """A ConfigMap."""
    meta = {"name": name, "namespace": where}
    return labelled({"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": data or {"a": "1"}}, layer)


def secret(where: str, layer: str, **data: str) -> Manifest:
    """A Secret, with its values as they are."""
    meta = {"name": "passwords", "namespace": where}
    return labelled({"apiVersion": "v1", "kind": "Secret", "metadata": meta, "stringData": data}, layer)


def service(where: str, layer: str, name: str = "engine") -> Manifest:
    """A headless Service."""
    spec = {"clusterIP": "None", "selector": {"app": name}, "ports": [{"name": "rest", "port": 8083}]}
    meta = {"name": name, "namespace": where}
    return labelled({"apiVersion": "v1", "kind": "Service", "metadata": meta, "spec": spec}, layer)


def pod_template(
    name: str, *, fault: str = "", image: str = "engine:1", cpu: str = "100m", privileged: bool = False
) -> Manifest:
    """A pod that the level `restricted` admits, unless it is to be privileged."""
    container = {
        "name": "engine", "image": image, "resources": {"requests": {"cpu": cpu, "memory": "64Mi"}},
        "securityContext": {"privileged": True} if privileged
        else {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
    }  # fmt: skip
    labels = {"app": name, **({FAULT: fault} if fault else {})}
    security = {"runAsNonRoot": True, "runAsUser": 1000, "seccompProfile": {"type": "RuntimeDefault"}}
    return {
        "metadata": {"labels": labels},
        "spec": {"containers": [container], "securityContext": {} if privileged else security},
    }


def stateful_set(
    where: str, layer: str, name: str = "engine", *, replicas: int = 3, policy: str = "Parallel",
    strategy: Manifest | None = None, storage: str = "", **pod: Any,
) -> Manifest:  # fmt: skip
    """A StatefulSet, with a claim for each pod where storage is asked for."""
    claim = {
        "metadata": {"name": "data"},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": storage}}},
    }
    spec = {
        "serviceName": name, "replicas": replicas, "podManagementPolicy": policy,
        "selector": {"matchLabels": {"app": name}}, "template": pod_template(name, **pod),
        **({"updateStrategy": strategy} if strategy else {}), **({"volumeClaimTemplates": [claim]} if storage else {}),
    }  # fmt: skip
    meta = {"name": name, "namespace": where}
    return labelled({"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": meta, "spec": spec}, layer)


def deployment(
    where: str, layer: str, name: str = "web", *, replicas: int = 2, deadline: int = 600, **pod: Any
) -> Manifest:
    """A Deployment."""
    spec = {
        "replicas": replicas, "progressDeadlineSeconds": deadline, "selector": {"matchLabels": {"app": name}},
        "template": pod_template(name, **pod),
    }  # fmt: skip
    meta = {"name": name, "namespace": where}
    return labelled({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta, "spec": spec}, layer)


def job(where: str, layer: str, name: str = "schema", **pod: Any) -> Manifest:
    """A Job that is tried once."""
    template = pod_template(name, **pod)
    template["spec"]["restartPolicy"] = "Never"
    spec = {"backoffLimit": 0, "template": template}
    meta = {"name": name, "namespace": where}
    return labelled({"apiVersion": "batch/v1", "kind": "Job", "metadata": meta, "spec": spec}, layer)


def quota(where: str, layer: str, pods: int) -> Manifest:
    """A quota on the number of pods."""
    meta, spec = {"name": "room", "namespace": where}, {"hard": {"pods": str(pods)}}
    return labelled({"apiVersion": "v1", "kind": "ResourceQuota", "metadata": meta, "spec": spec}, layer)


def definition(layer: str, plural: str = "widgets", kind: str = "Widget") -> Manifest:
    """A definition of a custom kind with one field."""
    schema = {
        "type": "object",
        "properties": {"spec": {"type": "object", "properties": {"size": {"type": "integer"}}}},
    }
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    names = {"plural": plural, "singular": kind.lower(), "kind": kind}
    spec = {"group": "carbon.test", "scope": "Namespaced", "names": names, "versions": [version]}
    meta = {"name": f"{plural}.carbon.test"}
    made = {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": meta, "spec": spec}
    return labelled(made, layer)


def custom(where: str, layer: str, size: int, kind: str = "Widget") -> Manifest:
    """An object of that kind."""
    meta = {"name": "one", "namespace": where}
    return labelled({"apiVersion": "carbon.test/v1", "kind": kind, "metadata": meta, "spec": {"size": size}}, layer)
