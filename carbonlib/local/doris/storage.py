"""The DuckDB file behind the endpoint: one writer at a time, readers never wait.

Objects (tables, users, loads …) are rows of `__doris.objects` in the same file, written in the same transaction as
what they describe, so that a kill at any moment leaves both or neither.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb

CATALOG = "store"
SYSTEM_SCHEMA = "__doris"
RESERVED = frozenset({"main", "temp", "pg_catalog", "system", SYSTEM_SCHEMA, CATALOG})

_BOOTSTRAP = f"""
CREATE SCHEMA IF NOT EXISTS {SYSTEM_SCHEMA};
CREATE TABLE IF NOT EXISTS {SYSTEM_SCHEMA}.objects(kind VARCHAR, database VARCHAR, name VARCHAR, body VARCHAR);
CREATE TABLE IF NOT EXISTS {SYSTEM_SCHEMA}.transactions(
    id BIGINT, database VARCHAR, tbl VARCHAR, label VARCHAR, status VARCHAR, rows BIGINT, columns VARCHAR,
    staged VARCHAR, source VARCHAR, began TIMESTAMP, ended TIMESTAMP, reason VARCHAR);
CREATE TABLE IF NOT EXISTS {SYSTEM_SCHEMA}.offsets(database VARCHAR, job VARCHAR, partition INTEGER, next BIGINT);
CREATE SEQUENCE IF NOT EXISTS {SYSTEM_SCHEMA}.ids START 10001;
"""


def quote(name: str) -> str:
    """A name as a DuckDB identifier."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A text as a DuckDB string literal."""
    return "'" + text.replace("'", "''") + "'"


def full_name(database: str, name: str) -> str:
    """The DuckDB name of a Doris table."""
    return f"{CATALOG}.{quote(database)}.{quote(name)}"


class Store:
    """The open database file."""

    def __init__(self, folder: Path, *, memory_limit: str = "1GB", threads: int = 2) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.staging = folder / "staged"
        self.scratch = folder / "scratch"
        for place in (self.staging, self.scratch):
            place.mkdir(exist_ok=True)
        for leftover in self.scratch.iterdir():
            leftover.unlink()
        self.path = folder / f"{CATALOG}.duckdb"
        self._root = duckdb.connect(
            str(self.path),
            config={
                "threads": threads,
                "memory_limit": memory_limit,
                "temp_directory": str(folder / "spill"),
                "autoinstall_known_extensions": False,
                "autoload_known_extensions": False,
            },
        )
        # A larger log means fewer stalls while loading; at 64 MB it is still replayed in well under two seconds.
        self._root.execute("SET checkpoint_threshold = '64MB'")
        self._root.execute("SET GLOBAL TimeZone = 'UTC'")
        self._root.execute(_BOOTSTRAP)
        self.lock = threading.RLock()
        self._local = threading.local()

    def cursor(self) -> duckdb.DuckDBPyConnection:
        """The connection of the calling thread."""
        found: duckdb.DuckDBPyConnection | None = getattr(self._local, "cursor", None)
        if found is None:
            found = self._local.cursor = self._root.cursor()
        return found

    @contextmanager
    def transaction(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A write transaction on the thread's connection; only one exists at a time."""
        with self.lock:
            cursor = self.cursor()
            cursor.execute("BEGIN TRANSACTION")
            try:
                yield cursor
            except BaseException:
                cursor.execute("ROLLBACK")
                raise
            cursor.execute("COMMIT")

    def next_id(self) -> int:
        """A number that no transaction or job had before."""
        row = self.cursor().execute(f"SELECT nextval('{SYSTEM_SCHEMA}.ids')").fetchone()
        assert row is not None
        return int(row[0])

    def objects(self, kind: str) -> list[dict[str, Any]]:
        """The stored definitions of one kind."""
        found = self.cursor().execute(f"SELECT body FROM {SYSTEM_SCHEMA}.objects WHERE kind = ?", [kind]).fetchall()
        return [json.loads(body) for (body,) in found]

    def save(self, cursor: duckdb.DuckDBPyConnection, kind: str, database: str, name: str, body: Any) -> None:
        """Write one definition within a transaction."""
        self.forget(cursor, kind, database, name)
        cursor.execute(
            f"INSERT INTO {SYSTEM_SCHEMA}.objects VALUES (?, ?, ?, ?)", [kind, database, name, json.dumps(body)]
        )

    def forget(self, cursor: duckdb.DuckDBPyConnection, kind: str, database: str, name: str) -> None:
        """Remove one definition within a transaction."""
        cursor.execute(
            f"DELETE FROM {SYSTEM_SCHEMA}.objects WHERE kind = ? AND database = ? AND name = ?", [kind, database, name]
        )

    def close(self) -> None:
        """Write everything to the file and let go of it."""
        with self.lock:
            self._root.execute("CHECKPOINT")
            self._root.close()
