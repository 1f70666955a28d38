"""The objects that `sql/postgres` and `sql/mariadb` declare: one object a file, and rows to begin with."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pandas as pd
import sqlglot
from sqlglot import exp

from .._errors import UsageError
from ..references import resolve

Kind = Literal["database", "table", "identity", "function", "trigger", "publication", "user", "grant", "rows"]
# Comments are dropped; quoted texts and function bodies are one piece, whatever they hold.
_PIECES = re.compile(r"--[^\n]*|\$\$.*?\$\$|'(?:[^']|'')*'|;|[^;'$-]+|[-$]", re.DOTALL)


@dataclass(frozen=True)
class Column:
    """A column of a declared table: what it must be, and how ALTER TABLE writes it."""

    name: str
    type: str
    definition: str


@dataclass(frozen=True)
class DatabaseObject:
    """One declared object.

    Args:
        system: postgres or mariadb.
        kind: what it is; `identity` is a table's replica identity, `rows` are rows to begin with.
        name: its name; for a grant, who gets it and on what.
        sql: the statement that creates it, references resolved.
        source: file name, for messages.
        details: what a plan compares besides; never shown, since a password is among them.
    """

    system: str
    kind: Kind
    name: str
    sql: str = field(repr=False)
    source: str = ""
    details: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @property
    def label(self) -> str:
        """`kind/name`, as plans show it."""
        return f"{self.system}-{self.kind}/{self.name}"


def load_objects(
    system: Literal["postgres", "mariadb"], folder: Path, values: Mapping[str, str], rows: Path | None = None
) -> list[DatabaseObject]:
    """The objects of every numbered file of a folder, in order, then the rows to begin with.

    Args:
        system: which database the files are for.
        folder: holds `NN_name.sql`.
        values: `namespace.name` → value of the references.
        rows: folder of CSV files, each named as its table.

    Raises:
        UsageError: for a file that declares nothing, or something that no plan can compare.
    """
    # Every secret stands between quotation marks; one that holds a quotation mark must not end them.
    quoted = {k: v.replace("'", "''") if k.startswith("secret.") else v for k, v in values.items()}
    objects: list[DatabaseObject] = []
    for path in sorted(folder.glob("[0-9]*.sql")):
        statements = split_statements(resolve(path.read_text(encoding="utf-8"), quoted))
        if not statements:
            raise UsageError(f"{path.name} holds no statement.", remedy="Write the object into it, or remove it.")
        objects += [parse_object(system, statement, path.name) for statement in statements]
    if not objects:
        raise UsageError(f"There are no SQL files in {folder.name}.", remedy=f"Check out the folder sql/{folder.name}.")
    tables = [item for item in objects if item.kind == "table"]
    return objects + [_rows(item, path) for item in tables for path in _files(rows, item.name)]


def split_statements(text: str) -> list[str]:
    """The statements of a script, without comments and semicolons."""
    statements = [""]
    for piece in _PIECES.findall(text):
        if piece == ";":
            statements.append("")
        elif not piece.startswith("--"):
            statements[-1] += piece
    return [s.strip() for s in statements if s.strip()]


def parse_object(system: str, sql: str, source: str) -> DatabaseObject:
    """Read what a statement declares.

    Raises:
        UsageError: when it declares nothing that a plan can compare.
    """
    for pattern, read in _FORMS:
        match = re.match(pattern, sql, re.IGNORECASE | re.DOTALL)
        if match:
            kind, name, details = read(system, sql, match)
            return DatabaseObject(system, kind, name, sql, source, details)
    raise UsageError(
        f"{source} declares nothing that can be compared.", cause=sql.splitlines()[0],
        remedy="Write CREATE DATABASE, TABLE, FUNCTION, TRIGGER, PUBLICATION, ROLE, USER, or GRANT.",
    )  # fmt: skip


def normal_type(text: str, dialect: str) -> str:
    """A column type in one writing, whether it was declared or read from a catalog."""
    return exp.DataType.build(text, dialect=dialect).sql(dialect)


def dialect_of(system: str) -> str:
    """What sqlglot calls the SQL of a system; MariaDB's tables are written as MySQL's."""
    return "postgres" if system == "postgres" else "mysql"


Parsed = tuple[Kind, str, dict[str, Any]]


def _table(system: str, sql: str, match: re.Match[str]) -> Parsed:
    dialect = dialect_of(system)
    schema = sqlglot.parse_one(sql, read=dialect).this
    columns, keys = [], []
    for part in schema.expressions:
        if isinstance(part, exp.ColumnDef):
            required = any(isinstance(c.kind, exp.NotNullColumnConstraint) for c in part.constraints)
            kind = part.args["kind"].sql(dialect) + (" NOT NULL" if required else "")
            columns.append(Column(part.name, kind, part.sql(dialect)))
        elif isinstance(part, exp.PrimaryKey):
            keys = [key.name for key in part.expressions]
    return "table", match.group(1), {"columns": columns, "key": keys}


def _user(system: str, sql: str, match: re.Match[str]) -> Parsed:
    password = match.group(3).replace("''", "'")
    details = {"password": password, "replication": "REPLICATION" in match.group(2).upper().split()}
    return "user", match.group(1).partition("@")[0], details


def _grant(system: str, sql: str, match: re.Match[str]) -> Parsed:
    privileges = {p.strip().upper() for p in match.group(1).split(",")}
    user = match.group(3).partition("@")[0]
    details = {"privileges": privileges, "scope": match.group(2), "user": user, "account": match.group(3)}
    return "grant", f"{user} on {match.group(2)}", details


def _publication(system: str, sql: str, match: re.Match[str]) -> Parsed:
    return "publication", match.group(1), {"tables": {t.strip() for t in match.group(2).split(",")}}


def _function(system: str, sql: str, match: re.Match[str]) -> Parsed:
    return "function", match.group(1), {"body": sql.split("$$")[1]}


_FORMS: list[tuple[str, Callable[[str, str, re.Match[str]], Parsed]]] = [
    (r"CREATE DATABASE (\w+)", lambda system, sql, m: ("database", m.group(1), {})),
    (r"CREATE TABLE ([\w.]+)", _table),
    (r"ALTER TABLE ([\w.]+) REPLICA IDENTITY (\w+)", lambda system, sql, m: ("identity", m[1], {"identity": m[2]})),
    (r"CREATE OR REPLACE FUNCTION ([\w.]+)\(.*\$\$.*\$\$", _function),
    (r"CREATE OR REPLACE TRIGGER (\w+) .*? ON ([\w.]+)", lambda system, sql, m: ("trigger", m[1], {"table": m[2]})),
    (r"CREATE PUBLICATION (\w+) FOR TABLE (.+)", _publication),
    (r"CREATE (?:ROLE|USER) (\S+) (.*)(?:PASSWORD|IDENTIFIED BY) '((?:[^']|'')*)'$", _user),
    (r"GRANT (.+?) ON (\S+) TO (\S+)$", _grant),
]


def _files(folder: Path | None, table: str) -> list[Path]:
    path = None if folder is None else folder / f"{table.rpartition('.')[2]}.csv"
    return [path] if path is not None and path.is_file() else []


def _rows(table: DatabaseObject, path: Path) -> DatabaseObject:
    frame = pd.read_csv(path, comment="#", dtype=str, keep_default_na=False)
    rows = [{str(k): v or None for k, v in row.items()} for row in frame.to_dict("records")]
    details = {"rows": rows, "key": table.details["key"]}
    unknown = set(frame.columns) - {c.name for c in table.details["columns"]}
    if unknown:
        raise UsageError(f"{path.name} has columns that {table.name} has not: {', '.join(sorted(unknown))}.",
                         remedy="Correct the first line of the file.")  # fmt: skip
    return DatabaseObject(table.system, "rows", table.name, "", path.name, details)
