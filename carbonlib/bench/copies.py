"""A table against its copy in another database, row by row, and how long the copy takes to follow."""

from __future__ import annotations

import math
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from ..clients.databases import Database
from ..waiting import seconds as as_seconds
from .figures import percentile_curves
from .log import until
from .samples import Latencies, percentiles

KINDS = ("insert", "update", "delete")
LOOK_EVERY = 0.02
COLUMNS = ["key", "column", "source", "copy"]


@dataclass(frozen=True)
class Table:
    """A table of a database."""

    database: Database
    name: str

    @property
    def key(self) -> str:
        """The column of its primary key."""
        return self.database.primary_key(self.name)[0]

    def rows(self) -> dict[str, dict[str, Any]]:
        """Its rows by their keys, values in one writing for all databases."""
        key = self.key
        found = self.database.rows(f"SELECT * FROM {self.name}")
        return {str(row[key]): {name: _plain(value) for name, value in row.items()} for row in found}


def copy_differences(source: Table, copy: Table) -> pd.DataFrame:
    """What differs, one row a value; a row that is only on one side is one difference, of the column `(row)`."""
    left, right = source.rows(), copy.rows()
    found: list[list[Any]] = []
    for key in sorted({*left, *right}):
        if key not in left or key not in right:
            found.append([key, "(row)", *("there" if key in side else "missing" for side in (left, right))])
        else:
            names = [name for name in left[key] if left[key][name] != right[key].get(name)]
            found += [[key, name, left[key][name], right[key].get(name)] for name in names]
    return pd.DataFrame(found, columns=COLUMNS, dtype=object)


def wait_for_copy(source: Table, copy: Table, timeout: str | float = "1 min") -> pd.DataFrame:
    """Wait until the copy equals its source; what still differs when time is up, which is nothing when it does."""
    return until(lambda: copy_differences(source, copy), lambda differing: not len(differing), timeout)


@dataclass(frozen=True)
class CopiedChanges:
    """How the copy followed marked rows.

    Args:
        changes: one row a change: key, kind, and the seconds from its commit to the copy showing it (NaN: never).
    """

    changes: pd.DataFrame

    @property
    def missing(self) -> list[str]:
        """Changes that the copy never showed, as `key kind`."""
        return list((self.changes["key"] + " " + self.changes["kind"])[self.changes["seconds"].isna()])

    @property
    def legs(self) -> list[Latencies]:
        """The latencies of each kind of change."""
        found = []
        for kind in KINDS:
            taken = self.changes[(self.changes["kind"] == kind) & self.changes["seconds"].notna()]["seconds"]
            found.append(
                Latencies(kind, taken.to_numpy(dtype=np.float64) * 1000, np.arange(len(taken), dtype=np.float64))
            )
        return found

    def percentiles(self) -> pd.DataFrame:
        """Percentiles by kind of change, in milliseconds."""
        return percentiles(self.legs)

    def plot(self) -> go.Figure:
        """Latency by percentile, one curve a kind of change."""
        return percentile_curves(self.legs)


def follow_copy(
    source: Table, copy: Table, *, row: Mapping[str, Any], changed: Mapping[str, Any], rows: int = 40,
    timeout: str | float = "10 s",
) -> CopiedChanges:  # fmt: skip
    """Insert, update and delete marked rows of the source one after the other, each until the copy shows it.

    Args:
        source: where the rows are written.
        copy: where they are looked for.
        row: the columns of a marked row besides its key.
        changed: the columns that the update changes, and their new values.
        rows: how many.
        timeout: how long to wait for each change.
    """
    prefix, key, limit = f"TEST-COPY-{uuid.uuid4().hex[:6].upper()}", source.key, as_seconds(timeout)
    steps: list[tuple[str, Mapping[str, Any] | None]] = [
        ("insert", row), ("update", {**row, **changed}), ("delete", None)
    ]  # fmt: skip
    found: list[list[Any]] = []
    for name in (f"{prefix}-{i}" for i in range(rows)):
        taken = 0.0
        try:
            for kind, wanted in steps:
                if wanted is not None:
                    committed = source.database.upsert(source.name, [{key: name, **wanted}])
                else:
                    committed = source.database.delete(source.name, {key: name})
                # After a change that never came, the next one proves nothing: a row that was never there looks deleted.
                taken = taken if math.isnan(taken) else _shown(copy, name, wanted, committed, limit)
                found.append([name, kind, taken])
        finally:
            source.database.delete(source.name, {key: name})
    return CopiedChanges(pd.DataFrame(found, columns=["key", "kind", "seconds"]))


def _shown(copy: Table, key: str, wanted: Mapping[str, Any] | None, committed: datetime, limit: float) -> float:
    """Seconds from the commit until the copy shows the row as wanted; NaN where it does not in time."""
    sql = f"SELECT * FROM {copy.name} WHERE {copy.key} = %s"
    while (passed := (datetime.now(UTC) - committed).total_seconds()) < limit:
        live = copy.database.rows(sql, [key])
        passed = (datetime.now(UTC) - committed).total_seconds()
        if wanted is None and not live:
            return passed
        if wanted is not None and live and all(_text(live[0][n]) == _text(v) for n, v in wanted.items()):
            return passed
        time.sleep(LOOK_EVERY)
    return float("nan")


def _plain(value: Any) -> Any:
    """A value in one writing: MariaDB has no booleans and keeps times without a zone, which are UTC here."""
    if isinstance(value, bool):
        return int(value)
    return value.replace(tzinfo=UTC) if isinstance(value, datetime) and value.tzinfo is None else value


def _text(value: Any) -> str:
    return str(_plain(value))
