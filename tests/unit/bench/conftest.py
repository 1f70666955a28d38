"""Doubles of what a platform offers to a measurement: a mock cluster, a registry of one schema, tables."""

from __future__ import annotations

import io
import json
import struct
import threading
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, HTTPServer
from types import SimpleNamespace
from typing import Any

import fastavro
import pandas as pd
import pytest
from confluent_kafka import Producer

from carbonlib.bench.pipeline import DlqHeaders, Pipeline, Tables

SCHEMA_ID = 7
SCHEMA = fastavro.parse_schema({
    "type": "record", "name": "price", "fields": [
        {"name": "event_id", "type": "string"},
        {"name": "commodity_code", "type": "string"},
        {"name": "event_time", "type": {"type": "long", "logicalType": "timestamp-millis"}},
        {"name": "price", "type": {"type": "bytes", "logicalType": "decimal", "precision": 18, "scale": 6}},
        {"name": "enriched_at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
    ],
})  # fmt: skip


def framed(record: dict[str, Any], schema_id: int = SCHEMA_ID) -> bytes:
    body = io.BytesIO()
    fastavro.schemaless_writer(body, SCHEMA, {"enriched_at": record["event_time"], **record})
    return b"\0" + struct.pack(">I", schema_id) + body.getvalue()


@dataclass
class Registry:
    url: str
    asked: list[str] = field(default_factory=list)


@pytest.fixture(scope="session")
def registry() -> Iterator[Registry]:
    asked: list[str] = []

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200 if self.path == f"/schemas/ids/{SCHEMA_ID}" else 404)
            self.end_headers()
            self.wfile.write(json.dumps({"schema": json.dumps(SCHEMA)}).encode())

        def log_message(self, format: str, *args: object) -> None:
            return

    server = HTTPServer(("127.0.0.1", 0), Answers)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield Registry(f"http://127.0.0.1:{server.server_port}", asked)
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def pipeline(brokers: str) -> Pipeline:
    run = uuid.uuid4().hex[:8]
    topics = {name: f"{name}-{run}" for name in ("raw", "dlq", "enriched", "late", "alerts")}
    for topic in topics.values():  # the mock cluster makes a topic when it is asked about it
        Producer({"bootstrap.servers": brokers, "log_level": 0}).list_topics(topic, timeout=10)
    headers = DlqHeaders("reason", "source_partition", "source_offset")
    return Pipeline(**topics, tables=Tables("db.prices", "db.bars", "db.alerts"), dlq_headers=headers, dimension="d")


class FakePlatform:
    """As much of a platform as a measurement uses; the tables answer with what a test gives them."""

    def __init__(self, brokers: str, registry: Registry) -> None:
        self.kafka = SimpleNamespace(bootstrap_servers=brokers)
        self.tables: dict[str, Callable[[], pd.DataFrame]] = {}
        self.doris = SimpleNamespace(query=self._query)
        self.iceberg = SimpleNamespace(rows=lambda _: pd.DataFrame())
        self._registry = registry.url
        self._producer = Producer({"bootstrap.servers": brokers, "log_level": 0, "linger.ms": 0})

    def endpoints(self) -> dict[str, Any]:
        return {"registry": {"url": self._registry}}

    def _query(self, sql: str, parameters: Any = None) -> pd.DataFrame:
        return next(rows() for table, rows in self.tables.items() if table in sql)

    def send(self, topic: str, *values: bytes, **options: Any) -> None:
        for value in values:
            self._producer.produce(topic, value, "k", **options)
        assert self._producer.flush(10) == 0

    def enrich(self, topic: str, code: str, event_id: str, price: str, when: datetime) -> None:
        record = {"event_id": event_id, "commodity_code": code, "event_time": when, "price": Decimal(price)}
        self.send(topic, framed(record))


@pytest.fixture
def platform(brokers: str, registry: Registry) -> FakePlatform:
    return FakePlatform(brokers, registry)
