"""Bytes a message on the way and at rest, asked of a running platform.

On the disk: a broker sends batches as they lie on its disk, compressed, so the bytes that a reader receives, over the
messages in them, are bytes on the disk of one replica. Records of aborted transactions and the markers of commits are
in them, as they are on the disk. Small batches compress badly: at a higher rate a message takes less.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd
from confluent_kafka import Consumer, KafkaException

from .._errors import EngineError, WaitTimeout
from ..bench.pipeline import load_pipeline
from ..clients.ranges import consumer, read_range, watermarks
from ..waiting import wait_until
from .model import Figures

if TYPE_CHECKING:
    from ..platform import Platform

READ_SECONDS = 60.0
STATISTICS_MS = 100


@dataclass(frozen=True)
class Stored:
    """What something takes where it is stored.

    Args:
        where: topic or table.
        count: messages or rows that it was measured on.
        disk: bytes each, in one replica or copy; None where the engine does not say.
        payload: bytes each of keys and values before compression; None for a table.
    """

    where: str
    count: int
    disk: float | None
    payload: float | None = None


class Measurement:
    """What was measured, by the part it plays; renders as a table."""

    def __init__(self, raw: Stored, enriched: Stored, rows: Stored, archive: Stored) -> None:
        self.raw, self.enriched, self.rows, self.archive = raw, enriched, rows, archive

    @property
    def least(self) -> int:
        """Messages that the smaller of the two topics was measured on."""
        return min(self.raw.count, self.enriched.count)

    @property
    def row_is_measured(self) -> bool:
        """Whether Doris says what a row takes; the endpoint of the local target does not."""
        return self.rows.disk is not None

    def figures(self) -> Figures:
        """The bytes to reckon with; a row that nobody can measure counts as its message before compression.

        Raises:
            EngineError: a topic holds no message to measure.
        """
        for stored in (self.raw, self.enriched):
            if stored.disk is None:
                raise EngineError(
                    f"The topic {stored.where} holds nothing to measure.",
                    remedy="Let prices flow.",
                    notebook="verify-10",
                )
        row = self.rows.disk if self.rows.disk is not None else self.enriched.payload
        return Figures(raw=float(self.raw.disk or 0), enriched=float(self.enriched.disk or 0), row=float(row or 0))

    def frame(self) -> pd.DataFrame:
        """One row a place."""
        places = (self.raw, self.enriched, self.rows, self.archive)
        rows = [[s.where, s.count, _shown(s.disk), _shown(s.payload)] for s in places]
        return pd.DataFrame(rows, columns=["where", "measured on", "bytes on disk", "bytes before compression"])

    def __repr__(self) -> str:
        return str(self.frame().to_string(index=False))

    def _repr_html_(self) -> str:
        return str(self.frame().to_html(index=False, border=0, classes="carbon-status"))


def measure(platform: Platform, *, most: int = 20_000) -> Measurement:
    """Measure the two topics, the table of prices, and the Iceberg table of prices.

    Args:
        most: newest messages of each topic to read.
    """
    pipeline = load_pipeline()
    servers = platform.kafka.bootstrap_servers
    return Measurement(
        topic(servers, pipeline.raw, most), topic(servers, pipeline.enriched, most),
        table(platform, pipeline.tables.prices), archive(platform),
    )  # fmt: skip


def topic(servers: str, name: str, most: int) -> Stored:
    """Bytes a message of the newest messages of a topic.

    Raises:
        EngineError: the topic does not exist, or cannot be read.
    """
    seen: dict[str, Any] = {}
    reader = consumer(
        servers, **{"statistics.interval.ms": STATISTICS_MS, "stats_cb": lambda text: seen.update(json.loads(text))}
    )
    try:
        ends = watermarks(reader, name)
        each = -(-most // len(ends))
        start = {p: max(first, end - each) for p, (first, end) in ends.items()}
        end = {p: last for p, (_, last) in ends.items()}
        batches = read_range(reader, name, start, end, READ_SECONDS)
        sizes = [len(m.key() or b"") + len(m.value() or b"") for batch in batches for m in batch]
        if not sizes:
            return Stored(name, 0, None)
        received, messages = _received(reader, seen, name, len(sizes))
    except (KafkaException, WaitTimeout) as error:
        raise EngineError(f"Topic {name} cannot be measured.", cause=str(error), notebook="deploy-10") from error
    finally:
        reader.close()
    return Stored(name, len(sizes), received / messages, sum(sizes) / len(sizes))


def _received(reader: Consumer, seen: dict[str, Any], name: str, least: int) -> tuple[int, int]:
    """Bytes from all brokers, and messages in them, once the statistics know of everything that was read."""

    def counted() -> tuple[int, int] | None:
        reader.poll(STATISTICS_MS / 1000)
        partitions: Mapping[str, Any] = seen.get("topics", {}).get(name, {}).get("partitions", {})
        messages = sum(int(p["rxmsgs"]) for p in partitions.values())
        received = sum(int(b["rxbytes"]) for b in seen.get("brokers", {}).values())
        return (received, messages) if messages >= least else None

    return wait_until(counted, what=f"The statistics of {least} messages", timeout="10 s", every=0.0)


def table(platform: Platform, name: str) -> Stored:
    """Bytes a row of a table of Doris, one copy, as the frontend reports it."""
    database, _, short = name.partition(".")
    found = platform.doris_root.rows(f"SHOW TABLE STATUS FROM {database} LIKE %s", [short])
    status = found[0] if found else {}
    rows, size = int(status.get("Rows") or 0), int(status.get("Data_length") or 0)
    return Stored(name, rows, size / rows if rows and size else None)


def archive(platform: Platform) -> Stored:
    """Bytes a row of the largest Iceberg table: its data files over their rows, as its newest snapshot sums them."""
    sizes = platform.iceberg.file_sizes()
    if not sizes:
        return Stored("Iceberg", 0, None)
    name = max(sizes, key=lambda n: sizes[n][0])
    rows, size = sizes[name]
    return Stored(name, rows, size / rows if rows else None)


def _shown(value: float | None) -> str:
    return "not said" if value is None else f"{value:.1f}"
