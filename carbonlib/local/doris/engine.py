"""The endpoint without its listeners: storage, catalog, loads, views and users, and how a statement is run."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import duckdb

from .access import Access
from .catalog import Catalog
from .errors import DorisError
from .infoschema import InformationSchema
from .loading import Loader
from .metrics import Metrics
from .mview import Refresher
from .results import Answer
from .routine import RoutineLoads
from .storage import Store
from .transactions import Transactions
from .translate import INFORMATION_SCHEMA, SessionValues, Translated, Translator, render

T = TypeVar("T")
MYSQL_VERSION = "5.7.99"
WHAT_IT_IS = "Doris-compatible endpoint on DuckDB (carbonlib local target), not Apache Doris"
MAX_QUERIES = 4  # more at once only lets every one of them wait longer on two cores


@dataclass(frozen=True)
class Ports:
    """Where the endpoint listens, on 127.0.0.1."""

    query: int
    http: int
    backend: int

    @property
    def be_url(self) -> str:
        """Address of the backend's HTTP interface."""
        return f"http://127.0.0.1:{self.backend}"


class Engine:
    """Everything behind the listeners."""

    def __init__(self, folder: Path, ports: Ports, *, memory_limit: str = "1GB") -> None:
        self.ports = ports
        self.started = time.time()
        self.store = Store(folder, memory_limit=memory_limit)
        self.catalog = Catalog(self.store)
        self.metrics = Metrics()
        self.access = Access(self.store)
        self.translator = Translator(self.catalog)
        self.transactions = Transactions(self.store, self.catalog)
        self.loader = Loader(self.store, self.catalog, self.transactions, self.translator, self.metrics)
        self.views = Refresher(self.store, self.catalog, self.translator, self.metrics)
        self.routines = RoutineLoads(self.store, self.catalog, self.loader, self.metrics)
        self.information = InformationSchema(self.catalog, self.access)
        self.connections = 0
        self._slots = threading.BoundedSemaphore(MAX_QUERIES)
        self._stop = threading.Event()
        self._housekeeper = threading.Thread(target=self._keep_house, name="housekeeper", daemon=True)

    def start(self) -> None:
        """Resume routine loads and schedules."""
        self.routines.resume_all()
        self._housekeeper.start()

    def stop(self) -> None:
        """End loads after their current batch and close the store."""
        self._stop.set()
        self.routines.close()
        self._housekeeper.join(timeout=30)
        self.store.close()

    def _keep_house(self) -> None:
        ticks = 0
        while not self._stop.wait(1.0):
            self.views.run_due()
            if ticks % 60 == 0:
                self.transactions.expire()
            ticks += 1

    def query(self, sql: str, user: str, session: SessionValues) -> Answer:
        """Run one query.

        Raises:
            DorisError: as Doris would refuse it.
        """
        session.table_functions = self.views.table_functions()
        translated = self.translator.query(sql, session)
        for database, table in translated.tables:
            if database != INFORMATION_SCHEMA:
                self.access.require_select(user, database, table)
        with self._slots:
            return self.fetch(render(translated.sql, session), translated, user)

    def fetch(self, sql: str, translated: Translated, user: str = "root") -> Answer:
        """Run a rendered query on the thread's connection."""
        cursor = self.store.cursor()
        wanted = [table for database, table in translated.tables if database == INFORMATION_SCHEMA]
        if wanted:
            self.information.refresh(cursor, wanted, lambda database, table: self.access.sees(user, database, table))
        return guarded(lambda: _answer(cursor.execute(sql), translated.scales))

    def explain(self, sql: str, user: str, session: SessionValues) -> Answer:
        """EXPLAIN: the plan of DuckDB, since that is what runs."""
        translated = self.translator.query(sql, session)
        for database, table in translated.tables:
            self.access.require_select(user, database, table)
        text = "EXPLAIN " + render(translated.sql, session)
        rows = guarded(lambda: self.store.cursor().execute(text).fetchall())
        return Answer(["Explain String(DuckDB Planner)"], [[line] for row in rows for line in row[1].splitlines()])


def _answer(cursor: duckdb.DuckDBPyConnection, scales: tuple[int | None, ...]) -> Answer:
    rows = cursor.fetchall()
    description = cursor.description or []
    return Answer([d[0] for d in description], rows, [str(d[1]) for d in description], scales)


def guarded(action: Callable[[], T]) -> T:
    """Run something in DuckDB and give its refusals the shape of Doris errors."""
    try:
        return action()
    except duckdb.CatalogException as refused:
        raise DorisError(_first_line(refused).removeprefix("Catalog Error: ")) from refused
    except duckdb.BinderException as refused:
        text = _first_line(refused).removeprefix("Binder Error: ").replace("Referenced column", "Unknown column")
        raise DorisError(text) from refused
    except duckdb.Error as refused:
        raise DorisError(_first_line(refused)) from refused


def _first_line(refused: Exception) -> str:
    return str(refused).strip().split("\n", 1)[0]
