"""Routine load: rows of a Kafka topic into a table, each exactly once.

The next offset of every partition is a row of the same DuckDB transaction as the rows themselves; Kafka's own group
offsets are never used. A definition and its state survive a restart. A job pauses with a reason when more rows are bad
than it allows, or when its topic cannot be read.
"""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import asdict
from typing import Any, Literal

import duckdb
from confluent_kafka import OFFSET_BEGINNING, OFFSET_END, Consumer, KafkaException, Message, TopicPartition

from .catalog import Catalog
from .errors import DorisError
from .loading import Loader
from .loadspec import LoadSpec, is_true, parse_jsonpaths, ratio
from .metrics import Metrics
from .model import RoutineLoad, utc_now
from .staging import Staged
from .storage import SYSTEM_SCHEMA, Store

log = logging.getLogger(__name__)
_PASSED_ON = ("property.security.protocol", "property.sasl.", "property.ssl.", "property.client.id")
_FETCH_S = 0.05
METADATA_TIMEOUT_S = 3.0
RETRY_S = 2.0


class RoutineLoads:
    """All jobs and the threads that run them."""

    def __init__(self, store: Store, catalog: Catalog, loader: Loader, metrics: Metrics) -> None:
        self.store, self.catalog, self.loader, self.metrics = store, catalog, loader, metrics
        self.jobs = {(j.database, j.name): j for j in (RoutineLoad(**d) for d in store.objects("routine_load"))}
        self.workers: dict[tuple[str, str], Worker] = {}

    def resume_all(self) -> None:
        """Start the threads of jobs that were running."""
        for job in self.jobs.values():
            if job.state in ("RUNNING", "NEED_SCHEDULE"):
                self._start(job)

    def create(self, job: RoutineLoad) -> None:
        """CREATE ROUTINE LOAD; a stopped job of the same name makes room."""
        known = self.jobs.get((job.database, job.name))
        if known and known.state != "STOPPED":
            raise DorisError(f"Name {job.name} already used in db {job.database}")
        job.id = max((j.id for j in self.jobs.values()), default=20_000) + 1
        with self.store.transaction() as cursor:
            key = [job.database, job.name]
            cursor.execute(f"DELETE FROM {SYSTEM_SCHEMA}.offsets WHERE database = ? AND job = ?", key)
            self.store.save(cursor, "routine_load", job.database, job.name, asdict(job))
        self.jobs[job.database, job.name] = job
        self._start(job)

    def find(self, database: str, name: str) -> RoutineLoad:
        """The job of that name that was not stopped.

        Raises:
            DorisError: when there is none.
        """
        job = self.jobs.get((database, name))
        if job is None or job.state == "STOPPED":
            raise DorisError(f"There is no operable routine load job with name {name}")
        return job

    def pause(self, job: RoutineLoad, reason: str) -> None:
        """PAUSE ROUTINE LOAD: the batch in hand is thrown away."""
        with self.store.lock:
            job.state, job.reason, job.paused_at = "PAUSED", reason, utc_now().isoformat(" ", "seconds")
            self.save(job)
        self._end(job)

    def resume(self, job: RoutineLoad) -> None:
        """RESUME ROUTINE LOAD from the stored offsets."""
        if job.state != "PAUSED":
            return
        with self.store.lock:
            job.state, job.reason, job.paused_at = "NEED_SCHEDULE", "", ""
            self.save(job)
        self._start(job)

    def stop(self, job: RoutineLoad) -> None:
        """STOP ROUTINE LOAD: for good."""
        with self.store.lock:
            job.state, job.ended_at = "STOPPED", utc_now().isoformat(" ", "seconds")
            job.reason = "User stops the routine load job"
            self.save(job)
        self._end(job)

    def save(self, job: RoutineLoad) -> None:
        """Store definition and state."""
        with self.store.transaction() as cursor:
            self.store.save(cursor, "routine_load", job.database, job.name, asdict(job))

    def forget_database(self, database: str) -> None:
        """End the jobs of a database that is dropped."""
        for key in [k for k in self.jobs if k[0] == database]:
            self._end(self.jobs.pop(key))

    def offsets(self, job: RoutineLoad) -> dict[int, int]:
        """Partition → next offset, as stored with the rows."""
        rows = self.store.cursor().execute(
            f"SELECT partition, next FROM {SYSTEM_SCHEMA}.offsets WHERE database = ? AND job = ? ORDER BY 1",
            [job.database, job.name],
        )
        return dict(rows.fetchall())

    def lag(self, job: RoutineLoad) -> dict[int, int]:
        """Partition → messages not yet loaded."""
        worker = self.workers.get((job.database, job.name))
        return dict(worker.lag) if worker else {}

    def close(self) -> None:
        """End every thread after its current batch."""
        for worker in self.workers.values():
            worker.ending.set()
        deadline = time.monotonic() + METADATA_TIMEOUT_S + 1
        for worker in self.workers.values():
            worker.join(timeout=max(0.0, deadline - time.monotonic()))

    def _start(self, job: RoutineLoad) -> None:
        self._end(job)
        worker = self.workers[job.database, job.name] = Worker(self, job)
        worker.start()

    def _end(self, job: RoutineLoad) -> None:
        worker = self.workers.pop((job.database, job.name), None)
        if worker:
            # Nobody waits for it: a batch asks under the writer's lock whether it may still be written.
            worker.ending.set()


