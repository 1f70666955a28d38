"""SHOW of the cluster, of sessions and of transactions."""

from __future__ import annotations

import datetime
import re
import shutil

from ..context import Context
from ..engine import WHAT_IT_IS
from ..errors import DorisError
from ..lexer import Cursor
from ..model import utc_now, words
from ..results import Answer
from ..transactions import TRANSACTION_COLUMNS
from . import statement

_FRONTEND = words(
    """Name Host EditLogPort HttpPort QueryPort RpcPort ArrowFlightSqlPort Role IsMaster ClusterId Join Alive
    ReplayedJournalId LastStartTime LastHeartbeat IsHelper ErrMsg Version CurrentConnected LiveSince"""
)
_BACKEND = words(
    """BackendId Host HeartbeatPort BePort HttpPort BrpcPort ArrowFlightSqlPort LastStartTime LastHeartbeat Alive
    SystemDecommissioned TabletNum DataUsedCapacity TrashUsedCapacity AvailCapacity TotalCapacity UsedPct
    MaxDiskUsedPct RemoteUsedCapacity Tag ErrMsg Version Status HeartbeatFailureCounter CpuCores Memory
    LiveSince RunningTasks NodeRole"""
)


def like(pattern: str) -> re.Pattern[str]:
    """A LIKE pattern as a regular expression."""
    parts = ("." if c == "_" else ".*" if c == "%" else re.escape(c) for c in pattern.replace("\\_", "\0"))
    return re.compile("".join(parts).replace("\0", "_"), re.IGNORECASE)


def filtered(cursor: Cursor, names: list[str], rows: list[list[object]]) -> Answer:
    """Apply `LIKE '…'` to the first column, or `WHERE column = '…'`, and refuse anything else."""
    if cursor.accept("LIKE"):
        pattern = like(cursor.string())
        rows = [row for row in rows if pattern.fullmatch(str(row[0]))]
    elif cursor.accept("WHERE"):
        rows = _where(cursor, names, rows)
    cursor.expect_end()
    return Answer(names, rows)


def _where(cursor: Cursor, names: list[str], rows: list[list[object]]) -> list[list[object]]:
    while True:
        name = cursor.ident()
        place = next((i for i, n in enumerate(names) if n.lower() == name.lower()), None)
        if place is None:
            raise DorisError(f"Unknown column '{name}' in SHOW … WHERE")
        if cursor.accept("LIKE"):
            pattern = like(cursor.string())
        elif cursor.accept("="):
            pattern = re.compile(re.escape(cursor.string()), re.IGNORECASE)
        elif cursor.accept("IN"):
            pattern = re.compile("|".join(map(re.escape, cursor.names())), re.IGNORECASE)
        else:
            raise cursor.error("expecting =, LIKE or IN")
        rows = [row for row in rows if pattern.fullmatch(str(row[place]))]
        if not (cursor.accept("AND") or cursor.accept("OR")):
            return rows


def _started(context: Context) -> str:
    began = datetime.datetime.fromtimestamp(context.engine.started, datetime.UTC)
    return began.strftime("%Y-%m-%d %H:%M:%S")


def _gib(count: int) -> str:
    return f"{count / 2**30:.3f} GB"


@statement("SHOW", "FRONTENDS")
def frontends(cursor: Cursor, context: Context) -> Answer:
    """SHOW FRONTENDS: this process."""
    cursor.expect_end()
    context.require("ADMIN")
    ports, since, now = context.engine.ports, _started(context), utc_now().isoformat(" ", "seconds")
    row = ["fe_local", "127.0.0.1", 0, ports.http, ports.query, 0, -1, "FOLLOWER", "true", 1, "true", "true",
           context.engine.catalog.version, since, now, "true", "", WHAT_IT_IS, "Yes", since]  # fmt: skip
    return Answer(_FRONTEND, [row])


@statement("SHOW", "BACKENDS")
def backends(cursor: Cursor, context: Context) -> Answer:
    """SHOW BACKENDS: this process."""
    cursor.expect_end()
    context.require("ADMIN")
    engine = context.engine
    disk = shutil.disk_usage(engine.store.folder)
    used = f"{disk.used / disk.total * 100:.2f} %"
    since, now = _started(context), utc_now().isoformat(" ", "seconds")
    row = [10001, "127.0.0.1", 0, 0, engine.ports.backend, 0, -1, since, now, "true", "false",
           len(engine.catalog.tables), _gib(engine.store.path.stat().st_size), "0.000", _gib(disk.free),
           _gib(disk.total), used, used, "0.000", '{"location" : "default"}', "", WHAT_IT_IS, "{}", 0, 2, "", since, 0,
           "mix"]  # fmt: skip
    return Answer(_BACKEND, [row])


@statement("SHOW", "PROC")
def proc(cursor: Cursor, context: Context) -> Answer:
    """SHOW PROC '/frontends' and '/backends'."""
    path = cursor.string().strip("/").lower()
    if path not in ("frontends", "backends"):
        raise DorisError(f"Proc path '/{path}' doesn't exist")
    return (frontends if path == "frontends" else backends)(cursor, context)


