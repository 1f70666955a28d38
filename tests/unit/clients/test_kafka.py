"""Sending and reading, against the cluster that librdkafka carries for tests."""

from __future__ import annotations

import uuid

import pytest
from confluent_kafka import Producer

from carbonlib.clients.kafka import Kafka


@pytest.fixture(scope="module")
def kafka(brokers: str) -> Kafka:
    return Kafka(brokers)


@pytest.fixture
def topic(kafka: Kafka) -> str:
    name = f"t{uuid.uuid4().hex}"
    Producer({"bootstrap.servers": kafka.bootstrap_servers, "log_level": 0}).list_topics(name, timeout=10)
    return name


def test_an_echo_is_two_records_of_their_own_each_timed(kafka: Kafka, topic: str) -> None:
    echo = kafka.echo(topic)
    assert echo.received == echo.sent
    assert len(set(echo.sent)) == 2
    assert echo.milliseconds > 0 and echo.first_milliseconds > 0
    assert sorted(r.key or b"" for r in kafka.read(topic)) == sorted(mark.encode() for mark in echo.sent)


def test_a_range_is_read_from_its_start_to_its_end_and_no_further(kafka: Kafka, topic: str) -> None:
    kafka.produce(topic, [(str(i), str(i).encode()) for i in range(300)])
    middle = kafka.end_offsets(topic)
    kafka.produce(topic, [(str(i), str(i).encode()) for i in range(300, 400)])
    assert sorted(int(r.value or b"") for r in kafka.read(topic, middle)) == list(range(300, 400))
    assert kafka.read(topic, kafka.end_offsets(topic)) == []
    assert len(kafka.read(topic)) == 400
