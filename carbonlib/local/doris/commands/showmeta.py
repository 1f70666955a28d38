"""SHOW of databases, tables, columns, partitions and definitions, and DESC."""

from __future__ import annotations

import datetime

from ..catalog import doris_type_of
from ..context import Context
from ..ddl import qualify
from ..engine import guarded
from ..errors import DorisError
from ..infoschema import column_key, default_text
from ..lexer import Cursor
from ..model import Table, View, words
from ..render import create_materialized_view, create_table
from ..results import Answer
from ..storage import full_name, quote
from . import statement
from .show import filtered

_UNIT_FORMAT = {"HOUR": "%Y%m%d%H", "DAY": "%Y%m%d", "WEEK": "%Y_%V", "MONTH": "%Y%m", "YEAR": "%Y"}


def _database(cursor: Cursor, context: Context) -> str:
    name = cursor.name()[-1] if cursor.accept("FROM") or cursor.accept("IN") else context.database
    return context.engine.catalog.database(name)


def _visible(context: Context, database: str, table: str) -> None:
    if not context.engine.access.sees(context.user, database, table):
        context.engine.access.require_select(context.user, database, table)


@statement("SHOW", "DATABASES")
@statement("SHOW", "SCHEMAS")
def databases(cursor: Cursor, context: Context) -> Answer:
    """SHOW DATABASES that the user may see."""
    if cursor.accept("FROM"):
        cursor.ident()
    engine = context.engine
    names = [d for d in sorted(engine.catalog.databases) if engine.access.sees(context.user, d)]
    return filtered(cursor, ["Database"], [[n] for n in sorted([*names, "information_schema", "mysql"])])


@statement("SHOW", "TABLES")
def tables(cursor: Cursor, context: Context) -> Answer:
    """SHOW TABLES [FROM db] [LIKE '…']."""
    database = _database(cursor, context)
    rows: list[list[object]] = [[name] for name, _ in _objects(context, database)]
    return filtered(cursor, [f"Tables_in_{database}"], rows)


@statement("SHOW", "FULL", "TABLES")
def full_tables(cursor: Cursor, context: Context) -> Answer:
    """SHOW FULL TABLES [FROM db] [LIKE '…' | WHERE …]."""
    database = _database(cursor, context)
    rows: list[list[object]] = [[name, kind] for name, kind in _objects(context, database)]
    return filtered(cursor, [f"Tables_in_{database}", "Table_type"], rows)


@statement("SHOW", "VIEWS")
def views(cursor: Cursor, context: Context) -> Answer:
    """SHOW VIEWS [FROM db]."""
    database = _database(cursor, context)
    rows: list[list[object]] = [[name] for name, kind in _objects(context, database) if kind == "VIEW"]
    return filtered(cursor, [f"Tables_in_{database}"], rows)


def _objects(context: Context, database: str) -> list[tuple[str, str]]:
    catalog, access = context.engine.catalog, context.engine.access
    found = [(t, "BASE TABLE") for d, t in catalog.tables if d == database]
    found += [(v, "VIEW") for d, v in catalog.views if d == database]
    return sorted((name, kind) for name, kind in found if access.sees(context.user, database, name))


@statement("SHOW", "TABLE", "STATUS")
def table_status(cursor: Cursor, context: Context) -> Answer:
    """SHOW TABLE STATUS [FROM db] [LIKE '…']."""
    database = _database(cursor, context)
    columns = words(
        """Name Engine Version Row_format Rows Avg_row_length Data_length Max_data_length Index_length Data_free
    Auto_increment Create_time Update_time Check_time Collation Checksum Create_options Comment"""
    )
    rows: list[list[object]] = []
    for name, kind in _objects(context, database):
        found = context.engine.catalog.table_or_view(database, name)
        is_table = isinstance(found, Table)
        count = _count(context, database, name) if is_table else None
        rows.append([name, "Doris" if is_table else None, None, None, count, None, None, None, None, None, None,
                     found.created if isinstance(found, Table) else None, None, None, "utf8mb4_0900_bin", None, None,
                     found.comment or ("VIEW" if kind == "VIEW" else "")])  # fmt: skip
    return filtered(cursor, columns, rows)


def _count(context: Context, database: str, name: str) -> int:
    row = context.engine.store.cursor().execute(f"SELECT count(*) FROM {full_name(database, name)}").fetchone()
    return int(row[0]) if row else 0


