"""The resource definitions of the Flink operator, taken from the artifact that its makers publish; none is copied here.

They are fetched once into the user's cache, in a folder named by the version, as the engines of the local target are.
"""

from __future__ import annotations

import zipfile
from functools import cache
from pathlib import Path

import yaml

from ..._errors import PreflightError
from ..._project import MANIFESTS, versions
from ...config import Settings, settings
from ...local.maven import Progress, building, maven
from .objects import LAYER, MANAGED_BY, MANAGER, Object

POM = MANIFESTS / "kubernetes" / "crds"
LABELS = {
    "app.kubernetes.io/name": "flink-kubernetes-operator",
    "app.kubernetes.io/component": "resource-definition",
    "app.kubernetes.io/part-of": "commodity-platform",
    MANAGED_BY: MANAGER,
    LAYER: "flink",
}
_INSIDE, _NEWEST = "META-INF/fabric8/", "-v1.yml"


def flink_crds(progress: Progress = print) -> list[Object]:
    """FlinkDeployment, FlinkSessionJob and FlinkStateSnapshot, with the labels of the layer `flink`.

    Raises:
        PreflightError: the artifact cannot be fetched, or carries no definitions.
    """
    where = settings()
    return [_labelled(crd) for crd in _read(_artifact(where, progress))]


def crds_folder(where: Settings) -> Path:
    """Where the artifact of this version is, or will be."""
    return where.cache / f"flink-crds-{versions()['maven']['flink_operator']}"


def _artifact(where: Settings, progress: Progress) -> Path:
    folder = crds_folder(where)
    with building(folder) as scratch:
        if scratch is not None:
            progress("fetching the resource definitions of the Flink operator")
            maven(POM, ["package", f"-Dout={scratch}"], progress)
    return folder


@cache
def _read(folder: Path) -> list[Object]:
    found: list[Object] = []
    for jar in sorted(folder.glob("*.jar")):
        with zipfile.ZipFile(jar) as archive:
            names = sorted(n for n in archive.namelist() if n.startswith(_INSIDE) and n.endswith(_NEWEST))
            found += [yaml.load(archive.read(name), Loader=_loader()) for name in names]
    if not found:
        raise PreflightError(
            f"There are no resource definitions in {folder.name}.",
            remedy=f"Remove {folder} and run again: it is then fetched anew.",
        )
    return found


def _loader() -> type[yaml.SafeLoader]:
    """The parser in C where PyYAML has it: half a megabyte of YAML takes the other one ten seconds."""
    loader: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return loader


def _labelled(crd: Object) -> Object:
    meta = crd["metadata"]
    return {**crd, "metadata": {**meta, "labels": {**(meta.get("labels") or {}), **LABELS}}}
