"""What the owner of a cluster gives before the first deployment: the Secrets of `manifests/kubernetes/secrets.yaml`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from string import Template
from typing import Any

from carbonlib._errors import UsageError
from carbonlib._files import read_mapping
from carbonlib._project import MANIFESTS
from carbonlib.secrets import Secrets

from .control_plane import ControlPlane
from .plumbing import table

ASKED = MANIFESTS / "kubernetes" / "secrets.yaml"
SHARED = "carbon-secrets"  # its keys are the names of the platform's secrets
OWNER = "owner"  # the field manager
Object = dict[str, Any]


def supply(plane: ControlPlane, secrets: Secrets) -> list[str]:
    """Make the namespaces and Secrets, and return the Secrets as `namespace/name`.

    Args:
        secrets: the values of the engines; names that only the cluster knows are added to them.

    Raises:
        UsageError: `plumbing.yaml` gives a Secret other keys than are asked for.
    """
    given = {SHARED, *table()["secrets"]}
    asked = {name: spec for name, spec in read_mapping(ASKED, needs=[SHARED]).items() if name in given}
    secrets.ensure(list(asked[SHARED]["keys"]))
    found = [_secret(name, spec, _values(secrets, name, spec)) for name, spec in asked.items()]
    spaces = sorted({spec["namespace"] for spec in asked.values()})
    _apply(plane, [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}} for name in spaces])
    _apply(plane, found)
    return [f"{spec['namespace']}/{name}" for name, spec in asked.items()]


def _values(secrets: Secrets, name: str, spec: Mapping[str, Any]) -> dict[str, str]:
    if name == SHARED:
        return {key: secrets[key] for key in spec["keys"]}
    values = {key: Template(text).substitute(secrets) for key, text in table()["secrets"][name].items()}
    if set(values) != set(spec["keys"]):
        raise UsageError(
            f"The Secret {name} needs the keys {', '.join(spec['keys'])}; the plane has {', '.join(values) or 'none'}.",
            remedy="Say in tests/plane/plumbing.yaml what it holds.",
        )
    return values


def _secret(name: str, spec: Mapping[str, Any], values: Mapping[str, str]) -> Object:
    meta = {"name": name, "namespace": spec["namespace"]}
    kind = spec.get("type", "Opaque")
    return {"apiVersion": "v1", "kind": "Secret", "type": kind, "metadata": meta, "stringData": dict(values)}


def _apply(plane: ControlPlane, objects: list[Object]) -> None:
    text = json.dumps({"apiVersion": "v1", "kind": "List", "items": objects})
    plane.kubectl("apply", "--server-side", "--force-conflicts", f"--field-manager={OWNER}", "--filename=-", stdin=text)
