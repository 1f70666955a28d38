"""Asynchronous materialized views: created from a query, refreshed by hand, by the minute or after a change."""

from __future__ import annotations

import datetime
import itertools
import json
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import duckdb

from .catalog import Catalog, doris_type_of
from .errors import DorisError
from .metrics import Metrics
from .model import Column, Distribution, MaterializedView, Table, utc_now
from .storage import Store, full_name
from .translate import INFORMATION_SCHEMA, SessionValues, Translator, render

log = logging.getLogger(__name__)
Rows = tuple[Sequence[str], list[Sequence[object]]]


@dataclass
class Task:
    """One refresh that ran."""

    id: int
    view: MaterializedView
    status: str
    error: str
    started: datetime.datetime
    seconds: float

    def row(self) -> list[object]:
        """The row of `tasks("type"="mv")`."""
        at = self.started.isoformat(" ", "seconds")
        ended = (self.started + datetime.timedelta(seconds=self.seconds)).isoformat(" ", "seconds")
        return [self.id, job_name(self.view), self.view.name, self.view.database, self.status, self.error, at, at,
                ended, int(self.seconds * 1000), "COMPLETE"]  # fmt: skip


TASK_COLUMNS = ["TaskId", "JobName", "MvName", "MvDatabaseName", "Status", "ErrorMsg", "CreateTime", "StartTime",
                "FinishTime", "DurationMs", "RefreshMode"]  # fmt: skip
JOB_COLUMNS = ["Name", "MvName", "MvDatabaseName", "ExecuteType", "RecurringStrategy", "Status", "CreateTime"]
INFO_COLUMNS = ["Name", "JobName", "State", "SchemaChangeDetail", "RefreshState", "RefreshInfo", "QuerySql",
                "MvProperties", "SyncWithBaseTables"]  # fmt: skip


