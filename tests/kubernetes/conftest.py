"""A control plane with real engines behind its pods, and the command run against it as a user would."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Carbon
from tests.plane.stage import Stage

PORT_BASE = 25000
TARGET = ("--target", "kubernetes")
# The whole of `verify` takes ten minutes more here; these follow a record through every layer.
VERIFIED = ("verify-10", "verify-22", "verify-26")


@dataclass(frozen=True)
class Plane:
    """The stage, and the command on it."""

    stage: Stage
    carbon: Carbon


@pytest.fixture(scope="session")
def plane() -> Iterator[Plane]:
    """All that `make plane-up` starts, in a folder of its own; `CARBON_PLANE_REUSE=1` takes what the shell names."""
    folder = Path(tempfile.mkdtemp(prefix="carbon-kubernetes-"))
    stage = Stage(folder / "plane", PORT_BASE, engines=True)
    state = {"CARBON_STATE": str(folder / "state")}
    if os.environ.get("CARBON_PLANE_REUSE"):
        yield Plane(stage, Carbon({**os.environ, **state}, folder / "reports"))
        return
    try:
        stage.up(print)
        where = {
            "PATH": f"{stage.plane.programs_folder}:{os.environ['PATH']}",
            "KUBECONFIG": str(stage.plane.kubeconfig),
            "CARBON_OVERLAY": str(stage.overlay),
        }
        yield Plane(stage, Carbon({**os.environ, **where, **state}, folder / "reports"))
    finally:
        stage.down(print)
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def first_run(plane: Plane) -> dict[str, Any]:
    """The results of a first deployment and its verification."""
    return plane.carbon.run("deploy", *VERIFIED, *TARGET)
