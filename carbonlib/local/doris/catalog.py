"""Databases, tables and views that exist, in memory for reading and in the store for the next start."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import duckdb

from .datatypes import DorisType, type_from_text
from .errors import DorisError, unknown_database, unknown_table
from .model import Column, MaterializedView, Table, View
from .storage import RESERVED, Store, full_name, quote
from .validate import check_name

FOREIGN_SCHEMAS = frozenset({"information_schema", "mysql", "__internal_schema"})


class Catalog:
    """The objects of the endpoint. Changes go through the store's writer; reads take no lock."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.version = 0
        self.databases = {d["name"]: d for d in store.objects("database")}
        self.tables = {(t.database, t.name): t for t in map(Table.from_dict, store.objects("table"))}
        self.views = {(v.database, v.name): v for v in (View(**d) for d in store.objects("view"))}
        materialized = (MaterializedView(**d) for d in store.objects("materialized_view"))
        self.materialized = {(m.database, m.name): m for m in materialized}
        # Number of the last change of the rows of each table, so that a refresh can tell whether it has work.
        self.changes: dict[tuple[str, str], int] = {}

    def database(self, name: str | None) -> str:
        """The database of that name.

        Raises:
            DorisError: when there is none.
        """
        if not name:
            raise DorisError("No database selected", 1046)
        if name not in self.databases and name not in FOREIGN_SCHEMAS:
            raise unknown_database(name)
        return name

    def table(self, database: str, name: str) -> Table:
        """The table, or the stored result of the materialized view, of that name."""
        found = self.tables.get((database, name))
        if found is None:
            self.database(database)
            raise unknown_table(database, name)
        return found

    def table_or_view(self, database: str, name: str) -> Table | View:
        """The object of that name that a query may read."""
        return self.views.get((database, name)) or self.table(database, name)

    def exists(self, database: str, name: str) -> bool:
        """Whether the name is taken."""
        return (database, name) in self.tables or (database, name) in self.views

    def touched(self, table: Table) -> None:
        """Note that rows of the table changed."""
        key = (table.database, table.name)
        self.changes[key] = self.changes.get(key, 0) + 1

    def create_database(self, name: str, quiet: bool) -> None:
        """CREATE DATABASE."""
        if name in self.databases:
            if quiet:
                return
            raise DorisError(f"Can't create database '{name}'; database exists", 1007)
        check_name("database", name)
        if name.lower() in RESERVED | FOREIGN_SCHEMAS:
            raise DorisError(f"Incorrect database name '{name}'")
        body = {"name": name}
        with self.store.transaction() as cursor:
            cursor.execute(f"CREATE SCHEMA {full_name(name, '').rsplit('.', 1)[0]}")
            self.store.save(cursor, "database", name, name, body)
        self.databases[name] = body
        self.version += 1

    def drop_database(self, name: str, quiet: bool) -> None:
        """DROP DATABASE with everything in it."""
        if name not in self.databases:
            if quiet:
                return
            raise DorisError(f"Can't drop database '{name}'; database doesn't exist", 1008)
        with self.store.transaction() as cursor:
            cursor.execute(f"DROP SCHEMA {full_name(name, '').rsplit('.', 1)[0]} CASCADE")
            cursor.execute("DELETE FROM __doris.objects WHERE database = ?", [name])
            cursor.execute("DELETE FROM __doris.transactions WHERE database = ?", [name])
            cursor.execute("DELETE FROM __doris.offsets WHERE database = ?", [name])
        self.databases.pop(name)
        for held in (self.tables, self.views, self.materialized):
            for key in [k for k in held if k[0] == name]:
                held.pop(key)
        self.version += 1

    def create_table(self, table: Table, *, quiet: bool = False, fill: str = "") -> bool:
        """Create a validated table, filled by a DuckDB query when one is given.

        Returns:
            Whether it was created; False when it exists and `quiet` is set.
        """
        self.database(table.database)
        if self.exists(table.database, table.name):
            if quiet:
                return False
            raise DorisError(f"Table '{table.name}' already exists", 1050)
        with self.store.transaction() as cursor:
            self.put_table(cursor, table)
            if fill:
                cursor.execute(f"INSERT INTO {full_name(table.database, table.name)} {fill}")
        self.tables[table.database, table.name] = table
        self.version += 1
        return True

    def put_table(self, cursor: duckdb.DuckDBPyConnection, table: Table) -> None:
        """Create the storage and the definition of a table within a transaction."""
        columns = ", ".join(column_ddl(c) for c in table.columns)
        cursor.execute(f"CREATE TABLE {full_name(table.database, table.name)} ({columns})")
        self.store.save(cursor, "table", table.database, table.name, table.as_dict())

    def change_table(self, table: Table, change: Callable[[duckdb.DuckDBPyConnection], Any]) -> None:
        """Carry out `change` on the storage and keep the new definition, both or neither."""
        with self.store.transaction() as cursor:
            change(cursor)
            self.store.save(cursor, "table", table.database, table.name, table.as_dict())
        self.tables[table.database, table.name] = table
        self.version += 1

    def drop_table(self, database: str, name: str, quiet: bool, *, kind: str = "table") -> None:
        """DROP TABLE or DROP MATERIALIZED VIEW."""
        is_view = (database, name) in self.materialized
        if (database, name) not in self.tables or is_view != (kind == "materialized_view"):
            if quiet and (database, name) not in self.tables:
                return
            raise DorisError(f"Unknown {kind.replace('_', ' ')} '{name}' in {database}", 1051)
        with self.store.transaction() as cursor:
            cursor.execute(f"DROP TABLE {full_name(database, name)}")
            self.store.forget(cursor, "table", database, name)
            self.store.forget(cursor, "materialized_view", database, name)
        self.tables.pop((database, name))
        self.materialized.pop((database, name), None)
        self.version += 1

    def create_view(self, view: View, *, quiet: bool, replace: bool) -> None:
        """CREATE VIEW; its query was checked before."""
        self.database(view.database)
        key = (view.database, view.name)
        if self.exists(*key) and not (replace and key in self.views):
            if quiet:
                return
            raise DorisError(f"Table '{view.name}' already exists", 1050)
        with self.store.transaction() as cursor:
            self.store.save(cursor, "view", view.database, view.name, vars(view))
        self.views[key] = view
        self.version += 1

    def drop_view(self, database: str, name: str, quiet: bool) -> None:
        """DROP VIEW."""
        if (database, name) not in self.views:
            if quiet:
                return
            raise DorisError(f"Unknown view '{name}' in {database}", 1051)
        with self.store.transaction() as cursor:
            self.store.forget(cursor, "view", database, name)
        self.views.pop((database, name))
        self.version += 1

    def save_materialized(self, view: MaterializedView) -> None:
        """Keep the definition and state of a materialized view."""
        with self.store.transaction() as cursor:
            self.store.save(cursor, "materialized_view", view.database, view.name, vars(view))
        self.materialized[view.database, view.name] = view


