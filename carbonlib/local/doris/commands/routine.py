"""CREATE, ALTER, PAUSE, RESUME, STOP and SHOW of routine loads."""

from __future__ import annotations

import json
import re

from ..context import Context
from ..ddl import qualify
from ..errors import DorisError, unsupported
from ..lexer import Cursor
from ..loadspec import parse_columns, parse_jsonpaths, ratio
from ..model import RoutineLoad, words
from ..render import create_routine_load
from ..results import Answer
from ..routine import offset_of
from ..validate import check_properties
from . import statement
from .ddl import own_table

_PROPERTIES = frozenset(
    words(
        """desired_concurrent_number max_batch_interval max_batch_rows max_batch_size max_error_number max_filter_ratio
    strict_mode timezone format jsonpaths json_root strip_outer_array partial_columns send_batch_parallelism
    load_to_single_tablet exec_mem_limit num_as_string fuzzy_parse unique_key_update_mode"""
    )
)
_SOURCE = frozenset({"kafka_broker_list", "kafka_topic", "kafka_partitions", "kafka_offsets"})
_LEAST = {"max_batch_interval": 1, "max_batch_rows": 200_000, "max_batch_size": 100 << 20, "max_error_number": 0,
          "desired_concurrent_number": 1}  # fmt: skip
_SHOWN = words(
    """Id Name CreateTime PauseTime EndTime DbName TableName IsMultiTable State DataSourceType CurrentTaskNum
    JobProperties DataSourceProperties CustomProperties Statistic Progress Lag ReasonOfStateChanged ErrorLogUrls
    OtherMsg User Comment"""
)


@statement("CREATE", "ROUTINE", "LOAD")
def create(cursor: Cursor, context: Context) -> Answer:
    """CREATE ROUTINE LOAD [db.]job ON table … FROM KAFKA (…)."""
    database, name = qualify(cursor.name(), context.database)
    cursor.expect("ON")
    job = RoutineLoad(database, name, cursor.ident(), [], {}, user=context.user)
    context.require("LOAD", database, job.table)
    table = own_table(context, database, job.table)
    while not cursor.accept("FROM"):
        _clause(cursor, job)
        cursor.accept(",")
    if not cursor.accept("KAFKA"):
        raise unsupported("a routine load from anything but KAFKA")
    job.source = cursor.properties()
    if cursor.accept("COMMENT"):
        job.comment = cursor.string()
    cursor.expect_end()
    check_job(job)
    for column in job.mappings:
        if table.column(column) is None:
            raise DorisError(f"Unknown column '{column}' in routine load {name}")
    context.engine.routines.create(job)
    return Answer()


def _clause(cursor: Cursor, job: RoutineLoad) -> None:
    if cursor.accept("COLUMNS"):
        if cursor.peek().upper == "TERMINATED":
            raise unsupported("COLUMNS TERMINATED BY: routine load takes JSON here")
        job.columns, job.mappings = parse_columns(cursor.parenthesised())
    elif cursor.accept("WHERE"):
        job.where = cursor.text_until("PROPERTIES", "FROM", ",", "COLUMNS")
    elif cursor.accept("PROPERTIES"):
        job.properties = cursor.properties()
    elif cursor.accept("COMMENT"):
        job.comment = cursor.string()
    else:
        raise (
            unsupported(f"routine load with {cursor.peek().text}")
            if not cursor.done()
            else cursor.error("expecting FROM KAFKA")
        )


def check_job(job: RoutineLoad) -> None:
    """The rules of Doris for properties of a routine load."""
    properties, source = job.properties, job.source
    check_properties(properties, _PROPERTIES)
    unknown = sorted(k for k in source if k not in _SOURCE and not k.startswith("property."))
    if unknown:
        raise DorisError(f"{unknown[0]} is invalid kafka property")
    for needed in ("kafka_broker_list", "kafka_topic"):
        if not source.get(needed):
            raise DorisError(f"{needed} is a required property")
    for broker in source["kafka_broker_list"].split(","):
        if not re.fullmatch(r"[\w.-]+:\d+", broker.strip()):
            raise DorisError(f"Host: {broker.strip()} does not match host:port")
    if properties.get("format", "csv").lower() != "json":
        raise unsupported('routine load without "format" = "json"')
    for name, least in _LEAST.items():
        value = properties.get(name)
        if value is not None and (not value.isdigit() or int(value) < least):
            raise DorisError(f"{name} should be greater than or equal to {least}")
    ratio(properties.get("max_filter_ratio", "1.0"))
    offset_of(source.get("property.kafka_default_offsets", "OFFSET_END"))
    if properties.get("timezone", "UTC").upper() not in ("UTC", "ETC/UTC", "+00:00"):
        raise unsupported(f"timezone {properties['timezone']}; all times are UTC")
    paths = parse_jsonpaths(properties["jsonpaths"]) if properties.get("jsonpaths") else []
    if paths and job.columns and len(paths) != len(job.columns):
        raise DorisError(f"jsonpaths has {len(paths)} paths, but COLUMNS has {len(job.columns)} fields")


def _job(cursor: Cursor, context: Context) -> RoutineLoad:
    cursor.expect("FOR")
    database, name = qualify(cursor.name(), context.database)
    cursor.expect_end()
    job = context.engine.routines.find(database, name)
    context.require("LOAD", database, job.table)
    return job


