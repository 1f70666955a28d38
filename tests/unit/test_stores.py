"""Indices and buckets as layers: nothing where the target has no store, everything new where it does not answer yet."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from carbonlib.changes import Plan
from carbonlib.clients.search import IndexState
from carbonlib.stores import Buckets, Indices


class Store:
    """Stands for both stores: what lives there, and whether it answers."""

    def __init__(self) -> None:
        self.answers = True
        self.live: list[IndexState] = []
        self.planned: list[Any] = []

    def reachable(self) -> bool:
        return self.answers

    def plan(self, declared: list[Any]) -> Plan:
        self.planned = declared
        return Plan()

    def indices(self) -> list[IndexState]:
        return self.live

    def status(self, buckets: list[str]) -> list[dict[str, Any]]:
        return [{"bucket": bucket, "objects": None} for bucket in buckets]


@pytest.fixture
def store() -> Store:
    return Store()


@pytest.fixture
def platform(store: Store) -> Any:
    target = SimpleNamespace(systems=lambda: {"search", "objectstore"})
    return SimpleNamespace(target=target, search=store, objectstore=store)


@pytest.mark.parametrize("layer", [Indices, Buckets])
def test_a_target_without_the_store_declares_nothing(platform: Any, layer: Any) -> None:
    platform.target.systems = set
    assert layer(platform).declared() == [] and len(layer(platform).plan()) == 0 and layer(platform).status() == []


@pytest.mark.parametrize("layer", [Indices, Buckets])
def test_a_store_that_answers_plans_itself(platform: Any, store: Store, layer: Any) -> None:
    assert len(layer(platform).plan()) == 0
    assert store.planned == layer(platform).declared() != []


@pytest.mark.parametrize("layer", [Indices, Buckets])
def test_of_a_store_that_is_not_there_yet_everything_is_new(platform: Any, store: Store, layer: Any) -> None:
    store.answers = False
    assert [c.action for c in layer(platform).plan().changes] == ["create"] * len(layer(platform).declared())
    assert store.planned == []


def test_what_is_declared_and_not_there_is_said(platform: Any, store: Store) -> None:
    (index,) = Indices(platform).status()
    assert (index.state, index.ok) == ("ABSENT", False)
    store.live = [IndexState(index.name, "green", 7, 1000)]
    (index,) = Indices(platform).status()
    assert (index.state, index.ok, index.progress) == ("GREEN", True, 7)
    assert {c.problem for c in Buckets(platform).status()} == {"declared, but not there"}
