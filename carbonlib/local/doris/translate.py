"""Queries of Doris as queries of DuckDB: names resolved, functions mapped, session values marked.

Parsing costs milliseconds, so translations are kept by text and database until the catalog changes.
"""

from __future__ import annotations

import datetime
import re
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from .errors import DorisError, unsupported
from .functions import NOW, SESSION_MARKERS, rewrite_functions
from .model import Table, View
from .storage import CATALOG, literal

INFORMATION_SCHEMA = "information_schema"
INFORMATION_PREFIX = "__information_"  # its tables are temporary ones of the connection that asks
_ANSI = re.compile(r"\x1b\[[0-9;]*m")
_HINT = re.compile(r"/\*\+.*?\*/", re.DOTALL)


class Resolver(Protocol):
    """What a translation needs to know of the catalog."""

    version: int

    def table_or_view(self, database: str, name: str) -> Table | View:
        """The object of that name, or a `DorisError`."""


@dataclass(frozen=True)
class Translated:
    """A query ready for DuckDB.

    Args:
        sql: the text, with markers for session values.
        tables: base tables that it reads, for the privilege check.
        scales: digits of a second for each result column; None where only the values tell.
    """

    sql: str
    tables: frozenset[tuple[str, str]] = frozenset()
    scales: tuple[int | None, ...] = ()


@dataclass
class SessionValues:
    """What the session functions of a query return."""

    user: str = "root"
    database: str = ""
    version: str = ""
    connection: int = 0
    variables: Mapping[str, object] = field(default_factory=dict)
    table_functions: Mapping[str, Callable[[dict[str, str]], tuple[Sequence[str], list[Sequence[object]]]]] = field(
        default_factory=dict
    )


def render(sql: str, session: SessionValues) -> str:
    """Fill the markers of a translated text."""
    if "__carbon_" not in sql:
        return sql
    now = datetime.datetime.now(datetime.UTC).replace(tzinfo=None)
    values = {
        NOW[0]: now.isoformat(" ", "seconds"),
        NOW[3]: now.isoformat(" ", "milliseconds"),
        NOW[6]: now.isoformat(" ", "microseconds"),
        SESSION_MARKERS["version"]: session.version,
        SESSION_MARKERS["database"]: session.database,
        SESSION_MARKERS["user"]: f"{session.user}@127.0.0.1",
        SESSION_MARKERS["current_user"]: f"{session.user}@%",
        SESSION_MARKERS["connection_id"]: str(session.connection),
        SESSION_MARKERS["current_catalog"]: "internal",
    }
    for marker, value in values.items():
        sql = sql.replace(marker, value.replace("'", "''"))
    return sql


class Translator:
    """Translates and remembers."""

    def __init__(self, catalog: Resolver, *, keep: int = 2000) -> None:
        self._catalog = catalog
        self._kept: OrderedDict[tuple[str, str, int], Translated] = OrderedDict()
        self._keep = keep

    def query(self, sql: str, session: SessionValues) -> Translated:
        """Translate one query.

        Raises:
            DorisError: for what cannot be parsed, resolved or carried out.
        """
        key = (sql, session.database, self._catalog.version)
        known = self._kept.get(key)
        if known:
            return known
        tree = parse_single(sql)
        if not isinstance(tree, (exp.Query, exp.Values)):
            raise unsupported(f"statement {sql[:40]!r}")
        names = _name_projections(tree)
        stable = not tree.find(exp.Parameter, exp.SessionParameter) and not _has_table_function(tree)
        tables = self.rewrite(tree, session)
        found = Translated(tree.sql("duckdb"), frozenset(tables), self._scales(names, tables))
        if stable:
            self._kept[key] = found
            while len(self._kept) > self._keep:
                self._kept.popitem(last=False)
        return found

    def expression(self, text: str, types: Mapping[str, str], *, as_text: bool) -> str:
        """Translate a single expression over source fields, as in COLUMNS and WHERE of a load.

        Args:
            types: field in lower case → DuckDB type; a field that is left out is text, and a number where one counts
                with it, as in Doris.
            as_text: whether every field arrives as text and is to be read as its type.
        """
        tree = parse_single(f"SELECT {text}")
        if tree.find(exp.Table) or tree.find(exp.Subquery):
            raise unsupported("a subquery in a load expression")
        rewrite_functions(tree)
        for column in list(tree.find_all(exp.Column)):
            kind = types.get(column.name.lower())
            if kind is None and isinstance(column.parent, (exp.Add, exp.Sub, exp.Mul, exp.Div, exp.Mod)):
                column.replace(exp.TryCast(this=column.copy(), to=exp.DataType.build("DOUBLE")))
            elif kind is not None and as_text:
                column.replace(exp.TryCast(this=column.copy(), to=exp.DataType.build(kind, dialect="duckdb")))
        assert isinstance(tree, exp.Select)
        return str(tree.selects[0].unalias().sql("duckdb"))

    def rewrite(self, tree: exp.Expr, session: SessionValues) -> set[tuple[str, str]]:
        """Make a parsed statement DuckDB's in place and return the base tables it names."""
        tables: set[tuple[str, str]] = set()
        common = {cte.alias.lower() for cte in tree.find_all(exp.CTE)}
        for node in list(tree.find_all(exp.Table)):
            if isinstance(node.this, exp.Func):
                node.replace(_rows_of_function(node, session))
            elif node.db or node.name.lower() not in common:
                tables |= self._resolve(node, session)
        _fill_variables(tree, session)
        rewrite_functions(tree)
        return tables

    def _resolve(self, node: exp.Table, session: SessionValues) -> set[tuple[str, str]]:
        database = node.db or session.database
        if not database:
            raise DorisError("No database selected", 1046)
        if node.catalog and node.catalog.lower() not in ("internal", CATALOG):
            raise DorisError(f"Unknown catalog '{node.catalog}'")
        alias = node.alias or node.name
        if database.lower() == INFORMATION_SCHEMA:
            name = node.name.lower()
            node.set("this", exp.to_identifier(INFORMATION_PREFIX + name, quoted=True))
            node.set("db", exp.to_identifier("main"))
            node.set("catalog", exp.to_identifier("temp"))
            node.set("alias", exp.TableAlias(this=exp.to_identifier(alias, quoted=True)))
            return {(INFORMATION_SCHEMA, name)}
        found = self._catalog.table_or_view(database, node.name)
        if isinstance(found, View):
            inner = parse_single(found.query)
            self.rewrite(inner, SessionValues(user=session.user, database=found.database))
            node.replace(exp.alias_(exp.paren(inner, copy=False).this.subquery(copy=False), alias, table=True))
            return {(found.database, found.name)}
        node.set("this", exp.to_identifier(found.name, quoted=True))
        node.set("db", exp.to_identifier(found.database, quoted=True))
        node.set("catalog", exp.to_identifier(CATALOG))
        if not node.alias:
            node.set("alias", exp.TableAlias(this=exp.to_identifier(alias, quoted=True)))
        return {(found.database, found.name)}

    def _scales(self, names: list[set[str] | None], tables: set[tuple[str, str]]) -> tuple[int | None, ...]:
        known: dict[str, int] = {}
        for database, name in tables:
            found = self._catalog.table_or_view(database, name) if database != INFORMATION_SCHEMA else None
            for column in found.columns if isinstance(found, Table) else []:
                if column.type.name == "DATETIME":
                    known[column.name.lower()] = max(known.get(column.name.lower(), 0), column.type.args[0])
        return tuple(
            None if used is None else max((known[n] for n in used if n in known), default=None) for used in names
        )


