"""A sink whose table is not there: registered for a trial, given its table when the cause is removed, taken away."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._errors import UsageError
from .._project import MANIFESTS, SQL
from ..changes import Change, Plan
from ..clients.connect import load_connectors
from ..clients.doris import load_objects

if TYPE_CHECKING:
    from ..platform import Platform

START = "90 s"


class MissingTable:
    """One such sink.

    Args:
        platform: where.
        connector: its name; declared, and not registered by default.
        table: where it stores, with the database.
        like: a declared table, of whose form the missing one is made.
    """

    def __init__(self, platform: Platform, connector: str, table: str, like: str) -> None:
        self._platform, self._connector, self._table, self._like = platform, connector, table, like
        self.made = False

    def open(self) -> None:
        """Register the connector while its table is missing, and wait until it runs.

        Raises:
            UsageError: no such connector is declared.
        """
        self._drop()
        declared = load_connectors(MANIFESTS / "connect" / "connectors", self._platform.values(), include_disabled=True)
        wanted = [c for c in declared if c.name == self._connector]
        if not wanted:
            raise UsageError(f"There is no connector {self._connector}.", remedy="Declare it in manifests/connect.")
        self._platform.connect.plan(wanted).apply()
        self._platform.connect.wait([self._connector], START)

    def plan(self) -> Plan:
        """Make the table, where that has not been done.

        Raises:
            UsageError: the table that it is to be like is not declared.
        """
        if self.made:
            return Plan()
        found = [o for o in load_objects(SQL / "doris", self._platform.values()) if o.label == f"table/{self._like}"]
        if not found:
            raise UsageError(f"There is no table {self._like}.", remedy="Declare it in sql/doris.")
        sql = found[0].sql.replace(self._like, self._table, 1)
        return Plan([Change(f"table/{self._table}", "create", None, {"like": self._like}, lambda: self._make(sql))])

    def close(self) -> None:
        """Take connector and table away."""
        if self._connector in self._platform.connect.configs():
            self._platform.connect.delete(self._connector, allow_destroy=True)
        self._drop()

    def _make(self, sql: str) -> None:
        self._platform.doris_root.execute(sql)
        self.made = True

    def _drop(self) -> None:
        self._platform.doris_root.execute(f"DROP TABLE IF EXISTS {self._table} FORCE")
        self.made = False
