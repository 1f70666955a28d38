"""Reading whole topics: from where one last stopped up to the end as it stands, committed records only."""

from __future__ import annotations

import io
import json
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Self

import fastavro
import httpx
import pandas as pd
from confluent_kafka import KafkaException, Message, TopicPartition

from .._errors import EngineError, TargetUnreachable
from ..clients.avro import HEAD, schema_id_of
from ..clients.ranges import REQUEST_SECONDS, consumer, read_range, watermarks

if TYPE_CHECKING:
    from ..platform import Platform

RECORD_COLUMNS = ["partition", "offset", "timestamp", "key", "value", "headers"]


class TopicReader:
    """Reads a topic piece by piece.

    Args:
        bootstrap_servers: of the cluster.
        topic: its name.
        since: UTC; read only records appended at or after this moment.

    Attributes:
        positions: the next offset to read, by partition.
        begin: the first offset that was there to read, by partition.
    """

    def __init__(self, bootstrap_servers: str, topic: str, *, since: datetime | None = None) -> None:
        self.topic = topic
        self._consumer = consumer(bootstrap_servers)
        try:
            self.begin = self._first_offsets(since)
        except KafkaException as error:
            raise TargetUnreachable(f"Topic {topic} cannot be read.", cause=str(error), notebook="deploy-10") from error
        self.positions = dict(self.begin)

    def _first_offsets(self, since: datetime | None) -> dict[int, int]:
        marks = watermarks(self._consumer, self.topic)
        if since is None:
            return {p: low for p, (low, _) in marks.items()}
        moment = int(since.timestamp() * 1000)
        asked = [TopicPartition(self.topic, p, moment) for p in marks]
        found = self._consumer.offsets_for_times(asked, timeout=REQUEST_SECONDS)
        return {t.partition: t.offset if t.offset >= 0 else marks[t.partition][1] for t in found}

    def ends(self) -> dict[int, int]:
        """The end of each partition for a reader of committed records, now."""
        try:
            return {p: end for p, (_, end) in watermarks(self._consumer, self.topic).items()}
        except KafkaException as error:
            raise EngineError(f"The ends of topic {self.topic} cannot be read.", cause=str(error)) from error

    def read(self, timeout: float = 60.0) -> pd.DataFrame:
        """All records between the last position and the end at the moment of the call.

        Raises:
            WaitTimeout: when the end was not reached in `timeout` seconds.
        """
        ends = self.ends()
        batches = read_range(self._consumer, self.topic, self.positions, ends, timeout)
        rows = [record_of(message) for batch in batches for message in batch]
        self.positions = {p: max(position, ends[p]) for p, position in self.positions.items()}
        return pd.DataFrame(rows, columns=RECORD_COLUMNS, dtype=object)

    def close(self) -> None:
        """Give the connection back."""
        self._consumer.close()


def record_of(message: Message) -> tuple[Any, ...]:
    """A message as a row of `RECORD_COLUMNS`; the timestamp in epoch ms, headers as name → bytes."""
    headers = dict(message.headers() or [])
    return message.partition(), message.offset(), message.timestamp()[1], message.key(), message.value(), headers


def read_topic(bootstrap_servers: str, topic: str, *, since: datetime | None = None) -> pd.DataFrame:
    """All committed records of a topic, as partition, offset, timestamp, key, value (bytes) and headers."""
    reader = TopicReader(bootstrap_servers, topic, since=since)
    try:
        return reader.read()
    finally:
        reader.close()


def decode_json(value: bytes) -> dict[str, Any]:
    """A JSON object, numbers with a point as decimals.

    Raises:
        EngineError: when it is none; the platform itself wrote it, so this is a fault.
    """
    try:
        return dict(json.loads(value, parse_float=Decimal))
    except (ValueError, TypeError) as error:
        raise EngineError("A record of the platform's own is not a JSON object.", cause=repr(value)) from error


class AvroDecoder:
    """Decodes values in the framing of the Confluent registry: a zero byte, the schema's id in four bytes, Avro."""

    def __init__(self, registry_url: str) -> None:
        self._url = registry_url
        self._schemas: dict[int, Any] = {}

    @classmethod
    def of(cls, platform: Platform) -> Self:
        """With the schemas of the platform's registry."""
        return cls(platform.endpoints()["registry"]["url"])

    def __call__(self, value: bytes) -> dict[str, Any]:
        """The record as a dict; decimals as `Decimal`, times with their zone.

        Raises:
            EngineError: when the bytes are framed otherwise.
        """
        schema_id = schema_id_of(value)
        if schema_id is None:
            raise EngineError("A value is not in the framing of the schema registry.", cause=repr(value[:16]))
        if schema_id not in self._schemas:
            self._schemas[schema_id] = self._fetch(schema_id)
        record = fastavro.schemaless_reader(io.BytesIO(value[HEAD:]), self._schemas[schema_id], None)
        return dict(record)  # type: ignore[arg-type]

    def _fetch(self, schema_id: int) -> Any:
        try:
            answer = httpx.get(f"{self._url}/schemas/ids/{schema_id}", timeout=REQUEST_SECONDS)
            answer.raise_for_status()
        except httpx.HTTPError as error:
            raise EngineError(
                f"Schema {schema_id} cannot be had from the registry.", cause=str(error), notebook="deploy-20"
            ) from error
        return fastavro.parse_schema(json.loads(answer.json()["schema"]))
