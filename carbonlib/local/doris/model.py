"""What the endpoint knows about each object; stored as JSON beside the data and read again at start."""

from __future__ import annotations

import datetime
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal

from .datatypes import DorisType, type_from_text

KeyModel = Literal["DUPLICATE", "UNIQUE", "AGGREGATE"]
DELETE_SIGN = "__DORIS_DELETE_SIGN__"


def words(text: str) -> list[str]:
    """The words of a text: a list of plain names that stays readable."""
    return text.split()


def utc_now() -> datetime.datetime:
    """The present moment in UTC without a zone, as Doris stores it."""
    return datetime.datetime.now(datetime.UTC).replace(tzinfo=None)


@dataclass
class Column:
    """One column; `aggregate` is set on value columns of AGGREGATE tables, `default` is an SQL literal or function."""

    name: str
    type: DorisType
    nullable: bool = True
    aggregate: str = ""
    default: str | None = None
    comment: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Plain data."""
        return {**{f.name: getattr(self, f.name) for f in fields(self)}, "type": str(self.type)}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Column:
        """The column that `as_dict` described."""
        return cls(**{**data, "type": type_from_text(data["type"])})


@dataclass
class Index:
    """A secondary index; kept as metadata, DuckDB's zone maps do its work here."""

    name: str
    columns: list[str]
    using: str = ""
    properties: dict[str, str] = field(default_factory=dict)
    comment: str = ""


@dataclass
class Partitioning:
    """`[AUTO] PARTITION BY RANGE|LIST (expressions) (definitions)`; expressions and definitions as written."""

    kind: Literal["RANGE", "LIST"]
    expression: str
    columns: list[str]
    auto: bool = False
    definitions: str = ""
    unit: str = ""


@dataclass
class Distribution:
    """`DISTRIBUTED BY HASH (columns)|RANDOM BUCKETS n|AUTO`."""

    columns: list[str]
    buckets: str = "AUTO"


@dataclass
class Table:
    """A table, or the stored result of a materialized view."""

    database: str
    name: str
    columns: list[Column]
    model: KeyModel
    keys: list[str]
    distribution: Distribution | None = None
    partitioning: Partitioning | None = None
    indexes: list[Index] = field(default_factory=list)
    properties: dict[str, str] = field(default_factory=dict)
    comment: str = ""
    created: str = field(default_factory=lambda: utc_now().isoformat(" ", "seconds"))

    def column(self, name: str) -> Column | None:
        """The column of that name in any letter case."""
        return next((c for c in self.columns if c.name.lower() == name.lower()), None)

    @property
    def sequence(self) -> str | None:
        """The column that decides which row of a key is the newest."""
        wanted = self.properties.get("function_column.sequence_col")
        found = self.column(wanted) if wanted else None
        return found.name if found else None

    @property
    def values(self) -> list[Column]:
        """The columns besides the key."""
        return [c for c in self.columns if c.name not in self.keys]

    def as_dict(self) -> dict[str, Any]:
        """Plain data."""
        return {**asdict(self), "columns": [c.as_dict() for c in self.columns]}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Table:
        """The table that `as_dict` described."""
        given = dict(data)
        given["columns"] = [Column.from_dict(c) for c in data["columns"]]
        given["indexes"] = [Index(**i) for i in data["indexes"]]
        given["partitioning"] = Partitioning(**data["partitioning"]) if data["partitioning"] else None
        given["distribution"] = Distribution(**data["distribution"]) if data["distribution"] else None
        return cls(**given)


@dataclass
class View:
    """A view: a stored query."""

    database: str
    name: str
    query: str
    columns: list[str] = field(default_factory=list)
    comment: str = ""


@dataclass
class MaterializedView:
    """An asynchronous materialized view; its rows are stored in a table of the same name.

    `every_minutes` is set for a schedule; `stale` until the first refresh or after a base table changed.
    """

    database: str
    name: str
    query: str
    build: Literal["IMMEDIATE", "DEFERRED"] = "IMMEDIATE"
    refresh: Literal["AUTO", "COMPLETE"] = "AUTO"
    trigger: Literal["MANUAL", "SCHEDULE", "COMMIT"] = "MANUAL"
    every_minutes: int = 0
    starts: str = ""
    partition_by: str = ""
    keys: list[str] = field(default_factory=list)
    column_comments: dict[str, str] = field(default_factory=dict)
    distribution: str = ""
    properties: dict[str, str] = field(default_factory=dict)
    comment: str = ""
    paused: bool = False
    last_refresh: str = ""


@dataclass
class RoutineLoad:
    """A routine load: its definition and the state that survives a restart."""

    database: str
    name: str
    table: str
    columns: list[str]
    mappings: dict[str, str]
    where: str = ""
    properties: dict[str, str] = field(default_factory=dict)
    source: dict[str, str] = field(default_factory=dict)
    state: Literal["NEED_SCHEDULE", "RUNNING", "PAUSED", "STOPPED"] = "NEED_SCHEDULE"
    reason: str = ""
    comment: str = ""
    user: str = "root"
    id: int = 0
    created: str = field(default_factory=lambda: utc_now().isoformat(" ", "seconds"))
    paused_at: str = ""
    ended_at: str = ""
    loaded_rows: int = 0
    error_rows: int = 0
    unselected_rows: int = 0
    received_bytes: int = 0
    committed_tasks: int = 0
    aborted_tasks: int = 0
