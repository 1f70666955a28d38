"""The tables of `information_schema` that MySQL clients read, made for each query from the catalog.

Only what the asking user has a privilege on is listed. A table that is not in the list is an error, not an empty set.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import duckdb

from .access import Access
from .catalog import FOREIGN_SCHEMAS, Catalog
from .errors import unknown_table
from .model import Table
from .storage import literal
from .translate import INFORMATION_PREFIX, INFORMATION_SCHEMA

Sees = Callable[[str, str], bool]
_TEXT_COLUMNS = {
    "schemata": "CATALOG_NAME SCHEMA_NAME DEFAULT_CHARACTER_SET_NAME DEFAULT_COLLATION_NAME SQL_PATH",
    "views": "TABLE_CATALOG TABLE_SCHEMA TABLE_NAME VIEW_DEFINITION CHECK_OPTION IS_UPDATABLE DEFINER SECURITY_TYPE "
    "CHARACTER_SET_CLIENT COLLATION_CONNECTION",
    "engines": "ENGINE SUPPORT COMMENT TRANSACTIONS XA SAVEPOINTS",
    "character_sets": "CHARACTER_SET_NAME DEFAULT_COLLATE_NAME DESCRIPTION MAXLEN",
    "collations": "COLLATION_NAME CHARACTER_SET_NAME ID IS_DEFAULT IS_COMPILED SORTLEN",
    "key_column_usage": "CONSTRAINT_CATALOG CONSTRAINT_SCHEMA CONSTRAINT_NAME TABLE_CATALOG TABLE_SCHEMA TABLE_NAME "
    "COLUMN_NAME ORDINAL_POSITION POSITION_IN_UNIQUE_CONSTRAINT REFERENCED_TABLE_SCHEMA REFERENCED_TABLE_NAME "
    "REFERENCED_COLUMN_NAME",
    "table_constraints": "CONSTRAINT_CATALOG CONSTRAINT_SCHEMA CONSTRAINT_NAME TABLE_SCHEMA TABLE_NAME CONSTRAINT_TYPE",
    "referential_constraints": "CONSTRAINT_CATALOG CONSTRAINT_SCHEMA CONSTRAINT_NAME UNIQUE_CONSTRAINT_CATALOG "
    "UNIQUE_CONSTRAINT_SCHEMA UNIQUE_CONSTRAINT_NAME MATCH_OPTION UPDATE_RULE DELETE_RULE TABLE_NAME "
    "REFERENCED_TABLE_NAME",
    "statistics": "TABLE_CATALOG TABLE_SCHEMA TABLE_NAME NON_UNIQUE INDEX_SCHEMA INDEX_NAME SEQ_IN_INDEX COLUMN_NAME "
    "COLLATION CARDINALITY SUB_PART PACKED NULLABLE INDEX_TYPE COMMENT",
    "routines": "SPECIFIC_NAME ROUTINE_CATALOG ROUTINE_SCHEMA ROUTINE_NAME ROUTINE_TYPE DTD_IDENTIFIER ROUTINE_BODY "
    "ROUTINE_DEFINITION ROUTINE_COMMENT DEFINER IS_DETERMINISTIC SQL_DATA_ACCESS SECURITY_TYPE CREATED LAST_ALTERED",
    "parameters": "SPECIFIC_CATALOG SPECIFIC_SCHEMA SPECIFIC_NAME ORDINAL_POSITION PARAMETER_MODE PARAMETER_NAME "
    "DATA_TYPE",
    "triggers": "TRIGGER_CATALOG TRIGGER_SCHEMA TRIGGER_NAME EVENT_MANIPULATION EVENT_OBJECT_SCHEMA EVENT_OBJECT_TABLE "
    "ACTION_STATEMENT ACTION_TIMING",
    "events": "EVENT_CATALOG EVENT_SCHEMA EVENT_NAME DEFINER STATUS",
    "user_privileges": "GRANTEE TABLE_CATALOG PRIVILEGE_TYPE IS_GRANTABLE",
    "schema_privileges": "GRANTEE TABLE_CATALOG TABLE_SCHEMA PRIVILEGE_TYPE IS_GRANTABLE",
    "table_privileges": "GRANTEE TABLE_CATALOG TABLE_SCHEMA TABLE_NAME PRIVILEGE_TYPE IS_GRANTABLE",
}
_TYPED = {
    "tables": "TABLE_CATALOG VARCHAR, TABLE_SCHEMA VARCHAR, TABLE_NAME VARCHAR, TABLE_TYPE VARCHAR, ENGINE VARCHAR, "
    "VERSION BIGINT, ROW_FORMAT VARCHAR, TABLE_ROWS BIGINT, AVG_ROW_LENGTH BIGINT, DATA_LENGTH BIGINT, "
    "MAX_DATA_LENGTH BIGINT, INDEX_LENGTH BIGINT, DATA_FREE BIGINT, AUTO_INCREMENT BIGINT, CREATE_TIME TIMESTAMP, "
    "UPDATE_TIME TIMESTAMP, CHECK_TIME TIMESTAMP, TABLE_COLLATION VARCHAR, CHECKSUM BIGINT, CREATE_OPTIONS VARCHAR, "
    "TABLE_COMMENT VARCHAR",
    "columns": "TABLE_CATALOG VARCHAR, TABLE_SCHEMA VARCHAR, TABLE_NAME VARCHAR, COLUMN_NAME VARCHAR, "
    "ORDINAL_POSITION BIGINT, COLUMN_DEFAULT VARCHAR, IS_NULLABLE VARCHAR, DATA_TYPE VARCHAR, "
    "CHARACTER_MAXIMUM_LENGTH BIGINT, CHARACTER_OCTET_LENGTH BIGINT, NUMERIC_PRECISION BIGINT, NUMERIC_SCALE BIGINT, "
    "DATETIME_PRECISION BIGINT, CHARACTER_SET_NAME VARCHAR, COLLATION_NAME VARCHAR, COLUMN_TYPE VARCHAR, "
    "COLUMN_KEY VARCHAR, EXTRA VARCHAR, PRIVILEGES VARCHAR, COLUMN_COMMENT VARCHAR, COLUMN_SIZE BIGINT, "
    "DECIMAL_DIGITS BIGINT, GENERATION_EXPRESSION VARCHAR, SRS_ID BIGINT",
}
_PRECISION = {"TINYINT": 3, "SMALLINT": 5, "INT": 10, "BIGINT": 19, "LARGEINT": 39, "FLOAT": 7, "DOUBLE": 15}


def offered() -> list[str]:
    """Names of the tables that can be read."""
    return sorted([*_TYPED, *_TEXT_COLUMNS])


class InformationSchema:
    """Builds the tables."""

    def __init__(self, catalog: Catalog, access: Access) -> None:
        self.catalog, self.access = catalog, access

    def refresh(self, cursor: duckdb.DuckDBPyConnection, names: Iterable[str], sees: Sees) -> None:
        """Make the named tables anew as temporary tables of the connection.

        Raises:
            DorisError: for a table that is not offered.
        """
        for name in names:
            if name not in _TYPED and name not in _TEXT_COLUMNS:
                raise unknown_table(INFORMATION_SCHEMA, name)
            columns = _TYPED.get(name) or ", ".join(f'"{c}" VARCHAR' for c in _TEXT_COLUMNS[name].split())
            target = f'temp.main."{INFORMATION_PREFIX}{name}"'
            cursor.execute(f"CREATE OR REPLACE TEMP TABLE {target} ({columns})")
            rows = self._rows(name, cursor, sees)
            if rows:
                values = ", ".join("(" + ", ".join(map(_value, row)) + ")" for row in rows)
                cursor.execute(f"INSERT INTO {target} VALUES {values}")

    def _rows(self, name: str, cursor: duckdb.DuckDBPyConnection, sees: Sees) -> list[Sequence[Any]]:
        if name == "tables":
            return self._tables(cursor, sees)
        if name == "columns":
            return [row for table in self._seen_tables(sees) for row in _columns(table)]
        if name == "schemata":
            names = [d for d in self.catalog.databases if sees(d, "")] + sorted(FOREIGN_SCHEMAS - {"__internal_schema"})
            return [["internal", n, "utf8mb4", "utf8mb4_0900_bin", None] for n in sorted(names)]
        if name == "views":
            found = [v for v in self.catalog.views.values() if sees(v.database, v.name)]
            return [["internal", v.database, v.name, v.query, "NONE", "NO", "root@%", "DEFINER", "utf8mb4",
                     "utf8mb4_0900_bin"] for v in found]  # fmt: skip
        if name in ("key_column_usage", "table_constraints"):
            return self._constraints(name, sees)
        if name.endswith("_privileges"):
            return self._privileges(name)
        fixed: dict[str, list[Sequence[Any]]] = {
            "engines": [["OLAP", "DEFAULT", "stored in DuckDB", "NO", "NO", "NO"]],
            "character_sets": [["utf8mb4", "utf8mb4_0900_bin", "UTF-8 Unicode", "4"]],
            "collations": [["utf8mb4_0900_bin", "utf8mb4", "309", "Yes", "Yes", "1"]],
        }
        return fixed.get(name, [])

    def _seen_tables(self, sees: Sees) -> list[Table]:
        return [t for key, t in sorted(self.catalog.tables.items()) if sees(*key)]

    def _tables(self, cursor: duckdb.DuckDBPyConnection, sees: Sees) -> list[Sequence[Any]]:
        counted = cursor.execute("SELECT schema_name, table_name, estimated_size FROM duckdb_tables()").fetchall()
        sizes = {(schema, name): size for schema, name, size in counted}
        rows: list[Sequence[Any]] = []
        for table in self._seen_tables(sees):
            size = sizes.get((table.database, table.name), 0)
            rows.append(["internal", table.database, table.name, "BASE TABLE", "Doris", None, None, size, 0, 0, None,
                         None, None, None, table.created, None, None, "utf8mb4_0900_bin", None, "partitioned",
                         table.comment])  # fmt: skip
        for view in self.catalog.views.values():
            if sees(view.database, view.name):
                rows.append(["internal", view.database, view.name, "VIEW", None, *[None] * 12, "utf8mb4_0900_bin",
                             None, None, view.comment or "VIEW"])  # fmt: skip
        return rows

    def _constraints(self, name: str, sees: Sees) -> list[Sequence[Any]]:
        rows: list[Sequence[Any]] = []
        for table in self._seen_tables(sees):
            if table.model != "UNIQUE":
                continue
            head = ["internal", table.database, "PRIMARY"]
            if name == "table_constraints":
                rows.append([*head, table.database, table.name, "PRIMARY KEY"])
            else:
                rows += [[*head, "internal", table.database, table.name, key, place, None, None, None, None]
                         for place, key in enumerate(table.keys, 1)]  # fmt: skip
        return rows

    def _privileges(self, name: str) -> list[Sequence[Any]]:
        rows: list[Sequence[Any]] = []
        for user in self.access.users:
            for scope, privileges in self.access.held(user).items():
                database, table = scope.split(".", 1)
                level = "user" if database == "*" else "schema" if table == "*" else "table"
                if not name.startswith(level):
                    continue
                place = {"user": [], "schema": [database], "table": [database, table]}[level]
                rows += [[f"'{user}'@'%'", "internal", *place, p, "NO"] for p in sorted(privileges)]
        return rows


def column_size(table: Table, name: str) -> tuple[int | None, int | None, int | None]:
    """Numeric precision, numeric scale and digits of a second of a column."""
    column = table.column(name)
    kind = column.type if column else None
    if kind is None:
        return None, None, None
    if kind.name == "DECIMAL":
        return kind.args[0], kind.args[1], None
    if kind.name == "DATETIME":
        return None, None, kind.args[0]
    return _PRECISION.get(kind.name), 0 if kind.name in _PRECISION else None, None


def column_key(table: Table, name: str) -> str:
    """`column_key` as Doris gives it: UNI, DUP or AGG for key columns."""
    if name not in table.keys:
        return ""
    return {"UNIQUE": "UNI", "DUPLICATE": "DUP", "AGGREGATE": "AGG"}[table.model]


def _columns(table: Table) -> list[Sequence[Any]]:
    rows: list[Sequence[Any]] = []
    for place, column in enumerate(table.columns, 1):
        precision, scale, digits = column_size(table, column.name)
        length = column.type.max_bytes if column.type.is_text else None
        charset = ("utf8mb4", "utf8mb4_0900_bin") if column.type.is_text else (None, None)
        rows.append([
            "internal", table.database, table.name, column.name, place, default_text(column.default),
            "YES" if column.nullable else "NO", column.type.data_type, length, length, precision, scale, digits,
            *charset, column.type.column_type, column_key(table, column.name), "", "", column.comment,
            precision if precision is not None else length, scale, None, None,
        ])  # fmt: skip
    return rows


def default_text(default: str | None) -> str | None:
    """A default as clients show it: without quotation marks."""
    if default is None:
        return None
    if default.startswith("CURRENT_TIMESTAMP"):
        return default.replace("(0)", "")
    return default[1:-1].replace("''", "'") if default.startswith("'") else default


def _value(value: Any) -> str:
    if value is None:
        return "NULL"
    return str(value) if isinstance(value, int) else literal(str(value))
