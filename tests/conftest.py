"""What the tests share: a platform of their own, on its own ports and in its own folder, brought up by the notebooks.

`CARBON_TEST_REUSE=1` uses the platform of the checkout instead, for quick work on one test.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from carbonlib._project import ROOT

PORT_BASE = 23000  # below the ports that the system gives to whoever asks for any


@dataclass(frozen=True)
class Carbon:
    """The command, run as a user would, against the platform of the tests."""

    environment: dict[str, str]
    reports: Path

    def __call__(self, *arguments: str, timeout: float = 1500) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "carbonlib", *arguments]
        return subprocess.run(
            command,
            env=self.environment,
            cwd=ROOT,
            text=True,
            timeout=timeout,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )

    def run(self, *arguments: str, expect: int = 0) -> dict[str, Any]:
        """`carbon run` with its own reports folder; returns the results that it wrote."""
        done = self("run", *arguments, "--reports", str(self.reports))
        print(done.stdout)
        assert done.returncode == expect, done.stdout[-6000:]
        return json.loads((self.reports / "latest" / "results.json").read_text())


def measured(results: dict[str, Any]) -> dict[str, Any]:
    """What every check of a run has measured, by its name."""
    return {check["name"]: check["measured"] for notebook in results["notebooks"] for check in notebook["checks"]}


@pytest.fixture(scope="session")
def carbon() -> Iterator[Carbon]:
    """A command with a state folder of its own; everything is purged at the end."""
    if os.environ.get("CARBON_TEST_REUSE"):
        yield Carbon(dict(os.environ), ROOT / "reports")
        return
    folder = Path(tempfile.mkdtemp(prefix="carbon-test-"))
    environment = {**os.environ, "CARBON_STATE": str(folder / "state"), "CARBON_PORT_BASE": str(PORT_BASE)}
    with pytest.MonkeyPatch.context() as patch:
        # Tests that open the platform in this process must see the same one.
        patch.setenv("CARBON_STATE", environment["CARBON_STATE"])
        patch.setenv("CARBON_PORT_BASE", environment["CARBON_PORT_BASE"])
        command = Carbon(environment, folder / "reports")
        try:
            yield command
        finally:
            command("down", "--purge", timeout=300)
            shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def first_run(carbon: Carbon) -> dict[str, Any]:
    """The results of the first `carbon run deploy verify`, where nothing runs yet, and the status after it."""
    results = carbon.run("deploy", "verify")
    # Now, and not when a test asks: what a source has written counts from its last start, and tests kill workers.
    return {**results, "status": json.loads(carbon("status", "--json").stdout)}


@pytest.fixture(scope="session")
def platform(request: pytest.FixtureRequest) -> Any:
    """The running platform; the one of the checkout is taken as it is."""
    import carbonlib

    if not os.environ.get("CARBON_TEST_REUSE"):
        request.getfixturevalue("first_run")
    return carbonlib.connect("local")
