from __future__ import annotations

import uuid
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from confluent_kafka import Producer

from carbonlib._errors import EngineError
from carbonlib.bench.reading import AvroDecoder, TopicReader, decode_json, read_topic

from .conftest import Registry, framed

RECORD = {
    "event_id": "a", "commodity_code": "CL", "price": Decimal("-36.980000"),
    "event_time": datetime(2020, 4, 20, tzinfo=UTC), "enriched_at": datetime(2020, 4, 21, tzinfo=UTC),
}  # fmt: skip


@pytest.fixture
def topic() -> str:
    return f"t{uuid.uuid4().hex}"


def send(brokers: str, topic: str, values: list[bytes], **options: int) -> None:
    producer = Producer({"bootstrap.servers": brokers, "log_level": 0})
    for i, value in enumerate(values):
        producer.produce(topic, value, str(i % 7), headers=[("n", str(i).encode())], **options)
    assert producer.flush(10) == 0


def test_a_topic_is_read_whole_and_then_only_what_is_new(brokers: str, topic: str) -> None:
    send(brokers, topic, [str(i).encode() for i in range(500)])
    reader = TopicReader(brokers, topic)
    first = reader.read()
    assert sorted(int(v) for v in first["value"]) == list(range(500))
    assert not first.duplicated(["partition", "offset"]).any()
    assert {row.headers["n"] for row in first.itertuples()} == {str(i).encode() for i in range(500)}
    assert reader.read().empty
    send(brokers, topic, [b"new"])
    assert list(reader.read()["value"]) == [b"new"]
    reader.close()


def test_reading_can_start_at_a_moment(brokers: str, topic: str) -> None:
    send(brokers, topic, [b"old"], timestamp=1_700_000_000_000)
    since = datetime.now(UTC)
    assert read_topic(brokers, topic, since=since).empty
    assert len(read_topic(brokers, topic)) == 1


def test_what_the_platform_wrote_must_be_json() -> None:
    assert decode_json(b'{"price": 75.50}') == {"price": Decimal("75.50")}
    for value in (b"{", b"[1]", b"5"):
        with pytest.raises(EngineError):
            decode_json(value)


def test_avro_is_decoded_by_the_registered_schema_asked_for_once(registry: Registry) -> None:
    registry.asked.clear()
    decode = AvroDecoder(registry.url)
    assert [decode(framed(RECORD)), decode(framed(RECORD))] == [RECORD, RECORD]
    assert registry.asked == ["/schemas/ids/7"]


def test_a_wrong_framing_and_an_unknown_schema_are_named(registry: Registry) -> None:
    decode = AvroDecoder(registry.url)
    with pytest.raises(EngineError, match="framing"):
        decode(b'{"commodity_code"')
    with pytest.raises(EngineError, match="Schema 9"):
        decode(framed(RECORD, schema_id=9))
