"""Evolving a schema on a copy of its own: writers and readers of both versions at work while the version changes."""

from __future__ import annotations

import json
import time
import uuid
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import yaml

from ._errors import ApplyError, UsageError
from ._project import MANIFESTS
from .changes import Change, Plan
from .clients.avro import AvroMisfit, decode, encode, schema_id_of
from .clients.avro_diff import differences
from .clients.registry import Schema

if TYPE_CHECKING:
    from .platform import Platform

FOLDER = MANIFESTS / "kafka" / "schemas" / "trial"


@dataclass(frozen=True)
class Refusal:
    """What the plan of a change came to.

    Args:
        refused: whether it was refused before anything was done.
        diff: one row a field that differs, with the rule that the change breaks.
        reason: in the words of the error; empty where the change would be taken.
    """

    refused: bool
    diff: pd.DataFrame
    reason: str

    def __repr__(self) -> str:
        return f"{self.reason or 'it would be taken'}\n{self.diff.to_string(index=False)}"

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, Any]:
        return {"text/plain": repr(self), "text/html": self.diff.to_html(index=False)}


class Trial:
    """The copy: a topic, its subject, and the versions that the project declares for it.

    Args:
        platform: where.
        folder: of the versions and of `trial.yaml`.
    """

    def __init__(self, platform: Platform, folder: Path = FOLDER) -> None:
        self._kafka, self._registry = platform.kafka, platform.registry
        facts = yaml.safe_load((folder / "trial.yaml").read_text(encoding="utf-8"))
        self.topic, self.first = str(facts["topic"]), str(facts["first"])
        self._compatibility = str(facts["compatibility"])
        self._versions = {p.stem: json.loads(p.read_text(encoding="utf-8")) for p in sorted(folder.glob("*.avsc"))}
        self.subject = f"{self.topic}-value"
        self._start = self._kafka.end_offsets(self.topic)
        self._sent: Counter[str] = Counter()
        self._mark = uuid.uuid4().hex[:8]

    def version(self, name: str) -> dict[str, Any]:
        """A declared version.

        Raises:
            UsageError: there is none of that name.
        """
        if name not in self._versions:
            raise UsageError(f"There is no version {name!r}.", remedy=f"Choose from {', '.join(self._versions)}.")
        return dict(self._versions[name])

    def plan(self, name: str) -> Plan:
        """Make a version the newest of the subject.

        Raises:
            ApplyError: it is not compatible with the one that is.
        """
        return self._registry.plan([Schema(self.subject, json.dumps(self.version(name)), self._compatibility)])

    def plan_removal(self) -> Plan:
        """Remove the subject; nothing to do where there is none."""
        versions = self._registry.versions(self.subject)
        if not versions:
            return Plan()
        remove = lambda: self._registry.delete(self.subject, allow_destroy=True)  # noqa: E731
        return Plan([Change(f"schema/{self.subject}", "delete", {"versions": len(versions)}, None, remove)])

    def refusal(self, name: str) -> Refusal:
        """Plan a version, and tell how its schema differs and what the plan says to it; nothing is changed."""
        known = self._registry.latest(self.subject) or {}
        found = differences(known, self.version(name))
        rows = [[c.field or "(record)", c.before, c.after, "; ".join(c.broken(self._compatibility))] for c in found]
        columns = ["field", "registered", "wanted", f"breaks {self._compatibility}"]
        diff = pd.DataFrame(rows, columns=columns, dtype=object)
        try:
            self.plan(name)
        except ApplyError as error:
            return Refusal(True, diff, f"{error.message} {error.cause}")
        return Refusal(False, diff, "")

    def write(self, *names: str, count: int) -> int:
        """Send `count` prices of each version, the versions taking turns as two generations of a producer do."""
        ids = {name: self._id(name) for name in names}
        rows = [(name, self._row(name, n)) for n in range(count) for name in names]
        messages = [(row["commodity_code"], encode(ids[name], self.version(name), row)) for name, row in rows]
        self._sent.update(name for name, _ in rows)
        return self._kafka.produce(self.topic, messages)

    def readings(self) -> pd.DataFrame:
        """How many of the prices that were sent a reader of each version reads: one row a version that was written.

        `wrong` counts prices that could not be read, or whose code, price or id came out otherwise than they went in.
        """
        records = self._kafka.read(self.topic, self._start)
        schemas = {i: self._registry.schema(i) for i in {schema_id_of(r.value) for r in records} if i is not None}
        rows = []
        for name in self._sent:
            outcomes = Counter(self._reads(r.value or b"", schemas, self.version(name)) for r in records)
            rows.append([name, sum(self._sent.values()), outcomes[True], outcomes[False]])
        return pd.DataFrame(rows, columns=["reader", "sent", "read", "wrong"], dtype=object)

    def _reads(self, value: bytes, schemas: Mapping[int, dict[str, Any]], reader: dict[str, Any]) -> bool:
        schema_id = schema_id_of(value)
        if schema_id is None:
            return False
        try:
            row = decode(value, schemas[schema_id], reader)
        except AvroMisfit:
            return False
        number = int(str(row["event_id"]).rsplit("-", 1)[1])
        return str(row["event_id"]).startswith(self._mark) and float(row["price"]) == number / 100

    def _row(self, name: str, number: int) -> dict[str, Any]:
        row: dict[str, Any] = {
            "event_id": f"{self._mark}-{name}-{number}", "commodity_code": "TEST-EVOLUTION",
            "event_time": int(time.time() * 1000), "price": number / 100,
        }  # fmt: skip
        new = [f["name"] for f in self.version(name)["fields"] if f["name"] not in row]
        return {**row, **dict.fromkeys(new, "new")}

    def _id(self, name: str) -> int:
        return self._registry.id_of(self.subject, self.version(name))


def trial(platform: Platform) -> Trial:
    """The copy of a schema that the project keeps for rehearsals."""
    return Trial(platform)
