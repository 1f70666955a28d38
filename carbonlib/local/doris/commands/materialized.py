"""CREATE, REFRESH, PAUSE, RESUME and DROP of materialized views."""

from __future__ import annotations

from typing import Literal

from ..context import Context
from ..ddl import qualify
from ..errors import DorisError, unsupported
from ..lexer import Cursor
from ..model import MaterializedView
from ..results import Answer
from ..validate import VIEW_PROPERTIES, check_name, check_properties
from . import statement

_MINUTES = {"MINUTE": 1, "HOUR": 60, "DAY": 1440, "WEEK": 10080}


@statement("CREATE", "MATERIALIZED", "VIEW")
def create(cursor: Cursor, context: Context) -> Answer:
    """CREATE MATERIALIZED VIEW with BUILD or REFRESH, that is: an asynchronous one."""
    quiet = cursor.accept("IF", "NOT", "EXISTS")
    database, name = qualify(cursor.name(), context.database)
    check_name("materialized view", name)
    view = MaterializedView(database, name, "")
    if cursor.peek().upper == "(":
        view.column_comments = _column_comments(cursor)
    seen = _parse_clauses(cursor, view)
    if not seen & {"BUILD", "REFRESH", "DISTRIBUTED"}:
        raise unsupported("a synchronous materialized view")
    cursor.expect("AS")
    view.query = cursor.rest()
    check_properties(view.properties, VIEW_PROPERTIES)
    context.require("CREATE", database, name)
    engine = context.engine
    engine.catalog.database(database)
    table = engine.views.define(view, lambda d, t: engine.access.require_select(context.user, d, t))
    engine.views.create(view, table, quiet)
    return Answer()


def _column_comments(cursor: Cursor) -> dict[str, str]:
    cursor.expect("(")
    found: dict[str, str] = {}
    while True:
        name = cursor.ident()
        found[name] = cursor.string() if cursor.accept("COMMENT") else ""
        if not cursor.accept(","):
            break
    cursor.expect(")")
    return found


def _parse_clauses(cursor: Cursor, view: MaterializedView) -> set[str]:
    seen = set()
    while cursor.peek().upper not in ("AS", ""):
        word = cursor.next().upper
        seen.add(word)
        if word == "BUILD":
            view.build = _one_of(cursor, "IMMEDIATE", "DEFERRED")  # type: ignore[assignment]
        elif word == "REFRESH":
            view.refresh = _one_of(cursor, "AUTO", "COMPLETE")  # type: ignore[assignment]
        elif word == "ON":
            view.trigger = _trigger(cursor, view)
        elif word == "DUPLICATE":
            cursor.expect("KEY")
            view.keys = cursor.names()
        elif word == "KEY":
            view.keys = cursor.names()
        elif word == "COMMENT":
            view.comment = cursor.string()
        elif word == "PARTITION":
            cursor.expect("BY")
            view.partition_by = cursor.parenthesised()
        elif word == "DISTRIBUTED":
            cursor.expect("BY")
            view.distribution = cursor.text_until("PROPERTIES", "AS")
        elif word == "PROPERTIES":
            view.properties = cursor.properties()
        else:
            cursor.at -= 1
            raise cursor.error("in the definition of a materialized view")
    return seen


def _one_of(cursor: Cursor, *words: str) -> str:
    word = cursor.accept_any(*words)
    if not word:
        raise cursor.error(f"expecting {' or '.join(words)}")
    return word


def _trigger(cursor: Cursor, view: MaterializedView) -> Literal["MANUAL", "SCHEDULE", "COMMIT"]:
    word = _one_of(cursor, "MANUAL", "SCHEDULE", "COMMIT")
    if word == "SCHEDULE":
        cursor.expect("EVERY")
        number = cursor.integer()
        unit = _one_of(cursor, *_MINUTES, "SECOND")
        if unit == "SECOND":
            raise DorisError("interval time unit can not be second")
        if number < 1:
            raise DorisError("interval must be positive")
        view.every_minutes = number * _MINUTES[unit]
        if cursor.accept("STARTS"):
            view.starts = cursor.string()
        return "SCHEDULE"
    return "MANUAL" if word == "MANUAL" else "COMMIT"


@statement("REFRESH", "MATERIALIZED", "VIEW")
def refresh(cursor: Cursor, context: Context) -> Answer:
    """REFRESH MATERIALIZED VIEW name AUTO | COMPLETE; returns when it is done."""
    database, name = qualify(cursor.name(), context.database)
    _one_of(cursor, "AUTO", "COMPLETE")
    cursor.expect_end()
    context.require("ALTER", database, name)
    context.engine.views.refresh(database, name)
    return Answer()


@statement("PAUSE", "MATERIALIZED", "VIEW", "JOB")
def pause(cursor: Cursor, context: Context) -> Answer:
    """PAUSE MATERIALIZED VIEW JOB ON name."""
    return _switch(cursor, context, paused=True)


@statement("RESUME", "MATERIALIZED", "VIEW", "JOB")
def resume(cursor: Cursor, context: Context) -> Answer:
    """RESUME MATERIALIZED VIEW JOB ON name."""
    return _switch(cursor, context, paused=False)


def _switch(cursor: Cursor, context: Context, *, paused: bool) -> Answer:
    cursor.expect("ON")
    database, name = qualify(cursor.name(), context.database)
    cursor.expect_end()
    context.require("ALTER", database, name)
    view = context.engine.views.find(database, name)
    view.paused = paused
    context.engine.catalog.save_materialized(view)
    return Answer()


@statement("DROP", "MATERIALIZED", "VIEW")
def drop(cursor: Cursor, context: Context) -> Answer:
    """DROP MATERIALIZED VIEW [IF EXISTS] name."""
    quiet = cursor.accept("IF", "EXISTS")
    database, name = qualify(cursor.name(), context.database)
    cursor.expect_end()
    context.require("DROP", database, name)
    context.engine.catalog.drop_table(database, name, quiet, kind="materialized_view")
    return Answer()