def describe_table(context: Context, parts: list[str], *, whole: bool = False) -> Answer:
    """DESC table."""
    database, name = qualify(parts, context.database)
    _visible(context, database, name)
    found = context.engine.catalog.table_or_view(database, name)
    columns = ["Field", "Type", "Null", "Key", "Default", "Extra"]
    if isinstance(found, View):
        rows = _view_columns(context, found)
    else:
        rows = [_described(found, c.name) for c in found.columns]
    if whole:
        model = found.model if isinstance(found, Table) else ""
        return Answer(["IndexName", "IndexKeysType", *columns], [[name, f"{model}_KEYS", *row] for row in rows])
    return Answer(columns, rows)


def _described(table: Table, name: str) -> list[object]:
    column = table.column(name)
    assert column is not None
    extra = column.aggregate if table.model == "AGGREGATE" and column.aggregate else "NONE"
    return [column.name, column.type.column_type, "Yes" if column.nullable else "No",
            "true" if column.name in table.keys else "false", default_text(column.default),
            "" if column.name in table.keys else extra]  # fmt: skip


def _view_columns(context: Context, view: View) -> list[list[object]]:
    answer = context.engine.query(
        f"SELECT * FROM `{view.database}`.`{view.name}` LIMIT 0", context.user, context.values()
    )
    described = zip(answer.columns, answer.kinds, strict=True)
    return [[n, doris_type_of(k).column_type, "Yes", "false", None, ""] for n, k in described]


def _show_columns(cursor: Cursor, context: Context) -> Answer:
    full = cursor.peek(-2).upper == "FULL"
    if not (cursor.accept("FROM") or cursor.accept("IN")):
        raise cursor.error("expecting FROM")
    parts = cursor.name()
    if cursor.accept("FROM") or cursor.accept("IN"):
        parts = [cursor.ident(), parts[-1]]
    database, name = qualify(parts, context.database)
    _visible(context, database, name)
    found = context.engine.catalog.table_or_view(database, name)
    if isinstance(found, View):
        rows = _view_columns(context, found)
    else:
        rows = [_column_row(found, c.name, full) for c in found.columns]
    names = ["Field", "Type", "Null", "Key", "Default", "Extra"]
    if full:
        names = ["Field", "Type", "Collation", "Null", "Key", "Default", "Extra", "Privileges", "Comment"]
    return filtered(cursor, names, rows)


for _kind in ("COLUMNS", "FIELDS"):
    statement("SHOW", _kind)(_show_columns)
    statement("SHOW", "FULL", _kind)(_show_columns)


def _column_row(table: Table, name: str, full: bool) -> list[object]:
    column = table.column(name)
    assert column is not None
    null, key = "YES" if column.nullable else "NO", column_key(table, name)
    default = default_text(column.default)
    if not full:
        return [name, column.type.column_type, null, key, default, ""]
    collation = "utf8mb4_0900_bin" if column.type.is_text else None
    return [name, column.type.column_type, collation, null, key, default, "", "", column.comment]


def _show_index(cursor: Cursor, context: Context) -> Answer:
    if not (cursor.accept("FROM") or cursor.accept("IN")):
        raise cursor.error("expecting FROM")
    parts = cursor.name()
    if cursor.accept("FROM"):
        parts = [cursor.ident(), parts[-1]]
    database, name = qualify(parts, context.database)
    _visible(context, database, name)
    table = context.engine.catalog.table(database, name)
    columns = words(
        """Table Non_unique Key_name Seq_in_index Column_name Collation Cardinality Sub_part Packed Null Index_type
    Comment Properties"""
    )
    rows: list[list[object]] = [
        [name, "", index.name, place, column, None, None, None, None, None, index.using, index.comment, ""]
        for index in table.indexes
        for place, column in enumerate(index.columns, 1)
    ]
    return filtered(cursor, columns, rows)


for _kind in ("INDEX", "INDEXES", "KEYS"):
    statement("SHOW", _kind)(_show_index)


