"""Bytes a message, measured on real records and a real endpoint."""

from __future__ import annotations

import uuid
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from confluent_kafka import Producer

from carbonlib._errors import EngineError
from carbonlib.clients.doris import Doris
from carbonlib.local.doris.testing import Endpoint
from carbonlib.sizing.measure import Measurement, Stored, table, topic


def filled(brokers: str, value: bytes, count: int, **options: Any) -> str:
    name = f"sizing-{uuid.uuid4().hex[:8]}"
    producer = Producer({"bootstrap.servers": brokers, "linger.ms": 50, **options})
    for number in range(count):
        producer.produce(name, value, key=f"{number:04}")
    assert producer.flush(30) == 0
    return name


def test_bytes_on_disk_are_those_of_compressed_batches(brokers: str) -> None:
    value = b'{"commodity_code":"CL","price":75.50,"currency":"USD"}' * 4
    plain = topic(brokers, filled(brokers, value, 3000), 3000)
    packed = topic(brokers, filled(brokers, value, 3000, **{"compression.type": "lz4"}), 3000)
    assert plain.count == packed.count == 3000
    assert plain.payload == packed.payload == len(value) + 4
    assert plain.disk is not None and packed.disk is not None and plain.payload is not None
    # Uncompressed, a record takes its payload and a few bytes more: length, offset, time, its share of a batch.
    assert plain.payload < plain.disk < plain.payload * 1.25
    assert packed.disk < plain.disk / 3


def test_only_the_newest_are_read(brokers: str) -> None:
    name = filled(brokers, b"x" * 100, 400)
    assert topic(brokers, name, 40).count < 400


def test_an_empty_topic_says_nothing(brokers: str) -> None:
    name = filled(brokers, b"x", 1)
    empty = Stored(name, 0, None)
    measured = Measurement(empty, Stored("b", 10, 40.0, 90.0), Stored("t", 0, None), Stored("i", 0, None))
    with pytest.raises(EngineError, match=name):
        measured.figures()
    assert measured.least == 0


def test_a_row_that_cannot_be_measured_counts_as_its_message() -> None:
    measured = Measurement(
        Stored("a", 10, 60.0, 80.0), Stored("b", 20, 40.0, 90.0), Stored("t", 5, None), Stored("i", 5, 12.0)
    )
    assert measured.figures().row == 90.0 and not measured.row_is_measured and measured.least == 10
    assert "not said" in repr(measured) and "not said" in measured._repr_html_()


def test_the_endpoint_says_rows_and_no_bytes(tmp_path: Path) -> None:
    with Endpoint(tmp_path) as endpoint:
        root = Doris("127.0.0.1", endpoint.query_port, endpoint.fe_url, "root", "")
        root.execute("CREATE DATABASE d")
        root.execute("CREATE TABLE d.t (k INT NOT NULL, v INT) UNIQUE KEY(k) DISTRIBUTED BY HASH(k) BUCKETS 1")
        root.execute("INSERT INTO d.t VALUES (1, 1), (2, 2)")
        platform: Any = SimpleNamespace(doris_root=root)
        assert table(platform, "d.t") == Stored("d.t", 2, None)
        root.close()
