"""What is declared for a cluster: the rendered manifests of an overlay, the values of references, and the sizes.

An overlay is a folder of `manifests/kubernetes/overlays`, or any other with a `kustomization.yaml`. It may hold a
`values.yaml` and a `target.yaml`, which are laid over those of `manifests/kubernetes`.
"""

from __future__ import annotations

import copy
import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import yaml

from ..._errors import UsageError
from ..._files import read_mapping
from ..._project import MANIFESTS
from ...references import names, resolve
from .objects import LAYER, Object, identity
from .references import referenced

FOLDER = MANIFESTS / "kubernetes"
DEFAULT = "production"
RESOLVE = "carbon.io/resolve"
CONFIG = "carbon.io/config"
STAMPED = ("StatefulSet", "Deployment")
SECRET = "secret."
PARTS = (
    "layers", "supplied_with", "jobs", "external", "services", "kafka_user", "sizes", "kept_in", "switches", "members",
)  # fmt: skip
# A kustomization reads files of manifests/ that are shared with the local target, outside its own folder.
OPTIONS = ("--load-restrictor", "LoadRestrictionsNone")
PROGRAMS = {"kubectl": ("kubectl", "kustomize", *OPTIONS), "kustomize": ("kustomize", "build", *OPTIONS)}


class Overlay:
    """One overlay.

    Args:
        name: of a folder in `manifests/kubernetes/overlays`, or a path; by default that of `CARBON_OVERLAY`, else
            `production`.

    Raises:
        UsageError: there is no such overlay.
    """

    def __init__(self, name: str | None = None) -> None:
        name = name or os.environ.get("CARBON_OVERLAY") or DEFAULT
        named = FOLDER / "overlays" / name
        self.folder = named if named.is_dir() else Path(name).resolve()
        if not (self.folder / "kustomization.yaml").is_file():
            known = ", ".join(sorted(p.parent.name for p in (FOLDER / "overlays").glob("*/kustomization.yaml")))
            raise UsageError(f"There is no overlay {name!r}.", remedy=f"Set CARBON_OVERLAY to {known}, or to a path.")

    @cached_property
    def facts(self) -> dict[str, Any]:
        """`target.yaml`: layers, Services, sizes."""
        return {**read_mapping(FOLDER / "target.yaml", needs=PARTS), **self._own("target.yaml")}

    @cached_property
    def plain(self) -> dict[str, str]:
        """What references stand for, as far as no secret takes part."""
        open_ones = {name: text for name, text in self._given.items() if not _secrets(text)}
        return {name: resolve(text, open_ones) for name, text in open_ones.items()}

    def values(self, secrets: Mapping[str, str]) -> dict[str, str]:
        """What every reference stands for, those to secrets and with secrets included."""
        known = {**self.plain, **{f"{SECRET}{name}": secrets[name] for name in secrets}}
        hidden = {n: resolve(text, known) for n, text in self._given.items() if n not in self.plain}
        return {**known, **hidden}

    def secrets_in_values(self) -> set[str]:
        """Names of the secrets that are a part of a value, and so of every text that refers to it."""
        return {name.removeprefix(SECRET) for text in self._given.values() for name in _secrets(text)}

    @cached_property
    def _given(self) -> dict[str, str]:
        """Values as they are written, with their references."""
        given = {**read_mapping(FOLDER / "values.yaml"), **self._own("values.yaml")}
        return {name: str(value) for name, value in given.items()}

    def manifests(self, layer: str, sizes: Mapping[str, int]) -> list[Object]:
        """The objects of a layer, with sizes laid over them and the references of marked ConfigMaps filled in."""
        wanted = {self.facts["sizes"][option]["object"]: (option, count) for option, count in sizes.items()}
        found = []
        for rendered in _render(self.folder):
            if rendered["metadata"].get("labels", {}).get(LAYER) != layer:
                continue
            obj = copy.deepcopy(rendered)
            if identity(obj) in wanted:
                option, count = wanted[identity(obj)]
                _set(obj, self.facts["sizes"][option]["field"], count)
            found.append(self._filled(obj))
        return self._stamped(found)

    def sizes(self) -> dict[str, int]:
        """The size of each option as the overlay declares it."""
        declared = {identity(obj): obj for obj in _render(self.folder)}
        return {
            option: int(_get(declared[where["object"]], where["field"]))
            for option, where in self.facts["sizes"].items()
            if where["object"] in declared
        }

    def objects(self) -> list[Object]:
        """Everything that the overlay renders to."""
        return self._stamped([self._filled(copy.deepcopy(obj)) for obj in _render(self.folder)])

    def _stamped(self, objects: list[Object]) -> list[Object]:
        """The objects, whose pods carry a digest of the ConfigMaps that they read: a changed one is a new revision.

        A pod template that says by an annotation of its own what it reads is left alone.
        """
        digests = {identity(obj): _digest(obj) for obj in objects if obj["kind"] == "ConfigMap"}
        for obj in objects:
            if obj["kind"] not in STAMPED:
                continue
            template = obj["spec"]["template"]
            pod = {"metadata": {"namespace": obj["metadata"]["namespace"]}, "spec": template["spec"]}
            read = sorted(digests[name] for name in referenced(pod) if name in digests)
            notes = template["metadata"].setdefault("annotations", {})
            if read and CONFIG not in notes:
                notes[CONFIG] = hashlib.sha256("".join(read).encode()).hexdigest()[:16]
        return objects

    def _filled(self, obj: Object) -> Object:
        if obj["kind"] == "ConfigMap" and obj["metadata"].get("labels", {}).get(RESOLVE) == "true":
            obj["data"] = {key: self._text(identity(obj), text) for key, text in obj["data"].items()}
        return obj

    def _text(self, what: str, text: str) -> str:
        if hidden := _secrets(text):
            raise UsageError(
                f"{what} would show a secret: {', '.join(sorted(hidden))}.", remedy="Refer to it from a Secret instead."
            )
        return resolve(text, self.plain)

    def _own(self, name: str) -> dict[str, Any]:
        path = self.folder / name
        return read_mapping(path) if path.is_file() else {}


