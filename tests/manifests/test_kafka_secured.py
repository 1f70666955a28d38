"""Kafka as production configures it, started for real: who gets in, and what he may do there."""

from __future__ import annotations

import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka import KafkaException, Producer
from confluent_kafka.admin import AdminClient, NewTopic

from carbonlib._errors import CarbonError
from carbonlib.clients.bootstrap import BootstrapServers, connection
from carbonlib.clients.kafka_cluster import KafkaCluster
from carbonlib.clients.kafka_rights import KafkaRights, can_login, read_rights
from carbonlib.waiting import wait_until

from .secured import RIGHTS, Secured, admitted, free_ports, password_of, running

SECONDS = 60
pytestmark = pytest.mark.timeout(900)  # four JVMs start, on a machine that may be busy


@pytest.fixture(scope="module")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    folder = tmp_path_factory.mktemp("secured") / "kafka"
    folder.mkdir()
    with running(folder, free_ports(6)) as kafka:
        done = admitted(kafka)
        assert {change.object.partition("/")[0] for change in done} == {"user", "rights"}
        topics = [NewTopic(name, 1, 1) for name in ("commodity-prices-raw", "market-alerts", "connect-configs")]
        carbon = AdminClient(connection(enter(kafka, "carbon")))
        for future in carbon.create_topics(topics).values():
            future.result(SECONDS)
        yield kafka


def enter(kafka: Secured, user: str, port: int | None = None) -> BootstrapServers:
    return kafka.entered(user, password_of(user), port)


def send(servers: BootstrapServers, topic: str) -> str:
    """What came of a record: nothing, or the name of the error."""
    came: list[str] = []
    producer = Producer(connection(servers, message_timeout_ms=SECONDS * 1000))
    producer.produce(topic, b"{}", on_delivery=lambda error, _: came.append(error.name() if error else ""))
    producer.flush(SECONDS * 1.5)
    assert came, f"no word of a record to {topic}"
    return came[0]


def test_an_application_may_do_what_is_declared_and_nothing_else(kafka: Secured) -> None:
    assert send(enter(kafka, "connect"), "commodity-prices-raw") == ""
    assert send(enter(kafka, "connect"), "market-alerts") == "TOPIC_AUTHORIZATION_FAILED"
    assert send(enter(kafka, "lag"), "commodity-prices-raw") == "TOPIC_AUTHORIZATION_FAILED"
    assert set(AdminClient(connection(enter(kafka, "lag"))).list_topics(timeout=SECONDS).topics) == {
        "commodity-prices-raw", "market-alerts", "connect-configs",
    }  # fmt: skip
    assert set(AdminClient(connection(enter(kafka, "doris"))).list_topics(timeout=SECONDS).topics) == {"market-alerts"}


def test_the_rights_are_as_declared_and_a_second_look_changes_nothing(kafka: Secured) -> None:
    rights, declared = KafkaRights(kafka.admin()), read_rights(RIGHTS)
    assert not rights.plan(declared)
    assert not rights.plan_passwords(dict.fromkeys([*declared, "carbon"], "x"))
    without = {**declared, "doris": {r for r in declared["doris"] if r.kind == "topic"}}
    taken = rights.plan(without).apply()
    assert [(c.object, c.action, c.before) for c in taken] == [
        ("rights/doris", "delete", ["DESCRIBE group doris-*", "READ group doris-*"])
    ]
    assert [c.action for c in rights.plan(declared).apply()] == ["create"]
    assert not rights.plan(declared)


def test_nobody_enters_without_a_password_or_with_a_wrong_one(kafka: Secured) -> None:
    for servers in (kafka.entered("connect", "wrong"), BootstrapServers(f"127.0.0.1:{kafka.internal}")):
        with pytest.raises(KafkaException):
            AdminClient(connection(servers)).list_topics(timeout=4)


def test_a_password_is_rotated_and_the_former_one_opens_nothing(kafka: Secured) -> None:
    anybody = kafka.entered("carbon", password_of("carbon"))
    assert can_login(anybody, "lag", password_of("lag"))
    assert not can_login(anybody, "lag", "another")
    try:
        KafkaRights(anybody).plan_passwords({"lag": "another"}, again=True).apply()
        wait_until(lambda: can_login(anybody, "lag", "another"), what="the new password", timeout=SECONDS)
        assert not can_login(anybody, "lag", password_of("lag"))
    finally:
        KafkaRights(anybody).plan_passwords({"lag": password_of("lag")}, again=True).apply()


def test_the_servers_listener_asks_for_their_certificate(kafka: Secured) -> None:
    admin = kafka.admin()
    without = {k: v for k, v in admin.security.items() if k in ("security.protocol", "ssl.ca.location")}
    with pytest.raises(KafkaException):
        AdminClient(connection(BootstrapServers(str(admin), without))).list_topics(timeout=4)


def test_replicas_and_voters_are_seen_by_the_way_of_a_laptop(kafka: Secured) -> None:
    cluster = KafkaCluster(enter(kafka, "carbon", kafka.forward))
    assert [b.node for b in cluster.brokers()] == [100]
    assert cluster.quorum().active == 0
    assert {p.topic for p in cluster.layout()} >= {"commodity-prices-raw", "market-alerts"}


def test_the_way_of_a_laptop_leads_to_the_same_broker(kafka: Secured) -> None:
    there = AdminClient(connection(enter(kafka, "carbon", kafka.forward))).list_topics(timeout=SECONDS)
    assert [(b.id, str(b.host), b.port) for b in there.brokers.values()] == [(100, "127.0.0.1", kafka.forward)]


@pytest.mark.parametrize(
    ("role", "line"),
    [
        ("broker", "kafka_server_broker_state 3"),  # what the probes look for
        ("controller", 'kafka_raft_state{state="leader"} 1'),
        ("controller", "kafka_controller_kafkacontroller_activecontrollercount 1"),
        # What the alerts of manifests/monitoring/rules ask for.
        ("broker", "kafka_server_replicamanager_underreplicatedpartitions 0"),
        ("broker", "kafka_server_replicamanager_partitionswithlatetransactionscount 0"),
        ("controller", "kafka_controller_kafkacontroller_offlinepartitionscount 0"),
        ("broker", 'kafka_server_brokertopicmetrics_messagesin_total{topic="commodity-prices-raw"} 1'),
    ],
)
def test_probes_and_alerts_find_their_figures(kafka: Secured, role: str, line: str) -> None:
    with urllib.request.urlopen(f"http://127.0.0.1:{kafka.metrics[role]}/metrics", timeout=SECONDS) as answer:
        text = answer.read().decode()
    name, _, value = line.rpartition(" ")
    found = [each for each in text.splitlines() if each.startswith(name.split("{")[0])]
    assert any(each.startswith(f"{name} {value}") for each in found), "\n".join(found or _names(text))


def _names(text: str) -> list[str]:
    return sorted({line.split("{")[0].split(" ")[0] for line in text.splitlines() if line.startswith("kafka")})


def test_a_mistake_in_the_rights_is_named(tmp_path: Path) -> None:
    (tmp_path / "rights.yaml").write_text("connect: [{topics: [a], may: [Read]}]", encoding="utf-8")
    with pytest.raises(CarbonError, match="topics"):
        read_rights(tmp_path / "rights.yaml")
