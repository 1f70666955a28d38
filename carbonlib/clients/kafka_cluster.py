"""The cluster behind the topics: who votes, where the replicas lie, and moving them.

librdkafka, which everything else here speaks through, has none of these requests; kafka-python has.
"""

from __future__ import annotations

import math
import ssl
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from .._errors import ApplyError, EngineError, TargetUnreachable
from .bootstrap import security_of

T = TypeVar("T")
Place = tuple[str, int]  # topic and number of a partition
REQUEST_SECONDS = 30
BOOTSTRAP_SECONDS = 10
PATIENCE_SECONDS = 30.0
AGAIN_SECONDS = 0.5
CAUGHT_UP_SECONDS = 5.0  # a voter that has fetched the end of the log within this time follows
NOTEBOOK = "deploy-10"
TOPICS_OWN = ("DYNAMIC_TOPIC_CONFIG", 1)
LEAST = "min.insync.replicas"
CHECKS_HOST = "ssl.endpoint.identification.algorithm"
AUTHORITY = "ssl.ca.pem"
# Names of librdkafka, in which settings come, and what this library calls them.
_SETTINGS = {
    "security.protocol": "security_protocol",
    "sasl.mechanism": "sasl_mechanism",
    "sasl.mechanisms": "sasl_mechanism",
    "sasl.username": "sasl_plain_username",
    "sasl.password": "sasl_plain_password",
    "ssl.ca.location": "ssl_cafile",
    "ssl.certificate.location": "ssl_certfile",
    "ssl.key.location": "ssl_keyfile",
    "ssl.key.password": "ssl_password",
}


@dataclass(frozen=True)
class Broker:
    """A broker that the cluster knows.

    Args:
        node: its id.
        rack: where it stands, empty where it does not say.
        fenced: known, and at present not one of the live.
    """

    node: int
    rack: str
    fenced: bool


@dataclass(frozen=True)
class Partition:
    """A partition and where it lies.

    Args:
        leader: node of its leader, -1 where it has none.
        replicas: nodes that hold it, the preferred leader first.
        in_sync: those of them that have all of it.
        least: how many must be in sync for a write to be taken.
    """

    topic: str
    number: int
    leader: int
    replicas: tuple[int, ...]
    in_sync: tuple[int, ...]
    least: int = 1

    @property
    def place(self) -> Place:
        """Topic and number."""
        return self.topic, self.number

    @property
    def name(self) -> str:
        """`topic-number`."""
        return f"{self.topic}-{self.number}"


@dataclass(frozen=True)
class Quorum:
    """The voters over the cluster's metadata.

    Args:
        active: node of the leader of the quorum, the active controller.
        voters: nodes that vote.
        behind: voters that do not follow, with the seconds since they last had everything.
    """

    active: int
    voters: tuple[int, ...]
    behind: Mapping[int, float]

    def survives_one_less(self) -> bool:
        """Whether those that follow are a majority even without one of them."""
        following = len(self.voters) - len(self.behind)
        return 2 * (following - 1) > len(self.voters)


