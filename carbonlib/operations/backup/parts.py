"""The parts of a backup that are settings: connectors with their offsets, schemas, topics, offsets of groups.

Each part is read as plain values by object, which are compared by equality, and restored by changes.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Protocol

from ..._errors import ApplyError
from ...clients.connectors import Connector
from ...clients.kafka import Topic
from ..health import cluster_of

if TYPE_CHECKING:
    from ...platform import Platform

Entries = dict[str, Any]
Files = dict[str, bytes]


class Part(Protocol):
    """One kind of objects.

    Attributes:
        name: of the part, and of its file.
        kind: word before the name of an object in a change.
    """

    name: str
    kind: str

    @property
    def ignores(self) -> Collection[str]:
        """Fields of a value that need not be what they were."""
        ...

    def take(self, platform: Platform, only: Collection[str] | None = None) -> tuple[Entries, Files]:
        """Every object, or `only` those named, as a plain value, and what is better kept in a file of its own."""
        ...

    def put(self, platform: Platform, name: str, value: Any, live: Any, file: Callable[[str], bytes]) -> None:
        """Make an object what it was; `live` is what it is now, None where it is gone."""
        ...


class Connectors:
    """Configs as they stand in the workers, references unresolved, and how far each has come."""

    name, kind, ignores = "connectors", "connector", ()

    def take(self, platform: Platform, only: Collection[str] | None = None) -> tuple[Entries, Files]:
        """`{config, offsets, state}` of each."""
        connect, states = platform.connect, platform.connect.status()
        return {
            name: {"config": config, "offsets": _sorted(connect.offsets(name)), "state": states[name].state}
            for name, config in connect.configs().items()
            if name in states and _asked(name, only)
        }, {}

    def put(self, platform: Platform, name: str, value: Any, live: Any, file: Callable[[str], bytes]) -> None:
        """Create it stopped, or stop it; give it its config and its offsets, then have it do what it did."""
        connect = platform.connect
        if live is None:
            connect.create_stopped(name, value["config"])
        else:
            connect.stop(name)
            connect.plan([Connector(name, value["config"])]).apply()
        if value["offsets"]:
            connect.put_offsets(name, value["offsets"])
        acts = {"RUNNING": connect.resume, "PAUSED": connect.pause}
        if value["state"] in acts:
            acts[value["state"]](name)


class Schemas:
    """Every version of every subject, with the ids that values carry, and the level of compatibility.

    Args:
        new_ids: take another id than the one backed up, where no value that anybody will read carries that.
    """

    name, kind = "schemas", "schema"

    def __init__(self, *, new_ids: bool = False) -> None:
        self.ignores: Collection[str] = ("ids",) if new_ids else ()

    def take(self, platform: Platform, only: Collection[str] | None = None) -> tuple[Entries, Files]:
        """`{compatibility, schemas, ids}` of each subject, the versions in their order."""
        registry, found = platform.registry, {}
        for subject in (s for s in registry.subjects() if _asked(s, only)):
            versions = [registry.version(subject, n) for n in registry.versions(subject)]
            found[subject] = {
                "compatibility": registry.compatibility(subject),
                "schemas": [v["schema"] for v in versions],
                "ids": [v["id"] for v in versions],
            }
        return found, {}

    def put(self, platform: Platform, name: str, value: Any, live: Any, file: Callable[[str], bytes]) -> None:
        """Register its versions in their order.

        Raises:
            ApplyError: another schema is registered, or the registry gives another id, under which values that were
                written with the old one cannot be read.
        """
        registry, known = platform.registry, (live or {"schemas": []})["schemas"]
        if known != value["schemas"][: len(known)]:
            raise ApplyError(
                f"Other schemas are registered for {name} than were backed up.",
                remedy="Delete the subject first, if nothing is written with its newer versions.",
            )
        for schema, former in list(zip(value["schemas"], value["ids"], strict=True))[len(known) :]:
            given = registry.register(name, schema)
            if given != former and not self.ignores:
                raise ApplyError(
                    f"The registry gives a schema of {name} the id {given}, and values carry {former}.",
                    remedy="Restore the registry's own storage, which is its topics in Kafka; or take new ids, where "
                    "no value with the old one will be read.",
                )
        if value["compatibility"]:
            registry.set_compatibility(name, value["compatibility"])


class Topics:
    """Partitions, replication and settings; the records themselves are what replication and retention keep."""

    name, kind, ignores = "topics", "topic", ()

    def take(self, platform: Platform, only: Collection[str] | None = None) -> tuple[Entries, Files]:
        """`{partitions, replication, config}` of each topic but Kafka's own; settings that are not the default."""
        cluster = cluster_of(platform)
        found: Entries = {}
        for partition in cluster.layout():
            if not partition.topic.startswith("__") and _asked(partition.topic, only):
                entry = found.setdefault(partition.topic, {"partitions": 0, "replication": len(partition.replicas)})
                entry["partitions"] += 1
        configs = cluster.own_settings(found)
        return {name: {**entry, "config": configs.get(name, {})} for name, entry in found.items()}, {}

    def put(self, platform: Platform, name: str, value: Any, live: Any, file: Callable[[str], bytes]) -> None:
        """Create it, or give it its partitions and settings."""
        topic = Topic(name, value["partitions"], value["replication"], value["config"])
        platform.kafka.plan([topic]).apply()


class Groups:
    """What groups of consumers have committed."""

    name, kind, ignores = "groups", "group", ()

    def take(self, platform: Platform, only: Collection[str] | None = None) -> tuple[Entries, Files]:
        """Offsets by `topic:partition` of each group that has committed any."""
        found = cluster_of(platform).group_offsets()
        return {group: offsets for group, offsets in found.items() if offsets and _asked(group, only)}, {}

    def put(self, platform: Platform, name: str, value: Any, live: Any, file: Callable[[str], bytes]) -> None:
        """Commit them in the name of the group.

        Raises:
            ApplyError: the group has members, which commit their own.
        """
        cluster_of(platform).commit(name, value)


def _asked(name: str, only: Collection[str] | None) -> bool:
    return only is None or name in only


def _sorted(offsets: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    return sorted((dict(o) for o in offsets), key=lambda o: str(o["partition"]))
