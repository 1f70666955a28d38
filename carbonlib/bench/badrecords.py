"""Bad records of each kind among good ones, and the good ones themselves: copies of a record that a topic holds."""

from __future__ import annotations

import json
import random
import string
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from .._errors import EngineError
from .._project import MANIFESTS
from ..clients.avro import MAGIC, decode, encode, schema_id_of
from ..clients.registry import Schema
from ..clients.streaming import stream_records
from ..deadletters import Queue, load_queues
from ..deadletters.corrections import to_json

if TYPE_CHECKING:
    from ..platform import Platform

GOOD, NULL_KEY, LARGE = "good", "null key", "too large"
WRONG_TYPE, WRONG_FRAMING, NO_TABLE = "wrong type", "wrong framing", "table missing"
NO_SCHEMA = MAGIC + b"\x7f\xff\xff\x00"
MANIFEST = MANIFESTS / "kafka" / "badrecords.yaml"


@dataclass(frozen=True)
class Large:
    """A text that is too large, in characters, and the length after which it repeats itself."""

    characters: int
    pattern: int

    @cached_property
    def text(self) -> str:
        """The text, the same each time."""
        pattern = "".join(random.Random(self.characters).choices(string.ascii_letters, k=self.pattern))
        return (pattern * (self.characters // self.pattern + 1))[: self.characters]


@dataclass(frozen=True)
class Reader:
    """What a reader of a queue is sent; the fields are those of the manifest."""

    queue: Queue
    like: str
    id: str
    typed: str
    text: str
    stored: Mapping[str, str]
    large: Large
    marked: Sequence[str] = ()
    values: Mapping[str, Any] = field(default_factory=dict)
    stays: bool = False
    without_table: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The connector or job."""
        return self.queue.reader

    @property
    def correction(self) -> tuple[str, str]:
        """The kind of bad record whose cause the project can remove, and the correction that its letters then need."""
        if self.without_table:
            return NO_TABLE, "none"
        return (WRONG_FRAMING, "as-avro") if self.queue.schema else (WRONG_TYPE, "decimal-comma")


@dataclass(frozen=True)
class Message:
    """A record to send: its kind, its id, its key, and what makes its value: hundreds of large ones fill the memory."""

    kind: str
    id: str
    key: bytes | None
    make: Callable[[], bytes]

    @property
    def value(self) -> bytes:
        """The value."""
        return self.make()


def load_readers(names: str = "all", path: Path = MANIFEST) -> list[Reader]:
    """The readers of some queues, or of all, that the manifest says how to try."""
    data = yaml.safe_load(path.read_text(encoding="utf-8"))
    queues = [q for q in load_queues().choose(names) if q.topic in data["readers"]]
    large = Large(**data["large"])
    return [Reader(queue, large=large, **data["readers"][queue.topic]) for queue in queues]


def messages(platform: Platform, reader: Reader, mark: str, *, good: int, each: int) -> list[Message]:
    """Good records with as many bad ones of each kind spread evenly between them.

    For a reader without its table as many as of one kind: they are good, and can be stored once the table is there.

    Raises:
        EngineError: when there is no record to copy.
    """
    make = AvroRecords(platform, reader, mark) if reader.queue.schema else JsonRecords(platform, reader, mark)
    kinds = [NO_TABLE] if reader.without_table else [GOOD, *make.kinds()]
    placed = []
    for number, kind in enumerate(kinds):
        count = good if kind == GOOD else each
        ids = [f"{mark}-{number}-{n}" for n in range(count)]
        placed += [((n + 0.5) / count, number, make.message(kind, i)) for n, i in enumerate(ids)]
    return [message for _, _, message in sorted(placed, key=lambda p: p[:2])]


class JsonRecords:
    """Records of a topic of JSON objects."""

    def __init__(self, platform: Platform, reader: Reader, mark: str) -> None:
        self._reader, self._mark = reader, mark
        self._sample = dict(_samples(platform, reader))

    def kinds(self) -> list[str]:
        """The kinds of bad record."""
        return ["bytes", WRONG_FRAMING, WRONG_TYPE, "half a record", NULL_KEY, LARGE]

    def message(self, kind: str, record_id: str) -> Message:
        """A record of a kind."""
        key = None if kind == NULL_KEY else record_id.encode()
        return Message(kind, record_id, key, partial(self._value, kind, record_id))

    def _value(self, kind: str, record_id: str) -> bytes:
        row = _copy(self._reader, self._sample, self._mark, record_id)
        if kind == WRONG_TYPE:
            row[self._reader.typed] = "75,50"
        if kind == LARGE:
            row[self._reader.text] = self._reader.large.text
        value = to_json(row).encode()
        broken = {
            "bytes": b"\x00\xff\xfe\x80",
            WRONG_FRAMING: NO_SCHEMA + value,
            "half a record": value[: len(value) // 2],
        }
        return broken.get(kind, value)


class AvroRecords:
    """Records of a topic of Avro values."""

    def __init__(self, platform: Platform, reader: Reader, mark: str) -> None:
        self._reader, self._mark = reader, mark
        self._id, self._schema, self._sample = _avro_sample(platform, reader)
        broken = {**self._schema, "fields": [_as_text(f, reader.typed) for f in self._schema["fields"]]}
        self._broken = broken
        subject = Schema(f"{mark}-value", json.dumps(broken), "NONE")
        platform.registry.plan([subject]).apply()
        self._broken_id = platform.registry.id_of(subject.subject, broken)

    def kinds(self) -> list[str]:
        """The kinds of bad record."""
        return ["bytes", WRONG_FRAMING, WRONG_TYPE, "unknown schema", NULL_KEY, LARGE]

    def message(self, kind: str, record_id: str) -> Message:
        """A record of a kind."""
        key = None if kind == NULL_KEY else record_id.encode()
        return Message(kind, record_id, key, partial(self._value, kind, record_id))

    def _value(self, kind: str, record_id: str) -> bytes:
        row = _copy(self._reader, self._sample, self._mark, record_id)
        if kind == LARGE:
            row[self._reader.text] = self._reader.large.text
        if kind == "bytes":
            return b"\xff\xfe\x80"
        if kind == WRONG_FRAMING:
            return to_json({name: _spoken(value) for name, value in row.items()}).encode()
        if kind == WRONG_TYPE:
            return encode(self._broken_id, self._broken, {**row, self._reader.typed: "many"})
        value = encode(self._id, self._schema, row)
        return NO_SCHEMA + value[5:] if kind == "unknown schema" else value


def _copy(reader: Reader, sample: Mapping[str, Any], mark: str, record_id: str) -> dict[str, Any]:
    return {**sample, **reader.values, **dict.fromkeys(reader.marked, mark), reader.id: record_id}


def _as_text(spec: Mapping[str, Any], name: str) -> dict[str, Any]:
    return {"name": name, "type": "string"} if spec["name"] == name else dict(spec)


def _spoken(value: Any) -> Any:
    return value.isoformat() if isinstance(value, (date, datetime)) else value


def _samples(platform: Platform, reader: Reader) -> dict[str, Any]:
    for value in _values(platform, reader):
        try:
            row = json.loads(value, parse_float=Decimal)
        except ValueError:
            continue
        if isinstance(row, dict) and row.get(reader.typed) is not None and "event_time" not in _awkward(reader, row):
            return row
    raise _nothing(reader)


def _awkward(reader: Reader, row: Mapping[str, Any]) -> set[str]:
    """Fields that a copy must not have: where ids are made by the reader, an old time of an event would be late."""
    return {"event_time"} & set(row) if reader.like == reader.queue.sent_to else set()


def _avro_sample(platform: Platform, reader: Reader) -> tuple[int, dict[str, Any], dict[str, Any]]:
    for value in _values(platform, reader):
        schema_id = schema_id_of(value)
        if schema_id is not None:
            schema = platform.registry.schema(schema_id)
            return schema_id, schema, decode(value, schema)
    raise _nothing(reader)


def _values(platform: Platform, reader: Reader) -> Iterator[bytes]:
    for record in stream_records(platform.kafka.bootstrap_servers, reader.like):
        if record.value is not None:
            yield record.value


def _nothing(reader: Reader) -> EngineError:
    return EngineError(
        f"Topic {reader.like} holds no record that good ones could be copies of.",
        remedy="Let data flow first.", notebook="verify-10",
    )  # fmt: skip
