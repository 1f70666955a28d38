"""Change capture, from outside: marked rows come, change and go at a fixed rate, and are looked for in the topic."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from .._errors import UsageError
from ..clients.databases import Database, Postgres
from ..waiting import seconds as as_seconds
from .figures import over_time, percentile_curves
from .follow import at_end
from .log import until
from .priority import favour_this_thread
from .reading import AvroDecoder
from .samples import Latencies, Validity, load_average, percentiles

if TYPE_CHECKING:
    from ..platform import Platform

KINDS = ("insert", "update", "delete")
SLOT_SECONDS = 0.5


@dataclass(frozen=True)
class CapturedChanges:
    """What became of the changes of a run.

    Args:
        changes: one row a change: key, kind, and the seconds at which it was due, committed and readable (NaN: never).
        doubled: changes that the topic showed more than once.
        disordered: keys whose changes came in another order than they were made.
        slots: what replication slots kept meanwhile; empty for a database that has none.
        warmup: second of the run from which changes count for the latencies.
        rate: changes a second.
        load: load average of the machine.
    """

    changes: pd.DataFrame
    doubled: Sequence[str]
    disordered: Sequence[str]
    slots: pd.DataFrame
    warmup: float
    rate: float
    load: float

    @property
    def missing(self) -> list[str]:
        """Changes that never came, as `key kind`."""
        return list((self.changes["key"] + " " + self.changes["kind"])[self.changes["seen"].isna()])

    def counts(self) -> pd.DataFrame:
        """How many changes of each kind were made, and how many of them were seen."""
        return self.changes.groupby("kind", sort=False).agg(made=("key", "size"), seen=("seen", "count"))

    def _leg(self, name: str, begin: str) -> Latencies:
        counted = self.changes[(self.changes["due"] >= self.warmup) & self.changes["seen"].notna()]
        took = (counted["seen"] - counted[begin]) * 1000
        return Latencies(name, took.to_numpy(dtype=np.float64), counted["due"].to_numpy(dtype=np.float64))

    @property
    def latency(self) -> Latencies:
        """From the moment when the commit was sent to a reader of committed records."""
        return self._leg("commit sent → readable", "committed")

    @property
    def legs(self) -> list[Latencies]:
        """The latency from the commit, and that from the moment when the change was due."""
        return [self.latency, self._leg("due → readable", "due")]

    def validity(self) -> Validity:
        """Whether the figures can be trusted."""
        counted = self.changes[self.changes["due"] >= self.warmup]
        lag = float((counted["committed"] - counted["due"]).max()) * 1000
        took = float(self.changes["committed"].iloc[-1] - self.changes["committed"].iloc[0])
        achieved = min(1.0, (len(self.changes) - 1) / self.rate / took) if took else 1.0
        return Validity(lag, achieved, len(self.latency.ms), self.latency.p99, self.load)

    def percentiles(self) -> pd.DataFrame:
        """Percentiles of both legs, in milliseconds."""
        return percentiles(self.legs)

    def plot(self, limit_ms: float) -> go.Figure:
        """Latency by percentile, with the target."""
        return percentile_curves(self.legs, [limit_ms])

    def timeline(self) -> go.Figure:
        """Latency over time."""
        return over_time(self.legs)

    def slot_figure(self) -> go.Figure:
        """The log that each replication slot kept, and the part of it that its reader had not confirmed."""
        figure = go.Figure()
        for slot, looks in self.slots.groupby("slot"):
            for column in ("retained_bytes", "unconfirmed_bytes"):
                name = f"{slot}: {column.removesuffix('_bytes')}"
                figure.add_scatter(x=looks["second"].tolist(), y=(looks[column] / 1024).tolist(), name=name)
        figure.update_xaxes(title="second of the run")
        figure.update_yaxes(title="log in KiB", rangemode="tozero")
        return figure.update_layout(title="Log kept for change capture", template="plotly_white", height=380)

    def __repr__(self) -> str:
        return (
            f"{len(self.changes)} changes at {self.rate:g}/s: {len(self.missing)} missing, {len(self.doubled)} twice, "
            f"{len(self.disordered)} keys out of order; p95 {self.latency.p95:.1f} ms"
        )


def follow_changes(
    platform: Platform,
    database: Database,
    *,
    table: str,
    topic: str,
    row: Mapping[str, Any],
    changed: Mapping[str, Any],
    rate: float = 20,
    seconds: float = 15,
    warmup: float = 3,
    down: str = "",
    timeout: str | float = "30 s",
) -> CapturedChanges:
    """Insert, update and delete marked rows one after the other, and note when each change can be read from the topic.

    Args:
        platform: whose topic it is.
        database: whose table it is.
        table: a table with a text as its primary key.
        topic: where its changes go, keyed by that text, Avro.
        row: the columns of a marked row besides its key.
        changed: the one column that the update changes, and its new value.
        rate: changes per second, open loop.
        seconds: length of the measured part.
        warmup: seconds before it that do not count.
        down: a connector that is stopped before the first change and resumed after the last one.
        timeout: how long to wait for the last change.

    Raises:
        UsageError: when the rate or the length is not above zero.
    """
    if rate <= 0 or seconds <= 0 or warmup < 0:
        raise UsageError("A run needs a rate and a length above zero.", remedy="Give for example rate=20, seconds=15.")
    rows = max(1, int(rate * (warmup + seconds)) // len(KINDS))
    writer = _Writer(database, table, row, changed, rate, f"TEST-CDC-{uuid.uuid4().hex[:6].upper()}", rows)
    ear = _Ear(platform, topic, changed)
    try:
        if down:
            platform.connect.stop(down)
        try:
            writer.run()
        finally:
            writer.clean()
            if down:
                platform.connect.resume(down)
        load = load_average()
        _wait(ear, writer, as_seconds(timeout))
    finally:
        ear.close()
    return _judge(writer, ear, warmup, load)


def topic_differences(
    platform: Platform, database: Database, *, table: str, topic: str, timeout: str | float = 0
) -> list[str]:
    """Keys of rows that the topic does not show as its newest, and keys that only the topic still shows.

    The topic is compacted, so it holds the newest record of every key, and this reads the whole table from it.

    Args:
        timeout: how long to wait for the topic to show the table; what differs then is the result.
    """
    avro = AvroDecoder.of(platform)
    return until(lambda: _differences(platform, database, avro, table, topic), lambda keys: not keys, timeout)


def _differences(platform: Platform, database: Database, avro: AvroDecoder, table: str, topic: str) -> list[str]:
    shown: dict[str, bool] = {}
    for record in sorted(platform.kafka.read(topic), key=lambda r: (r.partition, r.offset)):
        value = avro(record.value) if record.value else {"deleted": True}
        shown[(record.key or b"").decode()] = not value.get("deleted")
    there = {key for (key,) in database.keys(table, database.primary_key(table))}
    return sorted(there ^ {key for key, live in shown.items() if live})


class _Writer:
    """Makes the changes, each when it is due; in a thread of its own, so that its favour ends with it."""

    def __init__(
        self, database: Database, table: str, row: Mapping[str, Any], changed: Mapping[str, Any], rate: float,
        prefix: str, rows: int,
    ) -> None:  # fmt: skip
        self._database, self._table = database, table
        self._row, self._changed, self.rate = row, changed, rate
        self._key = database.primary_key(table)[0]
        self.keys = [f"{prefix}-{i}" for i in range(rows)]
        self.start = 0.0
        self.made: list[tuple[str, str, float, float]] = []
        self.slots: list[pd.DataFrame] = []
        self._failure: BaseException | None = None

    def run(self) -> None:
        """Make every change."""
        thread = threading.Thread(target=self._guarded, name="change-rows")
        thread.start()
        thread.join()
        if self._failure is not None:
            raise self._failure

    def _guarded(self) -> None:
        try:
            self._write()
        except BaseException as error:
            self._failure = error

    def _write(self) -> None:
        favour_this_thread(self.rate)
        self._look()
        self.start = time.time()
        for number, (key, kind) in enumerate((key, kind) for key in self.keys for kind in KINDS):
            due = number / self.rate
            time.sleep(max(0.0, self.start + due - time.time()))
            committed = self._make(key, kind)
            self.made.append((key, kind, due, committed - self.start))
            if number % max(1, int(self.rate * SLOT_SECONDS)) == 0:
                self._look()
        self._look()

    def _make(self, key: str, kind: str) -> float:
        if kind == "delete":
            return self._database.delete(self._table, {self._key: key}).timestamp()
        row = {self._key: key, **self._row, **(self._changed if kind == "update" else {})}
        return self._database.upsert(self._table, [row]).timestamp()

    def _look(self) -> None:
        if isinstance(self._database, Postgres):
            second = time.time() - self.start if self.start else 0.0
            self.slots.append(self._database.slots().assign(second=second))

    def clean(self) -> None:
        """Delete the rows that a run which broke off has left."""
        deleted = {key for key, kind, _, _ in self.made if kind == "delete"}
        begun = {key for key, _, _, _ in self.made}
        for key in sorted(begun - deleted):
            self._database.delete(self._table, {self._key: key})


class _Ear:
    """A thread that reads the topic from its end on, and notes when each record could be read."""

    def __init__(self, platform: Platform, topic: str, changed: Mapping[str, Any]) -> None:
        self._avro = AvroDecoder.of(platform)
        self._changed = changed
        self._reader = at_end(platform.kafka.bootstrap_servers, topic)
        self._over = threading.Event()
        self.heard: list[tuple[float, str, bytes]] = []
        self._thread = threading.Thread(target=self._listen, name=f"hear-{topic}", daemon=True)
        self._thread.start()

    def _listen(self) -> None:
        favour_this_thread(0)
        while not self._over.is_set():
            message = self._reader.poll(0.1)
            if message is not None and message.error() is None:
                self.heard.append((time.time(), (message.key() or b"").decode(), message.value() or b""))

    def changes(self, keys: Sequence[str]) -> dict[str, list[tuple[float, str]]]:
        """Of each key the moments and kinds of its changes, in their order."""
        found: dict[str, list[tuple[float, str]]] = {key: [] for key in keys}
        for moment, key, value in list(self.heard):
            if key in found:
                found[key].append((moment, self._kind(value)))
        return found

    def _kind(self, value: bytes) -> str:
        record = self._avro(value) if value else {"deleted": True}
        if record.get("deleted"):
            return "delete"
        return "update" if all(record[name] == value for name, value in self._changed.items()) else "insert"

    def close(self) -> None:
        """End the thread and give the connection back."""
        self._over.set()
        self._thread.join()
        self._reader.close()


def _wait(ear: _Ear, writer: _Writer, timeout: float) -> None:
    """Until every change was heard, or time is up: what is missing then is told by the judgement."""

    def heard_all() -> bool:
        if len(ear.heard) < len(writer.made):
            return False
        seen = ear.changes(writer.keys).values()
        return all({kind for _, kind in changes} == set(KINDS) for changes in seen)

    until(heard_all, bool, timeout)


def _judge(writer: _Writer, ear: _Ear, warmup: float, load: float) -> CapturedChanges:
    seen = ear.changes(writer.keys)
    first = {(key, kind): at - writer.start for key, all_of in seen.items() for at, kind in reversed(all_of)}
    rows = [(key, kind, due, at, first.get((key, kind), float("nan"))) for key, kind, due, at in writer.made]
    kinds = {key: [kind for _, kind in all_of] for key, all_of in seen.items()}
    return CapturedChanges(
        pd.DataFrame(rows, columns=["key", "kind", "due", "committed", "seen"]),
        [f"{key} {kind}" for key, found in kinds.items() for kind in KINDS if found.count(kind) > 1],
        [key for key, found in kinds.items() if found != sorted(found, key=KINDS.index)],
        pd.concat(writer.slots, ignore_index=True) if writer.slots else pd.DataFrame(),
        warmup,
        writer.rate,
        load,
    )