@statement("PAUSE", "ROUTINE", "LOAD")
def pause(cursor: Cursor, context: Context) -> Answer:
    """PAUSE ROUTINE LOAD FOR job."""
    context.engine.routines.pause(_job(cursor, context), f"User {context.user} pauses routine load job")
    return Answer()


@statement("RESUME", "ROUTINE", "LOAD")
def resume(cursor: Cursor, context: Context) -> Answer:
    """RESUME ROUTINE LOAD FOR job."""
    context.engine.routines.resume(_job(cursor, context))
    return Answer()


@statement("STOP", "ROUTINE", "LOAD")
def stop(cursor: Cursor, context: Context) -> Answer:
    """STOP ROUTINE LOAD FOR job."""
    context.engine.routines.stop(_job(cursor, context))
    return Answer()


@statement("ALTER", "ROUTINE", "LOAD")
def alter(cursor: Cursor, context: Context) -> Answer:
    """ALTER ROUTINE LOAD FOR job PROPERTIES (…) [FROM KAFKA (…)], while it is paused."""
    cursor.expect("FOR")
    database, name = qualify(cursor.name(), context.database)
    job = context.engine.routines.find(database, name)
    context.require("LOAD", database, job.table)
    if job.state != "PAUSED":
        raise DorisError("Only supports modification of PAUSED jobs")
    wanted = RoutineLoad(database, name, job.table, job.columns, job.mappings, job.where, dict(job.properties),
                         dict(job.source))  # fmt: skip
    if cursor.accept("PROPERTIES"):
        wanted.properties.update(cursor.properties())
    if cursor.accept("FROM"):
        cursor.expect("KAFKA")
        wanted.source.update({"property.kafka_default_offsets": "OFFSET_END", **cursor.properties()})  # as Doris does
    cursor.expect_end()
    check_job(wanted)
    if wanted.source["kafka_topic"] != job.source["kafka_topic"]:
        raise unsupported("a change of the topic; stop the job and create another")
    job.properties, job.source = wanted.properties, wanted.source
    context.engine.routines.save(job)
    return Answer()


@statement("SHOW", "ROUTINE", "LOAD")
def show(cursor: Cursor, context: Context) -> Answer:
    """SHOW ROUTINE LOAD [FOR job]; stopped jobs are left out."""
    return _show(cursor, context, everything=False)


@statement("SHOW", "ALL", "ROUTINE", "LOAD")
def show_all(cursor: Cursor, context: Context) -> Answer:
    """SHOW ALL ROUTINE LOAD [FOR job], stopped ones included."""
    return _show(cursor, context, everything=True)


def _show(cursor: Cursor, context: Context, *, everything: bool) -> Answer:
    database, name = context.database, ""
    if cursor.accept("FOR"):
        database, name = qualify(cursor.name(), context.database)
    elif cursor.accept("FROM") or cursor.accept("IN"):
        database = cursor.ident()
    cursor.expect_end()
    engine = context.engine
    engine.catalog.database(database)
    found = [
        job for job in engine.routines.jobs.values()
        if job.database == database and (not name or job.name == name) and (everything or job.state != "STOPPED")
        and engine.access.may(context.user, "LOAD", database, job.table)
    ]  # fmt: skip
    if name and not found:
        raise DorisError(f"There is no job named {name} in db {database}. Include history? {str(everything).lower()}")
    return Answer(_SHOWN, [_row(context, job) for job in found])


def _row(context: Context, job: RoutineLoad) -> list[str]:
    routines = context.engine.routines
    lag = routines.lag(job) if job.state == "RUNNING" else {}
    statistic = {
        "receivedBytes": job.received_bytes, "errorRows": job.error_rows, "committedTaskNum": job.committed_tasks,
        "loadedRows": job.loaded_rows, "abortedTaskNum": job.aborted_tasks, "unselectedRows": job.unselected_rows,
        "totalRows": job.loaded_rows + job.error_rows + job.unselected_rows,
        "runningTxns": [], "loadRowsRate": 0, "receivedBytesRate": 0, "taskExecuteTimeMs": 0,
    }  # fmt: skip
    source = {"topic": job.source["kafka_topic"], "brokerList": job.source["kafka_broker_list"],
              "currentKafkaPartitions": ",".join(map(str, sorted(routines.offsets(job))))}  # fmt: skip
    # Progress names the last loaded offset, one less than the next.
    progress = {str(p): str(o - 1) if o else "OFFSET_ZERO" for p, o in routines.offsets(job).items()}
    described = {**job.properties, "columnToColumnExpr": ",".join(
        [*job.columns, *(f"{k}={v}" for k, v in job.mappings.items())]), "whereExpr": job.where or "*"}  # fmt: skip
    custom = {k.removeprefix("property."): v for k, v in job.source.items() if k.startswith("property.")}
    running = "1" if job.state == "RUNNING" else "0"
    return [str(job.id), job.name, job.created, job.paused_at, job.ended_at, job.database, job.table, "false",
            job.state, "KAFKA", running, json.dumps(described), json.dumps(source), json.dumps(custom),
            json.dumps(statistic), json.dumps(progress), json.dumps({str(k): v for k, v in lag.items()}), job.reason,
            "", "", job.user, job.comment]  # fmt: skip


@statement("SHOW", "CREATE", "ROUTINE", "LOAD")
def show_create(cursor: Cursor, context: Context) -> Answer:
    """SHOW CREATE ROUTINE LOAD FOR job."""
    job = _job(cursor, context)
    return Answer(["JobId", "JobName", "CreateStmt"], [[str(job.id), job.name, create_routine_load(job)]])
