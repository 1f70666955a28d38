"""Harmless objects made for the purpose: a backup is proven by losing them and getting them back."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from ... import care
from ..health import cluster_of

if TYPE_CHECKING:
    from ...platform import Platform


class Specimen:
    """A schema, the offsets of a group, and a connector that is stopped and has offsets of its own.

    Args:
        platform: which gets them.
        topic: that the group and the connector have come to the beginning of; nothing is read of it.
        template: of the connector.
    """

    def __init__(self, platform: Platform, topic: str, template: str) -> None:
        self._platform, self._topic, self._template = platform, topic, template
        self.name = f"backup-specimen-{uuid.uuid4().hex[:6]}"

    @property
    def objects(self) -> dict[str, list[str]]:
        """Its objects by part of a backup."""
        return {"schemas": [self.name], "groups": [self.name], "connectors": [self.name]}

    def make(self) -> None:
        """Create all of it."""
        schema = {"type": "record", "name": "Specimen", "doc": self.name, "fields": [{"name": "x", "type": "int"}]}
        self._platform.registry.register(self.name, schema)
        self._platform.registry.set_compatibility(self.name, "FULL")
        cluster_of(self._platform).commit(self.name, {f"{self._topic}:0": 1})
        connector = care.from_template(self._platform, self._template, self.name, {"topic": self._topic})
        self._platform.connect.create_stopped(self.name, connector.config)
        place = {"partition": {"kafka_topic": self._topic, "kafka_partition": 0}, "offset": {"kafka_offset": 1}}
        self._platform.connect.put_offsets(self.name, [place])

    def lose(self) -> None:
        """Delete all of it, offsets included."""
        self._platform.connect.forget(self.name, allow_destroy=True)
        self._platform.registry.delete(self.name, allow_destroy=True)
        cluster_of(self._platform).delete_group(self.name)