def column_ddl(column: Column) -> str:
    """The column in DuckDB's CREATE TABLE."""
    text = f"{quote(column.name)} {column.type.duckdb}"
    if column.default is not None:
        text += f" DEFAULT {default_expression(column)}"
    return text if column.nullable else text + " NOT NULL"


def default_expression(column: Column) -> str:
    """The default of a column as a DuckDB expression of its type."""
    default = column.default or "NULL"
    if default.startswith("CURRENT_TIMESTAMP"):
        digits = int(default[18:-1] or 0)
        unit = "second" if not digits else "millisecond" if digits <= 3 else "microsecond"
        return f"date_trunc('{unit}', now()::TIMESTAMP)"
    return f"CAST({default} AS {column.type.duckdb})"


def doris_type_of(duckdb_type: str) -> DorisType:
    """The Doris type for a column that a query produced, as CREATE MATERIALIZED VIEW derives it."""
    text = duckdb_type.upper()
    if text.endswith("[]"):
        return DorisType("ARRAY", (), doris_type_of(text[:-2]))
    if text.startswith("DECIMAL"):
        return type_from_text(text)
    known = {"INTEGER": "INT", "HUGEINT": "BIGINT", "UBIGINT": "BIGINT", "TIMESTAMP": "DATETIME(6)",
             "VARCHAR": "VARCHAR(65533)"}  # fmt: skip
    if text in ("BOOLEAN", "TINYINT", "SMALLINT", "BIGINT", "FLOAT", "DOUBLE", "DATE", "JSON"):
        return type_from_text(text)
    return type_from_text(known.get(text, "STRING"))
