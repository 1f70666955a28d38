"""The objects that `sql/doris` declares: one statement each, in the order of their files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from .._errors import UsageError
from ..local.doris.ddl import parse_create_table, qualify
from ..local.doris.errors import DorisError
from ..local.doris.lexer import Cursor, tokenize
from ..local.doris.model import Table
from ..local.doris.validate import validate_table
from ..references import names, resolve

Kind = Literal["database", "table", "view", "materialized_view", "role", "user", "grant", "routine_load"]


@dataclass(frozen=True)
class SqlObject:
    """One declared object.

    Args:
        kind: what it is.
        database: where it is; empty for users, roles and grants.
        name: its name; for a grant, who gets it and on what.
        sql: the statement that creates it, references resolved.
        source: file name, for messages.
        table: the parsed definition of a table.
        details: what a plan compares besides (password, role, privileges, topic, brokers, query); never in a repr.
    """

    kind: Kind
    database: str
    name: str
    sql: str = field(repr=False)
    source: str = ""
    table: Table | None = field(default=None, repr=False)
    details: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def label(self) -> str:
        """`kind/name`, as plans show it."""
        kind = self.kind.replace("_", "-")
        qualified = self.database and self.database != self.name
        return f"{kind}/{self.database}.{self.name}" if qualified else f"{kind}/{self.name}"


def load_objects(folder: Path, values: Mapping[str, str]) -> list[SqlObject]:
    """The objects of every numbered file of a folder, in order.

    Args:
        folder: holds `NN_name.sql`; folders inside it are not read.
        values: `namespace.name` → value of the references.

    Raises:
        UsageError: for a file that declares nothing, or something that is no object of Doris, or a secret that it
            cannot take.
    """
    objects: list[SqlObject] = []
    for path in sorted(folder.glob("[0-9]*.sql")):
        declared = path.read_text(encoding="utf-8")
        for name in sorted(n for n in names(declared) if n.startswith("secret.") and n in values):
            refuse_quotes(values[name], name.removeprefix("secret."))
        text = resolve(declared, values)
        found = [parse_object(statement, path.name) for statement in _statements(text, path.name)]
        if not found:
            raise UsageError(f"{path.name} holds no statement.", remedy="Write the object into it, or remove it.")
        objects += found
    if not objects:
        raise UsageError(f"There are no SQL files in {folder.name}.", remedy="Check out the folder sql/doris.")
    return objects


def refuse_quotes(secret: str, name: str) -> None:
    """Refuse a password that Doris would store as another.

    Its parser takes the text between the quotation marks of `IDENTIFIED BY '…'` and `PASSWORD('…')` as it stands
    (`LogicalPlanBuilder.visitGrantUserIdentify` and `visitSetPassword` of 4.0), escapes included.

    Raises:
        UsageError: it holds a quotation mark or a backslash.
    """
    if set("'\"\\") & set(secret):
        raise UsageError(
            f"The secret {name} holds a quotation mark or a backslash.",
            cause="Doris keeps the escape before it as a part of the password, and nobody could log in.",
            remedy="Choose one without ' \" and \\.",
        )


def _statements(text: str, source: str) -> list[str]:
    try:
        return split_statements(text)
    except DorisError as refused:
        raise UsageError(
            f"{source} is not valid for Doris.", cause=refused.detail, remedy="Correct the file."
        ) from None


def split_statements(text: str) -> list[str]:
    """The statements of a script, without comments before them and semicolons after them."""
    tokens, found, first = tokenize(text), [], None
    for token in tokens:
        if token.text == ";" and token.kind == "symbol":
            if first is not None:
                found.append(text[first : token.start].strip())
            first = None
        elif first is None:
            first = token.start
    if first is not None:
        found.append(text[first:].strip())
    return found


def parse_object(sql: str, source: str) -> SqlObject:
    """Read what a statement declares.

    Raises:
        UsageError: when it declares nothing that a plan can compare, or breaks a rule of Doris.
    """
    try:
        return _parse(sql, source)
    except DorisError as refused:
        raise UsageError(
            f"{source} is not valid for Doris.", cause=refused.detail, remedy="Correct the file."
        ) from refused


def _parse(sql: str, source: str) -> SqlObject:
    cursor = Cursor(sql)
    if cursor.accept("GRANT"):
        return _grant(cursor, sql, source)
    cursor.expect("CREATE")
    if cursor.accept("TABLE"):
        table, _ = parse_create_table(cursor, None)
        validate_table(table)
        return SqlObject("table", table.database, table.name, sql, source, table)
    for words, kind in _KINDS.items():
        if cursor.accept(*words):
            cursor.accept("IF", "NOT", "EXISTS")
            return _named(kind, cursor, sql, source)
    raise cursor.error("expecting DATABASE, TABLE, VIEW, MATERIALIZED VIEW, ROLE, USER or ROUTINE LOAD")


_KINDS: dict[tuple[str, ...], Kind] = {
    ("DATABASE",): "database", ("VIEW",): "view", ("OR", "REPLACE", "VIEW"): "view",
    ("MATERIALIZED", "VIEW"): "materialized_view", ("ROLE",): "role", ("USER",): "user",
    ("ROUTINE", "LOAD"): "routine_load",
}  # fmt: skip


def _named(kind: Kind, cursor: Cursor, sql: str, source: str) -> SqlObject:
    if kind in ("role", "user"):
        name = cursor.ident().partition("@")[0]
        return SqlObject(kind, "", name, sql, source, details=_user_details(cursor) if kind == "user" else {})
    if kind == "database":
        name = cursor.ident()
        return SqlObject(kind, name, name, sql, source)
    database, name = qualify(cursor.name(), None)
    details = _load_details(cursor) if kind == "routine_load" else {}
    if kind == "materialized_view":
        details = {"query": _view_query(cursor)}
    return SqlObject(kind, database, name, sql, source, details=details)


def _user_details(cursor: Cursor) -> dict[str, str]:
    found: dict[str, str] = {}
    while not cursor.done():
        if cursor.accept("IDENTIFIED", "BY"):
            found["password"] = cursor.string()
        elif cursor.accept("DEFAULT", "ROLE"):
            found["role"] = cursor.ident()
        elif cursor.accept("FAILED_LOGIN_ATTEMPTS"):
            found["attempts"] = str(cursor.integer())
        else:
            cursor.next()
    return found


def _load_details(cursor: Cursor) -> dict[str, str]:
    cursor.expect("ON")
    found = {"table": cursor.ident(), "strict": "false"}
    while not cursor.done():
        if cursor.accept("PROPERTIES"):
            found["strict"] = cursor.properties().get("strict_mode", "false").lower()
        elif cursor.accept("FROM", "KAFKA"):
            source = cursor.properties()
            found["topic"], found["brokers"] = source.get("kafka_topic", ""), source.get("kafka_broker_list", "")
            found["offsets"] = source.get("property.kafka_default_offsets", "OFFSET_END")
        else:
            cursor.next()
    return found


def _view_query(cursor: Cursor) -> str:
    while not cursor.accept("AS"):
        if cursor.done():
            raise cursor.error("expecting AS and the query of the view")
        cursor.next()
    return cursor.rest()


def _grant(cursor: Cursor, sql: str, source: str) -> SqlObject:
    privileges = [cursor.ident()]
    while cursor.accept(","):
        privileges.append(cursor.ident())
    cursor.expect("ON")
    scope = cursor.text_until("TO")
    cursor.expect("TO")
    kind = "role" if cursor.accept("ROLE") else "user"
    name = cursor.ident().partition("@")[0]
    details = {"privileges": ",".join(sorted(p.lower() for p in privileges)), "scope": scope, "to": kind, "name": name}
    return SqlObject("grant", "", f"{name} on {scope}", sql, source, details=details)
