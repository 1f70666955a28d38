"""A topic as a growing list of rows, and small things to do with such lists."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, TypeVar

import pandas as pd

from .._errors import CarbonError
from ..oracle.compare import plain
from ..waiting import seconds
from .reading import TopicReader

T = TypeVar("T")
EVERY = 0.5
Row = dict[str, Any]


class Log:
    """A topic, read further each time it is asked; the value of each record becomes a row by `decode`."""

    def __init__(self, reader: TopicReader, decode: Callable[[bytes], Mapping[str, Any]] | None = None) -> None:
        self.reader = reader
        self.rows: list[Row] = []
        self._decode = decode

    def update(self) -> list[Row]:
        """Read what is new, keep it, and return it."""
        new = [self._row(record) for record in records(self.reader.read())]
        self.rows += new
        return new

    def _row(self, record: Row) -> Row:
        if self._decode is None:
            return record
        return {"partition": record["partition"], "offset": record["offset"], **self._decode(record["value"])}

    def column(self, name: str) -> list[Any]:
        """A value of every row read so far."""
        return [row[name] for row in self.rows]


def until(look: Callable[[], T], done: Callable[[T], bool], timeout: str | float) -> T:
    """Look until it is done or time is up, and return what was seen last.

    An engine that does not answer may be on its way back, so that counts as "not done yet".

    Raises:
        CarbonError: when the last look failed.
    """
    deadline = time.monotonic() + seconds(timeout)
    while True:
        over = time.monotonic() >= deadline
        try:
            seen = look()
            if over or done(seen):
                return seen
        except CarbonError:
            if over:
                raise
        time.sleep(EVERY)


def records(frame: pd.DataFrame) -> list[Row]:
    """The rows of a table as dicts."""
    return [{str(k): v for k, v in row.items()} for row in frame.to_dict("records")]


def frame_of(rows: list[Row], columns: list[str]) -> pd.DataFrame:
    """Some columns of rows, as a table that leaves the values as they are."""
    return pd.DataFrame(rows, columns=columns, dtype=object)


def without(prices: list[Row], late: list[str]) -> list[Row]:
    """The prices less the late ones, by event id; an event that was sent twice and was late once stays once."""
    left = Counter(late)
    kept = []
    for price in reversed(prices):  # of a repeated event, the copies that came last are the late ones
        if left[price["event_id"]]:
            left[price["event_id"]] -= 1
        else:
            kept.append(price)
    return kept[::-1]


def moment(value: Any) -> Any:
    """A time as UTC without a zone, also from its ISO text."""
    return plain(datetime.fromisoformat(value)) if isinstance(value, str) else plain(value)


def header(headers: Mapping[str, bytes | None], name: str) -> str:
    """A header as text, empty where there is none."""
    return (headers.get(name) or b"").decode("utf-8", "replace")


def position(headers: Mapping[str, bytes | None], partition: str, offset: str) -> tuple[int, int]:
    """Where a dead letter stood, from its headers; -1 where they do not say so."""
    texts = header(headers, partition), header(headers, offset)
    return int(texts[0]) if texts[0].isdigit() else -1, int(texts[1]) if texts[1].isdigit() else -1


def shown(value: bytes | None) -> str:
    """The first bytes of a message, as text."""
    return "" if value is None else value[:80].decode("utf-8", "backslashreplace")
