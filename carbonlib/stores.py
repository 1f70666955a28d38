"""The stores that sinks write to, as layers: indices of the search engine, buckets of the object store.

Where the store is not there yet, as on a first `--plan`, everything declared is new. A target that has not got the
store declares nothing in it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._project import MANIFESTS
from .changes import Plan
from .clients.objectstore import load_buckets
from .clients.search import Index, load_indices
from .layers import later
from .status import Component
from .waiting import wait_until

if TYPE_CHECKING:
    from .platform import Platform


class Indices:
    """The declared indices, on a target that has a search engine."""

    name = "indices"

    def __init__(self, platform: Platform) -> None:
        self._platform = platform

    def declared(self) -> list[Index]:
        """The indices that the manifests declare; none where the target has no search engine."""
        if "search" not in self._platform.target.systems():
            return []
        return load_indices(MANIFESTS / "search")

    def plan(self) -> Plan:
        """Indices to create, fields to add."""
        declared, search = self.declared(), self._platform.search
        if not declared or search.reachable():
            return search.plan(declared) if declared else Plan()
        return later(declared, lambda index: f"index/{index.name}", search.plan)

    def wait(self, timeout: str | float) -> None:
        """Wait until every declared index is there."""
        wait_until(
            lambda: all(c.ok for c in self.status()), what="Every index of the search engine", timeout=timeout,
            notebook="deploy-55",
        )  # fmt: skip

    def status(self) -> list[Component]:
        """Each declared index with its documents."""
        declared = self.declared()
        live = {index.name: index for index in self._platform.search.indices()} if declared else {}
        return [
            Component(self.name, index.name, live[index.name].health.upper(), True, live[index.name].documents)
            if index.name in live
            else Component(self.name, index.name, "ABSENT", False, problem="declared, but not there")
            for index in declared
        ]


class Buckets:
    """The declared buckets, on a target that has an object store."""

    name = "buckets"

    def __init__(self, platform: Platform) -> None:
        self._platform = platform

    def declared(self) -> list[str]:
        """The buckets that the manifest names; none where the target has no object store."""
        if "objectstore" not in self._platform.target.systems():
            return []
        return load_buckets(MANIFESTS / "objectstore" / "buckets.yaml")

    def plan(self) -> Plan:
        """Buckets to create."""
        declared, store = self.declared(), self._platform.objectstore
        if not declared or store.reachable():
            return store.plan(declared) if declared else Plan()
        return later(declared, lambda name: f"bucket/{name}", store.plan)

    def wait(self, timeout: str | float) -> None:
        """Wait until every declared bucket is there."""
        wait_until(
            lambda: all(c.ok for c in self.status()), what="Every bucket of the object store", timeout=timeout,
            notebook="deploy-55",
        )  # fmt: skip

    def status(self) -> list[Component]:
        """Each declared bucket with the number of objects that hold records."""
        declared = self.declared()
        rows = self._platform.objectstore.status(declared) if declared else []
        return [self._component(row["bucket"], row["objects"]) for row in rows]

    def _component(self, bucket: str, objects: int | None) -> Component:
        there = objects is not None
        return Component(
            self.name, bucket, "PRESENT" if there else "ABSENT", there, progress=objects,
            problem="" if there else "declared, but not there",
        )  # fmt: skip
