"""The schema registry, by its Confluent-compatible API: subjects, versions, compatibility.

Protocol: https://docs.confluent.io/platform/current/schema-registry/develop/api.html
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import yaml

from .._errors import ApplyError, EngineError, UsageError
from ..changes import Change, Plan
from ..waiting import wait_until
from .avro_diff import FieldChange, differences, normal
from .rest import Refused, Rest

NOTEBOOK = "deploy-20"
SCHEMA_TYPE = "AVRO"
LEVELS = ("NONE", *(f"{way}{also}" for way in ("BACKWARD", "FORWARD", "FULL") for also in ("", "_TRANSITIVE")))


@dataclass(frozen=True)
class Schema:
    """A declared Avro schema: its subject, its text, and what a later version of it must be to an earlier one.

    The text is empty where a connector registers the schema of what it captures: then only the level is declared.
    """

    subject: str
    text: str
    compatibility: str = "BACKWARD"

    def parsed(self) -> dict[str, Any]:
        """The schema as data."""
        schema: dict[str, Any] = json.loads(self.text)
        return schema


def load_schemas(folder: Path) -> list[Schema]:
    """The schemas of a folder: `<topic>.avsc` is the value of a topic, `<topic>-key.avsc` its key.

    `subjects.yaml` beside them gives the level of subjects whose schemas come from somewhere else.

    Raises:
        UsageError: a file is not a JSON object, or not one level a subject.
    """
    return [*(_load(path) for path in sorted(folder.glob("*.avsc"))), *_levels(folder / "subjects.yaml")]


def _levels(path: Path) -> list[Schema]:
    if not path.exists():
        return []
    data = yaml.safe_load(path.read_text(encoding="utf-8"))
    if not isinstance(data, dict) or not all(level in LEVELS for level in data.values()):
        raise UsageError(
            f"{path.name} does not give one level a subject.",
            remedy=f"Write subject: level, one of {', '.join(LEVELS)}.",
        )
    return [Schema(str(subject), "", level) for subject, level in data.items()]


def _load(path: Path) -> Schema:
    try:
        parsed = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise UsageError(f"{path.name} is not JSON.", cause=str(error), remedy="Correct the file.") from error
    if not isinstance(parsed, dict):
        raise UsageError(f"{path.name} is not an Avro record schema.", remedy="Correct the file.")
    subject = path.stem if path.stem.endswith("-key") else f"{path.stem}-value"
    return Schema(subject, json.dumps(parsed))


class Registry:
    """A schema registry.

    Args:
        url: of the Confluent-compatible API, for example `http://host:port/apis/ccompat/v7`.
    """

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        self._rest = Rest(self.url, "The schema registry", NOTEBOOK)

    def reachable(self) -> bool:
        """Whether the registry answers at once."""
        return self._rest.answers("/subjects")

    def wait(self, timeout: str | float) -> None:
        """Wait until the registry answers.

        Raises:
            WaitTimeout: it did not.
        """
        wait_until(
            lambda: self._rest.call("GET", "/subjects", timeout=3) is not None,
            what=f"The schema registry at {self.url} answering",
            timeout=timeout,
            notebook=NOTEBOOK,
        )

    def subjects(self) -> list[str]:
        """Names of all subjects."""
        return sorted(self._rest.call("GET", "/subjects"))

    def latest(self, subject: str) -> dict[str, Any] | None:
        """The newest schema of a subject as data, None where there is none."""
        version = self._rest.get_or_none(f"{_path(subject)}/versions/latest")
        return json.loads(version["schema"]) if version else None

    def newest(self, subject: str) -> tuple[int, dict[str, Any]]:
        """Id and newest schema of a subject.

        Raises:
            EngineError: when it has none.
        """
        version = self._rest.get_or_none(f"{_path(subject)}/versions/latest")
        if version is None:
            raise EngineError(
                f"The registry has no schema of {subject}.",
                remedy="Start what registers it: a connector does so with its first record.",
                notebook=NOTEBOOK,
            )
        return int(version["id"]), json.loads(version["schema"])

    def id_of(self, subject: str, schema: dict[str, Any]) -> int:
        """The id under which a schema is registered for a subject.

        Raises:
            Refused: it is not.
        """
        body = {"schema": json.dumps(schema), "schemaType": SCHEMA_TYPE}
        return int(self._rest.call("POST", _path(subject), body)["id"])

    def schema(self, schema_id: int) -> dict[str, Any]:
        """A schema by its id.

        Raises:
            Refused: when there is none.
        """
        schema: dict[str, Any] = json.loads(self._rest.call("GET", f"/schemas/ids/{schema_id}")["schema"])
        return schema

    def versions(self, subject: str) -> list[int]:
        """Numbers of the subject's versions, none for a subject that is not there."""
        return sorted(self._rest.get_or_none(f"{_path(subject)}/versions") or [])

    def version(self, subject: str, number: int) -> dict[str, Any]:
        """A version of a subject: `{id, schema}`, the schema as data.

        Raises:
            Refused: there is none.
        """
        found = self._rest.call("GET", f"{_path(subject)}/versions/{number}")
        return {"id": int(found["id"]), "schema": json.loads(found["schema"])}

    def register(self, subject: str, schema: dict[str, Any]) -> int:
        """Register a schema as the next version of a subject, and return its id.

        Raises:
            ApplyError: the registry does not accept it.
        """
        text = json.dumps(schema)
        self._register(Schema(subject, text))
        return self.id_of(subject, schema)

    def set_compatibility(self, subject: str, level: str) -> None:
        """Set what a later version of a subject must be to an earlier one.

        Raises:
            ApplyError: the registry does not accept it.
        """
        self._guard(Schema(subject, "", level))

    def delete(self, subject: str, *, allow_destroy: bool = False) -> None:
        """Remove a subject with its versions.

        Raises:
            UsageError: without `allow_destroy`, since values that were written with it cannot be read any more.
        """
        if not allow_destroy:
            raise UsageError(
                f"Without {subject}, values that were written with it cannot be read.",
                remedy="Call it with allow_destroy=True if that is meant.",
            )
        self._rest.call("DELETE", _path(subject))

    def compatibility(self, subject: str) -> str | None:
        """The subject's own compatibility level, None where the registry's default holds."""
        answer = self._rest.get_or_none(f"/config/{quote(subject, safe='')}")
        return str(answer["compatibilityLevel"]) if answer else None

    def check_compatible(self, subject: str, schema: dict[str, Any]) -> list[str]:
        """What keeps the schema from being the next version of its subject; empty when nothing does."""
        path = f"/compatibility{_path(subject)}/versions/latest?verbose=true"
        answer = self._rest.call("POST", path, {"schema": json.dumps(schema), "schemaType": SCHEMA_TYPE})
        if answer["is_compatible"]:
            return []
        # Apicurio's answer has no messages; then what differs is worked out here.
        return [str(m) for m in answer.get("messages") or self._suspects(subject, schema)]

    def _suspects(self, subject: str, schema: dict[str, Any]) -> list[str]:
        level = self.compatibility(subject) or "BACKWARD"
        changes = differences(self.latest(subject) or {}, schema)
        return [rule for c in changes for rule in c.broken(level)] or ["the registry gives no reason"]

    def accepts(self, subject: str, schema: dict[str, Any]) -> bool:
        """Whether the registry would take the schema as the next version of the subject; nothing is registered."""
        return not self.check_compatible(subject, schema)

    def plan(self, schemas: Sequence[Schema]) -> Plan:
        """Schemas to register and compatibility levels to set.

        Raises:
            ApplyError: a changed schema is not compatible with the registered one; the cause is the registry's.
        """
        return Plan(change for schema in schemas for change in self._changes(schema))

    def _changes(self, schema: Schema) -> Iterable[Change]:
        thing = f"schema/{schema.subject}"
        live = self.latest(schema.subject)
        if live is None and schema.text:
            after = {"fields": _fields(schema.parsed()), "compatibility": schema.compatibility}
            return [Change(thing, "create", None, after, lambda: self._create(schema))]
        changes = []
        level = self.compatibility(schema.subject)
        if level != schema.compatibility:
            before, after = {"compatibility": level}, {"compatibility": schema.compatibility}
            changes.append(Change(thing, "update", before, after, lambda: self._guard(schema)))
        if live is not None and schema.text and normal(live) != normal(schema.parsed()):
            found = differences(live, schema.parsed())
            self._refuse_incompatible(schema, found)
            was, will = ({_label(c): getattr(c, side) for c in found} for side in ("before", "after"))
            changes.append(Change(thing, "update", was, will, lambda: self._register(schema)))
        return changes

    def _refuse_incompatible(self, schema: Schema, found: list[FieldChange]) -> None:
        reasons = self.check_compatible(schema.subject, schema.parsed())
        if reasons:
            diff = "; ".join(f"{_label(c)}: {c.before or 'absent'} → {c.after or 'absent'}" for c in found)
            raise ApplyError(
                f"The schema of {schema.subject} is not {schema.compatibility} compatible with the registered one. "
                f"What would change: {diff}.",
                cause="; ".join(reasons),
                remedy="Give new fields a default, keep the types of old ones, or write to a new topic.",
                notebook=NOTEBOOK,
            )

    def _create(self, schema: Schema) -> None:
        self._register(schema)
        self._guard(schema)

    def _register(self, schema: Schema) -> None:
        self._change(
            schema, "POST", f"{_path(schema.subject)}/versions", {"schema": schema.text, "schemaType": SCHEMA_TYPE}
        )

    def _guard(self, schema: Schema) -> None:
        path = f"/config/{quote(schema.subject, safe='')}"
        self._change(schema, "PUT", path, {"compatibility": schema.compatibility})

    def _change(self, schema: Schema, method: str, path: str, body: dict[str, str]) -> None:
        try:
            self._rest.call(method, path, body)
        except Refused as refusal:
            raise ApplyError(
                f"The registry did not accept the schema of {schema.subject}.",
                cause=refusal.cause,
                remedy="Correct the schema file, then run again.",
                notebook=NOTEBOOK,
            ) from refusal


def _fields(schema: dict[str, Any]) -> str:
    return ", ".join(str(f["name"]) for f in schema.get("fields", [])) or str(schema.get("type"))


def _label(change: FieldChange) -> str:
    return change.field or "(record)"


def _path(subject: str) -> str:
    return f"/subjects/{quote(subject, safe='')}"
