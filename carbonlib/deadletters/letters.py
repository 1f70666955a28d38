"""Dead letters as they stand in their topics: why each is one, where it stood, and whether it was sent again."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from .._errors import EngineError, shorten
from ..clients.connectors import last_cause
from ..clients.records import Record
from ..clients.streaming import stream_records
from .queues import Queue

PREVIEW_BYTES = 80
CAUSE_CHARACTERS = 160
ORIGIN = "origin"  # header of a letter that was sent again: where it stood first
REPLAYED_FROM = "replayed_from"

# What differs from letter to letter of one cause.
_VARIABLE = (
    (re.compile(r"\[(?:record|line|source)[^\]]*\]", re.IGNORECASE), "[…]"),
    (re.compile(r"(?<!\w)'[^']*'"), "'…'"),
    (re.compile(r'"[^"]*"'), '"…"'),
    (re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", re.IGNORECASE), "…"),
    (re.compile(r"\b0x[0-9a-f]+\b|@[0-9a-f]{5,}\b", re.IGNORECASE), "…"),
    (re.compile(r"[-+]?\d[\d.,]*(?:e[-+]?\d+)?", re.IGNORECASE), "N"),
)


@dataclass(frozen=True, order=True)
class Position:
    """A place in a topic."""

    topic: str
    partition: int
    offset: int

    def __str__(self) -> str:
        return f"{self.topic}-{self.partition}-{self.offset}"


@dataclass(frozen=True)
class Letter:
    """One dead letter, without its bytes.

    Args:
        at: where it stands now.
        source: where its reader found it; where it stands now, when no header says so.
        origin: where it stood first, before it was ever sent again.
        cause: the reason with what is particular to this letter replaced, so that letters of one cause are alike.
        reason: in the reader's own words.
        stage: what the reader was doing.
        timestamp: of the record, in milliseconds since the epoch.
        key: of the record.
        preview: the first bytes, escaped.
        size: of the value in bytes, -1 where it has none.
    """

    queue: Queue
    at: Position
    source: Position
    origin: Position
    cause: str
    reason: str
    stage: str
    timestamp: int
    key: bytes | None
    preview: str
    size: int

    @property
    def when(self) -> datetime:
        """The record's time, UTC."""
        return datetime.fromtimestamp(self.timestamp / 1000, UTC)

    @property
    def identity(self) -> str:
        """What makes two letters one: a reader that died may report the same record twice."""
        return f"{self.queue.topic}|{self.source}"


def letter_of(queue: Queue, record: Record) -> Letter:
    """A record of a queue's topic as a letter."""
    names, at = queue.headers, Position(queue.topic, record.partition, record.offset)
    source = _source(record.headers, queue) or at
    reason = _reason(record.headers, queue)
    value = record.value
    return Letter(
        queue, at, source, _origin(record.headers) or source, cause_of(reason), shorten(reason, 400),
        _text(record.headers, names.stage), record.timestamp, record.key, preview(value),
        -1 if value is None else len(value),
    )  # fmt: skip


def cause_of(reason: str) -> str:
    """The reason without numbers, ids and quoted values."""
    for pattern, stand_in in _VARIABLE:
        reason = pattern.sub(stand_in, reason)
    words = " ".join(reason.split())
    return words if len(words) <= CAUSE_CHARACTERS else f"{words[:CAUSE_CHARACTERS]}…"


def preview(value: bytes | None) -> str:
    """The first bytes as text, whatever they are: control characters and markup cannot do anything."""
    if value is None:
        return "(no value)"
    text = value[:PREVIEW_BYTES].decode("utf-8", "backslashreplace")
    shown = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
    return shown if len(value) <= PREVIEW_BYTES else f"{shown}…"


def replayed(bootstrap_servers: str, ledger: str) -> set[str]:
    """Identities of the letters that were sent again, or found to be history.

    Raises:
        EngineError: when something else stands in the ledger's topic.
    """
    done = set()
    for record in stream_records(bootstrap_servers, ledger):
        try:
            done.add(str(json.loads(record.value or b"")["identity"]))
        except (ValueError, KeyError, TypeError) as error:
            raise EngineError(
                f"Topic {ledger} holds a record that is no marker of a replay.", cause=preview(record.value),
                remedy="Find out who writes there; a replay cannot be safe before.", notebook="operate-10",
            ) from error  # fmt: skip
    return done


def _text(headers: Mapping[str, bytes], name: str) -> str:
    return headers.get(name, b"").decode("utf-8", "replace") if name else ""


def _reason(headers: Mapping[str, bytes], queue: Queue) -> str:
    """The innermost cause where there is a stack trace, since what stands around it is the same for every letter."""
    names = queue.headers
    innermost = last_cause(_text(headers, names.trace))
    if innermost:
        return innermost
    kind, message = _text(headers, names.kind).rsplit(".", 1)[-1], _text(headers, names.reason)
    return ": ".join(part for part in (kind, message) if part) or "no reason given"


def _source(headers: Mapping[str, bytes], queue: Queue) -> Position | None:
    names = queue.headers
    topic, partition, offset = (_text(headers, n) for n in (names.topic, names.partition, names.offset))
    return Position(topic, int(partition), int(offset)) if topic and partition.isdigit() and offset.isdigit() else None


def _origin(headers: Mapping[str, bytes]) -> Position | None:
    match = re.fullmatch(r"(.+)-(\d+)-(\d+)", _text(headers, ORIGIN))
    return Position(match[1], int(match[2]), int(match[3])) if match else None
