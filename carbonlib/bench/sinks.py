"""What a sink connector was given, and what of that it refused: the records of its topics, by place and id."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .._errors import EngineError, UsageError
from ..layers import Connectors
from .log import header, position, until
from .reading import TopicReader

if TYPE_CHECKING:
    from ..platform import Platform

LETTER = "__connect.errors."  # under these headers a worker says which record a dead letter was
TOPICS, DLQ = "topics", "errors.deadletterqueue.topic.name"
UNREADABLE = (EngineError, KeyError, AttributeError, ValueError, TypeError, EOFError)
Place = tuple[str, int, int]
Identify = Callable[[Place, Mapping[str, Any]], Hashable]
Found = Callable[[Mapping[Hashable, int]], Mapping[Any, int]]


def sink_config(platform: Platform, connector: str, key: str) -> Mapping[str, str]:
    """The config of a declared sink, which must have this key.

    Raises:
        UsageError: when no such sink is declared.
    """
    config = next((c.config for c in Connectors(platform).declared() if c.name == connector), {})
    if key not in config:
        raise UsageError(
            f"There is no sink {connector!r} with the setting {key}.",
            remedy="Name one of manifests/connect/connectors.",
        )
    return config


def without_retries(config: Mapping[str, str]) -> Mapping[str, str]:
    """The config with the first of its topics only, which the platform writes.

    The others bring dead letters again, whose documents and rows may be removed once a trial is over.
    """
    return {**config, TOPICS: config[TOPICS].split(",")[0]}


class Given:
    """The records of a sink's topics so far, and the dead letters of the sink.

    Args:
        bootstrap_servers: of Kafka.
        config: of the connector; names its topics and its dead-letter topic.
        decode: a value as a record; one that cannot be decoded must have been refused.
        identify: the id under which the store keeps a record.

    Attributes:
        records: id by place, None where the value could not be read.
        refused: places of the dead letters.
    """

    def __init__(
        self, bootstrap_servers: str, config: Mapping[str, str], decode: Callable[[bytes], Mapping[str, Any]],
        identify: Identify,
    ) -> None:  # fmt: skip
        self._decode, self._identify = decode, identify
        self._readers = [TopicReader(bootstrap_servers, topic.strip()) for topic in config[TOPICS].split(",")]
        self._letters = TopicReader(bootstrap_servers, config[DLQ])
        self.records: dict[Place, Hashable] = {}
        self.refused: set[Place] = set()

    def read(self) -> None:
        """Take in what is new in the topics."""
        for reader in self._readers:
            frame = reader.read()
            for partition, offset, value in zip(frame["partition"], frame["offset"], frame["value"], strict=True):
                place = (reader.topic, int(partition), int(offset))
                try:
                    self.records[place] = self._identify(place, self._decode(value or b""))
                except UNREADABLE:
                    self.records[place] = None

    def read_letters(self) -> None:
        """Take in the dead letters that are new."""
        for headers in self._letters.read()["headers"]:
            partition, offset = position(headers, f"{LETTER}partition", f"{LETTER}offset")
            self.refused.add((header(headers, f"{LETTER}topic"), int(partition), int(offset)))

    def wanted(self, records: Mapping[Place, Hashable] | None = None) -> Counter[Hashable]:
        """How often the store must have each id, of all records or of those given."""
        known = self.records if records is None else records
        return Counter(i for place, i in known.items() if i is not None and place not in self.refused)

    def missing(self, records: Mapping[Place, Hashable], found: Mapping[Any, int]) -> list[str]:
        """Ids that the store has too seldom, and places of unreadable records that are no dead letters."""
        lost = [str(i) for i, n in self.wanted(records).items() if found.get(i, 0) < n]
        unseen = [p for p, i in records.items() if i is None and p not in self.refused]
        return sorted([*lost, *(f"{topic}-{partition}@{offset}" for topic, partition, offset in unseen)])

    def close(self) -> None:
        """Give the connections back."""
        for reader in (*self._readers, self._letters):
            reader.close()


@dataclass(frozen=True)
class Comparison:
    """What became of the records that a sink had been given when the comparison began.

    Args:
        asked: those records, id by place.
        refused: how many of them are dead letters.
        missing: ids, or places of records without one, that are neither in the store nor dead letters.
        doubled: ids that the store has more often than the topics.
        seconds: how long the sink took to bring the last of them.
    """

    asked: Mapping[Place, Hashable]
    refused: int
    missing: Sequence[str]
    doubled: Sequence[str]
    seconds: float


def compare(given: Given, look_up: Found, timeout: str | float) -> Comparison:
    """Wait until the store has what the topics hold now, or time is up.

    Args:
        given: the records of the sink.
        look_up: takes how often the store must have each id, and says how often it has it.
        timeout: longest wait; what is missing then is missing.
    """
    given.read()
    asked = dict(given.records)
    started = time.monotonic()

    def look() -> tuple[list[str], Mapping[Any, int]]:
        # In this order: what is in the store, or refused, must have been in the topics before.
        found = look_up(given.wanted(asked))
        given.read_letters()
        return given.missing(asked, found), found

    missing, found = until(look, lambda seen: not seen[0], timeout)
    taken = time.monotonic() - started
    given.read()
    often = given.wanted()
    doubled = sorted(str(i) for i, n in found.items() if n > often.get(i, n))
    return Comparison(asked, sum(place in given.refused for place in asked), missing, doubled, taken)