class KafkaCluster:
    """A cluster, by its bootstrap servers.

    Args:
        bootstrap_servers: as every client here takes them, with what their listener asks for.
    """

    def __init__(self, bootstrap_servers: str) -> None:
        self._servers = bootstrap_servers
        self._client: Any = None

    def _ask(self, question: Callable[[Any], T]) -> T:
        """Put a question to the cluster, again while it says that it cannot answer just now.

        A client that fails is done with: a new one knows who is there now.
        """
        from kafka.errors import KafkaError

        deadline, first = time.monotonic() + PATIENCE_SECONDS, True
        while True:
            client = self._client = self._client or self._connect()
            try:
                return question(client)
            except (KafkaError, OSError, RuntimeError) as error:
                self._client = None
                client.close()
                if time.monotonic() >= deadline or not (first or getattr(error, "retriable", False)):
                    raise EngineError(
                        "Kafka did not answer a request.", cause=_reason(error), notebook=NOTEBOOK
                    ) from error
            first = False
            time.sleep(AGAIN_SECONDS)

    def _connect(self) -> Any:
        from kafka import KafkaAdminClient
        from kafka.errors import KafkaError

        try:
            return KafkaAdminClient(
                bootstrap_servers=str(self._servers).split(","), request_timeout_ms=REQUEST_SECONDS * 1000,
                bootstrap_timeout_ms=BOOTSTRAP_SECONDS * 1000, **_translated(security_of(self._servers)),
            )  # fmt: skip
        except (KafkaError, OSError) as error:
            raise TargetUnreachable(
                f"Kafka at {self._servers} does not answer.", cause=_reason(error), notebook=NOTEBOOK
            ) from error

    # -- looking ----------------------------------------------------------------------------------------------------

    def brokers(self) -> list[Broker]:
        """Every broker that is registered, live or fenced, by node."""
        found = self._ask(lambda admin: admin.describe_cluster())["brokers"]
        brokers = [Broker(b["broker_id"], b.get("rack") or "", bool(b.get("is_fenced"))) for b in found]
        return sorted(brokers, key=lambda b: b.node)

    def layout(self) -> list[Partition]:
        """Every partition, those of Kafka's own topics included, by topic and number."""
        topics = self._ask(lambda admin: admin.describe_topics())
        least = self.setting(LEAST, [t["name"] for t in topics])
        found = [
            Partition(
                t["name"], p["partition_index"], p["leader_id"], tuple(p["replica_nodes"]), tuple(p["isr_nodes"]),
                int(least.get(t["name"], 1)),
            )
            for t in topics
            for p in t["partitions"]
        ]  # fmt: skip
        return sorted(found, key=lambda p: p.place)

    def setting(self, name: str, topics: Iterable[str]) -> dict[str, str]:
        """A setting of topics, by topic; the brokers' default where a topic has none of its own."""
        from kafka.admin import ConfigResource, ConfigResourceType

        asked = [ConfigResource(ConfigResourceType.TOPIC, topic, {name: None}) for topic in topics]
        if not asked:
            return {}
        answers = self._ask(lambda admin: admin.describe_configs(asked, config_filter="all"))
        found: Mapping[str, Any] = next(iter(answers.values()), {})
        return {topic: str(config[name]["value"]) for topic, config in found.items() if name in config}

    def own_settings(self, topics: Iterable[str]) -> dict[str, dict[str, str]]:
        """The settings that were given to topics themselves, by topic."""
        from kafka.admin import ConfigResource, ConfigResourceType

        asked = [ConfigResource(ConfigResourceType.TOPIC, topic) for topic in topics]
        answers = self._ask(lambda admin: admin.describe_configs(asked, config_filter="modified")) if asked else {}
        found: Mapping[str, Any] = next(iter(answers.values()), {})
        own = {t: {k: v["value"] for k, v in c.items() if v["config_source"] in TOPICS_OWN} for t, c in found.items()}
        return {topic: config for topic, config in own.items() if config}

    def quorum(self) -> Quorum:
        """Who votes over the metadata, who leads, and who does not follow."""
        state = self._ask(lambda admin: admin.describe_metadata_quorum())["topics"][0]["partitions"][0]
        voters = {v["replica_id"]: v["last_caught_up_timestamp"] for v in state["current_voters"]}
        now = voters[state["leader_id"]]  # the leader's own entry is its clock; -1 has not fetched since its election
        since = {node: (now - at) / 1000 if at >= 0 else math.inf for node, at in voters.items()}
        behind = {node: seconds for node, seconds in since.items() if seconds > CAUGHT_UP_SECONDS}
        return Quorum(state["leader_id"], tuple(sorted(voters)), behind)

    def sizes(self) -> dict[Place, int]:
        """Bytes of each partition, of its largest replica."""
        live = [b.node for b in self.brokers() if not b.fenced]
        answers = self._ask(lambda admin: admin.describe_log_dirs(brokers=live))
        sizes: dict[Place, int] = {}
        for topic in (t for answer in answers for folder in answer["log_dirs"] for t in folder["topics"]):
            for partition in topic["partitions"]:
                place = topic["name"], partition["partition_index"]
                sizes[place] = max(sizes.get(place, 0), partition["partition_size"])
        return sizes

    def moving(self) -> dict[Place, tuple[int, ...]]:
        """Partitions whose replicas are being moved, with the nodes that they come to."""
        found = self._ask(lambda admin: admin.list_partition_reassignments())
        return {(tp.topic, tp.partition): tuple(state["adding_replicas"]) for tp, state in found.items()}

    def feature(self, name: str = "metadata.version") -> tuple[int, int]:
        """The level of a feature that the cluster uses, and the highest that the broker asked could."""
        found = self._ask(lambda admin: admin.describe_features())[name]
        return int(found["finalized"][1]), int(found["supported"][1])

    # -- groups -----------------------------------------------------------------------------------------------------

    def group_offsets(self) -> dict[str, dict[str, int]]:
        """What every group of consumers has committed, by `topic:partition`."""
        live = [b.node for b in self.brokers() if not b.fenced]
        groups = sorted(g["group_id"] for g in self._ask(lambda admin: admin.list_groups(broker_ids=live)))
        found = self._ask(lambda admin: admin.list_group_offsets(groups)) if groups else {}
        return {
            group: {f"{tp.topic}:{tp.partition}": o.offset for tp, o in sorted(offsets.items()) if o.offset >= 0}
            for group, offsets in sorted(found.items())
        }

    def commit(self, group: str, offsets: Mapping[str, int]) -> None:
        """Commit offsets, by `topic:partition`, in the name of a group without members.

        Raises:
            ApplyError: it has members, which commit their own.
        """
        from kafka import TopicPartition
        from kafka.errors import NoError
        from kafka.structs import OffsetAndMetadata

        places = {place: TopicPartition(place.rpartition(":")[0], int(place.rpartition(":")[2])) for place in offsets}
        wanted = {places[place]: OffsetAndMetadata(offset, "", -1) for place, offset in offsets.items()}
        answers = self._ask(lambda admin: admin.alter_group_offsets(group, wanted))
        refused = [
            f"{tp.topic}-{tp.partition}: {error.__name__}" for tp, error in answers.items() if error is not NoError
        ]
        if refused:
            raise ApplyError(
                f"The offsets of group {group} were not taken.", cause="; ".join(refused),
                remedy="Stop what reads in its name, then run the notebook again.",
            )  # fmt: skip

    def delete_group(self, group: str) -> None:
        """Forget a group without members, and what it has committed.

        Raises:
            ApplyError: it is refused.
        """
        answer = self._ask(lambda admin: admin.delete_groups([group]))[group]
        if answer != "OK":
            raise ApplyError(f"Group {group} was not forgotten.", cause=answer)

    # -- acting -----------------------------------------------------------------------------------------------------

    def reassign(self, wanted: Mapping[Place, Sequence[int] | None]) -> None:
        """Begin to move partitions to these nodes, the preferred leader first; None calls a move off.

        Raises:
            ApplyError: naming the partitions that the cluster refused to move.
        """
        from kafka import TopicPartition

        moves = {TopicPartition(*place): list(nodes) if nodes else None for place, nodes in wanted.items()}
        answers = self._ask(lambda admin: admin.alter_partition_reassignments(moves))
        refused = [f"{tp.topic}-{tp.partition}: {error.__name__}" for tp, error in answers.items() if error]
        if refused:
            raise ApplyError(
                f"{len(refused)} partitions were not moved.", cause="; ".join(refused),
                remedy="Look whether every broker of the plan is live, then plan again.",
            )  # fmt: skip

    def elect_preferred(self) -> None:
        """Give every partition back to its preferred leader, where that is in sync."""
        self._ask(lambda admin: admin.elect_leaders(0, raise_errors=False))

    def configure(self, brokers: Mapping[int, Mapping[str, str]], topics: Mapping[str, Mapping[str, str]]) -> None:
        """Set dynamic settings of brokers and topics; an empty value takes a setting away.

        Raises:
            ApplyError: naming what was refused.
        """
        from kafka.admin import ConfigResource, ConfigResourceType

        wanted = [(ConfigResourceType.BROKER, str(node), config) for node, config in brokers.items()]
        wanted += [(ConfigResourceType.TOPIC, name, config) for name, config in topics.items()]
        resources = [
            ConfigResource(kind, name, {k: ("SET", v) if v else ("DELETE", None) for k, v in config.items()})
            for kind, name, config in wanted
        ]
        answers = self._ask(lambda admin: admin.alter_configs(resources, raise_on_unknown=False)) if resources else {}
        refused = [f"{name}: {said}" for each in answers.values() for name, said in each.items() if said != "OK"]
        if refused:
            raise ApplyError(f"{len(refused)} settings were refused.", cause="; ".join(refused))

    def unregister(self, node: int) -> None:
        """Have the cluster forget a broker that has left for good.

        Raises:
            ApplyError: it is not known, or still needed.
        """
        from kafka.errors import NoError, for_code

        from .kafka_messages import UnregisterBrokerRequest

        request = UnregisterBrokerRequest(broker_id=node)
        answer = self._ask(lambda admin: admin._manager.run(admin._manager.send, request))
        error = for_code(answer.error_code)
        if error is not NoError:
            raise ApplyError(f"Broker {node} was not forgotten.", cause=answer.error_message or error.__name__)


def _translated(security: Mapping[str, str]) -> dict[str, Any]:
    """Settings of librdkafka in the names of this library.

    Raises:
        EngineError: one that this library has no word for, so that nothing is left out in silence.
    """
    known: dict[str, Any] = {ours: security[name] for name, ours in _SETTINGS.items() if name in security}
    unknown = sorted(set(security) - set(_SETTINGS) - {CHECKS_HOST, AUTHORITY})
    if unknown:
        raise EngineError(f"{', '.join(unknown)}: no such setting can be given to the client that moves replicas.")
    checks = security.get(CHECKS_HOST, "https") == "https"
    if AUTHORITY in security:  # it knows files only, beside a context that is made
        known["ssl_context"] = ssl.create_default_context(cadata=security[AUTHORITY])
        known["ssl_context"].check_hostname = checks
    return known if checks else {**known, "ssl_check_hostname": False}


def _reason(error: Exception) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
