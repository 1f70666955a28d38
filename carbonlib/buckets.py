"""The buckets of the object store as a layer.

Where the store is not there yet, as on a first `--plan`, every declared bucket is new.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from ._project import MANIFESTS
from .changes import Plan
from .clients.objectstore import ObjectStore, load_buckets
from .layers import later
from .status import Component
from .waiting import wait_until

if TYPE_CHECKING:
    from .platform import Platform


class Buckets:
    """The declared buckets, on a target that has an object store."""

    name = "buckets"

    def __init__(self, platform: Platform) -> None:
        self._platform = platform

    @cached_property
    def store(self) -> ObjectStore:
        """The object store."""
        values, where = self._platform.values(), self._platform.target.addresses()["objectstore"]
        secret = self._platform.secrets[where["secret"]]
        return ObjectStore(where["url"], values["objectstore.user"], secret, values["objectstore.region"])

    def declared(self) -> list[str]:
        """The buckets that the manifest names; none where the target has no object store."""
        if "objectstore" not in self._platform.target.systems():
            return []
        return load_buckets(MANIFESTS / "objectstore" / "buckets.yaml")

    def plan(self) -> Plan:
        """Buckets to create."""
        declared = self.declared()
        if not declared or self.store.reachable():
            return self.store.plan(declared) if declared else Plan()
        return later(declared, lambda name: f"bucket/{name}", self.store.plan)

    def wait(self, timeout: str | float) -> None:
        """Wait until every declared bucket is there."""
        wait_until(
            lambda: all(c.ok for c in self.status()), what="Every bucket of the object store", timeout=timeout,
            notebook="deploy-60",
        )  # fmt: skip

    def status(self) -> list[Component]:
        """Each declared bucket with the number of objects that hold records."""
        declared = self.declared()
        rows = self.store.status(declared) if declared else []
        return [self._component(row["bucket"], row["objects"]) for row in rows]

    def _component(self, bucket: str, objects: int | None) -> Component:
        there = objects is not None
        return Component(
            self.name, bucket, "PRESENT" if there else "ABSENT", there, progress=objects,
            problem="" if there else "declared, but not there",
        )  # fmt: skip
