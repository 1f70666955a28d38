"""Iceberg tables as a manifest declares them, and what differs in a live one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError
from pyiceberg.partitioning import PartitionField, PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.table import Table
from pyiceberg.transforms import UnknownTransform, parse_transform
from pyiceberg.types import DecimalType, DoubleType, FloatType, IcebergType, IntegerType, LongType, NestedField

from .._errors import UsageError
from ..changes import diff_fields

_FACTS = {"columns", "required", "partition", "properties", "log", "source"}
_FIRST_PARTITION_ID = 1000  # as the format wants it
_MOVE = "Declare a new table, let the connector write there, and copy what is in the old one."


@dataclass(frozen=True)
class ChangeLog:
    """Columns of a table that holds changes: of the rows of a key the one of the highest version counts.

    Where versions are equal, the highest position counts, and a row that has none is the lowest.
    """

    key: str
    version: str
    position: str
    deleted: str


@dataclass(frozen=True)
class TableSpec:
    """A declared table.

    Args:
        name: with its namespace.
        fields: its columns in their order.
        partition: column → transform, in the words of Iceberg: day, identity, bucket[4], …
        properties: of the table.
        log: where the table is a log of changes.
        source: the PostgreSQL table that it follows, where there is one.
    """

    name: str
    fields: tuple[NestedField, ...]
    partition: Mapping[str, str] = field(default_factory=dict)
    properties: Mapping[str, str] = field(default_factory=dict)
    log: ChangeLog | None = None
    source: str = ""

    @property
    def schema(self) -> Schema:
        """The columns, numbered from one."""
        return Schema(*self.fields)

    @property
    def partition_spec(self) -> PartitionSpec:
        """How rows are spread over folders."""
        schema = self.schema
        return PartitionSpec(
            *(
                PartitionField(
                    schema.find_field(column).field_id, _FIRST_PARTITION_ID + i, parse_transform(transform),
                    f"{column}_{transform.partition('[')[0]}",
                )
                for i, (column, transform) in enumerate(self.partition.items())
            )
        )  # fmt: skip

    def facts(self) -> dict[str, str]:
        """Every declared fact by its name, to be compared with those of a live table."""
        return {
            **{f"column {f.name}": _said(f) for f in self.fields},
            "partition": _partition_said(dict(self.partition)),
            **{f"property {name}": value for name, value in self.properties.items()},
        }


def load_tables(path: Path) -> dict[str, TableSpec]:
    """The tables that a manifest declares, by name.

    Raises:
        UsageError: when a declaration makes no sense.
    """
    data = yaml.safe_load(path.read_text(encoding="utf-8"))
    common = data.get("properties", {})
    return {name: _table(name, spec, common) for name, spec in data["tables"].items()}


def _table(name: str, spec: Mapping[str, Any], common: Mapping[str, str]) -> TableSpec:
    unknown = sorted(set(spec) - _FACTS)
    if unknown or "." not in name:
        raise UsageError(
            f"The Iceberg table {name} is declared with {', '.join(unknown) or 'no namespace'}.",
            remedy=f"Write namespace.table, and only {', '.join(sorted(_FACTS))}.",
        )
    required, columns = set(spec.get("required", [])), dict(spec["columns"])
    try:
        fields = [
            NestedField(i, column, kind, required=column in required)
            for i, (column, kind) in enumerate(columns.items(), 1)
        ]
        log = ChangeLog(**spec["log"]) if "log" in spec else None
    except (ValidationError, TypeError) as error:
        raise UsageError(
            f"The Iceberg table {name} has a column of no known type.", cause=str(error), remedy="Correct the manifest."
        ) from error
    partition = {str(c): str(t) for c, t in spec.get("partition", {}).items()}
    named = [*required, *partition, *(vars(log).values() if log else [])]
    if missing := sorted({c for c in named if c not in columns}):
        raise UsageError(
            f"The Iceberg table {name} has no column {', '.join(missing)}.", remedy="Correct the manifest."
        )
    if strange := [t for t in partition.values() if isinstance(parse_transform(t), UnknownTransform)]:
        raise UsageError(f"The Iceberg table {name} is partitioned by {strange[0]}.", remedy="For example: day.")
    return TableSpec(
        name, tuple(fields), partition, {**common, **spec.get("properties", {})}, log, str(spec.get("source", ""))
    )


def live_facts(table: Table) -> dict[str, str]:
    """The same facts of a live table."""
    schema = table.schema()
    partition = {schema.find_column_name(f.source_id) or "": str(f.transform) for f in table.spec().fields}
    return {
        **{f"column {f.name}": _said(f) for f in schema.fields},
        "partition": _partition_said(partition),
        **{f"property {name}": value for name, value in table.properties.items()},
    }


def difference(spec: TableSpec, table: Table) -> tuple[dict[str, Any], dict[str, Any]]:
    """Facts that differ and can be changed in place, as before and after.

    Raises:
        UsageError: when one differs that no table with rows can change to.
    """
    live = live_facts(table)
    wanted = spec.facts()
    before, after = diff_fields(wanted, live)
    columns = {f.name: f for f in table.schema().fields}
    refused = [f"{name} is in the table and not declared" for name in columns if f"column {name}" not in wanted]
    if "partition" in after:
        refused.append(f"it is partitioned by {before['partition']}, declared is {after['partition']}")
    for declared in spec.fields:
        refused += _refusals(columns.get(declared.name), declared)
    if refused:
        raise UsageError(
            f"The Iceberg table {spec.name} cannot become what is declared.", cause="; ".join(refused), remedy=_MOVE
        )
    return before, after


def _refusals(live: NestedField | None, wanted: NestedField) -> list[str]:
    if live is None:
        return [f"{wanted.name} is new and required, and older rows have none"] if wanted.required else []
    found = []
    if live.field_type != wanted.field_type and not _widens(live.field_type, wanted.field_type):
        found.append(f"{wanted.name} is {live.field_type}, declared is {wanted.field_type}")
    if wanted.required and live.optional:
        found.append(f"{wanted.name} is optional, declared is required")
    return found


def _widens(live: IcebergType, wanted: IcebergType) -> bool:
    """Whether Iceberg reads the old files as the wanted type."""
    if isinstance(live, DecimalType) and isinstance(wanted, DecimalType):
        return live.scale == wanted.scale and live.precision <= wanted.precision
    pairs = (IntegerType, LongType), (FloatType, DoubleType)
    return any(isinstance(live, narrow) and isinstance(wanted, wide) for narrow, wide in pairs)


def evolve(spec: TableSpec, table: Table) -> None:
    """Give a live table the declared columns, types and properties; see `difference` for what it cannot be given."""
    columns = {f.name: f for f in table.schema().fields}
    with table.transaction() as transaction:
        with transaction.update_schema() as update:
            for wanted in spec.fields:
                live = columns.get(wanted.name)
                if live is None:
                    update.add_column(wanted.name, wanted.field_type)
                elif live.field_type != wanted.field_type:
                    update.update_column(wanted.name, wanted.field_type)
                if live is not None and live.required and not wanted.required:
                    update.make_column_optional(wanted.name)
        transaction.set_properties(dict(spec.properties))


def _said(column: NestedField) -> str:
    return f"{column.field_type}{' not null' if column.required else ''}"


def _partition_said(partition: Mapping[str, str]) -> str:
    return ", ".join(f"{transform}({column})" for column, transform in partition.items()) or "none"
