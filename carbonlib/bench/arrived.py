"""What a sink has brought to its store: each record of its topics against the archive, the index or the table."""

from __future__ import annotations

import html
from collections import Counter
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from .._errors import UsageError, shorten
from .log import until
from .reading import AvroDecoder, decode_json
from .sinks import Found, Given, Identify, Place, compare, sink_config, without_retries

if TYPE_CHECKING:
    from ..platform import Platform

SHOWN = 5


@dataclass(frozen=True)
class Arrived:
    """What became of the records of a sink's topics.

    Args:
        store: where they should be.
        records: in the topics when the comparison began.
        refused: those that are dead letters.
        missing: ids, or places of records without one, that are neither in the store nor dead letters.
        doubled: ids that the store has more often than it may.
        seconds: how long the sink took to bring the last of them.
    """

    store: str
    records: int
    refused: int
    missing: Sequence[str]
    doubled: Sequence[str]
    seconds: float

    def __repr__(self) -> str:
        lines = [
            f"{self.store}: {self.records} records, {self.refused} refused, the last one after {self.seconds:.1f} s"
        ]
        for word, ids in (("missing", self.missing), ("doubled", self.doubled)):
            if ids:
                lines.append(f"{len(ids)} {word}: {', '.join(shorten(i, 60) for i in ids[:SHOWN])}")
        return "\n".join(lines)

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, Any]:
        verdict = "failed" if self.missing or self.doubled else "passed"
        text = html.escape(repr(self)).replace("\n", "<br>")
        return {"text/plain": repr(self), "text/html": f'<p class="carbon-{verdict}">{text}</p>'}


def archived(platform: Platform, connector: str, *, timeout: str | float = "90 s") -> Arrived:
    """Records of an S3 sink against the lines of its bucket: each place of the topics once, in one object."""
    config = sink_config(platform, connector, "s3.bucket.name")
    bucket, folder = config["s3.bucket.name"], config["topics.dir"]

    def found(_: Mapping[Hashable, int]) -> Mapping[Hashable, int]:
        lines = platform.objectstore.read_lines(bucket, folder)
        if not len(lines):
            return {}
        columns = (lines["kafka_topic"], lines["kafka_partition"], lines["kafka_offset"])
        return Counter((str(t), int(p), int(o)) for t, p, o in zip(*columns, strict=True))

    decode = AvroDecoder.of(platform)
    return _compare(platform, config, f"{bucket}/{folder}", decode, lambda place, _: place, found, timeout)


def indexed(platform: Platform, connector: str, *, timeout: str | float = "60 s") -> Arrived:
    """Records of a search sink's first topic against the documents of its index, by the field that is their id."""
    config = without_retries(sink_config(platform, connector, "document.id.field"))
    field, index = config["document.id.field"], config["index"]

    def found(wanted: Mapping[Hashable, int]) -> Mapping[Hashable, int]:
        platform.search.refresh(index)
        missing = set(platform.search.missing(index, map(str, wanted)))
        return {i: n for i, n in wanted.items() if i not in missing}

    return _compare(platform, config, index, decode_json, lambda _, record: str(record[field]), found, timeout)


def loaded(platform: Platform, connector: str, key: Sequence[str], *, timeout: str | float = "60 s") -> Arrived:
    """Records of a Doris sink's first topic against the rows of its table, by its key columns.

    A row is the newest of its key.
    """
    config = without_retries(sink_config(platform, connector, "doris.topic2table.map"))
    tables = {pair.split(":")[1].strip() for pair in config["doris.topic2table.map"].split(",")}
    if len(tables) != 1:
        raise UsageError(f"{connector} loads {len(tables)} tables.", remedy="Compare sinks of one table.")
    table = f"{config['doris.database']}.{tables.pop()}"
    columns = ", ".join(f"CAST({column} AS STRING)" for column in key)

    def found(wanted: Mapping[Hashable, int]) -> Mapping[Hashable, int]:
        rows = platform.doris.query(f"SELECT {columns}, COUNT(*) FROM {table} GROUP BY {', '.join(key)}")
        # Rows of one key are one row: what the topic says more than once is there once.
        counts: dict[Hashable, int] = {
            tuple(map(_moment, row[:-1])): int(row[-1]) for row in rows.itertuples(index=False, name=None)
        }
        return {i: n if counts.get(i) == 1 else counts.get(i, 0) for i, n in wanted.items()}

    def identify(_: Place, record: Mapping[str, Any]) -> Hashable:
        return tuple(_moment(str(record[column])) for column in key)

    return _compare(platform, config, table, decode_json, identify, found, timeout)


def rows_left(platform: Platform, sql: str, *, timeout: str | float = "60 s") -> pd.DataFrame:
    """Ask Doris for rows that should not be there, until there are none or time is up; what was left then."""
    return until(lambda: platform.doris.query(sql), lambda rows: not len(rows), timeout)


def _moment(text: Any) -> str:
    """A time without the zeros at its end: the topic and the table write milliseconds differently."""
    plain = str(text)
    return plain.rstrip("0").rstrip(".") if "." in plain and ":" in plain else plain


def _compare(
    platform: Platform, config: Mapping[str, str], store: str, decode: Callable[[bytes], Mapping[str, Any]],
    identify: Identify, look_up: Found, timeout: str | float,
) -> Arrived:  # fmt: skip
    given = Given(platform.kafka.bootstrap_servers, config, decode, identify)
    try:
        seen = compare(given, look_up, timeout)
        return Arrived(store, len(seen.asked), seen.refused, seen.missing, seen.doubled, seen.seconds)
    finally:
        given.close()
