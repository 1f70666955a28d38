"""The databases as a layer: what the project declares in them, and the log that change capture reads.

Where the engine is not there yet, as on a first `--plan`, everything declared is new.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._project import MANIFESTS, SQL
from .changes import Plan
from .clients.databases import Database, DatabaseObject, load_objects
from .layers import later
from .status import Component
from .waiting import wait_until

if TYPE_CHECKING:
    from .platform import Platform


class Databases:
    """Databases, tables, users and publications of PostgreSQL and, where the target has it, of MariaDB."""

    name = "databases"

    def __init__(self, platform: Platform) -> None:
        self._platform = platform

    def declared(self) -> list[tuple[Database, list[DatabaseObject]]]:
        """Each database server of the target with the objects that its folder declares."""
        values = self._platform.values()
        found: list[tuple[Database, list[DatabaseObject]]] = [
            (self._platform.postgres, load_objects("postgres", SQL / "postgres", values, MANIFESTS / "postgres"))
        ]
        if "mariadb" in self._platform.target.systems():
            objects = load_objects("mariadb", SQL / "mariadb", values, MANIFESTS / "mariadb")
            found.append((self._platform.mariadb, objects))
        return found

    def plan(self) -> Plan:
        """Objects to create or change, and rows to begin with that are missing."""
        plan = Plan()
        for database, objects in self.declared():
            known = database.reachable()
            plan += database.plan(objects) if known else later(objects, lambda item: item.label, database.plan)
        return plan

    def wait(self, timeout: str | float) -> None:
        """Wait until every declared table can be read."""
        wait_until(
            lambda: all(c.ok for c in self._tables()), what="Every table of the databases readable", timeout=timeout,
            notebook="deploy-45",
        )  # fmt: skip

    def status(self) -> list[Component]:
        """Each declared table with its number of rows, each replication slot with who reads it."""
        return [*self._tables(), *self._slots()]

    def _tables(self) -> list[Component]:
        return [Component(self.name, **row) for db, objects in self.declared() for row in db.summary(objects)]

    def _slots(self) -> list[Component]:
        return [
            self._slot(str(row["slot"]), bool(row["active"]), str(row["wal_status"]))
            for row in self._platform.postgres.slots().to_dict("records")
        ]

    def _slot(self, slot: str, active: bool, kept: str) -> Component:
        problem = "" if active else "nobody reads it, and the log is kept for it"
        if kept in ("unreserved", "lost"):
            problem = f"its log is {kept}: change capture takes a new snapshot, which shows no deletions"
        state = kept.upper() if kept != "reserved" else "ACTIVE" if active else "INACTIVE"
        return Component(self.name, f"postgres slot {slot}", state, not problem, problem=problem)
