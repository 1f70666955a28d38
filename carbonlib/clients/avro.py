"""Avro in the framing of the Confluent registry: a zero byte, the schema's id in four bytes, then the record."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

import fastavro

from .._errors import CarbonError

MAGIC = b"\0"
HEAD = 5


class AvroMisfit(CarbonError):
    """A record does not fit the schema."""


def encode(schema_id: int, schema: Mapping[str, Any], record: Mapping[str, Any]) -> bytes:
    """A record as framed bytes; times may be ISO texts, decimals any number, as JSON has them.

    Raises:
        AvroMisfit: when the record does not fit the schema.
    """
    body = io.BytesIO()
    try:
        typed = {f["name"]: _typed(f["type"], record[f["name"]]) for f in schema["fields"] if f["name"] in record}
        fastavro.schemaless_writer(body, fastavro.parse_schema(dict(schema)), typed, strict_allow_default=True)
    except (ValueError, TypeError, KeyError, ArithmeticError, AttributeError) as error:
        raise AvroMisfit(
            f"The record does not fit the schema {schema.get('name')}.", cause=f"{type(error).__name__}: {error}"
        ) from error
    return MAGIC + struct.pack(">I", schema_id) + body.getvalue()


def schema_id_of(value: bytes | None) -> int | None:
    """The id of the schema with which a value was written, None where it is framed otherwise."""
    if value is None or len(value) < HEAD or value[:1] != MAGIC:
        return None
    (schema_id,) = struct.unpack(">I", value[1:HEAD])
    return int(schema_id)


def decode(value: bytes, writer: Mapping[str, Any], reader: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """A framed value as a reader of another version of the schema sees it; by default as it was written.

    Raises:
        AvroMisfit: when the reader's schema cannot read what was written.
    """
    parsed = fastavro.parse_schema(dict(reader)) if reader is not None else None
    try:
        record = fastavro.schemaless_reader(io.BytesIO(value[HEAD:]), fastavro.parse_schema(dict(writer)), parsed)
    except (ValueError, TypeError, KeyError, EOFError, fastavro.read.SchemaResolutionError) as error:
        raise AvroMisfit(
            "The record cannot be read with this schema.", cause=f"{type(error).__name__}: {error}"
        ) from error
    return dict(record)  # type: ignore[arg-type]


def _typed(kind: Any, value: Any) -> Any:
    """A value of JSON as the writer of a logical type wants it."""
    if isinstance(kind, list):
        others = [k for k in kind if k != "null"]
        return None if value is None or not others else _typed(others[0], value)
    if not isinstance(kind, dict) or value is None:
        return float(value) if isinstance(value, Decimal) else value
    convert = _LOGICAL.get(str(kind.get("logicalType", "")))
    return convert(kind, value) if convert else _typed(kind["type"], value)


def _decimal(kind: Mapping[str, Any], value: Any) -> Decimal:
    try:
        return Decimal(str(value)).quantize(Decimal(1).scaleb(-int(kind.get("scale", 0))))
    except InvalidOperation as error:
        raise ValueError(f"{value!r} is no decimal") from error


def _moment(kind: Mapping[str, Any], value: Any) -> Any:
    if not isinstance(value, str):
        return value
    moment = datetime.fromisoformat(value)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _day(kind: Mapping[str, Any], value: Any) -> Any:
    return date.fromisoformat(value) if isinstance(value, str) else value


_LOGICAL: dict[str, Callable[[Mapping[str, Any], Any], Any]] = {
    "decimal": _decimal,
    "timestamp-millis": _moment,
    "timestamp-micros": _moment,
    "date": _day,
}
