"""Reading ranges of a topic: every committed record from here to there, in the order of each partition."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from confluent_kafka import KafkaException

from .._errors import EngineError, WaitTimeout
from .ranges import consumer, read_range

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
    if not any(e > start.get(p, 0) for p, e in end.items()):
        return []
    reader = consumer(bootstrap_servers)
    try:
        return [to_record(m) for batch in read_range(reader, topic, start, end, READ_SECONDS) for m in batch]
    except (KafkaException, WaitTimeout) as error:
        cause = error.message if isinstance(error, WaitTimeout) else str(error)
        raise EngineError(f"Topic {topic} cannot be read.", cause=cause, notebook="deploy-10") from error
    finally:
        reader.close()


def to_record(message: Any) -> Record:
    """A message as a record; headers without a value are left out."""
    headers = {k: v if isinstance(v, bytes) else str(v).encode() for k, v in message.headers() or [] if v is not None}
    return Record(
        message.partition(), message.offset(), message.timestamp()[1], message.key(), message.value(), headers
    )
