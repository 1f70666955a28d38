"""A control plane for the tests of this session, in a folder of its own; each worker of a parallel run has one.

`CARBON_PLANE_STATE=<folder>` uses the control plane that runs there instead, for quick work on one test;
`CARBON_PLANE_PORT_BASE` moves its ports.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from carbonlib.targets.kubernetes.cluster import Cluster

from .control_plane import ControlPlane
from .programs import ROLES

PORT_BASE = 24500  # below the ports that the system gives to whoever asks for any


@pytest.fixture(scope="session")
def plane() -> Iterator[ControlPlane]:
    """A running control plane with three nodes in three zones; ended after the last test."""
    if "CARBON_PLANE_STATE" in os.environ:
        with _kubectl(ControlPlane(Path(os.environ["CARBON_PLANE_STATE"]), PORT_BASE)) as plane:
            yield plane
        return
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    base = int(os.environ.get("CARBON_PLANE_PORT_BASE", PORT_BASE)) + worker * len(ROLES)
    folder = Path(tempfile.mkdtemp(prefix="carbon-plane-"))
    plane = ControlPlane(folder, base)
    try:
        plane.up(print)
        with _kubectl(plane):
            yield plane
    finally:
        plane.down(print)
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _kubectl(plane: ControlPlane) -> Iterator[ControlPlane]:
    """Manifests are rendered by the kubectl on the PATH."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", str(plane.programs_folder), prepend=os.pathsep)
        yield plane


@pytest.fixture(scope="session")
def cluster(plane: ControlPlane) -> Cluster:
    """The control plane's cluster, as its administrator."""
    return Cluster(plane.kubeconfig)
