"""Definitions as SHOW CREATE writes them."""

from __future__ import annotations

from .model import Column, MaterializedView, RoutineLoad, Table
from .mview import refresh_text


def create_table(table: Table) -> str:
    """CREATE TABLE in the layout of Doris."""
    lines = [f"  {_column(c)}" for c in table.columns]
    for index in table.indexes:
        using = f" USING {index.using}" if index.using else ""
        extra = f" PROPERTIES({_pairs(index.properties)})" if index.properties else ""
        lines.append(f"  INDEX {index.name} ({_names(index.columns)}){using}{extra}")
    parts = [f"CREATE TABLE `{table.name}` (\n" + ",\n".join(lines) + "\n) ENGINE=OLAP"]
    parts.append(f"{table.model} KEY({_names(table.keys)})")
    if table.comment:
        parts.append(f"COMMENT '{_escaped(table.comment)}'")
    if table.partitioning:
        by = table.partitioning
        expression = f"date_trunc(`{by.columns[0]}`, '{by.unit}')" if by.unit else _names(by.columns)
        auto = "AUTO " if by.auto else ""
        parts.append(f"{auto}PARTITION BY {by.kind}({expression})\n({by.definitions})")
    if table.distribution:
        how = f"HASH({_names(table.distribution.columns)})" if table.distribution.columns else "RANDOM"
        parts.append(f"DISTRIBUTED BY {how} BUCKETS {table.distribution.buckets}")
    properties = {"replication_allocation": "tag.location.default: 1", **table.properties}
    return "\n".join([*parts, f"PROPERTIES (\n{_pairs(properties, chr(10))}\n);"])


def create_materialized_view(view: MaterializedView, table: Table) -> str:
    """CREATE MATERIALIZED VIEW in the layout of Doris."""
    comments = (f" COMMENT '{_escaped(c.comment)}'" if c.comment else "" for c in table.columns)
    columns = ",".join(f"`{c.name}`{comment}" for c, comment in zip(table.columns, comments, strict=True))
    parts = [f"CREATE MATERIALIZED VIEW `{view.name}` ({columns})", refresh_text(view)]
    if view.keys:
        parts.append(f"DUPLICATE KEY({_names(view.keys)})")
    if view.comment:
        parts.append(f"COMMENT '{_escaped(view.comment)}'")
    if view.partition_by:
        parts.append(f"PARTITION BY ({view.partition_by})")
    if view.distribution:
        parts.append(f"DISTRIBUTED BY {view.distribution}")
    if view.properties:
        parts.append(f"PROPERTIES (\n{_pairs(view.properties, chr(10))}\n)")
    return "\n".join([*parts, "AS " + view.query])


def create_routine_load(job: RoutineLoad) -> str:
    """CREATE ROUTINE LOAD in the layout of Doris."""
    clauses = []
    fields = [f"`{c}`" for c in job.columns] + [f"`{k}` = {v}" for k, v in job.mappings.items()]
    if fields:
        clauses.append(f"COLUMNS({', '.join(fields)})")
    if job.where:
        clauses.append(f"WHERE {job.where}")
    body = ",\n".join(clauses)
    return (
        f"CREATE ROUTINE LOAD {job.database}.{job.name} ON {job.table}\n{body}\n"
        f"PROPERTIES\n(\n{_pairs(job.properties, chr(10))}\n)\nFROM KAFKA\n(\n{_pairs(job.source, chr(10))}\n);"
    )


def _column(column: Column) -> str:
    text = f"`{column.name}` {str(column.type).lower()}"
    if column.aggregate:
        text += f" {column.aggregate}"
    text += " NULL" if column.nullable else " NOT NULL"
    if column.default is not None:
        plain = column.default.startswith("CURRENT_TIMESTAMP")
        quoted = column.default if column.default.startswith("'") else f'"{column.default}"'
        text += f" DEFAULT {column.default.replace('(0)', '') if plain else quoted}"
    return text + (f" COMMENT '{_escaped(column.comment)}'" if column.comment else "")


def _names(names: list[str]) -> str:
    return ", ".join(f"`{n}`" for n in names)


def _pairs(properties: dict[str, str], glue: str = " ") -> str:
    return f",{glue}".join(f'"{k}" = "{v}"' for k, v in properties.items())


def _escaped(text: str) -> str:
    return text.replace("'", "\\'")
