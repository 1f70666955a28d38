"""Differences of Avro schemas, against what Avro itself can read of real records."""

from __future__ import annotations

import io
from typing import Any

import fastavro
import pytest

from carbonlib.clients.avro_diff import differences, readable

DECIMAL = {"type": "bytes", "logicalType": "decimal", "precision": 18, "scale": 6}
PRICE = {"type": "record", "name": "Price", "namespace": "carbon", "fields": [
    {"name": "code", "type": "string"}, {"name": "price", "type": "int"},
    {"name": "unit", "type": ["null", "string"], "default": None},
]}  # fmt: skip
ROWS = [{"code": "CL", "price": 75, "unit": "BBL"}, {"code": "NG", "price": -3, "unit": None}]


def changed(*fields: dict[str, Any], without: tuple[str, ...] = ()) -> dict[str, Any]:
    names = {f["name"] for f in fields} | set(without)
    kept: list[Any] = [f for f in PRICE["fields"] if f["name"] not in names]  # type: ignore[index]
    return {**PRICE, "fields": [*kept, *fields]}


def reads(schema: dict[str, Any]) -> bool:
    """Whether a reader of the schema reads every row that the first schema wrote."""
    for row in ROWS:
        body = io.BytesIO()
        fastavro.schemaless_writer(body, fastavro.parse_schema(PRICE), row)
        body.seek(0)
        try:
            fastavro.schemaless_reader(body, fastavro.parse_schema(PRICE), fastavro.parse_schema(schema))
        except (fastavro.read.SchemaResolutionError, ValueError, TypeError):
            return False
    return True


@pytest.mark.parametrize(
    ("schema", "field", "after"),
    [
        (changed({"name": "size", "type": "long", "default": 1}), "size", "long, default 1"),
        (changed({"name": "size", "type": "long"}), "size", "long"),
        (changed({"name": "price", "type": "double"}), "price", "double"),
        (changed({"name": "price", "type": "string"}), "price", "string"),
        (changed({"name": "price", "type": ["null", "int"]}), "price", "int or null"),
        (changed({"name": "unit", "type": "string"}), "unit", "string"),
        (changed(without=("unit",)), "unit", None),
        (changed(without=("code",)), "code", None),
    ],
)
def test_what_is_said_to_break_old_data_is_what_avro_cannot_read(schema: Any, field: str, after: str | None) -> None:
    (change,) = differences(PRICE, schema)
    assert (change.field, change.after) == (field, after)
    assert (change.broken("BACKWARD") == []) == reads(schema)
    assert change.broken("NONE") == []


def test_a_field_that_is_gone_breaks_old_readers_only() -> None:
    (change,) = differences(PRICE, changed(without=("code",)))
    assert change.broken("BACKWARD_TRANSITIVE") == []
    assert change.broken("FULL") == ["the field code is gone and had no default, so old readers miss it"]


def test_another_name_breaks_both_ways_and_comes_first() -> None:
    first, *_ = differences(PRICE, {**changed(without=("unit",)), "name": "Cost"})
    assert (first.field, first.broken("BACKWARD")) == ("", ["the name changes from carbon.Price to carbon.Cost"])


def test_logical_types_are_told_in_words_and_nothing_differs_by_spelling() -> None:
    (change,) = differences(PRICE, changed({"name": "price", "type": DECIMAL}))
    assert change.after == "decimal(18,6)"
    assert differences(PRICE, {**PRICE, "doc": "a price", "name": "carbon.Price"}) == []
    assert readable({"type": "array", "items": "int"}, {"type": "array", "items": "long"})
    assert not readable({"type": "map", "values": "string"}, {"type": "map", "values": "int"})
