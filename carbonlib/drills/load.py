"""What flows while something is broken: prices, alerts that they raise, and rows of databases.

A drill without load proves nothing: a system that nobody uses has nothing to lose.
"""

from __future__ import annotations

import json
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from confluent_kafka import KafkaError, Message

from .._errors import CarbonError, EngineError, UsageError
from ..bench.pipeline import load_pipeline
from ..clients.bootstrap import idempotent_producer
from ..clients.databases import Database
from ..waiting import wait_until

ALERT_EVERY = 2.0  # seconds between two jumps, each of a code of its own: the detector's cool-down hides no alert
ROWS_EVERY = 0.25
PATIENCE = "3 min"  # for which a writer repeats what a database that is down did not take


@dataclass(frozen=True)
class Rows:
    """A table that gets marked rows: inserted, changed, and some of them deleted.

    Args:
        database: where it is.
        table: its name; its first row is the pattern of the marked ones.
        changed: a text column that is written anew after the insert.
    """

    database: Database
    table: str
    changed: str

    def key(self) -> str:
        """The column of its primary key.

        Raises:
            UsageError: there is no such table.
        """
        found = self.database.primary_key(self.table)
        if not found:
            raise UsageError(
                f"{self.database} has no table {self.table} with a key.",
                remedy="Name it with its schema, as in schema.table.",
            )
        return found[0]


class Load:
    """Marked data, flowing until the block ends.

    Args:
        bootstrap_servers: of Kafka.
        rate: prices a second.
        rows: tables that get rows meanwhile.

    Attributes:
        prices: how many were acknowledged.
        alerts: how many of them must raise an alert.
        changes: how many changes of rows were committed.
    """

    def __init__(self, bootstrap_servers: str, *, rate: float, rows: Sequence[Rows] = ()) -> None:
        self.mark = f"TEST-{uuid.uuid4().hex[:6].upper()}"
        self.prices = self.alerts = self.changes = 0
        self._rate, self._tables = rate, rows
        self._raw = load_pipeline().raw
        self._failed: list[str] = []
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []
        self._producer = idempotent_producer(bootstrap_servers)

    def __enter__(self) -> Self:
        for table in self._tables:
            table.key()
        writers: list[Callable[[], None]] = [self._send_prices]
        writers += [lambda table=table: self._write_rows(table) for table in self._tables]  # type: ignore[misc]
        self._threads = [threading.Thread(target=self._reporting(writer), daemon=True) for writer in writers]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()
        if self._producer.flush(60):
            self._failed.append("prices were not acknowledged within 60 s")
        with ExitStack() as stack:
            for table in self._tables:
                stack.callback(self._remove, table)
        if self._failed and error is None:
            raise EngineError(
                "The load itself could not be kept up, so the drill shows nothing.",
                cause="; ".join(self._failed[:3]),
                remedy="Run the drill again; where it fails again, look at the system that the cause names.",
            )

    def __repr__(self) -> str:
        return f"{self.prices} prices, {self.alerts} jumps that raise an alert, {self.changes} changes of rows"

    def _reporting(self, writer: Callable[[], None]) -> Callable[[], None]:
        def run() -> None:
            try:
                writer()
            except CarbonError as error:
                self._failed.append(str(error))

        return run

    # -- prices -----------------------------------------------------------------------------------------------------

    def _send_prices(self) -> None:
        number, jump_due = 0, time.monotonic()
        while not self._stop.wait(1 / self._rate):
            number += 1
            self._send(self.mark, 50 + number % 3 / 10, f"{self.mark}-{number}")
            if time.monotonic() >= jump_due:
                jump_due += ALERT_EVERY
                self.alerts += 1
                code = f"{self.mark}-J{self.alerts}"
                self._send(code, 100, f"{code}-1")
                self._send(code, 130, f"{code}-2")
            self._producer.poll(0)

    def _send(self, code: str, price: float, event_id: str) -> None:
        value = json.dumps({"commodity_code": code, "price": price, "currency": "USD", "event_id": event_id})
        self._producer.produce(self._raw, value, code, on_delivery=self._delivered)

    def _delivered(self, error: KafkaError | None, _: Message) -> None:
        if error is not None:
            self._failed.append(error.str())
        else:
            self.prices += 1

    # -- rows -------------------------------------------------------------------------------------------------------

    def _write_rows(self, where: Rows) -> None:
        pattern = where.database.rows(f"SELECT * FROM {where.table} LIMIT 1")[0]
        key = where.key()
        number = 0
        while not self._stop.wait(ROWS_EVERY):
            number += 1
            row = {**pattern, key: f"{self.mark}-{number}"}
            self._write(lambda row=row: where.database.upsert(where.table, [row]))  # type: ignore[misc]
            changed = {**row, where.changed: f"changed {number}"}
            self._write(lambda row=changed: where.database.upsert(where.table, [row]))  # type: ignore[misc]
            if number % 5 == 0:
                self._write(lambda row=row: where.database.delete(where.table, {key: row[key]}))  # type: ignore[misc]

    def _write(self, write: Callable[[], object]) -> None:
        """Write until the database says that it has: each of these writes may be repeated."""
        wait_until(lambda: (write(), True)[1], what="A marked row written", timeout=PATIENCE, every=0.2)
        self.changes += 1

    def _remove(self, where: Rows) -> None:
        key = where.key()
        where.database.execute(f"DELETE FROM {where.table} WHERE {key} LIKE %s", [f"{self.mark}-%"])
