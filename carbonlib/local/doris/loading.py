"""Loads: read, check, and bring into the table in one transaction with their label."""

from __future__ import annotations

import os
import time
import uuid
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb

from .catalog import Catalog
from .errors import DorisError
from .loadspec import LoadSpec
from .merge import apply_rows
from .metrics import Metrics
from .model import Table, utc_now
from .staging import TABLE, Staged, stage
from .storage import Store, literal, quote
from .transactions import Transaction, Transactions
from .translate import Translator


class Loader:
    """Carries out stream loads and the batches of routine loads."""

    def __init__(
        self, store: Store, catalog: Catalog, transactions: Transactions, translator: Translator, metrics: Metrics
    ) -> None:
        self.store, self.catalog, self.transactions = store, catalog, transactions
        self.translator, self.metrics = translator, metrics
        self.error_logs: OrderedDict[str, str] = OrderedDict()

    def scratch_file(self) -> Path:
        """A new file name for the body of a load."""
        return self.store.scratch / uuid.uuid4().hex

    def stream_load(
        self, database: str, name: str, path: Path, spec: LoadSpec, label: str, *, two_phase: bool, be_url: str
    ) -> dict[str, Any]:
        """One stream load; the answer is the JSON that a backend sends."""
        began = time.monotonic()
        size = path.stat().st_size
        entry = Transaction(self.transactions.next_id(), database, name, label, "PREPARE", 0, [], began=utc_now())
        answer = {"TxnId": entry.id, "Label": label, "Comment": "", "TwoPhaseCommit": str(two_phase).lower()}
        staged = Staged([])
        self.metrics.add("doris_fe_txn_counter", type="begin")
        try:
            table = self._target(database, name)
            if taken := self.transactions.by_label(database, label):
                return self._label_taken(answer, taken)
            staged = stage(self.store.cursor(), table, spec, path, self.translator.expression)
            if staged.filtered > staged.total * spec.max_filter_ratio:
                raise _TooManyFiltered(self._keep_errors(staged, be_url))
            taken = self._commit(entry, table, staged, two_phase)
            if taken:
                return self._label_taken(answer, taken)
        except (DorisError, duckdb.Error, OSError) as failed:
            self.metrics.add("doris_fe_txn_counter", type="failed")
            return {**answer, "Status": "Fail", **_failure(failed), **_counts(staged, size, began, loaded=0)}
        finally:
            self._drop_rows()
        self.metrics.add("doris_fe_txn_counter", type="success")
        self.metrics.add("doris_be_stream_load", staged.loaded, type="load_rows")
        self.metrics.add("doris_be_stream_load", size, type="receive_bytes")
        return {**answer, "Status": "Success", "Message": "OK", **_counts(staged, size, began, staged.loaded)}

    def batch(
        self, table: Table, spec: LoadSpec, path: Path, label: str, source: str,
        extra: Callable[[duckdb.DuckDBPyConnection, Staged], bool],
    ) -> Staged | None:  # fmt: skip
        """One batch of a routine load.

        Args:
            extra: runs within the transaction (it writes the offsets); False throws the batch away.

        Returns:
            What was loaded, or None when it was thrown away.

        Raises:
            DorisError: when the batch cannot be read at all.
        """
        entry = Transaction(self.transactions.next_id(), table.database, table.name, label, "VISIBLE", 0, [],
                            source=source, began=utc_now())  # fmt: skip
        try:
            staged = stage(self.store.cursor(), table, spec, path, self.translator.expression)
            with self.store.transaction() as cursor:
                if not extra(cursor, staged):
                    return None
                if staged.loaded:
                    apply_rows(cursor, table, staged.source, staged.columns)
                self._stored(cursor, entry, staged, "VISIBLE")
        finally:
            self._drop_rows()
        self.transactions.keep(entry)
        if entry.rows:
            self.catalog.touched(table)
        return staged

    def _target(self, database: str, name: str) -> Table:
        if (database, name) in self.catalog.materialized:
            raise DorisError(f"table type is not OLAP table, {name} is a materialized view")
        table = self.catalog.tables.get((database, name))
        if table is None:
            raise DorisError(f"unknown table, tableName={name}")
        return table

    def _commit(self, entry: Transaction, table: Table, staged: Staged, two_phase: bool) -> Transaction | None:
        """Write rows and transaction together; the other transaction when one took the label meanwhile."""
        staged_name = ""
        if two_phase and staged.loaded:
            staged_name = f"{entry.id}.parquet"
            self._write_staged(staged_name, staged)
        # The lock outlives the commit: nobody may look for the label between the two.
        with self.store.lock:
            if taken := self.transactions.by_label(entry.database, entry.label):
                return taken
            with self.store.transaction() as cursor:
                if staged.loaded and not two_phase:
                    apply_rows(cursor, table, staged.source, staged.columns)
                entry.staged = staged_name
                self._stored(cursor, entry, staged, "PRECOMMITTED" if two_phase else "VISIBLE")
            self.transactions.keep(entry)
        if not two_phase and staged.loaded:
            self.catalog.touched(table)
        return None

    def _stored(self, cursor: duckdb.DuckDBPyConnection, entry: Transaction, staged: Staged, status: str) -> None:
        entry.status, entry.rows, entry.columns = status, staged.loaded, staged.columns
        entry.ended = None if status == "PRECOMMITTED" else utc_now()
        self.transactions.record(cursor, entry)

    def _write_staged(self, name: str, staged: Staged) -> None:
        """Put the rows of a first phase on disk, so that they outlive a kill and a power cut."""
        path = self.store.staging / name
        columns = ", ".join(map(quote, staged.columns))
        self.store.cursor().execute(
            f"COPY (SELECT {columns} FROM {TABLE}) TO {literal(str(path))} (FORMAT parquet, COMPRESSION lz4_raw)"
        )
        for target in (path, path.parent):
            handle = os.open(target, os.O_RDONLY)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)

    def _drop_rows(self) -> None:
        self.store.cursor().execute(f"DROP TABLE IF EXISTS temp.{TABLE}")

    def _label_taken(self, answer: dict[str, Any], taken: Transaction) -> dict[str, Any]:
        message = (
            f"[LABEL_ALREADY_EXISTS]errCode = 2, detailMessage = Label [{taken.label}] has already been used, "
            f"relate to txn [{taken.id}], status [{taken.status}]."
        )
        return {**answer, "TxnId": taken.id, "Status": "Label Already Exists", "ExistingJobStatus": taken.job_status,
                "Message": message}  # fmt: skip

    def _keep_errors(self, staged: Staged, be_url: str) -> str:
        name = f"error_log_{uuid.uuid4().hex}"
        self.error_logs[name] = "\n".join(staged.errors) + "\n"
        while len(self.error_logs) > 100:
            self.error_logs.popitem(last=False)
        return f"{be_url}/api/_load_error_log?file={name}"


class _TooManyFiltered(DorisError):
    def __init__(self, url: str) -> None:
        super().__init__("too many filtered rows")
        self.url = url


def _failure(failed: Exception) -> dict[str, Any]:
    if isinstance(failed, _TooManyFiltered):
        return {"Message": "[DATA_QUALITY_ERROR]too many filtered rows", "ErrorURL": failed.url}
    if isinstance(failed, DorisError):
        return {"Message": f"[ANALYSIS_ERROR]{failed.wire}"}
    return {"Message": f"[INTERNAL_ERROR]{str(failed).splitlines()[0]}"}


def _counts(staged: Staged, size: int, began: float, loaded: int) -> dict[str, Any]:
    took = int((time.monotonic() - began) * 1000)
    return {
        "NumberTotalRows": staged.total, "NumberLoadedRows": loaded, "NumberFilteredRows": staged.filtered,
        "NumberUnselectedRows": staged.unselected, "LoadBytes": size, "LoadTimeMs": took, "BeginTxnTimeMs": 0,
        "StreamLoadPutTimeMs": 0, "ReadDataTimeMs": 0, "WriteDataTimeMs": took, "CommitAndPublishTimeMs": 0,
    }  # fmt: skip
