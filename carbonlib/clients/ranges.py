"""A range of a topic, read once in batches: what every reader here is built on."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import Any

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, Message, TopicPartition

from .._errors import EngineError, WaitTimeout
from .bootstrap import connection

BATCH = 5000
LOOK_SECONDS = 0.2
REQUEST_SECONDS = 10.0


def consumer(bootstrap_servers: str, **options: Any) -> Consumer:
    """A consumer of committed records that belongs to no group and commits nothing."""
    settings = connection(
        bootstrap_servers, group_id="carbonlib-reader", enable_auto_commit=False, isolation_level="read_committed",
        enable_partition_eof=True, auto_offset_reset="earliest", fetch_wait_max_ms=100,
    )  # fmt: skip
    return Consumer({**settings, **options})


def watermarks(reader: Consumer, topic: str) -> dict[int, tuple[int, int]]:
    """The first offset of each partition, and its end for this reader: open transactions stand behind a committed one.

    Raises:
        EngineError: when the topic does not exist.
        KafkaException: when the brokers do not answer.
    """
    metadata = reader.list_topics(topic, timeout=REQUEST_SECONDS).topics[topic]
    if metadata.error is not None:
        raise EngineError(f"Topic {topic} does not exist.", cause=metadata.error.str(), notebook="deploy-10")
    asked = {p: TopicPartition(topic, p) for p in metadata.partitions}
    return {p: reader.get_watermark_offsets(place, timeout=REQUEST_SECONDS) for p, place in asked.items()}


def read_range(
    reader: Consumer, topic: str, start: Mapping[int, int], end: Mapping[int, int], timeout: float
) -> Iterator[list[Message]]:
    """The records from `start` (partitions not named: the beginning) up to `end`, each partition's in their order.

    Records that came in behind the end are left for the next range, so that a range is well defined.

    Raises:
        EngineError: when the brokers answer with an error.
        WaitTimeout: when the end was not reached in `timeout` seconds.
    """
    pending = {p for p, e in end.items() if e > start.get(p, 0)}
    if pending:
        reader.assign([TopicPartition(topic, p, start.get(p, OFFSET_BEGINNING)) for p in pending])
    deadline = time.monotonic() + timeout
    while pending:
        # Waits for one message and takes what stands behind it: consume() alone would wait for a full batch.
        first = reader.poll(LOOK_SECONDS)
        taken, reached = _sorted_out(topic, [first, *reader.consume(BATCH, 0)] if first is not None else [], end)
        if taken:
            yield taken
        pending -= {p for p, offset in reached.items() if offset >= end[p]}
        if pending and time.monotonic() > deadline:
            raise WaitTimeout(f"Topic {topic} could not be read to its end within {timeout:g} s.", notebook="deploy-10")


def _sorted_out(topic: str, messages: list[Message], end: Mapping[int, int]) -> tuple[list[Message], dict[int, int]]:
    """The records that belong to the range, and how far each partition was read.

    Commit markers take offsets and never arrive as records; the end of a partition, which does arrive, counts them.
    """
    taken, reached = [], {}
    for message in messages:
        partition, offset, error = int(message.partition() or 0), int(message.offset() or 0), message.error()
        if error is None:
            reached[partition] = offset + 1
            if offset < end[partition]:
                taken.append(message)
        elif error.code() == KafkaError._PARTITION_EOF:
            reached[partition] = offset
        else:
            raise EngineError(f"Topic {topic} cannot be read.", cause=error.str(), notebook="deploy-10")
    return taken, reached
