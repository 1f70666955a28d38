"""The layers that are objects inside engines: topics, schemas, tables, the dimension, connectors, jobs.

They work through the clients, so they are the same on every target. Where the engine is not there yet, as on a first
`--plan`, everything declared is new.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from ._project import MANIFESTS, SQL
from .changes import UNCHANGED, Change, Plan
from .clients.connect import Connector, load_connectors
from .clients.doris import SqlObject, load_objects
from .clients.kafka import Topic, load_topics
from .clients.registry import Schema, load_schemas
from .status import Component
from .waiting import wait_until

if TYPE_CHECKING:
    from .platform import Platform


def later(objects: Sequence[Any], kind: Callable[[Any], str], plan: Callable[[list[Any]], Plan]) -> Plan:
    """A plan for an engine that does not answer yet: what it holds is only known when it does.

    Each object is shown as new, and compared when its turn comes; one that was there all along is no change.
    """

    def apply(item: Any) -> Callable[[], object]:
        return lambda: None if plan([item]).apply().changes else UNCHANGED

    return Plan(Change(kind(item), "create", None, {}, apply(item)) for item in objects)


class Topics:
    """Topics of the platform."""

    name = "topics"

    def __init__(self, platform: Platform) -> None:
        self._platform = platform

    def declared(self) -> list[Topic]:
        """The topics that the manifest declares."""
        return load_topics(MANIFESTS / "kafka" / "topics.yaml", self._platform.values())

    def plan(self) -> Plan:
        """Topics to create or change."""
        kafka = self._platform.kafka
        if kafka.reachable():
            return kafka.plan(self.declared())
        return later(self.declared(), lambda t: f"topic/{t.name}", lambda topics: self._platform.kafka.plan(topics))

    def wait(self, timeout: str | float) -> None:
        """Wait until every declared topic exists and is fully replicated."""
        wanted = {t.name for t in self.declared()}
        wait_until(
            lambda: wanted <= set(self._platform.kafka.topics()) and not self._platform.kafka.under_replicated(),
            what="Every topic fully replicated", timeout=timeout, notebook="deploy-10",
        )  # fmt: skip

    def status(self) -> list[Component]:
        """Each declared topic with its number of records."""
        kafka = self._platform.kafka
        live, behind = set(kafka.topics()), kafka.under_replicated()
        return [
            self._component(t.name, live, [p for p in behind if p.rsplit("-", 1)[0] == t.name]) for t in self.declared()
        ]

    def _component(self, topic: str, live: set[str], behind: list[str]) -> Component:
        if topic not in live:
            return Component(self.name, topic, "ABSENT", False, problem="declared, but not there")
        records = sum(self._platform.kafka.end_offsets(topic).values())
        problem = f"under-replicated: {', '.join(behind)}" if behind else ""
        return Component(self.name, topic, "UNDER_REPLICATED" if behind else "IN_SYNC", not behind, records, problem)


class Schemas:
    """Declared schemas in the registry."""

    name = "schemas"

    def __init__(self, platform: Platform) -> None:
        self._platform = platform

    def declared(self) -> list[Schema]:
        """The schemas that the project declares."""
        return load_schemas(MANIFESTS / "kafka" / "schemas")

    def plan(self) -> Plan:
        """Schemas to register, and compatibility to set."""
        registry = self._platform.registry
        if registry.reachable():
            return registry.plan(self.declared())
        return later(self.declared(), lambda s: f"schema/{s.subject}", registry.plan)

    def wait(self, timeout: str | float) -> None:
        """Wait until the registry answers."""
        self._platform.registry.wait(timeout)

    def status(self) -> list[Component]:
        """Each declared subject; one that a connector registers is no component before it has."""
        live = set(self._platform.registry.subjects())
        return [
            Component(self.name, s.subject, "REGISTERED" if s.subject in live else "ABSENT", s.subject in live)
            for s in self.declared()
            if s.text or s.subject in live
        ]


class Tables:
    """Database, tables, views, users and routine loads of Doris."""

    name = "tables"

    def __init__(self, platform: Platform) -> None:
        self._platform = platform

    def declared(self) -> list[SqlObject]:
        """The objects that `sql/doris` declares, in the order of their numbers."""
        return load_objects(SQL / "doris", self._platform.values())

    def plan(self) -> Plan:
        """Objects to create or change, the first root password included."""
        doris = self._platform.doris_root
        if doris.reachable():
            secured = doris.secure_root(self._platform.secrets["doris_root"])
            if not secured:
                return doris.plan(self.declared())
            return secured + later(self.declared(), lambda o: o.label, doris.plan)
        return Plan([Change("user/root", "update", None, {"password": "set"}, self._secure)]) + later(
            self.declared(), lambda o: o.label, doris.plan
        )

    def _secure(self) -> object:
        return _apply(self._platform.doris_root.secure_root(self._platform.secrets["doris_root"]))

    def wait(self, timeout: str | float) -> None:
        """Wait until a frontend answers and every routine load runs."""
        wait_until(
            lambda: all(c.ok for c in self.status()), what="Every routine load of Doris running", timeout=timeout,
            notebook="deploy-40",
        )  # fmt: skip

    def status(self) -> list[Component]:
        """Each table with its number of rows, each routine load with its rows loaded."""
        return [Component(self.name, **row) for row in self._platform.doris_root.summary(self.declared())]


class Dimension:
    """The Iceberg catalog and its tables: the dimension, and the prices for the long term. Connectors fill them."""

    name = "dimension"

    def __init__(self, platform: Platform) -> None:
        self._platform = platform

    def plan(self) -> Plan:
        """The catalog's database, its tables, and what of a live table differs from its declaration."""
        iceberg = self._platform.iceberg
        if iceberg.reachable():
            return iceberg.plan()
        return Plan([Change("iceberg/catalog", "create", None, {}, lambda: _apply(iceberg.plan()))])

    def wait(self, timeout: str | float) -> None:
        """Wait until every declared table can be loaded."""
        wait_until(
            lambda: None not in self._platform.iceberg.row_counts().values(), what="Every Iceberg table answering",
            timeout=timeout, notebook="deploy-50",
        )  # fmt: skip

    def status(self) -> list[Component]:
        """Each declared table with its number of rows."""
        return [
            Component(self.name, table, "PRESENT" if rows is not None else "ABSENT", rows is not None, rows)
            for table, rows in self._platform.iceberg.row_counts().items()
        ]


class Connectors:
    """The connectors that the project declares."""

    name = "connectors"

    def __init__(self, platform: Platform) -> None:
        self._platform = platform

    def declared(self) -> list[Connector]:
        """The connectors that are registered by default."""
        declared = load_connectors(MANIFESTS / "connect" / "connectors", self._platform.values())
        systems = self._platform.target.systems()
        return [c for c in declared if systems.issuperset(c.needs)]

    def plan(self) -> Plan:
        """Connectors to create or change."""
        connect = self._platform.connect
        if connect.reachable():
            return connect.plan(self.declared())
        return later(self.declared(), lambda c: f"connector/{c.name}", connect.plan)

    def wait(self, timeout: str | float) -> None:
        """Wait until each connector and every task of it is running."""
        self._platform.connect.wait([c.name for c in self.declared()], timeout)

    def status(self) -> list[Component]:
        """State of each connector and its tasks, with the records that it has moved."""
        live = self._platform.connect.status()
        return [Component(self.name, **self._row(c.name, live)) for c in self.declared()]

    def _row(self, name: str, live: Any) -> dict[str, Any]:
        return dict(self._platform.connect.summary(name, live))


def _apply(plan: Plan) -> object:
    return None if plan.apply().changes else UNCHANGED
