"""JSON schemas of every kind that the manifests use: Kubernetes' own, and those of the resource definitions."""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from ...._project import versions
from ....config import settings
from ....local.maven import building
from ..crds import flink_crds
from .golang import module

Schema = dict[str, Any]
# Key in versions.toml → module, folder in it, the files that the platform's manifests use.
DEFINITIONS = {
    "prometheus_operator": (
        "github.com/prometheus-operator/prometheus-operator",
        "example/prometheus-operator-crd",
        ("servicemonitors", "podmonitors", "prometheusrules"),
    ),
    "keda": ("github.com/kedacore/keda/v2", "config/crd/bases", ("scaledobjects", "triggerauthentications")),
}
# What the API accepts and its own description does not say: a quantity or a port may be a number or a text.
EITHER = {"anyOf": [{"type": "integer"}, {"type": "number"}, {"type": "string"}]}
EVERY = {"apiVersion": {"type": "string"}, "kind": {"type": "string"}, "metadata": {"type": "object"}}
QUANTITY = "io.k8s.apimachinery.pkg.api.resource.Quantity"


def definition_files() -> list[Path]:
    """The definitions of prometheus-operator and KEDA, as the owner of a cluster has installed them.

    Raises:
        PreflightError: a module cannot be fetched.
    """
    found = []
    for key, (name, folder, kinds) in DEFINITIONS.items():
        where = module(f"{name}@v{versions()['go'][key]}") / folder
        found += [path for path in sorted(where.glob("*.yaml")) if any(kind in path.name for kind in kinds)]
    return found


@cache
def schemas() -> Path:
    """A folder of them, each named by its kind, as kubeconform asks for it.

    Raises:
        PreflightError: a module cannot be fetched.
    """
    go = versions()["go"]
    parts = [go[key] for key in ("kubernetes", "prometheus_operator", "keda")]
    folder = settings().cache / "-".join(["kubernetes-schemas", *parts])
    with building(folder) as scratch:
        if scratch is not None:
            print("writing the schemas of Kubernetes once")
            _write_all(scratch)
    return folder


def _write_all(folder: Path) -> None:
    swagger = module(f"k8s.io/kubernetes@v{versions()['go']['kubernetes']}") / "api" / "openapi-spec" / "swagger.json"
    definitions = json.loads(swagger.read_text(encoding="utf-8"))["definitions"]
    definitions[QUANTITY] = EITHER
    for name, schema in definitions.items():
        _close(schema)
        for kind in schema.pop("x-kubernetes-group-version-kind", []):
            reference = {"$ref": f"_definitions.json#/definitions/{name}"}
            _write(folder, kind["kind"], kind["group"], kind["version"], reference)
    text = json.dumps({"definitions": definitions}).replace('"#/definitions/', '"_definitions.json#/definitions/')
    (folder / "_definitions.json").write_text(text, encoding="utf-8")
    for definition in _resource_definitions():
        spec = definition["spec"]
        for version in spec["versions"]:
            schema = version["schema"]["openAPIV3Schema"]
            schema.setdefault("properties", {}).update(EVERY)
            _close(schema)
            _write(folder, spec["names"]["kind"], spec["group"], version["name"], schema)


def _resource_definitions() -> Iterable[Schema]:
    for path in definition_files():
        yield from (d for d in yaml.load_all(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader) if d)
    yield from flink_crds()


def _close(schema: Schema) -> None:
    """Nothing but what is described may stand in an object; what may be a number or a text is either."""
    if schema.get("x-kubernetes-int-or-string") or schema.get("format") == "int-or-string":
        for word in ("type", "format", "x-kubernetes-int-or-string"):
            schema.pop(word, None)
        schema.update(EITHER)
    if "properties" in schema and not schema.get("x-kubernetes-preserve-unknown-fields"):
        schema.setdefault("additionalProperties", False)
    for inner in (*schema.get("properties", {}).values(), schema.get("items"), schema.get("additionalProperties")):
        if isinstance(inner, dict):
            _close(inner)


def _write(folder: Path, kind: str, group: str, version: str, schema: Schema) -> None:
    """As kubeconform's template `{{.ResourceKind}}{{.KindSuffix}}.json` asks for it."""
    parts = [kind.lower(), *([group.split(".")[0]] if group else []), version]
    (folder / f"{'-'.join(parts)}.json").write_text(json.dumps(schema), encoding="utf-8")
