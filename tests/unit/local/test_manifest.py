"""The declared processes, made concrete without starting any."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from carbonlib._project import MANIFESTS
from carbonlib.clients.connectors import load_connectors
from carbonlib.config import Settings
from carbonlib.local import addresses, manifest
from carbonlib.local.stack import new_cluster_id
from carbonlib.targets.local import LAYERS, Local


@pytest.fixture
def target(tmp_path: Path) -> Local:
    return Local(Settings(state=tmp_path / "state", port_base=40000, cache=tmp_path / "cache"))


def test_no_two_processes_share_a_port(target: Local) -> None:
    ports = [p for layer in LAYERS for process in target.processes(layer) for p in process.ports.values()]
    assert len(ports) == len(set(ports))


def test_every_port_is_inside_the_span(target: Local) -> None:
    assert all(40000 <= p < 40100 for p in manifest.all_ports(target.settings).values())


def test_memory_in_all_is_under_eight_gibibytes(target: Local) -> None:
    assert sum(p.memory_mib for layer in LAYERS for p in target.processes(layer)) < 8 * 1024


def test_every_reference_is_resolved(target: Local) -> None:
    for layer in LAYERS:
        for process in target.processes(layer):
            texts = [*process.command, *process.environment.values(), *process.files.values()]
            left = [m for t in texts for m in re.findall(r"\$\{[a-z]+\.[^}]*\}", t)]
            assert left == [], process.name


def test_no_listener_binds_another_address_than_loopback(target: Local) -> None:
    for layer in LAYERS:
        for process in target.processes(layer):
            assert "0.0.0.0" not in " ".join([*process.command, *process.files.values(), *process.environment.values()])


def test_the_fingerprint_follows_the_settings(target: Local) -> None:
    before = {p.name: p.fingerprint for p in target.processes("kafka")}
    target.assume({"brokers": 1})
    after = {p.name: p.fingerprint for p in target.processes("kafka")}
    assert sorted(after) == ["kafka-1", "watch"]
    assert after["kafka-1"] != before["kafka-1"]


def test_a_broker_beyond_the_quorum_changes_nothing_of_those_that_are_there(target: Local) -> None:
    before = {p.name: p.fingerprint for layer in LAYERS for p in target.processes(layer)}
    target.assume({"brokers": 5})
    after = {p.name: p for layer in LAYERS for p in target.processes(layer)}
    assert {name: after[name].fingerprint for name in before} == before
    assert sorted(set(after) - set(before)) == ["kafka-4", "kafka-5"]
    assert set(after["kafka-4"].ports) == {"kafka", "kafka_forward"}
    assert set(after["kafka-1"].ports) == {"kafka", "kafka_forward", "controller"}
    assert len({port for p in after.values() for port in p.ports.values()}) == sum(len(p.ports) for p in after.values())


def test_members_of_kafka_are_what_their_settings_say(target: Local) -> None:
    target.assume({"brokers": 5})
    members = target.kafka_members()
    assert [(m.name, m.node) for m in members] == [(f"kafka-{n}", n) for n in range(1, 6)]
    assert [m.votes for m in members] == [True, True, True, False, False] and all(m.serves for m in members)
    assert all(m.outdated and not m.revision for m in members)  # none of them runs


def test_no_secret_stands_in_a_command(target: Local) -> None:
    values = [target.secrets[name] for name in target.secrets]
    commands = [word for layer in LAYERS for p in target.processes(layer) for word in p.command]
    assert not [w for w in commands for v in values if v in w]


def test_addresses_name_secrets_and_hold_none(target: Local) -> None:
    text = str(addresses.addresses(target.settings, target.profile()))
    assert "doris_reader" in text
    assert not [name for name in target.secrets if target.secrets[name] in text]


def test_live_apis_need_no_replay(target: Local) -> None:
    target.assume({"apis_source": "live"})
    assert target.processes("apis") == []
    assert target.values()["apis.eia_url"].startswith("https://")


def test_a_cluster_id_is_never_read_as_an_option() -> None:
    ids = [new_cluster_id() for _ in range(2000)]
    assert not [i for i in ids if i.startswith("-") or len(i) != 22]


@pytest.mark.parametrize("system", ["mariadb", "search", "objectstore", "feed"])
def test_a_system_that_is_switched_off_takes_its_connectors_with_it(target: Local, system: str) -> None:
    folder = MANIFESTS / "connect" / "connectors"
    needing = {c.name for c in load_connectors(folder, {}, include_disabled=True) if system in c.needs}
    assert needing and system in target.systems() and target.processes(system)
    target.assume({system: False})
    assert system not in target.systems() and target.processes(system) == []
