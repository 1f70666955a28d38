"""The Iceberg catalog: one JDBC catalog for Flink, the Connect sink and Python, and the dimension table in it.

The catalog's name must be the same everywhere: a JDBC catalog keeps it beside each namespace, and under another name
none is seen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import psycopg
import pyarrow as pa
import yaml
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.exceptions import NoSuchTableError
from pyiceberg.schema import Schema
from pyiceberg.table import Table
from pyiceberg.types import BooleanType, NestedField, PrimitiveType, StringType, TimestamptzType
from sqlalchemy.engine import URL
from sqlalchemy.exc import OperationalError

from .._errors import EngineError, TargetUnreachable
from ..changes import Change, Plan

TYPES: dict[str, tuple[PrimitiveType, pa.DataType]] = {
    "string": (StringType(), pa.string()),
    "boolean": (BooleanType(), pa.bool_()),
    "timestamptz": (TimestamptzType(), pa.timestamp("us", tz="UTC")),
}


class Iceberg:
    """The catalog that a manifest declares, on a PostgreSQL server.

    Args:
        manifest: file with the catalog's name, database and tables.
        host, port, user, password: of the PostgreSQL server.
        warehouse: URI of the folder that holds the data files.
    """

    def __init__(self, manifest: Path, *, host: str, port: int, user: str, password: str, warehouse: str) -> None:
        self._declared = yaml.safe_load(manifest.read_text(encoding="utf-8"))
        self._folder = manifest.parent
        self._server: dict[str, Any] = {"host": host, "port": port, "user": user, "password": password}
        self._warehouse = warehouse
        self._catalog: SqlCatalog | None = None

    @property
    def database(self) -> str:
        """The PostgreSQL database that keeps the catalog."""
        return str(self._declared["database"])

    def _connect(self, database: str) -> psycopg.Connection[Any]:
        try:
            return psycopg.connect(**self._server, dbname=database, autocommit=True, connect_timeout=5)
        except psycopg.OperationalError as error:
            raise TargetUnreachable("PostgreSQL does not answer.", cause=str(error), notebook="deploy-50") from error

    def reachable(self) -> bool:
        """Whether PostgreSQL answers."""
        try:
            self._connect("postgres").close()
        except TargetUnreachable:
            return False
        return True

    @property
    def catalog(self) -> SqlCatalog:
        """PyIceberg's view of the catalog."""
        if self._catalog is None:
            uri = URL.create(
                "postgresql+psycopg",
                username=self._server["user"], password=self._server["password"],
                host=self._server["host"], port=self._server["port"], database=self.database,
            )  # fmt: skip
            address = uri.render_as_string(hide_password=False)
            # A connection that PostgreSQL lost, as at its restart, is replaced before it is used.
            properties = {"uri": address, "warehouse": self._warehouse, "pool_pre_ping": "true"}
            self._catalog = SqlCatalog(self._declared["catalog"], **properties)
        return self._catalog

    def plan(self) -> Plan:
        """The database, the tables, and the rows of the dimension that differ from the file."""
        changes = (
            []
            if self._has_database()
            else [Change(f"database/{self.database}", "create", None, {}, self._create_database)]
        )
        for name, spec in self._declared["tables"].items():
            table = None if changes else self._table(name)
            if table is None:
                changes.append(
                    Change(f"iceberg/{name}", "create", None, dict(spec["columns"]), partial(self._create, name))
                )
            if "rows" in spec:
                changes += self._rows_change(name, table)
        return Plan(changes)

    def _has_database(self) -> bool:
        with self._connect("postgres") as connection:
            row = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (self.database,)).fetchone()
        return row is not None

    def _create_database(self) -> None:
        with self._connect("postgres") as connection:
            connection.execute(psycopg.sql.SQL("CREATE DATABASE {}").format(psycopg.sql.Identifier(self.database)))

    def _table(self, name: str) -> Table | None:
        try:
            return self.catalog.load_table(name)
        except NoSuchTableError:
            return None
        except OperationalError as error:
            raise TargetUnreachable(
                "The Iceberg catalog does not answer.", cause=str(error.orig), notebook="deploy-50"
            ) from error

    def _create(self, name: str) -> None:
        columns = self._declared["tables"][name]["columns"]
        required = set(self._declared["tables"][name].get("required", []))
        fields = [
            NestedField(i, column, TYPES[kind][0], required=column in required)
            for i, (column, kind) in enumerate(columns.items(), start=1)
        ]
        self.catalog.create_namespace_if_not_exists(name.split(".")[0])
        self.catalog.create_table(name, Schema(*fields))

    def _rows_change(self, name: str, table: Table | None) -> list[Change]:
        wanted = self._file_rows(name)
        key = self._declared["tables"][name]["key"]
        live = {} if table is None else self._newest(table, key)
        differing = [row for row in wanted if {k: live.get(row[key], {}).get(k) for k in row} != row]
        if not differing:
            return []
        codes = ", ".join(str(row[key]) for row in differing)
        return [
            Change(
                f"rows/{name}",
                "create" if not live else "update",
                None,
                {"codes": codes},
                lambda: self.append(name, differing),
            )
        ]

    def _file_rows(self, name: str) -> list[dict[str, Any]]:
        path = self._folder / self._declared["tables"][name]["rows"]
        frame = pd.read_csv(path, comment="#", dtype=str, keep_default_na=False)
        return [dict(row) for row in frame.to_dict("records")]

    def _newest(self, table: Table, key: str) -> dict[str, dict[str, Any]]:
        """The newest row of each key: the table is a log of changes."""
        frame = table.scan().to_pandas().sort_values("updated_at", kind="stable")
        return {row[key]: row for row in frame.to_dict("records") if not row["deleted"]}

    def append(self, name: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """Append rows to a change-log table; `updated_at` is now and `deleted` false where a row does not say.

        Raises:
            EngineError: when the table does not exist.
        """
        table = self._table(name)
        if table is None:
            raise EngineError(f"The Iceberg table {name} does not exist.", notebook="deploy-50")
        now = datetime.now(UTC)
        full = [{"updated_at": now, "deleted": False, **row} for row in rows]
        columns = self._declared["tables"][name]["columns"]
        required = set(self._declared["tables"][name].get("required", []))
        schema = pa.schema([pa.field(c, TYPES[t][1], nullable=c not in required) for c, t in columns.items()])
        table.append(pa.Table.from_pylist(full, schema=schema))

    def row_counts(self) -> dict[str, int | None]:
        """Rows of each declared table, None for a table that is not there."""
        if not self._has_database():
            return dict.fromkeys(self._declared["tables"])
        tables = {name: self._table(name) for name in self._declared["tables"]}
        return {name: None if t is None else t.scan().count() for name, t in tables.items()}

    def rows(self, name: str) -> pd.DataFrame:
        """Every row of a table, in no order."""
        table = self._table(name)
        if table is None:
            raise EngineError(f"The Iceberg table {name} does not exist.", notebook="deploy-50")
        return table.scan().to_pandas()
