"""Load transactions and their labels: what makes a load happen once.

States are those of Doris: PRECOMMITTED after the first phase, VISIBLE after the second, ABORTED otherwise. A label of
a transaction that was not aborted cannot be used again. The rows of a pre-committed load wait in a Parquet file that
is on disk before its transaction is; the second phase brings them into the table and marks it VISIBLE in one step.
"""

from __future__ import annotations

import datetime
import itertools
import json
from dataclasses import dataclass
from typing import Any

import duckdb

from .catalog import Catalog
from .errors import DorisError
from .merge import ROW, apply_rows
from .model import utc_now
from .storage import SYSTEM_SCHEMA, Store, literal

# As fe.conf has them: streaming_label_keep_max_second and stream_load_default_precommit_timeout_second.
LABEL_KEEP = datetime.timedelta(hours=12)
PRECOMMIT_KEEP = datetime.timedelta(hours=12)
_FIELDS = "id, database, tbl, label, status, rows, columns, staged, source, began, ended, reason"


@dataclass
class Transaction:
    """One load transaction as it is stored."""

    id: int
    database: str
    table: str
    label: str
    status: str
    rows: int
    columns: list[str]
    staged: str = ""
    source: str = "BACKEND_STREAMING"
    began: datetime.datetime | None = None
    ended: datetime.datetime | None = None
    reason: str = ""

    @property
    def job_status(self) -> str:
        """`ExistingJobStatus` of the answer to a repeated label."""
        return "FINISHED" if self.status in ("VISIBLE", "COMMITTED") else self.status


