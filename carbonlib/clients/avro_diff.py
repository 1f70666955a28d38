"""What differs between two Avro record schemas, field by field, and which rule of compatibility that breaks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

# What a reader of the second type can read though it was written as the first.
# https://avro.apache.org/docs/1.11.1/specification/#schema-resolution
_PROMOTIONS = {
    "int": {"long", "float", "double"},
    "long": {"float", "double"},
    "float": {"double"},
    "string": {"bytes"},
    "bytes": {"string"},
}
BACKWARD, FORWARD = "BACKWARD", "FORWARD"


@dataclass(frozen=True)
class FieldChange:
    """One field that differs.

    Args:
        field: its name; empty for the record itself.
        before, after: its type and default in words, None where there is no such field.
        breaks: the rule that the change breaks in words, by level; empty for a change that everybody can live with.
    """

    field: str
    before: str | None
    after: str | None
    breaks: Mapping[str, str]

    def broken(self, level: str) -> list[str]:
        """The rules of a compatibility level that the change breaks, with the field."""
        directions = {BACKWARD: [BACKWARD], FORWARD: [FORWARD], "FULL": [BACKWARD, FORWARD], "NONE": []}
        plain = level.removesuffix("_TRANSITIVE")
        return [self.breaks[d] for d in directions.get(plain, [BACKWARD]) if d in self.breaks]


def differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[FieldChange]:
    """The fields that differ, in the order of the new schema; those that are gone come last."""
    before = {f["name"]: f for f in old.get("fields", [])}
    after = {f["name"]: f for f in new.get("fields", [])}
    changes = [_field(name, before.get(name), f) for name, f in after.items() if _differs(before.get(name), f)]
    changes += [_field(name, f, None) for name, f in before.items() if name not in after]
    old_name, new_name = _full_name(old), _full_name(new)
    if old_name != new_name:
        rule = f"the name changes from {old_name} to {new_name}"
        changes.insert(0, FieldChange("", old_name, new_name, {BACKWARD: rule, FORWARD: rule}))
    return changes


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


def readable(written: Any, read: Any) -> bool:
    """Whether a reader of one type can read whatever was written as another."""
    written, read = normal(written), normal(read)
    if written == read:
        return True
    if isinstance(written, list):
        return all(readable(part, read) for part in written)
    if isinstance(read, list):
        return any(readable(written, part) for part in read)
    if isinstance(written, dict) and isinstance(read, dict):
        return _readable_complex(written, read)
    return isinstance(written, str) and isinstance(read, str) and read in _PROMOTIONS.get(written, set())


def _readable_complex(written: Mapping[str, Any], read: Mapping[str, Any]) -> bool:
    kind = read.get("type")
    if kind == "array" and written.get("type") == "array":
        return readable(written["items"], read["items"])
    if kind == "map" and written.get("type") == "map":
        return readable(written["values"], read["values"])
    if kind == "record" and written.get("type") == "record":
        return not any(change.broken(BACKWARD) for change in differences(written, read))
    return False


def _differs(old: Mapping[str, Any] | None, new: Mapping[str, Any]) -> bool:
    return old is None or normal(dict(old)) != normal(dict(new))


def _field(name: str, old: Mapping[str, Any] | None, new: Mapping[str, Any] | None) -> FieldChange:
    breaks = {}
    if old is None and new is not None and "default" not in new:
        breaks[BACKWARD] = f"the new field {name} has no default, so what was written without it cannot be read"
    if new is None and old is not None and "default" not in old:
        breaks[FORWARD] = f"the field {name} is gone and had no default, so old readers miss it"
    if old is not None and new is not None:
        words = f"the type of {name} changes from {describe(old['type'])} to {describe(new['type'])}"
        if not readable(old["type"], new["type"]):
            breaks[BACKWARD] = words
        if not readable(new["type"], old["type"]):
            breaks[FORWARD] = words
    return FieldChange(name, _spec(old), _spec(new), breaks)


def describe(kind: Any) -> str:
    """A type in words: `decimal(18,6)`, `string or null`, `timestamp-millis`."""
    if isinstance(kind, list):
        return " or ".join(describe(part) for part in sorted(kind, key=lambda k: k == "null"))
    if not isinstance(kind, Mapping):
        return str(kind)
    logical = kind.get("logicalType")
    if logical == "decimal":
        return f"decimal({kind.get('precision')},{kind.get('scale', 0)})"
    if logical:
        return str(logical)
    if kind["type"] in ("array", "map"):
        return f"{kind['type']} of {describe(kind.get('items', kind.get('values')))}"
    return str(kind.get("name") or describe(kind["type"]))


def _spec(field: Mapping[str, Any] | None) -> str | None:
    if field is None:
        return None
    default = f", default {field['default']!r}".replace("None", "null") if "default" in field else ""
    return f"{describe(field['type'])}{default}"


def _full_name(schema: Mapping[str, Any]) -> str:
    name, namespace = str(schema.get("name", "")), schema.get("namespace")
    return f"{namespace}.{name}" if namespace and "." not in name else name
