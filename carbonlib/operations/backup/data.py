"""The parts of a backup that hold data: rows of Doris, and where Iceberg's tables point."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd
import pyarrow.parquet
from pyarrow import Table

from .parts import Entries, Files

if TYPE_CHECKING:
    from ...platform import Platform


class Rows:
    """Rows of tables of Doris, as Parquet, read by one query a table.

    It serves a Doris of any making. A table too large for that is backed up by Doris itself (`BACKUP SNAPSHOT … TO`
    a repository on S3), which the stand-in of the local target does not have.

    Args:
        database: whose tables.
        tables: their names.
    """

    name, kind, ignores = "rows", "table", ()

    def __init__(self, database: str, tables: Sequence[str]) -> None:
        self._database, self._tables = database, tables

    def take(self, platform: Platform, only: Collection[str] | None = None) -> tuple[Entries, Files]:
        """`{rows, columns, sum}` of each table; the rows stand in `rows/<table>.parquet`."""
        entries: Entries = {}
        files: Files = {}
        for name in (t for t in self._tables if only is None or t in only):
            frame = platform.doris_root.query(f"SELECT * FROM `{self._database}`.`{name}`")
            buffer = io.BytesIO()
            pyarrow.parquet.write_table(Table.from_pandas(frame, preserve_index=False), buffer)
            entries[name] = {"rows": len(frame), "columns": list(frame.columns), "sum": _sum(frame)}
            files[self._file(name)] = buffer.getvalue()
        return entries, files

    def _file(self, name: str) -> str:
        return f"{self.name}/{name}.parquet"

    def put(self, platform: Platform, name: str, value: Any, live: Any, file: Callable[[str], bytes]) -> None:
        """Load the rows once more: the tables keep one row a key, so those that are there are not doubled."""
        frame = pyarrow.parquet.read_table(io.BytesIO(file(self._file(name)))).to_pandas()
        rows = [{str(k): _given(v) for k, v in row.items()} for row in frame.to_dict("records")]
        if rows:
            platform.doris_root.stream_load(self._database, name, rows)


class Lake:
    """Where the catalog's tables point: the metadata file of each, and its text.

    The files that the metadata names are Iceberg's own and are never changed, so the pointer is the state of a table,
    as long as no maintenance has removed its snapshot.
    """

    name, kind, ignores = "lake", "iceberg", ()

    def take(self, platform: Platform, only: Collection[str] | None = None) -> tuple[Entries, Files]:
        """`{metadata, snapshot}` of each table; the metadata stands in `lake/<table>.json`."""
        entries: Entries = {}
        files: Files = {}
        for name in (t for t in platform.iceberg.tables if only is None or t in only):
            location, snapshot, text = platform.iceberg.pointer(name)
            entries[name] = {"metadata": location, "snapshot": snapshot}
            files[f"{self.name}/{name}.json"] = text
        return entries, files

    def put(self, platform: Platform, name: str, value: Any, live: Any, file: Callable[[str], bytes]) -> None:
        """Have the catalog name that metadata file again."""
        platform.iceberg.point(name, value["metadata"])


def _sum(frame: pd.DataFrame) -> str:
    """The same for the same rows in any order."""
    lines = sorted(json.dumps([str(v) for v in row]) for row in frame.itertuples(index=False))
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _given(value: Any) -> Any:
    return None if pd.isna(value) else value
