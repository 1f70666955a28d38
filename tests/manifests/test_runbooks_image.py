"""The image of the runbooks as far as it can be made without a base: what is copied, and what runs from there."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml

from carbonlib._project import ROOT
from carbonlib.targets.kubernetes import lint
from carbonlib.targets.kubernetes.lint.schemas import schemas

from .rendering import KUBERNETES, OVERLAYS, objects, pod_spec

BUILT = yaml.safe_load((KUBERNETES / "image-contents.yaml").read_text(encoding="utf-8"))["carbon/runbooks"]["built"]
INSPECT = """
import json, sys
from carbonlib.targets.kubernetes.lint import inspect
from carbonlib.targets.kubernetes.overlay import Overlay, _render
overlay = Overlay(sys.argv[1])
found = inspect(overlay.objects())
print(json.dumps([_render(overlay.folder), found.invalid, found.unwaived], default=str))
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the project in the image."""
    folder = tmp_path_factory.mktemp("image") / "carbon"
    folder.mkdir()
    for words in (line.split()[1:] for line in re.findall(r"^COPY (?!--from).*$", BUILT, re.M)):
        *sources, where = words
        for source in (ROOT / name for name in sources):
            target = (folder / where / source.name if where in (".", "./") else folder / where).resolve()
            if source.is_dir():
                shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__", "target"))
            else:
                shutil.copy(source, target)
    return folder


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The cache in the image: what the stage of the programs builds, and nothing else."""
    folder = tmp_path_factory.mktemp("cache")
    for made in (*(lint.build(name).parent for name in lint.PROGRAMS), schemas()):
        (folder / made.name).symlink_to(made)
    return folder


@pytest.fixture
def environment(project: Path, cache: Path, tmp_path: Path) -> Mapping[str, str]:
    """What a container sees: the project, the programs that were built, a home of its own, and no Go."""
    program = next(cache.glob("kustomize-*"))
    return {
        "PYTHONPATH": str(project), "PYTHONDONTWRITEBYTECODE": "1", "PATH": str(program), "HOME": str(tmp_path),
        "CARBON_CACHE": str(cache), "CARBON_STATE": str(tmp_path / "state"), "LANG": "C.UTF-8",
    }  # fmt: skip


def _python(environment: Mapping[str, str], *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-P", *arguments], capture_output=True, text=True, env=dict(environment), cwd=os.sep
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def _files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


@pytest.mark.parametrize("overlay", OVERLAYS, ids=lambda o: o.name)
def test_the_manifests_are_rendered_and_inspected_from_there_without_kubectl_go_or_a_written_file(
    overlay: Path, environment: Mapping[str, str], project: Path, cache: Path
) -> None:
    before = _files(project), _files(cache)
    rendered, invalid, unwaived = json.loads(_python(environment, "-c", INSPECT, overlay.name))
    assert rendered == json.loads(json.dumps(objects(overlay), default=str)), "kustomize against kubectl"
    assert (invalid, unwaived) == ([], [])
    assert (_files(project), _files(cache)) == before


def test_every_notebook_is_listed_from_there(environment: Mapping[str, str]) -> None:
    notebooks = json.loads(_python(environment, "-m", "carbonlib", "list", "--json"))
    assert len(notebooks) == len(list((ROOT / "notebooks").rglob("[0-9]*.ipynb")))


def test_every_module_that_a_pod_starts_is_there(environment: Mapping[str, str], project: Path) -> None:
    modules = set()
    for folder in (*OVERLAYS, KUBERNETES / "runbooks"):
        for spec in filter(None, map(pod_spec, objects(folder))):
            for container in spec["containers"]:
                command = [*container.get("command", []), *container.get("args", [])]
                if container.get("image", "").startswith("carbon/runbooks:") and "-m" in command:
                    modules.add(command[command.index("-m") + 1])
    assert len(modules) >= 2
    for module in modules:
        found = _python(environment, "-c", f"import {module}; print({module}.__file__)").strip()
        assert Path(found).is_relative_to(project), found
