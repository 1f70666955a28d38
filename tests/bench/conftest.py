"""The benchmark runs on the platform that is up: it measures, and deploys nothing but its own jobs."""

from __future__ import annotations

from typing import Any

import pytest

import carbonlib


@pytest.fixture(scope="session")
def platform() -> Any:
    """The running platform of this checkout."""
    found = carbonlib.connect("local")
    if not found.flink.reachable():
        pytest.fail("No platform runs: bring it up with `carbon run deploy`.")
    return found
