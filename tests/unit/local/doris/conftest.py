"""A real endpoint on free ports, one for all tests; each test that writes takes a database of its own."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest

from carbonlib.local.doris.testing import Endpoint

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Endpoint]:
    with Endpoint(tmp_path_factory.mktemp("doris")) as running:
        yield running


@pytest.fixture
def database(endpoint: Endpoint) -> str:
    name = f"db{next(_numbers)}"
    endpoint.sql(f"CREATE DATABASE {name}")
    return name


@pytest.fixture
def own_endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Endpoint]:
    """One that a test may kill."""
    running = Endpoint(tmp_path_factory.mktemp("own")).start()
    try:
        yield running
    finally:
        running.stop()
