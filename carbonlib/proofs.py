"""Proofs that a layer does what it is for: each uses the layer, and returns what does not hold."""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .clients.connectors import Connector
from .clients.kafka_cluster import KafkaCluster
from .layers import Connectors, Schemas
from .waiting import seconds

if TYPE_CHECKING:
    from .platform import Platform


@dataclass(frozen=True)
class Probe:
    """What a probe job of Flink did."""

    state: str
    records: int


def missing_plugins(platform: Platform) -> list[str]:
    """Connector and converter classes that the project's configs name and no worker has."""
    return platform.connect.missing_plugins([c.config for c in Connectors(platform).declared()])


def unguarded_schemas(platform: Platform) -> list[str]:
    """Subjects whose registry would accept a schema that old readers cannot read."""
    return [
        schema.subject
        for schema in Schemas(platform).declared()
        if (known := schema.parsed() if schema.text else platform.registry.latest(schema.subject))
        and platform.registry.accepts(schema.subject, _broken(known))
    ]


def _broken(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema with its last field replaced by a required one that nobody writes."""
    return {**schema, "fields": [*schema["fields"][:-1], {"name": "nobody_writes_this", "type": "string"}]}


def short_of_copies(platform: Platform) -> list[str]:
    """Topics with fewer replicas than the platform keeps of everything, those that engines make for themselves too."""
    wanted = int(platform.values()["kafka.replication"])
    layout = KafkaCluster(platform.kafka.bootstrap_servers).layout()
    return sorted({p.topic for p in layout if len(p.replicas) < wanted})


def open_doors(platform: Platform) -> list[str]:
    """Ways into Doris, or to more than their work, that should be shut and are open."""
    return platform.doris_root.open_doors(
        {
            user: platform.secrets[secret]
            for user, secret in (("rt_loader", "doris_loader"), ("rt_reader", "doris_reader"))
        }
    )


def silent_connectors(platform: Platform, timeout: str | float) -> list[str]:
    """Declared connectors that have moved no record by the deadline; a sink whose topics are empty has none to move."""
    waiting = Connectors(platform).declared()
    deadline = time.monotonic() + seconds(timeout)
    while waiting and time.monotonic() < deadline:
        waiting = [c for c in waiting if not platform.connect.topics(c.name) and not _starved(platform, c)]
        time.sleep(0.5 if waiting else 0)
    return [c.name for c in waiting]


def _starved(platform: Platform, connector: Connector) -> bool:
    topics = [topic.strip() for topic in connector.config.get("topics", "").split(",") if topic]
    return bool(topics) and not any(sum(platform.kafka.end_offsets(topic).values()) for topic in topics)


def secrets_in_connector_configs(platform: Platform) -> list[str]:
    """Names of secrets whose value stands in what the workers answer."""
    configs = str(platform.connect.configs())
    return [name for name in platform.secrets if platform.secrets[name] in configs]


def probe_flink(platform: Platform, topic: str) -> Probe:
    """Run a bounded job that writes one marked record, and count the records that carry the mark."""
    mark = uuid.uuid4().hex
    start = platform.kafka.end_offsets(topic)
    state = platform.run_probe_job(topic, mark)
    records = platform.kafka.read(topic, start)
    return Probe(state, sum(mark.encode() in (record.value or b"") for record in records))
