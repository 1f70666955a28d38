"""Every overlay against the schemas of Kubernetes and of the resource definitions, and against kube-score's advice."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from carbonlib._project import ROOT

from .rendering import KUBERNETES, OVERLAYS, Object, identity, objects, pod_spec, text
from .tools import findings, schemas

# What the report of a deployment attaches: one file an overlay, written anew by each run of these tests.
RESULTS = ROOT / ".carbon" / "manifests"
FOLDERS = [*OVERLAYS, KUBERNETES / "runbooks"]
named = pytest.mark.parametrize("folder", FOLDERS, ids=lambda p: p.name)
WAIVER, REASON = "kube-score/ignore", "carbon.io/ignore-reason"
# Asked of nobody: images have digests, so pulling them at every start gains nothing; and a broker or a worker that is
# throttled falls out of its group, so requests share out the CPU and no limit takes it away. What objects themselves
# wave through is found all the same, and compared.
PULLING = ("--ignore-test", "container-image-pull-policy")
FLAGS = (*PULLING, "--ignore-container-cpu-limit", "--disable-ignore-checks-annotations")


def _keep(folder: Path, name: str, said: Any) -> None:
    RESULTS.mkdir(parents=True, exist_ok=True)
    (RESULTS / f"{folder.name}-{name}.json").write_text(json.dumps(said, indent=1), encoding="utf-8")


@named
def test_every_object_is_valid(folder: Path) -> None:
    template = f"{schemas()}/{{{{.ResourceKind}}}}{{{{.KindSuffix}}}}.json"
    said = findings(
        "kubeconform", "-strict", "-output", "json", "-verbose", "-schema-location", template, text=text(folder)
    )
    _keep(folder, "kubeconform", said)
    assert [(r["kind"], r["name"], r["status"], r["msg"]) for r in said if r["status"] != "statusValid"] == []
    assert len(said) == len(objects(folder))


def _found(folder: Path) -> set[tuple[str, str, str]]:
    """What kube-score finds: object, check, what it says. Flink's pods are made by its operator: it knows them not."""
    rendered = yaml.dump_all([o for o in objects(folder) if o["kind"] != "FlinkDeployment"], Dumper=yaml.CSafeDumper)
    said = findings("kube-score", "score", "--output-format", "json", *FLAGS, text=rendered)
    _keep(folder, "kube-score", said)
    return {
        (f"{each['type_meta']['kind']}/{each['object_meta']['name']}", check["check"]["id"], _summary(check))
        for each in said
        for check in each["checks"]
        if not check["skipped"] and check["grade"] < 10
    }


def _summary(check: dict[str, Any]) -> str:
    return "; ".join(f"{c['path']}: {c['summary']}" for c in check["comments"] or [])


def _waived(folder: Path) -> dict[tuple[str, str], str]:
    """What objects say may stand, and why."""
    said = [(o, o["metadata"].get("annotations") or {}) for o in objects(folder)]
    return {
        (f"{obj['kind']}/{obj['metadata']['name']}", check): notes.get(REASON, "")
        for obj, notes in said
        for check in filter(None, notes.get(WAIVER, "").split(","))
    }


@named
def test_kube_score_finds_nothing_beyond_waivers_with_a_reason(folder: Path) -> None:
    found, waived = _found(folder), _waived(folder)
    assert sorted(f for f in found if f[:2] not in waived) == []
    assert waived.keys() - {f[:2] for f in found} == set(), "waivers that nothing needs"
    assert all(waived.values()), waived


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
