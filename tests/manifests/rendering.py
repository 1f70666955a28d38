"""What kustomize makes of the manifests, as the overlays of the project stand."""

from __future__ import annotations

import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from carbonlib._project import MANIFESTS
from tests.plane import binary

KUBERNETES = MANIFESTS / "kubernetes"
OVERLAYS = sorted(path.parent for path in (KUBERNETES / "overlays").glob("*/kustomization.yaml"))
Object = dict[str, Any]


@cache
def text(folder: Path) -> str:
    """The rendered text of a kustomization. Settings of Connect and SQL lie outside the folder, hence the flag."""
    program = binary.build(print)
    done = subprocess.run(
        [program, "kubectl", "kustomize", "--load-restrictor", "LoadRestrictionsNone", folder],
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def objects(folder: Path) -> list[Object]:
    """The objects of a rendered kustomization, anew for each caller."""
    return [o for o in yaml.load_all(text(folder), Loader=yaml.CSafeLoader) if o]


def find(folder: Path, kind: str, name: str) -> Object:
    """The one object of this kind and name."""
    return next(o for o in objects(folder) if (o["kind"], o["metadata"]["name"]) == (kind, name))


def identity(obj: Object) -> str:
    """`Kind/namespace/name`, as carbonlib names it."""
    meta = obj["metadata"]
    return "/".join(part for part in (obj["kind"], meta.get("namespace"), meta["name"]) if part)


def pod_spec(obj: Object) -> Object | None:
    """What an object says of the pods that it makes, or None."""
    spec = obj.get("spec") or {}
    if obj["kind"] == "CronJob":
        spec = spec["jobTemplate"]["spec"]
    if obj["kind"] == "FlinkDeployment":
        return (spec.get("podTemplate") or {}).get("spec")
    return (spec.get("template") or {}).get("spec") if obj["kind"] != "Pod" else spec