def parse_single(sql: str) -> exp.Expr:
    """Parse one statement in the dialect of Doris.

    Raises:
        DorisError: when it cannot be parsed or is more than one.
    """
    try:
        found = [tree for tree in sqlglot.parse(_HINT.sub(" ", sql), read="doris") if tree is not None]
    except SqlglotError as refused:
        raise DorisError("Syntax error: " + _ANSI.sub("", str(refused)).replace("\n", " ")[:400]) from refused
    except RecursionError as deep:
        raise DorisError("Syntax error: the statement is nested too deeply") from deep
    if len(found) != 1:
        raise DorisError("Only one statement at a time is supported" if found else "Empty statement")
    return found[0]


def _name_projections(tree: exp.Expr) -> list[set[str] | None]:
    """Name unnamed result columns by their text, as MySQL clients expect, and list the columns that each uses."""
    first = tree
    while isinstance(first, (exp.SetOperation, exp.Subquery)):
        first = first.this
    if not isinstance(first, exp.Select) or first.is_star:
        return []
    used: list[set[str] | None] = []
    for projection in list(first.expressions):
        inner = projection.unalias()
        used.append({c.name.lower() for c in inner.find_all(exp.Column)} or None)
        if inner is projection and not isinstance(inner, (exp.Column, exp.Star)):
            projection.replace(exp.alias_(inner.copy(), inner.sql("doris")[:256], quoted=True))
    return used


def _has_table_function(tree: exp.Expr) -> bool:
    return any(isinstance(node.this, exp.Func) for node in tree.find_all(exp.Table))


def _rows_of_function(node: exp.Table, session: SessionValues) -> exp.Expr:
    call = node.this
    provider = session.table_functions.get(call.name.lower())
    if provider is None:
        raise DorisError(f"Can not found table function '{call.name.lower()}'")
    given = {str(e.this.name).lower(): str(e.expression.name) for e in call.expressions if isinstance(e, exp.EQ)}
    columns, rows = provider(given)
    names = ", ".join(f'"{c}"' for c in columns)
    if rows:
        values = ", ".join("(" + ", ".join(_constant(v) for v in row) + ")" for row in rows)
        text = f"SELECT * FROM (VALUES {values}) AS v({names})"
    else:
        nulls = ", ".join(f'NULL::VARCHAR AS "{c}"' for c in columns)
        text = f"SELECT {nulls} WHERE false"
    inner = sqlglot.parse_one(text, read="duckdb")
    assert isinstance(inner, exp.Query)
    return exp.alias_(inner.subquery(copy=False), node.alias or call.name, table=True)


def _constant(value: object) -> str:
    if value is None:
        return "NULL"
    return str(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else literal(str(value))


def _fill_variables(tree: exp.Expr, session: SessionValues) -> None:
    for node in list(tree.find_all(exp.SessionParameter, exp.Parameter)):
        if isinstance(node, exp.Parameter):
            raise unsupported("a user variable")
        name = node.name.lower()
        if name not in session.variables:
            raise DorisError(f"Unknown system variable '{name}'", 1193)
        value = session.variables[name]
        new = (
            exp.Literal.number(int(value))
            if isinstance(value, (bool, int))
            else exp.null()
            if value is None
            else exp.Literal.string(str(value))
        )
        node.replace(new)
