"""Reading a whole topic record by record, however large it is: nothing is kept, what is not committed is not seen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from confluent_kafka import Consumer, KafkaException

from .._errors import EngineError
from .ranges import consumer, read_range, watermarks
from .records import Record, to_record

READ_SECONDS = 300.0


def committed_ends(bootstrap_servers: str, topic: str) -> dict[int, int]:
    """The end of each partition for a reader of committed records: open transactions stand behind it.

    Raises:
        EngineError: when the topic does not exist, or cannot be read.
    """
    reader = consumer(bootstrap_servers)
    try:
        return {p: end for p, (_, end) in _watermarks(reader, topic).items()}
    finally:
        reader.close()


def stream_records(bootstrap_servers: str, topic: str, end: Mapping[int, int] | None = None) -> Iterator[Record]:
    """The records from the beginning up to `end` (by partition; default: as it is now), each partition's in order.

    Raises:
        EngineError: when the topic does not exist, or cannot be read.
        WaitTimeout: when its end was not reached in time.
    """
    reader = consumer(bootstrap_servers)
    try:
        marks = _watermarks(reader, topic)
        first = {p: low for p, (low, _) in marks.items()}
        last = {p: high if end is None else min(high, end.get(p, 0)) for p, (_, high) in marks.items()}
        for batch in read_range(reader, topic, first, last, READ_SECONDS):
            yield from map(to_record, batch)
    except KafkaException as error:
        raise EngineError(f"Topic {topic} cannot be read.", cause=error.args[0].str(), notebook="deploy-10") from error
    finally:
        reader.close()


def _watermarks(reader: Consumer, topic: str) -> dict[int, tuple[int, int]]:
    try:
        return watermarks(reader, topic)
    except KafkaException as error:
        raise EngineError(
            f"The ends of topic {topic} cannot be read.", cause=error.args[0].str(), notebook="deploy-10"
        ) from error