class Transactions:
    """The transactions of all databases."""

    def __init__(self, store: Store, catalog: Catalog) -> None:
        self.store = store
        self.catalog = catalog
        rows = store.cursor().execute(f"SELECT {_FIELDS} FROM {SYSTEM_SCHEMA}.transactions").fetchall()
        found = [_stored(r) for r in rows]
        self.by_id = {t.id: t for t in found}
        self._labels = {(t.database, t.label): t for t in found if t.status != "ABORTED"}
        self._ids = itertools.count(max([t.id for t in found], default=10_000) + 1)
        self._drop_orphans()

    def next_id(self) -> int:
        """An id for a new transaction."""
        return next(self._ids)

    def by_label(self, database: str, label: str) -> Transaction | None:
        """The transaction that holds a label."""
        return self._labels.get((database, label))

    def record(self, cursor: duckdb.DuckDBPyConnection, entry: Transaction) -> None:
        """Store a transaction within the DuckDB transaction that makes it true; call `keep` after that committed."""
        cursor.execute(f"DELETE FROM {SYSTEM_SCHEMA}.transactions WHERE id = ?", [entry.id])
        cursor.execute(
            f"INSERT INTO {SYSTEM_SCHEMA}.transactions VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [entry.id, entry.database, entry.table, entry.label, entry.status, entry.rows, json.dumps(entry.columns),
             entry.staged, entry.source, entry.began, entry.ended, entry.reason],
        )  # fmt: skip

    def keep(self, entry: Transaction) -> None:
        """Make a stored transaction known."""
        self.by_id[entry.id] = entry
        if entry.status == "ABORTED":
            if self._labels.get((entry.database, entry.label)) is entry:
                del self._labels[entry.database, entry.label]
        else:
            self._labels[entry.database, entry.label] = entry

    def find(self, database: str, txn_id: int | None, label: str | None) -> Transaction:
        """The transaction that a second-phase request names.

        Raises:
            DorisError: when there is none, in the words that the Flink sink knows.
        """
        entry = self.by_id.get(txn_id) if txn_id is not None else self.by_label(database, label or "")
        if entry is None or entry.database != database:
            raise DorisError(f"transaction [{txn_id if txn_id is not None else label}] not found")
        return entry

    def finish(self, database: str, txn_id: int | None, label: str | None, commit: bool) -> Transaction:
        """The second phase.

        Raises:
            DorisError: for a transaction that is unknown or no longer pre-committed.
        """
        with self.store.transaction() as cursor:
            entry = self.find(database, txn_id, label)
            if entry.status != "PRECOMMITTED":
                what = ", not pre-committed." if commit or entry.status == "ABORTED" else ", could not abort."
                raise DorisError(f"transaction [{entry.id}] is already {entry.status}{what}")
            if commit and entry.staged:
                table = self.catalog.table(entry.database, entry.table)
                path = literal(str(self.store.staging / entry.staged))
                source = f"(SELECT *, file_row_number AS {ROW} FROM read_parquet({path}, file_row_number=true))"
                apply_rows(cursor, table, source, entry.columns)
                self.catalog.touched(table)
            staged = self.store.staging / entry.staged if entry.staged else None
            done = Transaction(**{**vars(entry), "status": "VISIBLE" if commit else "ABORTED", "staged": "",
                                  "ended": utc_now(), "reason": "" if commit else "User Abort"})  # fmt: skip
            self.record(cursor, done)
        if done.status == "ABORTED":
            self._labels.pop((entry.database, entry.label), None)
        self.keep(done)
        if staged:
            staged.unlink(missing_ok=True)
        return done

    def expire(self) -> None:
        """Abort pre-commits that nobody came back for, and forget labels that are past keeping."""
        now = utc_now()
        known = list(self.by_id.values())  # at once, since loads go on meanwhile
        for entry in [t for t in known if t.status == "PRECOMMITTED" and t.began]:
            if entry.began and now - entry.began > PRECOMMIT_KEEP:
                self.finish(entry.database, entry.id, None, commit=False)
        old = [t for t in known if t.ended and now - t.ended > LABEL_KEEP]
        if not old:
            return
        with self.store.transaction() as cursor:
            cursor.execute(f"DELETE FROM {SYSTEM_SCHEMA}.transactions WHERE ended < ?", [now - LABEL_KEEP])
        for entry in old:
            self.by_id.pop(entry.id, None)
            if self._labels.get((entry.database, entry.label)) is entry:
                del self._labels[entry.database, entry.label]

    def forget_database(self, database: str) -> None:
        """Drop what is known of a database that was dropped, and its staged files; its stored rows went with it.

        Other files stay: one that no transaction names may belong to a load that is about to be stored.
        """
        with self.store.lock:
            for entry in [t for t in list(self.by_id.values()) if t.database == database]:
                del self.by_id[entry.id]
                if entry.staged:
                    (self.store.staging / entry.staged).unlink(missing_ok=True)
            self._labels = {key: t for key, t in self._labels.items() if key[0] != database}

    def describe(self, entry: Transaction) -> list[Any]:
        """The row of SHOW TRANSACTION."""
        began, ended = (t.isoformat(" ", "milliseconds") if t else "" for t in (entry.began, entry.ended))
        return [entry.id, entry.label, "BE: 127.0.0.1", entry.status, entry.source, began, began,
                ended, ended, ended, entry.reason, 0, -1, int(PRECOMMIT_KEEP.total_seconds() * 1000), ""]  # fmt: skip

    def _drop_orphans(self) -> None:
        """Remove the files of loads that ended, or died, before their transaction was stored; at the start only."""
        wanted = {t.staged for t in list(self.by_id.values()) if t.status == "PRECOMMITTED"}
        for path in self.store.staging.iterdir():
            if path.name not in wanted:
                path.unlink()


def _stored(row: tuple[Any, ...]) -> Transaction:
    return Transaction(*(json.loads(value) if place == 6 else value for place, value in enumerate(row)))


TRANSACTION_COLUMNS = [
    "TransactionId", "Label", "Coordinator", "TransactionStatus", "LoadJobSourceType", "PrepareTime", "PreCommitTime",
    "CommitTime", "PublishTime", "FinishTime", "Reason", "ErrorReplicasCount", "ListenerId", "TimeoutMs", "ErrMsg",
]  # fmt: skip
