"""Where Kafka is and how a client enters it: what every producer, consumer and admin client here begins with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from confluent_kafka import Producer

# A topic says how large its messages may be, packed; a client, which looks at them before that, only must not say less.
LARGEST_MESSAGE = 33_554_432


class BootstrapServers(str):
    """Addresses of brokers, `host:port,…`, that know the listener's security.

    A plain text does as well where the listener asks for nothing.

    Attributes:
        security: settings of librdkafka that the listener needs (`security.protocol`, `sasl.*`, `ssl.*`).
    """

    security: Mapping[str, str]

    def __new__(cls, servers: str, security: Mapping[str, str] | None = None) -> BootstrapServers:
        """The addresses with what their listener needs; nothing for an open one."""
        made = super().__new__(cls, servers)
        made.security = dict(security or {})
        return made

    def __repr__(self) -> str:
        # The security holds a password: only the addresses are ever shown.
        return repr(str(self))


def security_of(servers: str) -> Mapping[str, str]:
    """What the listener of these addresses needs of a client; nothing where they are a plain text."""
    return servers.security if isinstance(servers, BootstrapServers) else {}


def connection(servers: str, **options: Any) -> dict[str, Any]:
    """Settings of a quiet client of these brokers, and the options given; dots of a key are written as `_`."""
    given = {name.replace("_", "."): value for name, value in options.items()}
    return {"bootstrap.servers": str(servers), "log_level": 0, **security_of(servers), **given}


def idempotent_producer(servers: str, **options: Any) -> Producer:
    """A producer that neither loses nor repeats a record while it lives: idempotent, acknowledged by all replicas."""
    given = {"message_max_bytes": LARGEST_MESSAGE, **options}
    return Producer(connection(servers, enable_idempotence=True, acks="all", **given))