class Worker(threading.Thread):
    """The thread of one job."""

    def __init__(self, owner: RoutineLoads, job: RoutineLoad) -> None:
        super().__init__(name=f"routine-load-{job.name}", daemon=True)
        self.owner, self.job = owner, job
        self.ending = threading.Event()
        self.lag: dict[int, int] = {}
        self.next: dict[int, int] = {}
        self.interval = float(job.properties.get("max_batch_interval", "60"))
        self.max_rows = int(job.properties.get("max_batch_rows", "20000000"))
        self.max_bytes = int(job.properties.get("max_batch_size", str(1 << 30)))
        self._window_total = self._window_errors = 0

    def run(self) -> None:
        """Load batches until told to end.

        A cluster that does not answer is tried again, as Doris resumes a job that it paused for that. What no later
        attempt can mend pauses the job.
        """
        while not self.ending.is_set():
            consumer = Consumer(consumer_settings(self.job), logger=log)
            try:
                self._assign(consumer)
                self._set_state("RUNNING", "")
                self._work(consumer)
            except KafkaException as failed:
                self.owner.metrics.add("doris_fe_routine_load_abort_task_num")
                self._set_state("NEED_SCHEDULE", f"Failed to read kafka topic: {failed}")
                self.ending.wait(RETRY_S)
            except (DorisError, duckdb.Error, OSError) as failed:
                self._pause(str(failed).split("\n", 1)[0])
            finally:
                consumer.close()

    def _work(self, consumer: Consumer) -> None:
        while not self.ending.is_set():
            messages = self._collect(consumer)
            if messages:
                self._load(messages)
            self._measure_lag(consumer)

    def _set_state(self, state: Literal["RUNNING", "NEED_SCHEDULE"], reason: str) -> None:
        with self.owner.store.lock:
            changed = (self.job.state, self.job.reason) != (state, reason)
            if changed and not self.ending.is_set():
                self.job.state, self.job.reason = state, reason
                self.owner.save(self.job)

    def _assign(self, consumer: Consumer) -> None:
        """Take every partition at its stored offset, or at the default of the definition."""
        topic = self.job.source["kafka_topic"]
        known = consumer.list_topics(topic, timeout=METADATA_TIMEOUT_S).topics[topic]
        if known.error or not known.partitions:
            raise KafkaException(known.error or f"topic {topic} has no partitions")
        stored = self.owner.offsets(self.job)
        given = _named_offsets(self.job.source)
        default = self.job.source.get("property.kafka_default_offsets", "OFFSET_END")
        self.next = dict(stored)
        for partition in sorted(set(known.partitions) - set(stored)):
            at = given.get(partition, offset_of(default))
            if at < 0:
                low, high = consumer.get_watermark_offsets(TopicPartition(topic, partition), METADATA_TIMEOUT_S)
                at = low if at == OFFSET_BEGINNING else high
            self.next[partition] = at
        # Stored before the first batch: a restart must not move a start that was "the end of the topic".
        with self.owner.store.transaction() as cursor:
            self._store_offsets(cursor, self.next)
        consumer.assign([TopicPartition(topic, partition, at) for partition, at in self.next.items()])

    def _collect(self, consumer: Consumer) -> list[Message]:
        """Messages of one batch: until it is full or the interval is over."""
        messages: list[Message] = []
        size, began = 0, time.monotonic()
        while not self.ending.is_set() and len(messages) < self.max_rows and size < self.max_bytes:
            fetched = consumer.consume(min(10_000, self.max_rows - len(messages)), timeout=_FETCH_S)
            for message in fetched:
                if message.error():
                    raise KafkaException(message.error())
                size += len(message.value() or b"")
            messages += fetched
            if messages and time.monotonic() - began >= self.interval:
                break
            if not messages:
                self._measure_lag(consumer)
                began = time.monotonic()
        return messages

    def _load(self, messages: list[Message]) -> None:
        job = self.job
        after = {int(m.partition() or 0): int(m.offset() or 0) + 1 for m in messages}
        body = b"\n".join((m.value() or b"").replace(b"\n", b" ") for m in messages)
        path = self.owner.loader.scratch_file()
        path.write_bytes(body)
        label = f"{job.name}-{job.id}-{'-'.join(f'{p}.{o}' for p, o in sorted(after.items()))}"
        table = self.owner.catalog.table(job.database, job.table)

        def with_offsets(cursor: duckdb.DuckDBPyConnection, staged: Staged) -> bool:
            if self.ending.is_set() or job.state != "RUNNING":
                return False
            self._count(staged, len(body))
            self._store_offsets(cursor, after)
            self.owner.store.save(cursor, "routine_load", job.database, job.name, asdict(job))
            return True

        try:
            staged = self.owner.loader.batch(table, load_spec(job), path, label, "ROUTINE_LOAD_TASK", with_offsets)
        finally:
            path.unlink(missing_ok=True)
        if staged is not None:
            self.next.update(after)
            self._judge(staged)

    def _store_offsets(self, cursor: duckdb.DuckDBPyConnection, offsets: dict[int, int]) -> None:
        for partition, offset in offsets.items():
            key = [self.job.database, self.job.name, partition]
            cursor.execute(f"DELETE FROM {SYSTEM_SCHEMA}.offsets WHERE database = ? AND job = ? AND partition = ?", key)
            cursor.execute(f"INSERT INTO {SYSTEM_SCHEMA}.offsets VALUES (?, ?, ?, ?)", [*key, offset])

    def _count(self, staged: Staged, size: int) -> None:
        job, metrics = self.job, self.owner.metrics
        job.loaded_rows += staged.loaded
        job.error_rows += staged.filtered
        job.unselected_rows += staged.unselected
        job.received_bytes += size
        job.committed_tasks += 1
        metrics.add("doris_fe_routine_load_rows", staged.total)
        metrics.add("doris_fe_routine_load_error_rows", staged.filtered)
        metrics.add("doris_fe_routine_load_receive_bytes", size)

    def _judge(self, staged: Staged) -> None:
        """Pause when the window of max_batch_rows * 10 holds more bad rows than allowed."""
        self._window_total += staged.total
        self._window_errors += staged.filtered
        most = int(self.job.properties.get("max_error_number", "0"))
        share = ratio(self.job.properties.get("max_filter_ratio", "1.0"))
        if self._window_errors > most or self._window_errors > share * self._window_total:
            sample = staged.errors[0] if staged.errors else ""
            self._pause(f"errCode = 102, detailMessage = current error rows is more than max_error_number or the "
                        f"max_filter_ratio is exceeded. {sample}")  # fmt: skip
        elif self._window_total > self.max_rows * 10:
            self._window_total = self._window_errors = 0

    def _pause(self, reason: str) -> None:
        if self.ending.is_set():
            return
        self.ending.set()
        log.error("routine load %s.%s paused: %s", self.job.database, self.job.name, reason)
        self.owner.metrics.add("doris_fe_routine_load_abort_task_num")
        self.job.aborted_tasks += 1
        self.owner.pause(self.job, reason)

    def _measure_lag(self, consumer: Consumer) -> None:
        for assigned in consumer.assignment():
            _, high = consumer.get_watermark_offsets(assigned, cached=True)
            if high >= 0:
                at = self.next.get(assigned.partition)
                self.lag[assigned.partition] = max(0, high - at) if at is not None else 0