class Refresher:
    """Creates and refreshes the views."""

    def __init__(self, store: Store, catalog: Catalog, translator: Translator, metrics: Metrics) -> None:
        self.store, self.catalog, self.translator, self.metrics = store, catalog, translator, metrics
        self.tasks: deque[Task] = deque(maxlen=200)
        self._ids = itertools.count(1)
        self._seen: dict[tuple[str, str], dict[tuple[str, str], int]] = {}
        self._tried: dict[tuple[str, str], float] = {}
        self._guard = threading.Lock()

    def define(self, view: MaterializedView, user_may_read: Callable[[str, str], None]) -> Table:
        """The table that stores a view's rows, with the columns that its query gives.

        Raises:
            DorisError: when the query is wrong or the user may not read what it reads.
        """
        session = SessionValues(database=view.database)
        translated = self.translator.query(view.query, session)
        for database, name in translated.tables:
            if database == INFORMATION_SCHEMA:
                raise DorisError("materialized view can not be created on information_schema")
            user_may_read(database, name)
        try:
            found = self.store.cursor().execute(f"DESCRIBE {render(translated.sql, session)}").fetchall()
        except duckdb.Error as refused:
            raise DorisError(str(refused).split("\n", 1)[0]) from refused
        columns = [self._column(view, place, row[0], row[1], translated.scales) for place, row in enumerate(found)]
        names = [c.name for c in columns]
        for name in [*view.keys, *view.column_comments]:
            if name not in names:
                raise DorisError(f"Key column[{name}] doesn't exist.")
        return Table(view.database, view.name, columns, "DUPLICATE", view.keys or names[:1],
                     Distribution([], "AUTO"), properties=view.properties, comment=view.comment)  # fmt: skip

    def _column(
        self, view: MaterializedView, place: int, name: str, kind: str, scales: tuple[int | None, ...]
    ) -> Column:
        doris = doris_type_of(kind)
        if doris.name == "DATETIME" and place < len(scales) and scales[place] is not None:
            doris = replace(doris, args=(scales[place] or 0,))
        return Column(name, doris, comment=view.column_comments.get(name, ""))

    def create(self, view: MaterializedView, table: Table, quiet: bool) -> None:
        """CREATE MATERIALIZED VIEW with its first build unless that is deferred."""
        if not self.catalog.create_table(table, quiet=quiet):
            return
        self.catalog.save_materialized(view)
        if view.build == "IMMEDIATE":
            self.refresh(view.database, view.name)

    def find(self, database: str, name: str) -> MaterializedView:
        """The view of that name.

        Raises:
            DorisError: when there is none.
        """
        found = self.catalog.materialized.get((database, name))
        if found is None:
            raise DorisError(f"materialized view [{name}] does not exist in database [{database}]")
        return found

    def refresh(self, database: str, name: str) -> None:
        """Compute the view anew.

        Raises:
            DorisError: when its query fails; the task list says so too.
        """
        view = self.find(database, name)
        began, started = time.monotonic(), utc_now()
        base = self._base_versions(view)
        try:
            with self._guard:
                self._fill(view)
        except (duckdb.Error, DorisError) as failed:
            reason = str(failed).split("\n", 1)[0]
            self.tasks.append(Task(next(self._ids), view, "FAILED", reason, started, time.monotonic() - began))
            raise DorisError(f"refresh of materialized view {database}.{name} failed: {reason}") from failed
        self.tasks.append(Task(next(self._ids), view, "SUCCESS", "", started, time.monotonic() - began))
        self._seen[database, name] = base
        view.last_refresh = started.isoformat(" ", "milliseconds")
        self.catalog.save_materialized(view)

    def _fill(self, view: MaterializedView) -> None:
        session = SessionValues(database=view.database)
        query = render(self.translator.query(view.query, session).sql, session)
        target, cursor = full_name(view.database, view.name), self.store.cursor()
        # Computed before the writer is taken, so that loads do not wait for the query.
        cursor.execute(f"CREATE OR REPLACE TEMP TABLE __refresh AS {query}")
        with self.store.transaction():
            cursor.execute(f"DELETE FROM {target}")
            cursor.execute(f"INSERT INTO {target} SELECT * FROM __refresh")
        cursor.execute("DROP TABLE __refresh")
        self.catalog.touched(self.catalog.table(view.database, view.name))

    def _base_versions(self, view: MaterializedView) -> dict[tuple[str, str], int]:
        found = self.translator.query(view.query, SessionValues(database=view.database)).tables
        return {key: self.catalog.changes.get(key, 0) for key in found}

    def is_stale(self, view: MaterializedView) -> bool:
        """Whether a base table changed since the last refresh; True when that is not known (after a start)."""
        return self._seen.get((view.database, view.name)) != self._base_versions(view)

    def run_due(self) -> None:
        """Refresh what its schedule, or a change of its base, asks for."""
        for view in list(self.catalog.materialized.values()):
            if view.paused or not self._is_due(view):
                continue
            self._tried[view.database, view.name] = time.time()
            try:
                if self.is_stale(view):
                    self.refresh(view.database, view.name)
            except DorisError as failed:
                log.error("materialized view %s.%s: %s", view.database, view.name, failed.detail)

    def _is_due(self, view: MaterializedView) -> bool:
        if view.trigger == "MANUAL":
            return False
        if view.trigger == "COMMIT":
            return True
        now = time.time()
        if view.starts and datetime.datetime.fromisoformat(view.starts).replace(tzinfo=datetime.UTC).timestamp() > now:
            return False
        return now - self._tried.get((view.database, view.name), 0.0) >= view.every_minutes * 60

    def table_functions(self) -> dict[str, Callable[[dict[str, str]], Rows]]:
        """mv_infos, jobs and tasks, as queries call them."""
        return {"mv_infos": self._infos, "jobs": self._jobs, "tasks": self._tasks}

    def _infos(self, given: dict[str, str]) -> Rows:
        rows: list[Sequence[object]] = []
        for (database, name), view in sorted(self.catalog.materialized.items()):
            if database == given.get("database"):
                last = next((t for t in reversed(self.tasks) if t.view is view), None)
                state = last.status if last else "SUCCESS" if view.last_refresh else "INIT"
                stale = self.is_stale(view)
                rows.append([name, job_name(view), "NORMAL", "", "FAIL" if state == "FAILED" else state,
                             refresh_text(view), view.query, json.dumps(view.properties), int(not stale)])  # fmt: skip
        return INFO_COLUMNS, rows

    def _jobs(self, given: dict[str, str]) -> Rows:
        _only_views(given)
        rows: list[Sequence[object]] = []
        for view in self.catalog.materialized.values():
            kind = "RECURRING" if view.trigger == "SCHEDULE" else "MANUAL"
            how = f"EVERY {view.every_minutes} MINUTE" if kind == "RECURRING" else "MANUAL TRIGGER"
            created = self.catalog.table(view.database, view.name).created
            state = "PAUSED" if view.paused else "RUNNING"
            rows.append([job_name(view), view.name, view.database, kind, how, state, created])
        return JOB_COLUMNS, rows

    def _tasks(self, given: dict[str, str]) -> Rows:
        _only_views(given)
        return TASK_COLUMNS, [task.row() for task in self.tasks]


def _only_views(given: dict[str, str]) -> None:
    if given.get("type") != "mv":
        raise DorisError('jobs() and tasks() need "type"="mv" here')


def job_name(view: MaterializedView) -> str:
    """The name of a view's refresh job."""
    return f"inner_mtmv_{view.database}_{view.name}"


def refresh_text(view: MaterializedView) -> str:
    """BUILD and REFRESH as they are written."""
    when = {"MANUAL": "ON MANUAL", "COMMIT": "ON COMMIT", "SCHEDULE": f"ON SCHEDULE EVERY {view.every_minutes} MINUTE"}
    starts = f' STARTS "{view.starts}"' if view.starts else ""
    return f"BUILD {view.build} REFRESH {view.refresh} {when[view.trigger]}{starts}"
