"""Routine load from a broker that librdkafka plays, exactly once through kills and pauses."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pymysql
import pytest
from confluent_kafka import Producer

from carbonlib.local.doris.testing import Endpoint
from carbonlib.waiting import wait_until


class Broker:
    """A mock cluster; it lives as long as the producer."""

    def __init__(self) -> None:
        self.producer = Producer({"test.mock.num.brokers": 1, "log_level": 0})
        found = next(iter(self.producer.list_topics(timeout=10).brokers.values()))
        self.address = f"{found.host}:{found.port}"

    def send(self, topic: str, *values: object) -> None:
        for place, value in enumerate(values):
            body = value if isinstance(value, bytes) else json.dumps(value).encode()
            self.producer.produce(topic, body, partition=place % 2)
        assert self.producer.flush(10) == 0


@pytest.fixture(scope="module")
def broker() -> Iterator[Broker]:
    yield Broker()


def create(endpoint: Endpoint, broker: Broker, database: str, topic: str, more: str = "", clauses: str = "") -> None:
    endpoint.sql(
        f"CREATE TABLE IF NOT EXISTS {database}.t (k INT NOT NULL, s VARCHAR(20)) DUPLICATE KEY(k) "
        "DISTRIBUTED BY HASH(k) BUCKETS 1",
        f"CREATE ROUTINE LOAD {database}.job ON t {clauses} "
        f'PROPERTIES ("format"="json", "max_batch_interval"="1" {more}) '
        f'FROM KAFKA ("kafka_broker_list"="{broker.address}", "kafka_topic"="{topic}", '
        '"property.kafka_default_offsets"="OFFSET_BEGINNING")',
    )


def job(endpoint: Endpoint, database: str, name: str = "job") -> dict[str, Any]:
    with endpoint.connect() as connection, connection.cursor(pymysql.cursors.DictCursor) as cursor:
        cursor.execute(f"SHOW ALL ROUTINE LOAD FOR {database}.{name}")
        found = cursor.fetchone()
    assert found is not None
    return dict(found)


def rows(endpoint: Endpoint, database: str) -> list[tuple[Any, ...]]:
    return list(endpoint.sql(f"SELECT k, s FROM {database}.t ORDER BY k"))


def until(endpoint: Endpoint, database: str, count: int) -> None:
    wait_until(lambda: len(rows(endpoint, database)) >= count, what=f"{count} rows", timeout="30 s", every=0.1)


def test_rows_arrive_with_their_progress(endpoint: Endpoint, broker: Broker, database: str) -> None:
    broker.send(database, {"k": 1, "s": "a"}, {"k": 2, "s": "b"}, {"k": 3, "s": "c"})
    create(endpoint, broker, database, database)
    until(endpoint, database, 3)
    shown = job(endpoint, database)
    assert (shown["State"], shown["TableName"], shown["DataSourceType"]) == ("RUNNING", "t", "KAFKA")
    assert json.loads(shown["Statistic"])["loadedRows"] == 3
    progress = json.loads(shown["Progress"])
    assert (progress["0"], progress["1"]) == ("1", "0")
    assert set(json.loads(shown["Lag"]).values()) <= {0}
    broker.send(database, {"k": 4, "s": "d"})
    until(endpoint, database, 4)


def test_expressions_and_filters(endpoint: Endpoint, broker: Broker, database: str) -> None:
    broker.send(database, {"id": 10, "v": {"w": "x"}}, {"id": 1, "v": {"w": "y"}})
    clauses = "COLUMNS(n, word, k = n * 2, s = upper(word)), WHERE k > 5"
    create(endpoint, broker, database, database, ', "jsonpaths"="[\\"$.id\\", \\"$.v.w\\"]"', clauses)
    until(endpoint, database, 1)
    assert rows(endpoint, database) == [(20, "X")]
    wait_until(
        lambda: json.loads(job(endpoint, database)["Statistic"])["unselectedRows"] == 1, what="One row left out",
        timeout="15 s",
    )  # fmt: skip


def test_poison_pauses_with_its_reason_and_never_stops_good_rows(
    endpoint: Endpoint, broker: Broker, database: str
) -> None:
    broker.send(database, {"k": 1, "s": "a"}, b"\xff\xfe not json", {"s": "no key"}, {"k": 2, "s": "b"})
    create(endpoint, broker, database, database, ', "max_error_number"="1"')
    until(endpoint, database, 2)
    wait_until(lambda: job(endpoint, database)["State"] == "PAUSED", what="A pause", timeout="15 s")
    shown = job(endpoint, database)
    assert "max_error_number" in shown["ReasonOfStateChanged"]
    assert json.loads(shown["Statistic"])["errorRows"] == 2
    endpoint.sql(f"RESUME ROUTINE LOAD FOR {database}.job")
    broker.send(database, {"k": 3, "s": "c"})
    until(endpoint, database, 3)
    assert [k for k, _ in rows(endpoint, database)] == [1, 2, 3]


def test_pause_alter_resume_stop(endpoint: Endpoint, broker: Broker, database: str) -> None:
    broker.send(database, {"k": 1})
    create(endpoint, broker, database, database)
    until(endpoint, database, 1)
    with pytest.raises(pymysql.MySQLError, match="Only supports modification of PAUSED jobs"):
        endpoint.sql(f'ALTER ROUTINE LOAD FOR {database}.job PROPERTIES ("max_batch_interval"="2")')
    endpoint.sql(f"PAUSE ROUTINE LOAD FOR {database}.job")
    assert job(endpoint, database)["State"] == "PAUSED"
    broker.send(database, {"k": 2})
    endpoint.sql(f'ALTER ROUTINE LOAD FOR {database}.job PROPERTIES ("max_batch_interval"="1", "strict_mode"="true")')
    assert rows(endpoint, database) == [(1, None)]
    endpoint.sql(f"RESUME ROUTINE LOAD FOR {database}.job")
    until(endpoint, database, 2)
    endpoint.sql(f"STOP ROUTINE LOAD FOR {database}.job")
    assert job(endpoint, database)["State"] == "STOPPED"
    with pytest.raises(pymysql.MySQLError, match="There is no operable routine load job"):
        endpoint.sql(f"RESUME ROUTINE LOAD FOR {database}.job")


def test_a_kill_in_the_middle_neither_loses_nor_doubles(own_endpoint: Endpoint, broker: Broker) -> None:
    own_endpoint.sql("CREATE DATABASE d")
    broker.send("killed", *({"k": n, "s": "x"} for n in range(3000)))
    create(own_endpoint, broker, "d", "killed")
    until(own_endpoint, "d", 1)
    broker.send("killed", *({"k": n, "s": "x"} for n in range(3000, 6000)))
    own_endpoint.kill()
    own_endpoint.start()
    until(own_endpoint, "d", 6000)
    broker.send("killed", {"k": 6000})
    until(own_endpoint, "d", 6001)
    assert [k for k, _ in rows(own_endpoint, "d")] == list(range(6001))


def test_a_cluster_that_does_not_answer_is_tried_again(endpoint: Endpoint, broker: Broker, database: str) -> None:
    create(endpoint, broker, database, database)
    endpoint.sql(
        f"CREATE ROUTINE LOAD {database}.deaf ON t PROPERTIES ('format'='json') "
        "FROM KAFKA ('kafka_broker_list'='127.0.0.1:1', 'kafka_topic'='x')"
    )
    assert job(endpoint, database, "deaf")["State"] == "NEED_SCHEDULE"
    endpoint.sql(f"STOP ROUTINE LOAD FOR {database}.deaf")


@pytest.mark.parametrize(
    ("properties", "source", "part"),
    [
        ('"format"="json", "max_batch_rows"="10"', "", "max_batch_rows should be greater than or equal to 200000"),
        ('"format"="csv"', "", 'routine load without "format" = "json" is not supported'),
        ('"format"="json", "speed"="1"', "", "Unknown properties: {speed}"),
        ('"format"="json", "max_filter_ratio"="7"', "", "max_filter_ratio must be between 0 and 1"),
        ('"format"="json", "jsonpaths"="x"', "", "Invalid json path"),
        ('"format"="json"', '"kafka_nonsense"="1", ', "kafka_nonsense is invalid kafka property"),
        ('"format"="json"', '"property.kafka_default_offsets"="SOON", ', "Invalid kafka offset: SOON"),
    ],
)
def test_refused(endpoint: Endpoint, database: str, properties: str, source: str, part: str) -> None:
    endpoint.sql(f"CREATE TABLE {database}.t (k INT) DUPLICATE KEY(k) DISTRIBUTED BY HASH(k) BUCKETS 1")
    with pytest.raises(pymysql.MySQLError) as error:
        endpoint.sql(
            f"CREATE ROUTINE LOAD {database}.job ON t PROPERTIES ({properties}) "
            f'FROM KAFKA ({source} "kafka_broker_list"="127.0.0.1:1", "kafka_topic"="x")'
        )
    assert part in error.value.args[1]