def consumer_settings(job: RoutineLoad) -> dict[str, Any]:
    """The settings of the Kafka consumer of a job."""
    passed = {k.removeprefix("property."): v for k, v in job.source.items() if k.startswith(_PASSED_ON)}
    return {
        "bootstrap.servers": job.source["kafka_broker_list"],
        "group.id": job.source.get("property.group.id", f"{job.name}_{job.id}"),
        "enable.auto.commit": False,
        "auto.offset.reset": "error",
        "isolation.level": "read_committed",
        "fetch.wait.max.ms": 100,
        # A cluster that is down is a reason in SHOW ROUTINE LOAD, not ten lines a second in the log.
        "log_level": 2,
        "reconnect.backoff.ms": 250,
        "reconnect.backoff.max.ms": 2000,
        "queued.max.messages.kbytes": 16384,
        **passed,
    }


def load_spec(job: RoutineLoad) -> LoadSpec:
    """How the messages of a job are read."""
    properties = job.properties
    return LoadSpec(
        format="json", columns=job.columns, mappings=job.mappings, where=job.where,
        jsonpaths=parse_jsonpaths(properties["jsonpaths"]) if properties.get("jsonpaths") else [],
        json_root=properties.get("json_root", ""), partial=is_true(properties.get("partial_columns")),
        strict=is_true(properties.get("strict_mode")),
    )  # fmt: skip


def offset_of(text: str) -> int:
    """OFFSET_BEGINNING, OFFSET_END or a number.

    Raises:
        DorisError: for anything else.
    """
    known = {"OFFSET_BEGINNING": OFFSET_BEGINNING, "OFFSET_END": OFFSET_END}
    if text in known:
        return int(known[text])
    if text.isdigit():
        return int(text)
    raise DorisError(f"Invalid kafka offset: {text}")


def _named_offsets(source: dict[str, str]) -> dict[int, int]:
    partitions = [p.strip() for p in source.get("kafka_partitions", "").split(",") if p.strip()]
    offsets = [o.strip() for o in source.get("kafka_offsets", "").split(",") if o.strip()]
    return {int(p): offset_of(o) for p, o in zip(partitions, offsets, strict=False)}
