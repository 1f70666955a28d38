"""What topics hold, noted before an operation and looked for after it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from zlib import crc32

from confluent_kafka import Consumer, Message

from ..clients.kafka_cluster import Place
from ..clients.ranges import consumer, read_range, watermarks
from .health import cluster_of

if TYPE_CHECKING:
    from ..platform import Platform

READ_SECONDS = 60.0


@dataclass(frozen=True)
class Contents:
    """The ends of all partitions, and the last records of those that nobody thins out.

    Attributes:
        ends: of committed records, by partition.
        records: a sum over key and value, by partition and offset.
    """

    _platform: Platform = field(repr=False)
    ends: dict[Place, int]
    records: dict[tuple[str, int, int], int] = field(repr=False)

    def missing(self) -> list[str]:
        """Partitions that end earlier than they did, and records that are gone or are not what they were."""
        reader = consumer(self._platform.kafka.bootstrap_servers)
        try:
            ends = {t: watermarks(reader, t) for t in {topic for topic, _ in self.ends}}
            shorter = [f"{t}-{p} ends at {ends[t][p][1]}, ended at {e}" for (t, p), e in self.ends.items()
                       if ends[t].get(p, (0, 0))[1] < e]  # fmt: skip
            now = self._read_again(reader)
        finally:
            reader.close()
        return shorter + [f"{t}-{p} at {o}" for (t, p, o), sum_ in self.records.items() if now.get((t, p, o)) != sum_]

    def _read_again(self, reader: Consumer) -> dict[tuple[str, int, int], int]:
        found: dict[tuple[str, int, int], int] = {}
        for topic in {t for t, _, _ in self.records}:
            places = {p for t, p, _ in self.records if t == topic}
            start = {p: min(o for t, q, o in self.records if (t, q) == (topic, p)) for p in places}
            found.update(_sums(reader, topic, start, {p: self.ends[topic, p] for p in places}))
        return found

    def __repr__(self) -> str:
        return (
            f"{len(self.ends)} partitions, {sum(self.ends.values()):,} records and {len(self.records):,} of them read"
        )


def contents(platform: Platform, *, last: int = 100) -> Contents:
    """Note what the topics hold now.

    Args:
        last: so many records of each partition are read; a compacted topic is not, since its records go by themselves.
    """
    topics = platform.kafka.topics()
    policies = cluster_of(platform).setting("cleanup.policy", topics)
    reader = consumer(platform.kafka.bootstrap_servers)
    ends: dict[Place, int] = {}
    records: dict[tuple[str, int, int], int] = {}
    try:
        for topic in topics:
            marks = watermarks(reader, topic)
            ends.update({(topic, p): end for p, (_, end) in marks.items()})
            if policies.get(topic) == "delete":
                start = {p: max(low, end - last) for p, (low, end) in marks.items()}
                records.update(_sums(reader, topic, start, {p: end for p, (_, end) in marks.items()}))
    finally:
        reader.close()
    return Contents(platform, ends, records)


def _sums(reader: Consumer, topic: str, start: dict[int, int], end: dict[int, int]) -> dict[tuple[str, int, int], int]:
    batches = read_range(reader, topic, start, end, READ_SECONDS)
    return {(topic, int(m.partition() or 0), int(m.offset() or 0)): _sum(m) for batch in batches for m in batch}


def _sum(message: Message) -> int:
    return crc32(_bytes(message.value()), crc32(_bytes(message.key())))


def _bytes(value: bytes | str | None) -> bytes:
    return value.encode() if isinstance(value, str) else value or b""
