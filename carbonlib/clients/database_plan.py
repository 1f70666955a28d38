"""Compares declared objects of a relational database with live ones and says what has to be done."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from .._errors import ApplyError
from ..changes import Change, Plan
from .database_objects import Column, DatabaseObject
from .statements import runner

_NOTEBOOK = "deploy-45"


class Live(Protocol):
    """What a plan looks up in a running database; everything is empty where its database is missing."""

    def databases(self) -> set[str]:
        """Names of the databases."""

    def columns(self, table: str) -> dict[str, str]:
        """Columns of a table and their types, `NOT NULL` included; empty where it is missing."""

    def primary_key(self, table: str) -> list[str]:
        """Columns of the primary key, in order."""

    def keys(self, table: str, key: Sequence[str]) -> set[tuple[str, ...]]:
        """The keys of the rows that a table has, as texts."""

    def users(self) -> dict[str, dict[str, Any]]:
        """Users and those of their attributes that are declared."""

    def privileges(self, user: str, scope: str) -> set[str]:
        """What a user may do with a table, or with everything."""

    def can_login(self, user: str, password: str) -> bool:
        """Whether the user has that password."""

    def definition(self, item: DatabaseObject) -> Any:
        """What a function, trigger, publication or replica identity is like now; None where it is missing."""

    def create_database(self, sql: str) -> None:
        """Run the statement that creates a database."""

    def execute(self, sql: str) -> int:
        """Run a statement."""

    def upsert(self, table: str, rows: Sequence[Mapping[str, Any]]) -> object:
        """Write rows by their keys."""


class Planner:
    """One comparison."""

    def __init__(self, live: Live) -> None:
        self._live = live

    def plan(self, objects: Sequence[DatabaseObject]) -> Plan:
        """The changes that make the objects live, in their order."""
        return Plan([change for item in objects for change in _COMPARE[item.kind](self, item)])

    def _create(self, item: DatabaseObject, after: dict[str, Any]) -> Change:
        return Change(item.label, "create", None, after, self._runner(item, item.sql))

    def _runner(self, item: DatabaseObject, *statements: str) -> Callable[[], None]:
        return runner(self._live.execute, item, statements, _NOTEBOOK)

    def _database(self, item: DatabaseObject) -> list[Change]:
        if item.name in self._live.databases():
            return []
        return [Change(item.label, "create", None, {}, lambda: self._live.create_database(item.sql))]

    def _table(self, item: DatabaseObject) -> list[Change]:
        live, declared = self._live.columns(item.name), item.details["columns"]
        if not live:
            return [self._create(item, {"columns": ", ".join(c.name for c in declared)})]
        key = self._live.primary_key(item.name)
        if key != item.details["key"]:
            raise _different(item, f"the key is ({', '.join(key)}), declared is ({', '.join(item.details['key'])})")
        for column in declared:
            if live.get(column.name, column.type) != column.type:
                raise _different(item, f"{column.name} is {live[column.name]}, declared is {column.type}")
        return self._added(item, [c for c in declared if c.name not in live])

    def _added(self, item: DatabaseObject, missing: list[Column]) -> list[Change]:
        if not missing:
            return []
        statements = [f"ALTER TABLE {item.name} ADD COLUMN {c.definition}" for c in missing]
        after = {"columns": ", ".join(c.name for c in missing)}
        return [Change(item.label, "update", {"columns": "missing"}, after, self._runner(item, *statements))]

    def _defined(self, item: DatabaseObject) -> list[Change]:
        """Objects that are replaced whole by the statement that creates them."""
        wanted, live = _wanted(item), self._live.definition(item)
        if live == wanted:
            return []
        if live is None:
            return [self._create(item, {})]
        return [Change(item.label, "update", _shown(live), _shown(wanted), self._runner(item, _again(item)))]

    def _user(self, item: DatabaseObject) -> list[Change]:
        live = self._live.users().get(item.name)
        if live is None:
            return [self._create(item, {"password": "set"})]
        before = {k: v for k, v in live.items() if v != item.details[k]}
        after = {k: item.details[k] for k in before}
        if not self._live.can_login(item.name, item.details["password"]):
            before["password"], after["password"] = "another", "set"
        if not after:
            return []
        return [Change(item.label, "update", before, after, self._runner(item, _altered(item)))]

    def _grant(self, item: DatabaseObject) -> list[Change]:
        scope, account, wanted = item.details["scope"], item.details["account"], item.details["privileges"]
        held = self._live.privileges(item.details["user"], scope)
        if held == wanted:
            return []
        excess = sorted(held - wanted)
        revoke = [f"REVOKE {', '.join(excess)} ON {scope} FROM {account}"] if excess else []
        before = {"privileges": ", ".join(sorted(held))} if held else None
        after = {"privileges": ", ".join(sorted(wanted))}
        return [
            Change(item.label, "update" if held else "create", before, after, self._runner(item, item.sql, *revoke))
        ]

    def _rows(self, item: DatabaseObject) -> list[Change]:
        key = item.details["key"]
        live = self._live.keys(item.name, key)
        missing = [row for row in item.details["rows"] if tuple(str(row[k]) for k in key) not in live]
        if not missing:
            return []
        after = {"rows": ", ".join("/".join(str(row[k]) for k in key) for row in missing)}
        return [Change(item.label, "create", None, after, lambda: self._live.upsert(item.name, missing))]


_COMPARE: dict[str, Callable[[Planner, DatabaseObject], list[Change]]] = {
    "database": Planner._database,
    "table": Planner._table,
    "identity": Planner._defined,
    "function": Planner._defined,
    "trigger": Planner._defined,
    "publication": Planner._defined,
    "user": Planner._user,
    "grant": Planner._grant,
    "rows": Planner._rows,
}


def _wanted(item: DatabaseObject) -> Any:
    if item.kind == "trigger":
        return normal_trigger(item.sql)
    return item.details[{"identity": "identity", "function": "body", "publication": "tables"}[item.kind]]


def normal_trigger(sql: str) -> str:
    """A trigger in one writing, as PostgreSQL shows it."""
    return re.sub(r"\s+", " ", sql.replace("CREATE OR REPLACE", "CREATE")).strip()


def _again(item: DatabaseObject) -> str:
    if item.kind == "publication":
        return f"ALTER PUBLICATION {item.name} SET TABLE {', '.join(sorted(item.details['tables']))}"
    return item.sql


def _altered(item: DatabaseObject) -> str:
    altered = item.sql.replace("CREATE", "ALTER", 1)
    # ALTER ROLE leaves alone what it does not name.
    return altered if item.details["replication"] or item.system != "postgres" else f"{altered} NOREPLICATION"


def _shown(value: Any) -> dict[str, str]:
    return {"definition": ", ".join(sorted(value)) if isinstance(value, set) else " ".join(str(value).split())}


def _different(item: DatabaseObject, what: str) -> ApplyError:
    return ApplyError(
        f"{item.label}: {what}.", cause="A table is not changed in place while connectors read or write it.",
        remedy="Pause the connectors of the table, change it by hand with ALTER TABLE, and deploy again.",
        notebook=_NOTEBOOK,
    )  # fmt: skip
