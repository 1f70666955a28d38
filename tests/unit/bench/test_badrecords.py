"""Bad records between good ones: what is made of a sample, and that each kind is bad in the way that it says."""

from __future__ import annotations

import json
import uuid
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from confluent_kafka import Producer

from carbonlib._errors import EngineError
from carbonlib.bench.badrecords import (
    GOOD,
    LARGE,
    NO_TABLE,
    NULL_KEY,
    WRONG_FRAMING,
    WRONG_TYPE,
    Reader,
    load_readers,
    messages,
)
from carbonlib.changes import Plan
from carbonlib.clients.avro import decode, encode, schema_id_of

SCHEMA = {"type": "record", "name": "Price", "fields": [
    {"name": "event_id", "type": "string"},
    {"name": "price", "type": {"type": "bytes", "logicalType": "decimal", "precision": 18, "scale": 6}},
    {"name": "source", "type": ["null", "string"], "default": None},
    {"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
]}  # fmt: skip

DEFAULT_REQUEST = 1_048_576  # bytes that a producer sends unless it is told otherwise


class FakeRegistry:
    """Two schemas: that of the sample, and the one that a trial registers beside it."""

    def __init__(self) -> None:
        self.schemas: dict[int, Any] = {3: SCHEMA}

    def schema(self, schema_id: int) -> Any:
        return self.schemas[schema_id]

    def plan(self, schemas: Any) -> Plan:
        self.schemas[4] = schemas[0].parsed()
        return Plan()

    def id_of(self, subject: str, schema: Any) -> int:
        return 4


def sample(brokers: str, reader: Reader, *values: bytes) -> tuple[Any, Reader]:
    topic = f"like-{uuid.uuid4().hex[:8]}"
    producer = Producer({"bootstrap.servers": brokers, "log_level": 0})
    producer.list_topics(topic, timeout=10)
    for value in values:
        producer.produce(topic, value, "k")
    assert producer.flush(10) == 0
    platform = SimpleNamespace(kafka=SimpleNamespace(bootstrap_servers=brokers), registry=FakeRegistry())
    return platform, replace(reader, like=topic)


@pytest.fixture
def json_reader() -> Reader:
    (reader,) = load_readers("search-alerts-dlq")
    return reader


@pytest.fixture
def avro_reader() -> Reader:
    (reader,) = load_readers("s3-prices-dlq")
    return replace(reader, marked=(), values={})


def test_bad_records_stand_evenly_between_good_copies(brokers: str, json_reader: Reader) -> None:
    alert = {"alert_id": "a", "commodity_code": "CL", "price": 75.5, "severity": "HIGH"}
    platform, reader = sample(brokers, json_reader, b"\xff", b"[]", json.dumps(alert).encode())
    made = messages(platform, reader, "MARK", good=20, each=2)
    good = [m for m in made if m.kind == GOOD]
    assert (len(made), len(good)) == (32, 20) and len({m.id for m in made}) == 32
    first, last = ([n for n, m in enumerate(made) if m.kind != GOOD][i] for i in (0, -1))
    assert first > 2 and last < len(made) - 3
    row = json.loads(good[0].value)
    assert row == {**alert, "alert_id": "MARK-0-0", "commodity_code": "MARK"} and good[0].key == b"MARK-0-0"


def test_each_kind_of_json_is_bad_as_it_says(brokers: str, json_reader: Reader) -> None:
    alert = {"alert_id": "a", "price": 75.5, "severity": "HIGH"}
    platform, reader = sample(brokers, json_reader, json.dumps(alert).encode())
    made = {m.kind: m for m in messages(platform, reader, "MARK", good=1, each=1)}
    for kind in ("bytes", WRONG_FRAMING, "half a record"):
        with pytest.raises(ValueError):
            json.loads(made[kind].value)
    assert json.loads(made[WRONG_TYPE].value)["price"] == "75,50"
    assert made[NULL_KEY].key is None and json.loads(made[NULL_KEY].value)["price"] == 75.5
    assert len(made[LARGE].value) > DEFAULT_REQUEST


def test_each_kind_of_avro_is_bad_as_it_says(brokers: str, avro_reader: Reader) -> None:
    platform, reader = sample(
        brokers, avro_reader, encode(3, SCHEMA, {"event_id": "a", "price": "-36.98", "at": 1_700_000_000_000})
    )
    made = {m.kind: m for m in messages(platform, reader, "MARK", good=1, each=1)}
    assert decode(made[GOOD].value, SCHEMA)["event_id"] == "MARK-0-0"
    assert schema_id_of(made["bytes"].value) is None and schema_id_of(made[WRONG_FRAMING].value) is None
    mended = encode(3, SCHEMA, json.loads(made[WRONG_FRAMING].value))
    assert str(decode(mended, SCHEMA)["price"]) == "-36.980000"
    assert schema_id_of(made["unknown schema"].value) not in platform.registry.schemas
    wrong = made[WRONG_TYPE].value
    assert decode(wrong, platform.registry.schemas[4])["price"] == "many" and schema_id_of(wrong) == 4
    assert len(made[LARGE].value) > DEFAULT_REQUEST


def test_a_sink_without_its_table_gets_good_records_only(brokers: str) -> None:
    (trial,) = load_readers("doris-trial-dlq")
    day = {"station_id": "s", "temp_max_c": 1.5, "event_time": "2026-01-01 00:00:00.000", "source": "NOAA"}
    platform, reader = sample(brokers, trial, json.dumps(day).encode())
    made = messages(platform, reader, "MARK", good=20, each=3)
    assert [m.kind for m in made] == [NO_TABLE] * 3 and reader.correction == (NO_TABLE, "none")
    assert [json.loads(m.value) for m in made] == [{**day, "station_id": f"MARK-0-{n}"} for n in range(3)]


def test_without_a_record_to_copy_there_is_no_trial(brokers: str, json_reader: Reader) -> None:
    platform, reader = sample(brokers, json_reader, b"no JSON")
    with pytest.raises(EngineError, match="holds no record"):
        messages(platform, reader, "MARK", good=1, each=1)


def test_every_queue_of_the_project_can_be_tried() -> None:
    from carbonlib.deadletters import load_queues

    assert {r.queue.topic for r in load_readers()} == set(load_queues().queues)