@statement("SHOW", "TRANSACTION")
def transaction(cursor: Cursor, context: Context) -> Answer:
    """SHOW TRANSACTION [FROM db] WHERE id = … | label = '…' | label LIKE '…'."""
    database = cursor.ident() if cursor.accept("FROM") else context.database
    context.engine.catalog.database(database)
    cursor.expect("WHERE")
    field = cursor.ident().lower()
    entries = [t for t in context.engine.transactions.by_id.values() if t.database == database]
    if field == "id":
        cursor.expect("=")
        number = cursor.integer()
        found = [t for t in entries if t.id == number]
    elif field == "label":
        pattern = like(cursor.string()) if cursor.accept("LIKE") else None
        if pattern is None:
            cursor.expect("=")
            label = cursor.string()
        found = [t for t in entries if (pattern.fullmatch(t.label) if pattern else t.label == label)]
    elif field == "status":
        cursor.expect("=")
        status = cursor.string().upper()
        found = [t for t in entries if t.status == status]
    else:
        raise DorisError("Where clause should look like: LABEL = 'x' | LABEL LIKE 'x%' | ID = 1 | STATUS = 'x'")
    cursor.expect_end()
    for entry in found:
        context.require("LOAD", database, entry.table)
    rows = [context.engine.transactions.describe(t) for t in sorted(found, key=lambda t: t.id)]
    return Answer(TRANSACTION_COLUMNS, rows)


def _show_variables(cursor: Cursor, context: Context) -> Answer:
    rows: list[list[object]] = [[k, _variable(v)] for k, v in sorted(context.variables.items())]
    return filtered(cursor, ["Variable_name", "Value"], rows)


def _variable(value: object) -> str:
    return ("true" if value else "false") if isinstance(value, bool) else str(value)


for _words in (("VARIABLES",), ("SESSION", "VARIABLES"), ("GLOBAL", "VARIABLES"), ("LOCAL", "VARIABLES")):
    statement("SHOW", *_words)(_show_variables)


def _show_status(cursor: Cursor, context: Context) -> Answer:
    return filtered(cursor, ["Variable_name", "Value"], [["Threads_connected", str(context.engine.connections)]])


for _words in (("STATUS",), ("SESSION", "STATUS"), ("GLOBAL", "STATUS")):
    statement("SHOW", *_words)(_show_status)


@statement("SHOW", "PROCESSLIST")
@statement("SHOW", "FULL", "PROCESSLIST")
def processlist(cursor: Cursor, context: Context) -> Answer:
    """SHOW PROCESSLIST: the connection that asks; DuckDB has no list of the others."""
    cursor.expect_end()
    row = ["Yes", context.connection, context.user, "127.0.0.1", _started(context), "internal", context.database,
           "Query", 0, "OK", "", "SHOW PROCESSLIST"]  # fmt: skip
    return Answer(
        words("""CurrentConnected Id User Host LoginTime Catalog Db Command Time State QueryId Info"""), [row]
    )


@statement("SHOW", "CATALOGS")
def catalogs(cursor: Cursor, context: Context) -> Answer:
    """SHOW CATALOGS: internal."""
    cursor.expect_end()
    columns = ["CatalogId", "CatalogName", "Type", "IsCurrent", "CreateTime", "LastUpdateTime", "Comment"]
    return Answer(columns, [[0, "internal", "internal", "Yes", "UNRECORDED", None, "Doris internal catalog"]])


@statement("SHOW", "ENGINES")
def engines(cursor: Cursor, context: Context) -> Answer:
    """SHOW ENGINES."""
    cursor.expect_end()
    columns = ["Engine", "Support", "Comment", "Transactions", "XA", "Savepoints"]
    return Answer(columns, [["OLAP", "YES", "stored in DuckDB", "NO", "NO", "NO"]])


@statement("SHOW", "COLLATION")
def collation(cursor: Cursor, context: Context) -> Answer:
    """SHOW COLLATION."""
    columns = ["Collation", "Charset", "Id", "Default", "Compiled", "Sortlen"]
    return filtered(cursor, columns, [["utf8mb4_0900_bin", "utf8mb4", 309, "Yes", "Yes", 1]])


@statement("SHOW", "CHARSET")
@statement("SHOW", "CHARACTER", "SET")
def charset(cursor: Cursor, context: Context) -> Answer:
    """SHOW CHARSET."""
    columns = ["Charset", "Description", "Default collation", "Maxlen"]
    return filtered(cursor, columns, [["utf8mb4", "UTF-8 Unicode", "utf8mb4_0900_bin", 4]])


@statement("SHOW", "WARNINGS")
@statement("SHOW", "ERRORS")
def warnings(cursor: Cursor, context: Context) -> Answer:
    """SHOW WARNINGS: there are none, what goes wrong is an error."""
    if cursor.accept("LIMIT"):
        cursor.integer()
    cursor.expect_end()
    return Answer(["Level", "Code", "Message"])


# Kinds of objects that cannot exist here; the empty answer is the true one.
_ABSENT = {
    ("TRIGGERS",): "Trigger Event Table Statement Timing Created sql_mode Definer",
    ("EVENTS",): "Db Name Definer Time Type Status",
    ("PROCEDURE", "STATUS"): "Db Name Type Definer Modified Created Comment",
    ("FUNCTION", "STATUS"): "Db Name Type Definer Modified Created Comment",
    ("PLUGINS",): "Name Type Description Version Status",
    ("RESOURCES",): "Name ResourceType Item Value",
}


def _register_absent(words: tuple[str, ...], columns: list[str]) -> None:
    def handler(cursor: Cursor, context: Context) -> Answer:
        cursor.rest()
        return Answer(columns)

    statement("SHOW", *words)(handler)


for _kind, _columns in _ABSENT.items():
    _register_absent(_kind, _columns.split())
