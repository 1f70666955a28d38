"""A mock cluster with the topics of one test, and the declaration of its dead letters."""

from __future__ import annotations

import uuid
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from confluent_kafka import Producer

from carbonlib.clients.streaming import stream_records
from carbonlib.deadletters import DeadLetterPlan, Queue, load_queues


class Cluster:
    """The topics of one test: `main` is read by the sink and others, `retry` by the sink alone."""

    def __init__(self, brokers: str) -> None:
        run = uuid.uuid4().hex[:8]
        self.main, self.retry, self.dlq, self.ledger = (f"{n}-{run}" for n in ("main", "retry", "dlq", "ledger"))
        self.brokers = brokers
        self._producer = Producer({"bootstrap.servers": brokers, "log_level": 0, "linger.ms": 0})
        for topic in (self.main, self.retry, self.dlq, self.ledger):  # the mock makes a topic when it is asked about it
            self._producer.list_topics(topic, timeout=10)
        names = load_queues().queues["search-alerts-dlq"].headers
        self.queue = Queue(self.dlq, "a-sink", names, self.retry)
        corrections = load_queues().corrections
        self.declared = DeadLetterPlan(self.ledger, {self.dlq: self.queue}, corrections)
        self.schemas: dict[str, tuple[int, dict[str, Any]]] = {}
        registry = SimpleNamespace(newest=lambda subject: self.schemas[subject])
        self.platform: Any = SimpleNamespace(kafka=SimpleNamespace(bootstrap_servers=brokers), registry=registry)

    def declare(self, **changes: Any) -> None:
        self.queue = replace(self.queue, **changes)
        self.declared = replace(self.declared, queues={self.dlq: self.queue})

    def send(self, topic: str, value: bytes | None, key: bytes | None = b"k", **options: Any) -> None:
        self._producer.produce(topic, value, key, partition=0, **options)
        assert self._producer.flush(10) == 0

    def die(
        self, value: bytes | None, offset: int, reason: str = "bad", *, key: bytes | None = b"k", **more: Any
    ) -> None:
        """Write a letter as a Connect worker does."""
        name = "__connect.errors."
        headers = {
            f"{name}topic": more.pop("topic", self.main), f"{name}partition": "0", f"{name}offset": str(offset),
            f"{name}exception.class.name": "org.apache.kafka.connect.errors.DataException",
            f"{name}exception.message": reason, f"{name}stage": "VALUE_CONVERTER", **more.pop("headers", {}),
        }  # fmt: skip
        given = [(k, v if isinstance(v, bytes) else v.encode()) for k, v in headers.items()]
        self.send(self.dlq, value, key, headers=given, **more)

    def records(self, topic: str) -> list[Any]:
        return list(stream_records(self.brokers, topic))


@pytest.fixture
def cluster(brokers: str) -> Cluster:
    return Cluster(brokers)
