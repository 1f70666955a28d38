"""The Iceberg catalog: one JDBC catalog for Flink, the Connect sinks and Python, and the declared tables in it.

The catalog's name must be the same everywhere: a JDBC catalog keeps it beside each namespace, and under another name
none is seen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import psycopg
import yaml
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.exceptions import NoSuchTableError
from pyiceberg.table import Table
from pyiceberg.table.snapshots import Snapshot
from sqlalchemy.engine import URL
from sqlalchemy.exc import OperationalError

from .._errors import ApplyError, EngineError, TargetUnreachable, UsageError
from ..changes import Change, Plan
from .iceberg_tables import TableSpec, difference, evolve, load_tables


class Iceberg:
    """The catalog that a manifest declares, on a PostgreSQL server.

    Args:
        manifest: file with the catalog's name, database and tables.
        host, port, user, password: of the PostgreSQL server.
        warehouse: URI of the folder that holds the data files.
        storage: what PyIceberg needs to open it, as `ObjectStore.file_io` gives it; nothing for a local folder.
    """

    def __init__(
        self, manifest: Path, *, host: str, port: int, user: str, password: str, warehouse: str,
        storage: Mapping[str, str] | None = None,
    ) -> None:  # fmt: skip
        self._declared = yaml.safe_load(manifest.read_text(encoding="utf-8"))
        self.tables: dict[str, TableSpec] = load_tables(manifest)
        self._server: dict[str, Any] = {"host": host, "port": port, "user": user, "password": password}
        self._warehouse, self._storage = warehouse, dict(storage or {})
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
            properties = {"uri": address, "warehouse": self._warehouse, "pool_pre_ping": "true", **self._storage}
            self._catalog = SqlCatalog(self._declared["catalog"], **properties)
        return self._catalog

    def plan(self) -> Plan:
        """The database, the tables, and what of a live table differs from its declaration.

        Raises:
            UsageError: when a table cannot become what is declared.
        """
        if self._has_database():
            return Plan(change for spec in self.tables.values() for change in self._changes(spec))
        create = Change(f"database/{self.database}", "create", None, {}, self._create_database)
        return Plan([create, *(c for spec in self.tables.values() for c in self._changes(spec, absent=True))])

    def _changes(self, spec: TableSpec, *, absent: bool = False) -> list[Change]:
        table = None if absent else self._table(spec.name)
        if table is None:
            return [Change(f"iceberg/{spec.name}", "create", None, spec.facts(), partial(self._create, spec))]
        before, after = difference(spec, table)
        change = partial(self._evolve, spec)
        return [Change(f"iceberg/{spec.name}", "update", before, after, change)] if after else []

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

    def _create(self, spec: TableSpec) -> None:
        self.catalog.create_namespace_if_not_exists(spec.name.rpartition(".")[0])
        self.catalog.create_table(
            spec.name, spec.schema, partition_spec=spec.partition_spec, properties=dict(spec.properties)
        )

    def _evolve(self, spec: TableSpec) -> None:
        evolve(spec, self._existing(spec.name))

    def _existing(self, name: str) -> Table:
        table = self._table(name)
        if table is None:
            raise EngineError(f"The Iceberg table {name} does not exist.", notebook="deploy-50")
        return table

    def row_counts(self) -> dict[str, int | None]:
        """Rows of each declared table by its newest snapshot, None for a table that is not there."""
        if not self._has_database():
            return dict.fromkeys(self.tables)
        tables = {name: self._table(name) for name in self.tables}
        return {name: None if table is None else _count(table) for name, table in tables.items()}

    def file_sizes(self) -> dict[str, tuple[int, int]]:
        """Rows, and bytes of the data files that hold them, of each declared table that is there."""
        tables = {name: self._table(name) for name in self.tables} if self._has_database() else {}
        return {name: (_count(table), _bytes(table)) for name, table in tables.items() if table is not None}

    def pointer(self, name: str) -> tuple[str, int | None, bytes]:
        """The metadata file that the catalog names for a table, its current snapshot, and the text of the file."""
        table = self._existing(name)
        with table.io.new_input(table.metadata_location).open() as file:
            text = bytes(file.read())
        snapshot = table.current_snapshot()
        return table.metadata_location, snapshot.snapshot_id if snapshot else None, text

    def point(self, name: str, location: str) -> None:
        """Have the catalog name another metadata file of a table; no file of the table is touched.

        Raises:
            ApplyError: there is no such file.
        """
        from pyiceberg.io import load_file_io

        if not load_file_io(location=location).new_input(location).exists():
            raise ApplyError(
                f"{location} is not there any more, so {name} cannot be what it was.",
                remedy="Maintenance has removed it: take a younger backup.",
            )
        if self._table(name) is not None:
            self.catalog.drop_table(name)  # forgets the pointer, and keeps every file
        self.catalog.register_table(name, location)

    def rows(self, name: str, columns: Sequence[str] = ("*",)) -> pd.DataFrame:
        """Every row of a table, in no order; all columns, or those that are named."""
        return self._existing(name).scan(selected_fields=tuple(columns)).to_pandas()

    def newest(self, name: str) -> pd.DataFrame:
        """The rows that count in a table of changes: of each key the one of the highest version, unless it is deleted.

        Raises:
            UsageError: when the table is not declared to be a log of changes.
        """
        log = self.tables[name].log if name in self.tables else None
        if log is None:
            raise UsageError(f"{name} is not declared as a log of changes.", remedy="Say so in the catalog's manifest.")
        ordered = self.rows(name).sort_values([log.version, log.position], na_position="first")
        frame = ordered.drop_duplicates(log.key, keep="last")
        return frame[~frame[log.deleted].fillna(False).astype(bool)].sort_values(log.key, ignore_index=True)

    def snapshots(self, name: str) -> pd.DataFrame:
        """The commits of a table, oldest first: when, rows and files added, rows and files since the beginning."""
        kept = self._existing(name).metadata.snapshots
        rows = [[pd.Timestamp(s.timestamp_ms, unit="ms", tz="UTC"), *_summed(s)] for s in kept]
        columns = ["committed_at", "rows_added", "files_added", "rows", "files"]
        return pd.DataFrame(rows, columns=columns).sort_values("committed_at", ignore_index=True)


def _count(table: Table) -> int:
    """Rows as the newest commit has added them up: to count them anew reads every manifest."""
    snapshot = table.current_snapshot()
    return 0 if snapshot is None else _summed(snapshot)[2]


def _bytes(table: Table) -> int:
    snapshot = table.current_snapshot()
    summary = snapshot.summary.additional_properties if snapshot and snapshot.summary else {}
    return int(summary.get("total-files-size", 0))


def _summed(snapshot: Snapshot) -> list[int]:
    summary = snapshot.summary.additional_properties if snapshot.summary else {}
    return [
        int(summary.get(name, 0)) for name in ("added-records", "added-data-files", "total-records", "total-data-files")
    ]
