"""The operate notebooks need a platform that is deployed; whether it works is what other tests look at."""

from __future__ import annotations

from typing import Any

import pytest

import carbonlib
from tests.conftest import Carbon


@pytest.fixture(scope="session")
def platform(carbon: Carbon) -> Any:
    """The running platform."""
    carbon.run("deploy")
    return carbonlib.connect("local")
