"""USE, SET, EXPLAIN, KILL and what drivers send around statements."""

from __future__ import annotations

from ..context import READ_ONLY, UTC_NAMES, Context
from ..errors import DorisError, unsupported
from ..lexer import Cursor, unquote
from ..results import Answer
from . import statement


@statement("USE")
def use(cursor: Cursor, context: Context) -> Answer:
    """USE database."""
    parts = cursor.name()
    cursor.expect_end()
    database = parts[-1] if len(parts) == 1 or parts[0].lower() == "internal" else ".".join(parts)
    context.engine.catalog.database(database)
    context.database = database
    return Answer()


@statement("SWITCH")
def switch(cursor: Cursor, context: Context) -> Answer:
    """SWITCH internal: the only catalog there is."""
    name = cursor.ident()
    cursor.expect_end()
    if name.lower() != "internal":
        raise DorisError(f"Unknown catalog '{name}'")
    return Answer()


@statement("SET")
def set_variables(cursor: Cursor, context: Context) -> Answer:
    """SET names, character set, transaction characteristics and known variables."""
    if cursor.peek().upper == "PASSWORD":
        from .access import set_password

        return set_password(cursor, context)
    while True:
        _set_one(cursor, context)
        if not cursor.accept(","):
            break
    cursor.expect_end()
    return Answer()


def _set_one(cursor: Cursor, context: Context) -> None:
    if cursor.accept("NAMES") or cursor.accept("CHARACTER", "SET") or cursor.accept("CHARSET"):
        name = cursor.ident()
        if name.lower() not in ("utf8", "utf8mb4", "utf8mb3", "default", "ascii", "latin1"):
            raise DorisError(f"Unknown character set: '{name}'")
        if cursor.accept("COLLATE"):
            cursor.ident()
        return
    scope = cursor.accept_any("SESSION", "GLOBAL", "LOCAL", "@@SESSION", "@@GLOBAL", "@@LOCAL")
    if scope.startswith("@@"):
        cursor.expect(".")
    if cursor.accept("TRANSACTION"):
        cursor.text_until(",")
        return
    name = cursor.ident().removeprefix("@@").lower()
    if not (cursor.accept("=") or cursor.accept(":=")):
        raise cursor.error("expecting =")
    if name not in context.variables:
        raise DorisError(f"Unknown system variable '{name}'", 1193)
    if scope.endswith("GLOBAL"):
        context.require("ADMIN")
        raise unsupported("SET GLOBAL")
    _assign(cursor, context, name)


def _assign(cursor: Cursor, context: Context, name: str) -> None:
    if name in READ_ONLY:
        raise DorisError(f"Variable '{name}' is a read only variable", 1238)
    token = cursor.peek()
    text = cursor.text_until(",")
    value = unquote(token.text) if token.kind == "string" and text == token.text else text
    if name == "time_zone" and value.lower() not in UTC_NAMES:
        raise unsupported(f"time_zone {value}; all times are UTC")
    if name == "autocommit" and value.upper() in ("0", "FALSE", "OFF"):
        value = "0"  # drivers switch it off by habit; every statement still commits by itself, as in Doris
    old = context.variables[name]
    if isinstance(old, int) and value.upper() in ("TRUE", "ON", "FALSE", "OFF"):
        context.variables[name] = int(value.upper() in ("TRUE", "ON"))
    else:
        context.variables[name] = int(value) if isinstance(old, int) and value.lstrip("-").isdigit() else value


@statement("COMMIT")
@statement("ROLLBACK")
def end_transaction(cursor: Cursor, context: Context) -> Answer:
    """COMMIT and ROLLBACK outside a transaction change nothing, here as in Doris: every statement has committed."""
    cursor.accept("WORK")
    cursor.expect_end()
    return Answer()


@statement("EXPLAIN")
def explain(cursor: Cursor, context: Context) -> Answer:
    """EXPLAIN query."""
    cursor.accept_any("VERBOSE", "PLAN", "GRAPH")
    if cursor.peek().upper not in ("SELECT", "WITH"):
        return describe(cursor, context)
    return context.engine.explain(cursor.rest(), context.user, context.values())


@statement("DESC")
@statement("DESCRIBE")
def describe(cursor: Cursor, context: Context) -> Answer:
    """DESC table, or DESC query as EXPLAIN."""
    if cursor.peek().upper in ("SELECT", "WITH"):
        return context.engine.explain(cursor.rest(), context.user, context.values())
    from .showmeta import describe_table

    parts = cursor.name()
    whole = cursor.accept("ALL")
    cursor.expect_end()
    return describe_table(context, parts, whole=whole)


@statement("KILL")
def kill(cursor: Cursor, context: Context) -> Answer:
    """KILL [CONNECTION | QUERY] id."""
    context.require("ADMIN")
    if cursor.accept("QUERY"):
        raise unsupported("KILL QUERY")
    cursor.accept("CONNECTION")
    number = cursor.integer()
    cursor.expect_end()
    if not context.kill(number):
        raise DorisError(f"Unknown thread id: {number}", 1094)
    return Answer()
