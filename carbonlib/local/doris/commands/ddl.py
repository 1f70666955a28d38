"""CREATE, ALTER and DROP of databases, tables and views."""

from __future__ import annotations

import copy

from ..catalog import column_ddl, default_expression
from ..context import Context
from ..ddl import parse_column, parse_create_table, parse_index, qualify
from ..engine import guarded
from ..errors import DorisError, unsupported
from ..lexer import Cursor
from ..model import Column, Table, View
from ..results import Answer
from ..storage import full_name, quote
from ..translate import render
from ..validate import TABLE_PROPERTIES, check_default, check_name, check_properties, validate_table
from . import statement


@statement("CREATE", "DATABASE")
@statement("CREATE", "SCHEMA")
def create_database(cursor: Cursor, context: Context) -> Answer:
    """CREATE DATABASE [IF NOT EXISTS] name [PROPERTIES (…)]."""
    quiet = cursor.accept("IF", "NOT", "EXISTS")
    name = cursor.name()[-1]
    if cursor.accept("PROPERTIES"):
        check_properties(cursor.properties(), {"replication_allocation", "replication_num"})
    cursor.expect_end()
    context.require("CREATE", name)
    context.engine.catalog.create_database(name, quiet)
    return Answer()


@statement("DROP", "DATABASE")
@statement("DROP", "SCHEMA")
def drop_database(cursor: Cursor, context: Context) -> Answer:
    """DROP DATABASE [IF EXISTS] name [FORCE]."""
    quiet = cursor.accept("IF", "EXISTS")
    name = cursor.name()[-1]
    cursor.accept("FORCE")
    cursor.expect_end()
    context.require("DROP", name)
    context.engine.routines.forget_database(name)
    context.engine.catalog.drop_database(name, quiet)
    context.engine.transactions.forget_database(name)
    return Answer()


@statement("CREATE", "TABLE")
def create_table(cursor: Cursor, context: Context) -> Answer:
    """CREATE TABLE as Doris validates it."""
    table, quiet = parse_create_table(cursor, context.database)
    context.require("CREATE", table.database, table.name)
    validate_table(table)
    guarded(lambda: context.engine.catalog.create_table(table, quiet=quiet))
    return Answer()


@statement("DROP", "TABLE")
def drop_table(cursor: Cursor, context: Context) -> Answer:
    """DROP TABLE [IF EXISTS] name [FORCE]."""
    quiet = cursor.accept("IF", "EXISTS")
    database, name = qualify(cursor.name(), context.database)
    cursor.accept("FORCE")
    cursor.expect_end()
    context.require("DROP", database, name)
    context.engine.catalog.drop_table(database, name, quiet)
    return Answer()


@statement("TRUNCATE", "TABLE")
def truncate(cursor: Cursor, context: Context) -> Answer:
    """TRUNCATE TABLE name."""
    database, name = qualify(cursor.name(), context.database)
    if cursor.peek().upper == "PARTITION":
        raise unsupported("TRUNCATE of a partition")
    cursor.accept("FORCE")
    cursor.expect_end()
    context.require("LOAD", database, name)
    table = own_table(context, database, name)
    with context.engine.store.transaction() as writer:
        writer.execute(f"DELETE FROM {full_name(database, name)}")
    context.engine.catalog.touched(table)
    return Answer()


@statement("CREATE", "VIEW")
def create_view(cursor: Cursor, context: Context) -> Answer:
    """CREATE VIEW [IF NOT EXISTS] name [(columns)] [COMMENT '…'] AS query."""
    return _define_view(cursor, context, replace=False)


@statement("CREATE", "OR", "REPLACE", "VIEW")
@statement("ALTER", "VIEW")
def replace_view(cursor: Cursor, context: Context) -> Answer:
    """CREATE OR REPLACE VIEW and ALTER VIEW."""
    return _define_view(cursor, context, replace=True)


def _define_view(cursor: Cursor, context: Context, *, replace: bool) -> Answer:
    quiet = cursor.accept("IF", "NOT", "EXISTS")
    database, name = qualify(cursor.name(), context.database)
    check_name("view", name)
    if cursor.peek().upper == "(":
        raise unsupported("a column list of a view; name the columns in its query")
    comment = cursor.string() if cursor.accept("COMMENT") else ""
    cursor.expect("AS")
    view = View(database, name, cursor.rest(), comment=comment)
    context.require("CREATE", database, name)
    session = context.values()
    session.database = database
    translated = context.engine.translator.query(view.query, session)
    for base_database, base in translated.tables:
        context.engine.access.require_select(context.user, base_database, base)
    text = f"DESCRIBE {render(translated.sql, session)}"
    found = guarded(lambda: context.engine.store.cursor().execute(text).fetchall())
    view.columns = [row[0] for row in found]
    context.engine.catalog.create_view(view, quiet=quiet, replace=replace)
    return Answer()


@statement("DROP", "VIEW")
def drop_view(cursor: Cursor, context: Context) -> Answer:
    """DROP VIEW [IF EXISTS] name."""
    quiet = cursor.accept("IF", "EXISTS")
    database, name = qualify(cursor.name(), context.database)
    cursor.expect_end()
    context.require("DROP", database, name)
    context.engine.catalog.drop_view(database, name, quiet)
    return Answer()


def own_table(context: Context, database: str, name: str) -> Table:
    """A table that may be changed, which the result of a materialized view may not."""
    if (database, name) in context.engine.catalog.materialized:
        raise DorisError(f"Not supported on a materialized view: {name}")
    return context.engine.catalog.table(database, name)