@statement("SHOW", "CREATE", "TABLE")
@statement("SHOW", "CREATE", "VIEW")
@statement("SHOW", "CREATE", "MATERIALIZED", "VIEW")
def show_create(cursor: Cursor, context: Context) -> Answer:
    """SHOW CREATE TABLE | VIEW | MATERIALIZED VIEW name."""
    wanted = cursor.peek(-1).upper if cursor.peek(-2).upper != "MATERIALIZED" else "MATERIALIZED"
    database, name = qualify(cursor.name(), context.database)
    cursor.expect_end()
    _visible(context, database, name)
    catalog = context.engine.catalog
    found = catalog.table_or_view(database, name)
    if isinstance(found, View):
        text = f"CREATE VIEW `{name}` AS {found.query};"
        return Answer(["View", "Create View", "character_set_client", "collation_connection"],
                      [[name, text, "utf8mb4", "utf8mb4_0900_bin"]])  # fmt: skip
    view = catalog.materialized.get((database, name))
    if wanted == "MATERIALIZED":
        if view is None:
            raise DorisError(f"materialized view [{name}] does not exist in database [{database}]")
        text = create_materialized_view(view, found)
        return Answer(["Materialized View", "Create Materialized View"], [[name, text]])
    if view is not None:
        raise DorisError("not support async materialized view, please use `show create materialized view`")
    if wanted == "VIEW":
        raise DorisError(f"{database}.{name} is not VIEW")
    return Answer(["Table", "Create Table"], [[name, create_table(found)]])


@statement("SHOW", "CREATE", "DATABASE")
def show_create_database(cursor: Cursor, context: Context) -> Answer:
    """SHOW CREATE DATABASE name."""
    name = context.engine.catalog.database(cursor.ident())
    cursor.expect_end()
    return Answer(["Database", "Create Database"], [[name, f"CREATE DATABASE `{name}`"]])


@statement("SHOW", "PARTITIONS")
def partitions(cursor: Cursor, context: Context) -> Answer:
    """SHOW PARTITIONS FROM table: those that Doris would have for the rows and the dynamic window."""
    cursor.expect("FROM")
    database, name = qualify(cursor.name(), context.database)
    _visible(context, database, name)
    table = context.engine.catalog.table(database, name)
    columns = ["PartitionId", "PartitionName", "VisibleVersion", "State", "PartitionKey", "Range", "Buckets",
               "ReplicationNum", "RowCount"]  # fmt: skip
    key = ", ".join(table.partitioning.columns) if table.partitioning else ""
    buckets = table.distribution.buckets if table.distribution else "AUTO"
    copies = table.properties.get("replication_num", "1")
    rows: list[list[object]] = [
        [30_000 + i, partition, "1", "NORMAL", key, span, buckets, copies, count]
        for i, (partition, span, count) in enumerate(guarded(lambda: _partitions(context, table)))
    ]
    if cursor.accept("ORDER"):
        cursor.rest()
    return filtered(cursor, columns, rows)


def _partitions(context: Context, table: Table) -> list[tuple[str, str, int]]:
    by, total = table.partitioning, _count(context, table.database, table.name)
    if by is None:
        return [(table.name, "", total)]
    target = full_name(table.database, table.name)
    unit = by.unit or table.properties.get("dynamic_partition.time_unit", "day").lower()
    if by.kind == "LIST" or (not by.auto and "dynamic_partition.enable" not in table.properties):
        return [(f"p_{table.name}", by.definitions, total)]
    column = quote(by.columns[0])
    found = context.engine.store.cursor().execute(
        f"SELECT date_trunc('{unit}', {column}::TIMESTAMP) AS p, count(*) FROM {target} GROUP BY 1 ORDER BY 1"
    )
    counted = {row[0]: int(row[1]) for row in found.fetchall() if row[0] is not None}
    if by.auto:
        return [(f"p{p:%Y%m%d%H%M%S}", f"from {p:%Y-%m-%d %H:%M:%S}", n) for p, n in counted.items()]
    return _dynamic(table, counted, unit.upper())


def _dynamic(table: Table, counted: dict[datetime.datetime, int], unit: str) -> list[tuple[str, str, int]]:
    """The window of dynamic partitions by day; other units show the partitions that hold rows."""
    prefix = table.properties.get("dynamic_partition.prefix", "p")
    if unit == "DAY":
        today = datetime.datetime.now(datetime.UTC).replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None)
        first = int(table.properties.get("dynamic_partition.start", "0"))
        last = int(table.properties["dynamic_partition.end"])
        for offset in range(max(first, -1000), last + 1):
            counted.setdefault(today + datetime.timedelta(days=offset), 0)
    pattern = _UNIT_FORMAT[unit]
    return [(prefix + p.strftime(pattern), f"from {p:%Y-%m-%d %H:%M:%S}", n) for p, n in sorted(counted.items())]
