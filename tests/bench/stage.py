"""A stage for the job benchmark: copies of the topics and tables, filled with prices, and jobs that run on them.

The scripts are those of the platform to the letter, but for the names of topics and of the database, so that the
benchmark leaves no price where an audit would find it.
"""

from __future__ import annotations

import io
import json
import re
import struct
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from statistics import linear_regression
from typing import Any

import fastavro
import httpx
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient

from carbonlib._errors import UsageError
from carbonlib._project import MANIFESTS, SQL
from carbonlib.bench.cpu import CpuCost, cpu_seconds
from carbonlib.clients.kafka import Topic, load_topics
from carbonlib.jobs import Job, Jobs, load_jobs
from carbonlib.references import resolve
from carbonlib.waiting import wait_until

CODES = 50
PER_SECOND = 20_000  # density of the prices in event time
WARM_SHARE = 0.4
FEWEST_COMMITS = 10
DATABASE = "bench_realtime"
TABLES = ("10_energy_prices_rt", "20_price_1min_agg")
OUTPUT = "passed-through"
PASS_THROUGH = Path(__file__).parent / "sql" / "pass_through.sql"


class Stage:
    """Topics and tables of the benchmark's own; `close` removes them."""

    def __init__(self, platform: Any, folder: Path, count: int) -> None:
        self.platform = platform
        self.count = count
        self._folder = folder
        self._mark = f"bench-{uuid.uuid4().hex[:6]}"
        self._entry, jobs = load_jobs({"start_offsets": "earliest-offset"})
        self._jobs = {job.name: job for job in jobs}
        settings = self._jobs["data-enricher"].scripts[0]
        parameters = {**self._jobs["data-enricher"].parameters}
        self._jobs["pass-through"] = Job("pass-through", [settings, PASS_THROUGH], parameters)
        self._topics: list[Topic] = []

    # -- what it needs -----------------------------------------------------------------------------------------------

    def open(self) -> None:
        """Create topics and tables, fill the topics, and stop the platform's own jobs for a while."""
        declared = load_topics(MANIFESTS / "kafka" / "topics.yaml", self.platform.values())
        wanted = [Topic(self._name(t.name), t.partitions, t.replication, t.config) for t in declared]
        self._topics = [*wanted, Topic(self._name(OUTPUT), 3, wanted[0].replication, wanted[0].config)]
        self.platform.kafka.plan(self._topics).apply()
        self._create_tables()
        self._fill("commodity-prices-raw", self._raw())
        self._fill("commodity-prices-enriched", self._enriched())
        for name in (job.name for job in load_jobs()[1]):
            live = self.platform.flink.live_job(name)
            if live:
                self.platform.flink.stop_with_savepoint(live["jid"])

    def close(self) -> None:
        """Let the platform's own jobs go on from their savepoints, and remove topics and tables."""
        self.platform.apply(self.platform.plan("jobs"))
        admin = AdminClient({"bootstrap.servers": self.platform.kafka.bootstrap_servers, "log_level": 0})
        names = [t.name for t in self._topics]
        for future in admin.delete_topics(names).values() if names else []:
            future.result(timeout=30)
        self.platform.doris_root.execute(f"DROP DATABASE IF EXISTS {DATABASE} FORCE")

    def _name(self, topic: str) -> str:
        return f"{self._mark}-{topic}"

    def _create_tables(self) -> None:
        doris = self.platform.doris_root
        doris.execute(f"CREATE DATABASE IF NOT EXISTS {DATABASE}")
        for table in TABLES:
            text = resolve((SQL / "doris" / f"{table}.sql").read_text(), self.platform.values())
            doris.execute(text.replace("commodity_realtime", DATABASE).strip().rstrip(";"))
        doris.execute(f"GRANT LOAD_PRIV, SELECT_PRIV ON internal.{DATABASE}.* TO ROLE 'rt_loader'")

    def _fill(self, topic: str, messages: Iterator[tuple[str, bytes]]) -> None:
        producer = Producer(
            {"bootstrap.servers": self.platform.kafka.bootstrap_servers, "enable.idempotence": True, "linger.ms": 20,
             "compression.type": "lz4", "queue.buffering.max.messages": 500_000, "log_level": 0}
        )  # fmt: skip
        for key, value in messages:
            while True:
                try:
                    producer.produce(self._name(topic), value, key)
                    break
                except BufferError:
                    producer.poll(0.05)
        assert producer.flush(120) == 0
        assert sum(self.platform.kafka.end_offsets(self._name(topic)).values()) == self.count

    def _price(self, number: int) -> float:
        """Within 4 % of each other: the detector compares each and alerts on none."""
        return 100 + (number * 7919 % 400) / 100

    def _raw(self) -> Iterator[tuple[str, bytes]]:
        for i in range(self.count):
            code = f"BENCH-{i % CODES}"
            message = {
                "commodity_code": code,
                "price": self._price(i),
                "currency": "USD",
                "volume": 1,
                "source": "BENCH",
            }
            yield code, json.dumps(message, separators=(",", ":")).encode()

    def _enriched(self) -> Iterator[tuple[str, bytes]]:
        subject = "commodity-prices-enriched-value"
        answer = httpx.get(f"{self.platform.endpoints()['registry']['url']}/subjects/{subject}/versions/latest").json()
        schema = fastavro.parse_schema(json.loads(answer["schema"]))
        head = b"\0" + struct.pack(">I", answer["id"])
        names = [field["name"] for field in json.loads(answer["schema"])["fields"]]
        start = int(datetime.now(UTC).timestamp() * 1000) - self.count * 1000 // PER_SECOND
        body = io.BytesIO()
        for i in range(self.count):
            code = f"BENCH-{i % CODES}"
            moment = datetime.fromtimestamp((start + i * 1000 // PER_SECOND) / 1000, UTC)
            known = {
                "event_id": f"bench-{i:09}", "commodity_code": code, "event_time": moment, "currency": "USD",
                "price": Decimal(str(self._price(i))), "volume": Decimal(1), "source": "BENCH",
                "ingest_time": moment, "enriched_at": moment,
            }  # fmt: skip
            body.seek(0)
            body.truncate()
            fastavro.schemaless_writer(body, schema, {name: known.get(name) for name in names})
            yield code, head + body.getvalue()

    # -- running a job on it -----------------------------------------------------------------------------------------

    def cost(self, name: str) -> CpuCost:
        """CPU time of the TaskManagers per message: the slope of their CPU time over the messages that were committed.

        The first part of the messages does not count: until then a job pays for its start and for the compiler. A line
        through many commits errs less than the span between two, since CPU time and commits are not read as one.
        """
        group = f"{self._mark}-{name}-{uuid.uuid4().hex[:4]}"
        job_id = Jobs(self.platform).submit(self._entry, self._staged(self._jobs[name], group), None, group[-4:])
        try:
            commits = self._commits(group)
        finally:
            self.platform.flink.cancel(job_id)
        if len(commits) < FEWEST_COMMITS:
            raise UsageError(f"{self.count} messages are too few to measure {name}.", remedy="Give more of them.")
        messages = commits[-1][0] - commits[0][0]
        return CpuCost(name, linear_regression(*zip(*commits, strict=True)).slope * messages, messages)

    def _commits(self, group: str) -> list[tuple[int, float]]:
        """Messages committed by a warm job and the CPU seconds that the TaskManagers had used by then."""
        pids = self._pids()
        commits: list[tuple[int, float]] = []

        def ended() -> bool:
            done, used = self.platform.kafka.group_progress(group), cpu_seconds(pids)
            if done >= self.count * WARM_SHARE and (not commits or done > commits[-1][0]):
                commits.append((done, used))
            return done >= self.count

        wait_until(ended, what=f"{self.count} messages in {group}", timeout="8 min", every=0.05)
        return commits

    def _staged(self, job: Job, group: str) -> Job:
        """The job with the stage's names in its scripts."""
        scripts = []
        for script in job.scripts:
            text = script.read_text(encoding="utf-8").replace("'commodity_realtime.", f"'{DATABASE}.")
            for topic in self._topics:
                plain = topic.name.removeprefix(f"{self._mark}-")
                text = re.sub(rf"'{re.escape(plain)}'", f"'{topic.name}'", text)
            path = self._folder / group / script.name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            scripts.append(path)
        return Job(group, scripts, {**job.parameters, "group": group})

    def _pids(self) -> list[int]:
        states = self.platform.target.stack.supervisor.states()
        return [int(s["pid"]) for name, s in states.items() if name.startswith("taskmanager-")]