@statement("ALTER", "TABLE")
def alter_table(cursor: Cursor, context: Context) -> Answer:
    """ALTER TABLE: ADD, DROP and MODIFY COLUMN, ADD INDEX, SET, COMMENT, RENAME."""
    database, name = qualify(cursor.name(), context.database)
    context.require("ALTER", database, name)
    table = copy.deepcopy(own_table(context, database, name))
    while True:
        _alter_one(cursor, context, table)
        if not cursor.accept(","):
            break
    cursor.expect_end()
    return Answer()


def _alter_one(cursor: Cursor, context: Context, table: Table) -> None:
    if cursor.accept("ADD", "COLUMN"):
        _add_columns(cursor, context, table)
    elif cursor.accept("DROP", "COLUMN"):
        _drop_column(cursor, context, table)
    elif cursor.accept("MODIFY", "COLUMN"):
        _modify_column(cursor, context, table)
    elif cursor.accept("MODIFY", "COMMENT"):
        table.comment = cursor.string()
        context.engine.catalog.change_table(table, lambda _: None)
    elif cursor.accept("ADD") and cursor.peek().upper == "INDEX":
        table.indexes.append(parse_index(cursor))
        validate_table(table)
        context.engine.catalog.change_table(table, lambda _: None)
    elif cursor.accept("SET"):
        given = cursor.properties()
        check_properties(given, TABLE_PROPERTIES)
        table.properties = {**table.properties, **given}
        validate_table(table)
        context.engine.catalog.change_table(table, lambda _: None)
    elif cursor.accept("RENAME"):
        _rename(cursor, context, table)
    else:
        raise unsupported(f"ALTER TABLE … {cursor.peek().text}")


def _add_columns(cursor: Cursor, context: Context, table: Table) -> None:
    if cursor.accept("("):
        added = [parse_column(cursor)]
        while cursor.accept(","):
            added.append(parse_column(cursor))
        cursor.expect(")")
    else:
        added = [parse_column(cursor)]
        if cursor.accept("AFTER"):
            after = cursor.ident()
            if after.lower() != table.columns[-1].name.lower():
                raise unsupported("ADD COLUMN … AFTER a column that is not the last")
    for column in added:
        _check_added(table, column)
    changes = [f"ADD COLUMN {column_ddl(_as_nullable(c))}" for c in added]
    table.columns += added
    validate_table(table)
    target = full_name(table.database, table.name)
    tighten = [f"ALTER COLUMN {quote(c.name)} SET NOT NULL" for c in added if not c.nullable]

    def change(writer: object) -> None:
        for text in [*changes, *tighten]:
            writer.execute(f"ALTER TABLE {target} {text}")  # type: ignore[attr-defined]

    guarded(lambda: context.engine.catalog.change_table(table, change))


def _check_added(table: Table, column: Column) -> None:
    if table.column(column.name):
        raise DorisError(f"Can not add column which already exists in base table: {column.name}")
    if not column.nullable and column.default is None:
        raise DorisError(f"column {column.name} is NOT NULL and has no default for the rows that exist")
    check_default(column)


def _as_nullable(column: Column) -> Column:
    """DuckDB adds a column as nullable first; rows that exist get the default."""
    return Column(column.name, column.type, True, column.aggregate, column.default)


def _drop_column(cursor: Cursor, context: Context, table: Table) -> None:
    name = cursor.ident()
    column = table.column(name)
    if column is None:
        raise DorisError(f"Column does not exists: {name}")
    if column.name in table.keys:
        raise DorisError("Can not drop key column in Unique data model table")
    if column.name == table.sequence:
        raise DorisError(f"Can not drop sequence mapping column[{name}] in Unique data model table[{table.name}]")
    table.columns.remove(column)
    text = f"ALTER TABLE {full_name(table.database, table.name)} DROP COLUMN {quote(column.name)}"
    guarded(lambda: context.engine.catalog.change_table(table, lambda writer: writer.execute(text)))


def _modify_column(cursor: Cursor, context: Context, table: Table) -> None:
    place = cursor.at
    name = cursor.ident()
    column = table.column(name)
    if column is None:
        raise DorisError(f"Column[{name}] does not exists")
    if cursor.accept("COMMENT"):
        column.comment = cursor.string()
        context.engine.catalog.change_table(table, lambda _: None)
        return
    cursor.at = place
    wanted = parse_column(cursor)
    if column.name in table.keys:
        raise unsupported("MODIFY of a key column")
    wanted.name, wanted.aggregate = column.name, column.aggregate
    table.columns[table.columns.index(column)] = wanted
    validate_table(table)
    target = f"ALTER TABLE {full_name(table.database, table.name)} ALTER COLUMN {quote(column.name)}"
    default = "DROP DEFAULT" if wanted.default is None else f"SET DEFAULT {default_expression(wanted)}"

    def change(writer: object) -> None:
        writer.execute(f"{target} TYPE {wanted.type.duckdb}")  # type: ignore[attr-defined]
        writer.execute(f"{target} {'DROP' if wanted.nullable else 'SET'} NOT NULL")  # type: ignore[attr-defined]
        writer.execute(f"{target} {default}")  # type: ignore[attr-defined]

    guarded(lambda: context.engine.catalog.change_table(table, change))


def _rename(cursor: Cursor, context: Context, table: Table) -> None:
    new = cursor.ident()
    check_name("table", new)
    engine, old = context.engine, table.name
    if engine.catalog.exists(table.database, new):
        raise DorisError(f"Table name[{new}] is already used")
    table.name = new
    with engine.store.transaction() as writer:
        writer.execute(f"ALTER TABLE {full_name(table.database, old)} RENAME TO {quote(new)}")
        engine.store.forget(writer, "table", table.database, old)
        engine.store.save(writer, "table", table.database, new, table.as_dict())
    engine.catalog.tables[table.database, new] = engine.catalog.tables.pop((table.database, old))
    engine.catalog.tables[table.database, new].name = new
    engine.catalog.version += 1
