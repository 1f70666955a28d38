"""Reading ranges of a topic: every committed record from here to there, in the order of each partition."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, TopicPartition

from .._errors import EngineError

READ_SECONDS = 60.0


@dataclass(frozen=True)
class Record:
    """One record as it stands in the topic; `timestamp` is in milliseconds since the epoch."""

    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: dict[str, bytes] = field(default_factory=dict)


def read_records(bootstrap_servers: str, topic: str, start: Mapping[int, int], end: Mapping[int, int]) -> list[Record]:
    """Read from `start` (partitions not named: the beginning) up to `end`, transactions that were aborted left out.

    Raises:
        EngineError: when the brokers stop answering before the end is reached.
    """
    wanted = {p: e for p, e in end.items() if e > start.get(p, 0)}
    if not wanted:
        return []
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap_servers,
            "group.id": "carbonlib-reader",
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "isolation.level": "read_committed",
            "log_level": 0,
        }
    )
    try:
        consumer.assign([TopicPartition(topic, p, start.get(p, OFFSET_BEGINNING)) for p in wanted])
        return _drain(consumer, topic, wanted)
    except KafkaException as error:
        raise EngineError(f"Topic {topic} cannot be read.", cause=str(error)) from error
    finally:
        consumer.close()


def _drain(consumer: Consumer, topic: str, wanted: Mapping[int, int]) -> list[Record]:
    records: list[Record] = []
    open_partitions = set(wanted)
    deadline = time.monotonic() + READ_SECONDS
    while open_partitions:  # the time-out is short, since librdkafka waits it out unless the batch is full
        if time.monotonic() > deadline:
            raise EngineError(f"Topic {topic} was not read to its end within {READ_SECONDS:g} s.", notebook="deploy-10")
        messages: list[Any] = consumer.consume(2000, timeout=0.05)
        for message in messages:
            partition = message.partition()
            error = message.error()
            if error is None:
                if message.offset() < wanted[partition]:
                    records.append(_record(message))
            elif error.code() != KafkaError._PARTITION_EOF:
                raise KafkaException(error)
        # Commit markers take offsets and never arrive as records, so the position tells where the reader is.
        for position in consumer.position([TopicPartition(topic, p) for p in open_partitions]):
            if position.offset >= wanted[position.partition]:
                open_partitions.discard(position.partition)
    return records


def _record(message: Any) -> Record:
    headers = {k: v if isinstance(v, bytes) else str(v).encode() for k, v in message.headers() or [] if v is not None}
    return Record(
        message.partition(), message.offset(), message.timestamp()[1], message.key(), message.value(), headers
    )
