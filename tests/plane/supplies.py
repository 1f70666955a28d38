"""What the owner of a cluster gives before the first deployment: namespaces, with the secrets that manifests name."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from string import Template
from typing import Any

import yaml

from carbonlib.secrets import Secrets

from .control_plane import ControlPlane
from .plumbing import table

OWNER = "owner"  # the field manager
SHARED = "carbon-secrets"
Object = dict[str, Any]


def supply(plane: ControlPlane, secrets: Secrets, overlay: Path) -> list[str]:
    """Make the namespaces and Secrets, and return the Secrets as `namespace/name`.

    Args:
        secrets: the values of the engines; names that only the cluster knows are added to them.
        overlay: the folder whose rendered manifests say which secrets are referred to.
    """
    rendered = [o for o in yaml.safe_load_all(plane.kubectl("kustomize", str(overlay))) if o]
    references = sorted({found for obj in rendered for found in _references(obj, obj["metadata"].get("namespace"))})
    declared = table()
    shared = {(namespace, key) for namespace, name, key in references if name == SHARED}
    named = {word for spec in declared["secrets"] for word in re.findall(r"\$\{(\w+)\}", str(spec["data"]))}
    secrets.ensure(sorted({key for _, key in shared} | named))
    found = [_secret(ns, SHARED, dict(secrets)) for ns in sorted({ns for ns, _ in shared} | {"data-platform"})]
    found += [_own(spec, secrets) for spec in declared["secrets"]]
    found += [_certificate(plane, spec) for spec in declared["certificates"]]
    spaces = sorted({secret["metadata"]["namespace"] for secret in found})
    namespaces = [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}} for name in spaces]
    _apply(plane, namespaces)
    _apply(plane, found)
    return [f"{s['metadata']['namespace']}/{s['metadata']['name']}" for s in found]


def _references(value: Any, namespace: str) -> Iterator[tuple[str, str, str]]:
    """Every `secretKeyRef` in an object, as namespace, name and key."""
    if isinstance(value, Mapping):
        reference = value.get("secretKeyRef")
        if isinstance(reference, Mapping) and not reference.get("optional"):
            yield namespace, reference["name"], reference["key"]
        for inner in value.values():
            yield from _references(inner, namespace)
    elif isinstance(value, list):
        for inner in value:
            yield from _references(inner, namespace)


def _own(spec: Mapping[str, Any], secrets: Secrets) -> Object:
    data = {key: Template(text).substitute(secrets) for key, text in spec["data"].items()}
    return _secret(spec["namespace"], spec["name"], data, spec["type"])


def _certificate(plane: ControlPlane, spec: Mapping[str, Any]) -> Object:
    data = plane.identity.issue(spec["common_name"], spec["names"])
    return _secret(spec["namespace"], spec["name"], data, "kubernetes.io/tls")


def _secret(namespace: str, name: str, data: Mapping[str, str], kind: str = "Opaque") -> Object:
    meta = {"name": name, "namespace": namespace}
    return {"apiVersion": "v1", "kind": "Secret", "type": kind, "metadata": meta, "stringData": dict(data)}


def _apply(plane: ControlPlane, objects: list[Object]) -> None:
    text = json.dumps({"apiVersion": "v1", "kind": "List", "items": objects})
    plane.kubectl("apply", "--server-side", "--force-conflicts", f"--field-manager={OWNER}", "--filename=-", stdin=text)
