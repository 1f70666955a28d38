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

from .._errors import ApplyError, UsageError
from ..changes import Change, Plan
from ..waiting import wait_until
from .rest import Refused, Rest

NOTEBOOK = "deploy-20"
SCHEMA_TYPE = "AVRO"


@dataclass(frozen=True)
class Schema:
    """A declared Avro schema: its subject, its text, and what a later version of it must be to an earlier one."""

    subject: str
    text: str
    compatibility: str = "BACKWARD"

    def parsed(self) -> dict[str, Any]:
        """The schema as data."""
        schema: dict[str, Any] = json.loads(self.text)
        return schema


def load_schemas(folder: Path) -> list[Schema]:
    """The schemas of a folder: `<topic>.avsc` is the value of a topic, `<topic>-key.avsc` its key.

    Raises:
        UsageError: a file is not a JSON object.
    """
    return [_load(path) for path in sorted(folder.glob("*.avsc"))]


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
        return [str(m) for m in answer.get("messages") or _suspects(self.latest(subject) or {}, schema)]

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
        if live is None:
            after = {"fields": _field_names(schema.parsed()), "compatibility": schema.compatibility}
            return [Change(thing, "create", None, after, lambda: self._create(schema))]
        changes = []
        level = self.compatibility(schema.subject)
        if level != schema.compatibility:
            before, after = {"compatibility": level}, {"compatibility": schema.compatibility}
            changes.append(Change(thing, "update", before, after, lambda: self._guard(schema)))
        if normal(live) != normal(schema.parsed()):
            self._refuse_incompatible(schema)
            before_fields, after_fields = _field_names(live), _field_names(schema.parsed())
            changes.append(
                Change(
                    thing, "update", {"fields": before_fields}, {"fields": after_fields}, lambda: self._register(schema)
                )
            )
        return changes

    def _refuse_incompatible(self, schema: Schema) -> None:
        reasons = self.check_compatible(schema.subject, schema.parsed())
        if reasons:
            raise ApplyError(
                f"The schema of {schema.subject} is not {schema.compatibility} compatible with the registered one.",
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


def normal(schema: Any) -> Any:
    """A schema without what means nothing to a reader: documentation, and where the namespace is written."""
    if isinstance(schema, list):
        return [normal(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    plain = {key: normal(value) for key, value in schema.items() if key not in ("doc", "namespace")}
    if "namespace" in schema and "." not in str(schema.get("name", "")):
        plain["name"] = f"{schema['namespace']}.{schema['name']}"
    return plain if set(plain) != {"type"} else plain["type"]


def _suspects(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    """Fields that may be why a reader of the new schema cannot read what the old one wrote."""
    before = {f["name"]: f for f in old.get("fields", [])}
    reasons = []
    for field in new.get("fields", []):
        known = before.get(field["name"])
        if known is None and "default" not in field:
            reasons.append(f"the new field {field['name']} has no default")
        elif known is not None and normal(known["type"]) != normal(field["type"]):
            reasons.append(f"the type of {field['name']} changes from {known['type']} to {field['type']}")
    if normal({"name": "", **old}).get("name") != normal({"name": "", **new}).get("name"):
        reasons.append(f"the name changes from {old.get('name')} to {new.get('name')}")
    return reasons or ["the registry gives no reason"]


def _field_names(schema: dict[str, Any]) -> str:
    return ", ".join(str(f["name"]) for f in schema.get("fields", [])) or str(schema.get("type"))


def _path(subject: str) -> str:
    return f"/subjects/{quote(subject, safe='')}"
