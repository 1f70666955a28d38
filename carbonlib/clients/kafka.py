"""Kafka's administration: topics declared against live, health of the cluster, offsets.

Speaks the admin protocol through librdkafka; counts and offsets come from the brokers, never from a cache.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from confluent_kafka import Consumer, KafkaException, TopicPartition
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewPartitions,
    NewTopic,
    OffsetSpec,
    ResourceType,
)

from .._errors import ApplyError, EngineError, TargetUnreachable
from .._files import read_mapping, require
from ..changes import Change, Plan, diff_fields
from ..references import resolve
from ..waiting import wait_until
from .bootstrap import connection, idempotent_producer
from .records import Record, read_records

REQUEST_SECONDS = 15.0
COMMITTED_SECONDS = 5.0  # an answer takes milliseconds, and a new member finds a coordinator that has moved sooner
MOVED_SECONDS = 15.0  # until a coordinator that has moved has read what its groups committed
FAILURES = (KafkaException, TimeoutError)  # a future that waits in vain raises the second


@dataclass(frozen=True)
class Topic:
    """A declared topic."""

    name: str
    partitions: int
    replication: int
    config: dict[str, str]


def load_topics(path: Path, values: Mapping[str, str]) -> list[Topic]:
    """The topics that a manifest declares.

    Raises:
        UsageError: naming the part of it that is broken.
    """
    text = resolve(path.read_text(encoding="utf-8"), values)
    data = read_mapping(path, text=text, needs=("defaults", "topics"))
    common = data["defaults"]
    require(f"{path.name}: defaults", common, ("partitions", "replication", "config"))
    for name, spec in data["topics"].items():
        require(f"{path.name}: the topic {name}", spec or {}, ())
    return [
        Topic(
            name,
            int((spec or {}).get("partitions", common["partitions"])),
            int((spec or {}).get("replication", common["replication"])),
            {**common["config"], **(spec or {}).get("config", {})},
        )
        for name, spec in data["topics"].items()
    ]


@dataclass(frozen=True)
class Echo:
    """Two records that were sent and read back, one after the other; the figures count both ways.

    Args:
        sent, received: what went out and what came back.
        first_milliseconds: of the first, which brokers that were just started begin their work with.
        milliseconds: of the second, which finds them at work.
    """

    sent: list[str]
    received: list[str]
    first_milliseconds: float
    milliseconds: float


class Kafka:
    """A cluster, by its bootstrap servers."""

    def __init__(self, bootstrap_servers: str) -> None:
        self.bootstrap_servers = bootstrap_servers
        self._admin_client: AdminClient | None = None
        self._members: dict[str, Consumer] = {}

    @property
    def _admin(self) -> AdminClient:
        if self._admin_client is None:
            self._admin_client = AdminClient(connection(self.bootstrap_servers, socket_timeout_ms=10000))
        return self._admin_client

    def _metadata(self, timeout: float = REQUEST_SECONDS) -> Any:
        try:
            return self._admin.list_topics(timeout=timeout)
        except FAILURES as error:
            raise TargetUnreachable(
                f"Kafka at {self.bootstrap_servers} does not answer.", cause=_reason(error), notebook="deploy-10"
            ) from error

    def brokers(self) -> list[int]:
        """Ids of the live brokers."""
        return sorted(self._metadata().brokers)

    def reachable(self) -> bool:
        """Whether any broker answers at once."""
        try:
            return bool(self._metadata(timeout=3).brokers)
        except TargetUnreachable:
            return False

    def topics(self) -> list[str]:
        """Names of all topics but Kafka's own."""
        return sorted(t for t in self._metadata().topics if not t.startswith("__"))

    def under_replicated(self) -> list[str]:
        """Partitions with fewer in-sync replicas than replicas, as `topic-partition`."""
        found = self._metadata().topics.values()
        return sorted(
            f"{t.topic}-{p.id}" for t in found for p in t.partitions.values() if len(p.isrs) < len(p.replicas)
        )

    def end_offsets(self, topic: str) -> dict[int, int]:
        """End offset of each partition, as a read-uncommitted reader sees it.

        Raises:
            EngineError: when the topic does not exist.
        """
        wanted = {TopicPartition(topic, p): OffsetSpec.latest() for p in self._partitions(topic)}
        try:
            answers = {
                p.partition: f.result(timeout=REQUEST_SECONDS) for p, f in self._admin.list_offsets(wanted).items()
            }
        except FAILURES as error:
            raise EngineError(f"The offsets of topic {topic} cannot be read.", cause=_reason(error)) from error
        return {partition: answer.offset for partition, answer in answers.items()}

    def _partitions(self, topic: str) -> list[int]:
        metadata = self._metadata().topics.get(topic)
        if metadata is None or metadata.error is not None:
            raise EngineError(f"Topic {topic} does not exist.", remedy="Create it first.", notebook="deploy-10")
        return sorted(metadata.partitions)

    def plan(self, wanted: Iterable[Topic]) -> Plan:
        """What must change so that each topic is as declared; topics that nobody declared are left alone.

        Raises:
            ApplyError: when a topic has more partitions or another replication factor than declared.
        """
        live = self._metadata().topics
        wanted = list(wanted)
        present = [t for t in wanted if t.name in live and live[t.name].error is None]
        configs = self._configs([t.name for t in present])
        changes = [c for t in present for c in self._differences(t, live[t.name], configs[t.name])]
        names = {t.name for t in present}
        return Plan([*(self._creation(t) for t in wanted if t.name not in names), *changes])

    def _creation(self, topic: Topic) -> Change:
        after = {"partitions": topic.partitions, "replication": topic.replication, **topic.config}

        def create() -> None:
            new = NewTopic(topic.name, topic.partitions, topic.replication, config=topic.config)
            self._settle(self._admin.create_topics([new], operation_timeout=REQUEST_SECONDS), f"Topic {topic.name}")
            wait_until(lambda: topic.name in self._metadata().topics, what=f"Topic {topic.name} appearing", timeout=20)

        return Change(f"topic/{topic.name}", "create", None, after, create)

    def _differences(self, topic: Topic, live: Any, config: dict[str, str]) -> list[Change]:
        changes = []
        replication = min(len(p.replicas) for p in live.partitions.values())
        if len(live.partitions) > topic.partitions or replication != topic.replication:
            raise ApplyError(
                f"Topic {topic.name} has {len(live.partitions)} partitions × {replication} replicas, declared are "
                f"{topic.partitions} × {topic.replication}.",
                cause="Partitions cannot be taken away, and replicas move only by a reassignment.",
                remedy="Change the manifest, or move the data to a new topic.",
            )
        if len(live.partitions) < topic.partitions:
            new = NewPartitions(topic.name, topic.partitions)
            before_count, after_count = {"partitions": len(live.partitions)}, {"partitions": topic.partitions}
            changes.append(
                Change(
                    f"topic/{topic.name}",
                    "update",
                    before_count,
                    after_count,
                    lambda: self._settle(self._admin.create_partitions([new]), f"Topic {topic.name}"),
                )
            )
        before, after = diff_fields(topic.config, config)
        if after:
            changes.append(
                Change(f"topic/{topic.name}", "update", before, after, lambda: self._alter(topic.name, after))
            )
        return changes

    def _alter(self, topic: str, config: Mapping[str, str]) -> None:
        entries = [ConfigEntry(k, v, incremental_operation=AlterConfigOpType.SET) for k, v in config.items()]
        resource = ConfigResource(ResourceType.TOPIC, topic, incremental_configs=entries)
        self._settle(self._admin.incremental_alter_configs([resource]), f"Topic {topic}")

    def _configs(self, topics: list[str]) -> dict[str, dict[str, str]]:
        if not topics:
            return {}
        futures = self._admin.describe_configs([ConfigResource(ResourceType.TOPIC, t) for t in topics])
        try:
            answers = {r.name: f.result(timeout=REQUEST_SECONDS) for r, f in futures.items()}
        except FAILURES as error:
            raise EngineError("The settings of the topics cannot be read.", cause=_reason(error)) from error
        return {name: {k: entry.value for k, entry in config.items()} for name, config in answers.items()}

    def _settle(self, futures: Mapping[Any, Any], what: str) -> None:
        for future in futures.values():
            try:
                future.result(timeout=REQUEST_SECONDS)
            except FAILURES as error:
                raise ApplyError(f"{what} could not be changed.", cause=_reason(error), notebook="deploy-10") from error

    def produce(self, topic: str, messages: Iterable[tuple[str | bytes | None, bytes | None]]) -> int:
        """Send `(key, value)` messages, idempotent and acknowledged by all replicas; returns how many.

        Raises:
            EngineError: when any message was not acknowledged within 30 s.
        """
        failed: list[str] = []
        producer = idempotent_producer(self.bootstrap_servers, compression_type="lz4", linger_ms=2)
        count = 0
        for key, value in messages:
            producer.produce(topic, value, key, on_delivery=lambda e, _: failed.append(str(e)) if e else None)
            producer.poll(0)
            count += 1
        waiting = producer.flush(30)
        if failed or waiting:
            reason = failed[0] if failed else f"{waiting} messages were not acknowledged within 30 s"
            raise EngineError(f"Sending to {topic} failed.", cause=reason, notebook="deploy-10")
        return count

    def group_progress(self, group: str) -> int:
        """Records that a consumer group has committed, over all its partitions; 0 for a group that never committed.

        Asked as a member of the group would, without joining it: librdkafka 2.16 ends the process (SIGSEGV in
        `rd_kafka_cgrp_op`, its issue 5315) when an administrator's client asks a coordinator that has just moved.

        Raises:
            TargetUnreachable: no broker answers.
            WaitTimeout: the group's coordinator does not; its last word is the cause.
        """
        places = self._all_partitions()
        what = f"An answer about the offsets of group {group}"
        (answer,) = wait_until(lambda: [self._committed(group, places)], what=what, timeout=MOVED_SECONDS)
        return answer

    def _committed(self, group: str, places: list[TopicPartition]) -> int:
        try:
            answer = self._member(group).committed(places, timeout=COMMITTED_SECONDS)
        except FAILURES as error:
            # Not its coordinator any more: brokers move that too when one is back. librdkafka asks only once.
            self._members.pop(group, None)
            raise EngineError(f"The offsets of group {group} cannot be read.", cause=_reason(error)) from error
        return sum(max(0, p.offset) for p in answer)

    def _member(self, group: str) -> Consumer:
        if group not in self._members:
            self._members[group] = Consumer(connection(self.bootstrap_servers, group_id=group))
        return self._members[group]

    def _all_partitions(self) -> list[TopicPartition]:
        found = self._metadata().topics.values()
        return [TopicPartition(t.topic, p) for t in found if not t.topic.startswith("__") for p in t.partitions]

    def broker_setting(self, name: str) -> str:
        """A setting of the brokers, as one of them answers."""
        resource = ConfigResource(ResourceType.BROKER, str(self.brokers()[0]))
        try:
            config = self._admin.describe_configs([resource])[resource].result(timeout=REQUEST_SECONDS)
        except FAILURES as error:
            raise EngineError("The settings of the brokers cannot be read.", cause=_reason(error)) from error
        return str(config[name].value)

    def read(self, topic: str, start: Mapping[int, int] | None = None) -> list[Record]:
        """The committed records from `start` (by partition, default the beginning) to the end as it is now."""
        return read_records(self.bootstrap_servers, topic, start or {}, self.end_offsets(topic))

    def echo(self, topic: str) -> Echo:
        """Send a marked record and read it back, twice: the first also pays for what is only done once."""
        sent = [uuid.uuid4().hex[:12] for _ in range(2)]
        (first, first_ms), (second, second_ms) = [self._echo(topic, mark) for mark in sent]
        return Echo(sent, [first, second], first_ms, second_ms)

    def _echo(self, topic: str, mark: str) -> tuple[str, float]:
        start = self.end_offsets(topic)
        began = time.monotonic()
        self.produce(topic, [(mark, mark.encode())])
        values = [r.value for r in self.read(topic, start) if r.key == mark.encode()]
        received = (values[0] or b"").decode() if values else ""
        return received, round((time.monotonic() - began) * 1000, 1)

    def wait(self, brokers: int, timeout: str | float) -> None:
        """Wait until that many brokers are in the cluster and every partition is fully replicated."""
        wait_until(
            lambda: len(self.brokers()) >= brokers and not self.under_replicated(),
            what=f"{brokers} brokers with every partition in sync",
            timeout=timeout,
            notebook="deploy-10",
        )


def _reason(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return f"no answer within {REQUEST_SECONDS:g} s"
    inner = error.args[0] if error.args else error
    return inner.str() if hasattr(inner, "str") else str(inner)
