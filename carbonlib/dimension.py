"""The dimension: an Iceberg table of changes that must show the rows of the PostgreSQL table it follows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from ._errors import EngineError
from .clients.iceberg_tables import TableSpec
from .waiting import wait_until

if TYPE_CHECKING:
    from .platform import Platform

COLUMNS = ["table", "key", "column", "source", "dimension"]


def wait_for_dimension(platform: Platform, timeout: str | float = "2 min") -> pd.DataFrame:
    """Wait until every row of each source table is the newest one in its Iceberg table, and no other is live there.

    Returns:
        The live rows of the tables that follow a source.

    Raises:
        WaitTimeout: naming the first rows that differ.
    """

    def equal() -> bool:
        differing = dimension_differences(platform)
        if len(differing):
            first = [
                f"{d.key} {d.column}: {d.source} in PostgreSQL, {d.dimension} here"
                for d in differing.head(3).itertuples()
            ]
            raise EngineError(f"{differing['key'].nunique()} rows differ.", cause="; ".join(first))
        return True

    wait_until(
        equal, what="The dimension showing the rows of PostgreSQL", timeout=timeout, every=1.0, notebook="deploy-60",
        remedy="Look at the state of the connectors between the two, and at the dead letters of the sink.",
    )  # fmt: skip
    return pd.concat([platform.iceberg.newest(spec.name) for spec in _following(platform)], ignore_index=True)


def dimension_differences(platform: Platform) -> pd.DataFrame:
    """What differs between the source tables and the live rows of the Iceberg tables that follow them.

    One row a value; a row that is only on one side is one difference, of the column `(row)`. When a row changed is not
    compared: the two sides take it from different clocks.
    """
    found = [
        [spec.name, *difference]
        for spec in _following(platform)
        for difference in _differences(
            spec, platform.postgres.query(f"SELECT * FROM {spec.source}"), platform.iceberg.newest(spec.name)
        )
    ]
    return pd.DataFrame(found, columns=COLUMNS, dtype=object)


def _following(platform: Platform) -> list[TableSpec]:
    return [spec for spec in platform.iceberg.tables.values() if spec.source and spec.log]


def _differences(spec: TableSpec, source: pd.DataFrame, dimension: pd.DataFrame) -> list[list[Any]]:
    if spec.log is None:
        return []
    described = [f.name for f in spec.fields if f.name not in vars(spec.log).values()]
    left, right = _by_key(source, spec.log.key), _by_key(dimension, spec.log.key)
    found: list[list[Any]] = []
    for key in sorted({*left, *right}):
        if key not in left or key not in right:
            found.append([key, "(row)", *("there" if key in side else "missing" for side in (left, right))])
            continue
        pairs = [(column, left[key].get(column), right[key].get(column)) for column in described]
        found += [[key, column, a, b] for column, a, b in pairs if not _same(a, b)]
    return found


def _by_key(frame: pd.DataFrame, key: str) -> dict[str, dict[Any, Any]]:
    return {str(row[key]): row for row in frame.to_dict("records")}


def _same(left: Any, right: Any) -> bool:
    return bool(pd.isna(left) and pd.isna(right)) or left == right
