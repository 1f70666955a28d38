"""INSERT, UPDATE and DELETE."""

from __future__ import annotations

import duckdb
from sqlglot import exp

from ..catalog import default_expression
from ..context import Context
from ..ddl import qualify
from ..engine import guarded
from ..errors import DorisError, unsupported
from ..lexer import Cursor
from ..merge import ROW, apply_rows
from ..model import Table, utc_now
from ..results import Answer
from ..storage import quote
from ..transactions import Transaction
from ..translate import parse_single, render
from . import statement
from .ddl import own_table

_ROWS = "__insert"


@statement("INSERT", "INTO")
def insert(cursor: Cursor, context: Context) -> Answer:
    """INSERT INTO table [WITH LABEL name] [(columns)] VALUES … | query."""
    database, name = qualify(cursor.name(), context.database)
    label = cursor.ident() if cursor.accept("WITH", "LABEL") else ""
    names = cursor.names() if cursor.peek().upper == "(" and cursor.peek(1).upper not in ("SELECT", "WITH") else []
    context.require("LOAD", database, name)
    table = own_table(context, database, name)
    columns = _columns(table, names)
    session = context.values()
    values = cursor.peek().upper == "VALUES"
    text = cursor.rest()
    if values:
        text = f"SELECT * FROM ({text}) AS given({', '.join(f'`{c}`' for c in columns)})"
    translated = context.engine.translator.query(text, session)
    for base_database, base in translated.tables:
        context.engine.access.require_select(context.user, base_database, base)
    return Answer(affected=guarded(lambda: _insert(context, table, columns, render(translated.sql, session), label)))


def _columns(table: Table, names: list[str]) -> list[str]:
    found = []
    for name in names or [c.name for c in table.columns]:
        column = table.column(name)
        if column is None:
            raise DorisError(f"Unknown column '{name}' in target table.")
        found.append(column.name)
    return found


def _insert(context: Context, table: Table, columns: list[str], query: str, label: str) -> int:
    engine, given = context.engine, ", ".join(map(quote, columns))
    if label and engine.transactions.by_label(table.database, label):
        taken = engine.transactions.by_label(table.database, label)
        raise DorisError(f"Label [{label}] has already been used, relate to txn [{taken.id if taken else 0}]")
    partial = bool(context.variables["enable_unique_key_partial_update"]) and table.model == "UNIQUE"
    chosen = [c for c in table.columns if not partial or c.name in columns]
    values = ", ".join(
        f"CAST({quote(c.name)} AS {c.type.duckdb}) AS {quote(c.name)}"
        if c.name in columns
        else f"{default_expression(c)} AS {quote(c.name)}"
        for c in chosen
    )
    cursor = engine.store.cursor()
    try:
        cursor.execute(f"CREATE OR REPLACE TEMP TABLE {_ROWS} AS SELECT {values} FROM ({query}) AS given({given})")
        _check_lengths(cursor, table)
        source = f"(SELECT *, rowid AS {ROW} FROM {_ROWS})"
        txn = engine.transactions.next_id()
        entry = Transaction(txn, table.database, table.name, label or f"label_{txn}", "VISIBLE", 0, columns,
                            source="INSERT_STREAMING", began=utc_now(), ended=utc_now())  # fmt: skip
        with engine.store.transaction():
            entry.rows = apply_rows(cursor, table, source, [c.name for c in chosen])
            engine.transactions.record(cursor, entry)
    finally:
        cursor.execute(f"DROP TABLE IF EXISTS temp.{_ROWS}")
    engine.transactions.keep(entry)
    engine.catalog.touched(table)
    return entry.rows


def _check_lengths(cursor: duckdb.DuckDBPyConnection, table: Table) -> None:
    """A text that is too long, or a NULL that may not be, fails the statement (enable_insert_strict)."""
    present = {row[0] for row in cursor.execute(f"DESCRIBE {_ROWS}").fetchall()}
    columns = [c for c in table.columns if c.name in present]
    tests = [f"strlen({quote(c.name)}) > {c.type.max_bytes}" for c in columns if c.type.max_bytes]
    tests += [f"{quote(c.name)} IS NULL" for c in columns if not c.nullable]
    if not tests:
        return
    bad = cursor.execute(f"SELECT count(*) FROM {_ROWS} WHERE {' OR '.join(tests)}").fetchone()
    if bad and bad[0]:
        raise DorisError(f"Insert has filtered data in strict mode. {bad[0]} rows have NULL in a NOT NULL column or a "
                         "text that is too long")  # fmt: skip


@statement("UPDATE")
def update(cursor: Cursor, context: Context) -> Answer:
    """UPDATE of value columns of a UNIQUE table."""
    database, name = qualify(cursor.name(), context.database)
    table = own_table(context, database, name)
    context.require("LOAD", database, name)
    if table.model != "UNIQUE":
        raise DorisError("Only value columns of unique table could be updated")
    tree = parse_single(cursor.sql)
    for assignment in tree.args.get("expressions") or []:
        if assignment.this.name in table.keys:
            raise DorisError("Only value columns of unique table could be updated")
    return _change(tree, table, context)


@statement("DELETE", "FROM")
def delete(cursor: Cursor, context: Context) -> Answer:
    """DELETE FROM table WHERE condition."""
    database, name = qualify(cursor.name(), context.database)
    table = own_table(context, database, name)
    context.require("LOAD", database, name)
    if cursor.peek().upper in ("PARTITION", "PARTITIONS"):
        raise unsupported("DELETE from a partition")
    tree = parse_single(cursor.sql)
    if not tree.args.get("where"):
        raise DorisError("Where clause is not set")
    return _change(tree, table, context)


def _change(tree: exp.Expr, table: Table, context: Context) -> Answer:
    engine, session = context.engine, context.values()
    for base_database, base in engine.translator.rewrite(tree, session):
        engine.access.require_select(context.user, base_database, base)
    text = render(tree.sql("duckdb"), session)

    def change() -> int:
        with engine.store.transaction() as writer:
            row = writer.execute(text).fetchone()
        return int(row[0]) if row else 0

    affected = guarded(change)
    engine.catalog.touched(table)
    return Answer(affected=affected)