def _digest(config: Object) -> str:
    return hashlib.sha256(json.dumps(config.get("data"), sort_keys=True).encode()).hexdigest()


def _secrets(text: str) -> set[str]:
    return {name for name in names(text) if name.startswith(SECRET)}


@cache
def _render(folder: Path) -> list[Object]:
    """What kustomize makes of the folder.

    Raises:
        UsageError: no program that can do it is installed, or it refuses the folder.
    """
    command = next((words for program, words in PROGRAMS.items() if shutil.which(program)), None)
    if command is None:
        raise UsageError(
            "Neither kubectl nor kustomize is installed; one of them renders the manifests.",
            remedy="Install kubectl, or source what `make plane-up` prints: the control plane brings one.",
        )
    done = subprocess.run([*command, str(folder)], capture_output=True, text=True)
    if done.returncode:
        raise UsageError(f"The overlay {folder.name} cannot be rendered.", cause=done.stderr, remedy="Correct it.")
    return [obj for obj in yaml.safe_load_all(done.stdout) if obj]


def unlabelled(objects: Iterable[Object], layers: Iterable[str]) -> list[str]:
    """Objects that belong to none of the layers, and so would never be applied."""
    known = set(layers)
    return [identity(obj) for obj in objects if obj["metadata"].get("labels", {}).get(LAYER) not in known]


def _set(obj: Object, path: str, value: int) -> None:
    *parents, last = path.split(".")
    for part in parents:
        obj = obj[part]
    obj[last] = value


def _get(obj: Any, path: str) -> Any:
    for part in path.split("."):
        obj = obj[part]
    return obj
