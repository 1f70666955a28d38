"""Parsers of CREATE TABLE and of the parts of table definitions that ALTER TABLE shares."""

from __future__ import annotations

import re
from typing import Literal

from .datatypes import parse_type
from .errors import DorisError, unsupported
from .lexer import Cursor, unquote
from .model import Column, Distribution, Index, Partitioning, Table

AGGREGATES = ("SUM", "MAX", "MIN", "REPLACE", "REPLACE_IF_NOT_NULL")
_OTHER_AGGREGATES = ("HLL_UNION", "BITMAP_UNION", "QUANTILE_UNION", "GENERIC")
_DATE_TRUNC = re.compile(r"""^\s*date_trunc\s*\(\s*`?(\w+)`?\s*,\s*['"](\w+)['"]\s*\)\s*$""", re.IGNORECASE)


def parse_create_table(cursor: Cursor, database: str | None) -> tuple[Table, bool]:
    """Read `[IF NOT EXISTS] name (…) …` after CREATE TABLE.

    Returns:
        The table, not yet validated, and whether IF NOT EXISTS was said.

    Raises:
        DorisError: for syntax that Doris does not know or this endpoint does not support.
    """
    quiet = cursor.accept("IF", "NOT", "EXISTS")
    schema, name = qualify(cursor.name(), database)
    if cursor.peek().upper != "(":
        raise unsupported(f"CREATE TABLE … {cursor.peek().text}")
    table = Table(schema, name, [], "DUPLICATE", [])
    _parse_elements(cursor, table)
    _parse_clauses(cursor, table)
    cursor.expect_end()
    return table, quiet


def qualify(parts: list[str], database: str | None) -> tuple[str, str]:
    """Split a dotted name into database and name; the catalog `internal` may stand before it.

    Raises:
        DorisError: when no database is named or selected.
    """
    if len(parts) == 3 and parts[0].lower() == "internal":
        parts = parts[1:]
    if len(parts) == 1 and database:
        return database, parts[0]
    if len(parts) != 2:
        raise DorisError("No database selected", 1046) if len(parts) == 1 else DorisError(f"bad name {'.'.join(parts)}")
    return parts[0], parts[1]


def _parse_elements(cursor: Cursor, table: Table) -> None:
    cursor.expect("(")
    while True:
        if cursor.peek().upper == "INDEX":
            table.indexes.append(parse_index(cursor))
        else:
            table.columns.append(parse_column(cursor))
        if not cursor.accept(","):
            break
    cursor.expect(")")


def parse_index(cursor: Cursor) -> Index:
    """Read `INDEX name (columns) [USING kind] [PROPERTIES (…)] [COMMENT '…']`."""
    cursor.expect("INDEX")
    cursor.accept("IF", "NOT", "EXISTS")
    index = Index(cursor.ident(), cursor.names())
    if cursor.accept("USING"):
        index.using = cursor.ident().upper()
        if index.using not in ("INVERTED", "BITMAP", "NGRAM_BF", "ANN"):
            raise DorisError(f"unsupported index type {index.using}")
    if cursor.accept("PROPERTIES"):
        index.properties = cursor.properties()
    if cursor.accept("COMMENT"):
        index.comment = cursor.string()
    return index


def parse_column(cursor: Cursor) -> Column:
    """Read `name type [aggregate] [NULL | NOT NULL] [DEFAULT …] [COMMENT '…']`."""
    column = Column(cursor.ident(), parse_type(cursor))
    while cursor.peek().upper not in (",", ")", "", "AFTER", "FIRST"):
        if cursor.accept("NOT", "NULL"):
            column.nullable = False
        elif cursor.accept("NULL") or cursor.accept("KEY"):
            pass  # the default, and a repetition of the key clause
        elif aggregate := cursor.accept_any(*AGGREGATES):
            column.aggregate = aggregate
        elif other := cursor.accept_any(*_OTHER_AGGREGATES, "AUTO_INCREMENT", "GENERATED", "ON"):
            raise unsupported(f"{other} on column {column.name}")
        elif cursor.accept("DEFAULT"):
            column.default = _default(cursor)
        elif cursor.accept("COMMENT"):
            column.comment = cursor.string()
        else:
            raise cursor.error(f"in the definition of column {column.name}")
    return column


def _default(cursor: Cursor) -> str | None:
    token = cursor.next()
    if token.kind == "string":
        return "'" + unquote(token.text).replace("'", "''") + "'"
    if token.kind == "number":
        return token.text
    if token.upper in ("-", "+"):
        return token.text + cursor.next().text
    if token.upper == "NULL":
        return None
    if token.upper in ("TRUE", "FALSE"):
        return token.upper
    if token.upper == "CURRENT_TIMESTAMP":
        scale = cursor.parenthesised() if cursor.peek().upper == "(" else "0"
        return f"CURRENT_TIMESTAMP({scale or 0})"
    raise DorisError(f"mismatched input '{token.text}' after DEFAULT")


def _parse_clauses(cursor: Cursor, table: Table) -> None:
    while not cursor.done():
        auto = cursor.accept("AUTO")
        if cursor.accept("PARTITION", "BY"):
            table.partitioning = parse_partitioning(cursor, auto)
        elif auto:
            raise cursor.error("expecting PARTITION BY after AUTO")
        elif cursor.accept("ENGINE"):
            cursor.expect("=")
            if cursor.ident().upper() != "OLAP":
                raise unsupported("an engine other than OLAP")
        elif model := cursor.accept_any("DUPLICATE", "UNIQUE", "AGGREGATE"):
            cursor.expect("KEY")
            table.model, table.keys = _model(model), cursor.names()
        elif cursor.accept("COMMENT"):
            table.comment = cursor.string()
        elif cursor.accept("DISTRIBUTED", "BY"):
            table.distribution = parse_distribution(cursor)
        elif cursor.accept("PROPERTIES"):
            table.properties = cursor.properties()
        else:
            raise cursor.error("after the column list")


def _model(word: str) -> Literal["DUPLICATE", "UNIQUE", "AGGREGATE"]:
    return "UNIQUE" if word == "UNIQUE" else "AGGREGATE" if word == "AGGREGATE" else "DUPLICATE"


def parse_partitioning(cursor: Cursor, auto: bool) -> Partitioning:
    """Read `RANGE|LIST (expression) [(definitions)]` after PARTITION BY."""
    kind = cursor.accept_any("RANGE", "LIST")
    if not kind:
        raise cursor.error("expecting RANGE or LIST")
    expression = cursor.parenthesised()
    truncated = _DATE_TRUNC.match(expression)
    if truncated:
        columns, unit = [truncated.group(1)], truncated.group(2).lower()
    else:
        columns, unit = Cursor(f"({expression})").names(), ""
    definitions = cursor.parenthesised() if cursor.peek().upper == "(" else ""
    return Partitioning("RANGE" if kind == "RANGE" else "LIST", expression, columns, auto, definitions, unit)


def parse_distribution(cursor: Cursor) -> Distribution:
    """Read `HASH (columns) | RANDOM [BUCKETS n | AUTO]` after DISTRIBUTED BY."""
    if cursor.accept("RANDOM"):
        found = Distribution([])
    else:
        cursor.expect("HASH")
        found = Distribution(cursor.names())
    if cursor.accept("BUCKETS"):
        found.buckets = "AUTO" if cursor.accept("AUTO") else str(cursor.integer())
    return found
