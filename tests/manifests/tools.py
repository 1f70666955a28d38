"""kubeconform, kube-score and their schemas: built once from Go modules, kept in the cache of all checkouts."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from carbonlib._project import versions
from carbonlib.config import settings
from carbonlib.targets.kubernetes.crds import flink_crds
from tests.plane import crds
from tests.plane.binary import find_go

MODULES = {
    "kubeconform": "github.com/yannh/kubeconform/cmd/kubeconform",
    "kube-score": "github.com/zegl/kube-score/cmd/kube-score",
}
Schema = dict[str, Any]
# What the API accepts and its own description does not say: a quantity or a port may be a number or a text.
EITHER = {"anyOf": [{"type": "integer"}, {"type": "number"}, {"type": "string"}]}
EVERY = {"apiVersion": {"type": "string"}, "kind": {"type": "string"}, "metadata": {"type": "object"}}
QUANTITY = "io.k8s.apimachinery.pkg.api.resource.Quantity"


def _made_once(name: str, make: Callable[[Path], None]) -> Path:
    """A folder of the cache, made beside its final name by one process at a time."""
    folder = settings().cache / name
    folder.parent.mkdir(parents=True, exist_ok=True)
    with (folder.parent / f".{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            scratch = folder.with_name(f"{name}.part")
            shutil.rmtree(scratch, ignore_errors=True)
            scratch.mkdir()
            make(scratch)
            scratch.rename(folder)
    return folder


def _go(*arguments: str, **environment: str) -> str:
    variables = {**os.environ, "GOTOOLCHAIN": "local", "GOFLAGS": "-mod=mod", "CGO_ENABLED": "0", **environment}
    done = subprocess.run([find_go(print), *arguments], capture_output=True, text=True, env=variables)
    assert done.returncode == 0, f"go {' '.join(arguments)}: {done.stdout}{done.stderr}"
    return done.stdout


@cache
def program(name: str) -> Path:
    """One of the two programs."""
    version = versions()["go"][name.replace("-", "_")]
    folder = _made_once(
        f"{name}-{version}", lambda scratch: _install(f"{MODULES[name]}@v{version}", scratch)
    )  # fmt: skip
    return folder / name


def _install(module: str, folder: Path) -> None:
    _go("install", module, GOBIN=str(folder))


@cache
def schemas() -> Path:
    """A folder of JSON schemas by kind: Kubernetes' own of the version of the control plane, and of the definitions."""
    go = versions()["go"]
    parts = [go[key] for key in ("kubernetes", "prometheus_operator", "keda")]
    return _made_once("-".join(["kubernetes-schemas", *parts]), _write_schemas)


def _write_schemas(folder: Path) -> None:
    module = json.loads(_go("mod", "download", "-json", f"k8s.io/kubernetes@v{versions()['go']['kubernetes']}"))
    swagger = Path(module["Dir"]) / "api" / "openapi-spec" / "swagger.json"
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
    for path in crds.files(print):
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


def findings(name: str, *arguments: str, text: str) -> list[Any]:
    """What one of the programs says in JSON of manifests on its standard input."""
    done = subprocess.run([program(name), *arguments, "-"], input=text, capture_output=True, text=True)
    assert done.stdout.strip(), f"{name}: {done.stderr}"
    said = json.loads(done.stdout)
    return list(said["resources"] if isinstance(said, dict) else said)
