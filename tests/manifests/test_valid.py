"""Every overlay against the schemas of Kubernetes and of the resource definitions, and against kube-score's advice."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from carbonlib.targets.kubernetes.lint import Inspection, inspect

from .rendering import KUBERNETES, OVERLAYS, Object, identity, objects, pod_spec

FOLDERS = [*OVERLAYS, KUBERNETES / "runbooks"]
named = pytest.mark.parametrize("folder", FOLDERS, ids=lambda p: p.name)


@cache
def inspected(folder: Path) -> Inspection:
    return inspect(objects(folder))


@named
def test_every_object_is_valid(folder: Path) -> None:
    assert inspected(folder).invalid == []
    assert inspected(folder).objects == len(objects(folder)) > 0


@named
def test_kube_score_finds_nothing_beyond_waivers_with_a_reason(folder: Path) -> None:
    assert inspected(folder).unwaived == []
    assert inspected(folder).idle == [], "waivers that nothing needs"
    assert inspected(folder).advice, "it has always something to say"


@named
def test_everything_is_labelled(folder: Path) -> None:
    wanted = {f"app.kubernetes.io/{k}" for k in ("name", "component", "part-of", "managed-by")} | {"carbon.io/layer"}
    for obj in objects(folder):
        missing = wanted - obj["metadata"].get("labels", {}).keys()
        assert not missing, f"{identity(obj)}: {sorted(missing)}"


@named
def test_nothing_is_called_latest_and_every_image_has_a_version(folder: Path) -> None:
    for obj in objects(folder):
        for image in _images(pod_spec(obj) or {}, obj):
            _, colon, tag = image.partition("@")[0].rpartition(":")
            assert colon and tag != "latest", f"{identity(obj)}: {image}"


def _images(spec: Object, obj: Object) -> list[str]:
    containers = [*spec.get("initContainers", []), *spec.get("containers", [])]
    volumes = [v["image"]["reference"] for v in spec.get("volumes", []) if "image" in v]
    own = [obj["spec"]["image"]] if obj["kind"] == "FlinkDeployment" else []
    return own + [c["image"] for c in containers if "image" in c] + volumes


@named
def test_no_right_is_a_wildcard(folder: Path) -> None:
    for obj in objects(folder):
        if obj["kind"] in ("Role", "ClusterRole"):
            words = [w for rule in obj["rules"] for values in rule.values() for w in values]
            assert "*" not in words and not {"escalate", "bind", "impersonate"} & set(words), identity(obj)


def _references(value: Any) -> list[tuple[str, str | None]]:
    """Names of Secrets and their keys, wherever an object refers to one; no key where it takes all."""
    if isinstance(value, list):
        return [r for each in value for r in _references(each)]
    if not isinstance(value, dict):
        return []
    found: list[tuple[str, str | None]] = []
    for key, inner in value.items():
        if key in ("secret", "secretRef", "secretKeyRef") and isinstance(inner, dict):
            name = str(inner.get("secretName") or inner["name"])
            keys = [i["key"] for i in inner.get("items", [])] or [inner.get("key")]
            found += [(name, each) for each in keys]
        elif key == "secretTargetRef":
            found += [(each["name"], each["key"]) for each in inner]
        found += _references(inner)
    return found


@named
def test_every_secret_is_one_that_the_list_asks_for(folder: Path) -> None:
    listed = yaml.safe_load((KUBERNETES / "secrets.yaml").read_text(encoding="utf-8"))
    for obj in objects(folder):
        for name, key in _references(obj.get("spec")):
            if name.endswith("-references"):  # carbonlib makes it, from values
                continue
            assert name in listed, f"{identity(obj)}: {name}"
            assert key is None or key in listed[name]["keys"], f"{identity(obj)}: {name}, {key}"
            assert obj["metadata"]["namespace"] == listed[name]["namespace"], identity(obj)
