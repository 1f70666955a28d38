"""What every Kafka client begins with."""

from __future__ import annotations

import copy

from carbonlib.clients.bootstrap import BootstrapServers, connection, security_of


def test_a_plain_text_asks_for_nothing():
    assert security_of("127.0.0.1:1") == {}
    asked = connection("127.0.0.1:1", linger_ms=0)
    assert asked == {"bootstrap.servers": "127.0.0.1:1", "log_level": 0, "linger.ms": 0}


def test_security_goes_into_every_client_and_never_into_a_text():
    servers = BootstrapServers("127.0.0.1:1", {"sasl.password": "p-1"})
    assert connection(servers)["sasl.password"] == "p-1"
    assert servers == "127.0.0.1:1"
    assert "p-1" not in f"{servers} {servers!r}"


def test_a_copy_keeps_its_security():
    assert security_of(copy.deepcopy(BootstrapServers("127.0.0.1:1", {"a": "b"}))) == {"a": "b"}
