"""Rows of an answer and how their values are written in the MySQL protocol."""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from mysql_mimic.results import ResultColumn, ResultSet
from mysql_mimic.types import ColumnType

_WIRE = {
    "BOOLEAN": ColumnType.TINY, "TINYINT": ColumnType.TINY, "UTINYINT": ColumnType.SHORT,
    "SMALLINT": ColumnType.SHORT, "USMALLINT": ColumnType.LONG, "INTEGER": ColumnType.LONG,
    "UINTEGER": ColumnType.LONGLONG, "BIGINT": ColumnType.LONGLONG, "UBIGINT": ColumnType.LONGLONG,
    # A sum of BIGINT is a HUGEINT in DuckDB and a BIGINT in Doris.
    "HUGEINT": ColumnType.LONGLONG, "FLOAT": ColumnType.FLOAT, "DOUBLE": ColumnType.DOUBLE,
    "DATE": ColumnType.DATE, "TIMESTAMP": ColumnType.DATETIME, "DECIMAL": ColumnType.NEWDECIMAL,
}  # fmt: skip


@dataclass
class Answer:
    """What a statement returns: rows under named columns, or the number of rows it changed.

    `kinds` are DuckDB type names, `scales` digits of a second of each column; text where they are left out.
    """

    columns: Sequence[str] = ()
    rows: Sequence[Sequence[Any]] = field(default_factory=list)
    kinds: Sequence[str] = ()
    scales: Sequence[int | None] = ()
    affected: int = 0

    def result_set(self) -> ResultSet | None:
        """The rows as the protocol library takes them; None for a statement without a result."""
        if not self.columns:
            return None
        columns = []
        for place, name in enumerate(self.columns):
            kind = self.kinds[place] if place < len(self.kinds) else "VARCHAR"
            scale = self.scales[place] if place < len(self.scales) else None
            columns.append(_column(name, kind, scale, self.rows, place))
        return ResultSet(list(self.rows), columns)

    def texts(self) -> list[list[str | None]]:
        """The rows as text, as the HTTP query interface sends them."""
        result = self.result_set()
        columns = result.columns if result else []
        return [
            [None if v is None else columns[i].text_encode(v).decode() for i, v in enumerate(row)] for row in self.rows
        ]


def _column(name: str, kind: str, scale: int | None, rows: Sequence[Sequence[Any]], place: int) -> ResultColumn:
    base = kind.split("(", 1)[0].upper()
    wire = _WIRE.get(base, ColumnType.VAR_STRING) if not kind.endswith("[]") else ColumnType.VAR_STRING
    if wire == ColumnType.DATETIME:
        digits = scale if scale is not None else _digits_needed(rows, place)
        return ResultColumn(name, wire, text_encoder=_datetime_encoder(digits))
    if wire == ColumnType.NEWDECIMAL:
        return ResultColumn(name, wire, text_encoder=_decimal, binary_encoder=_sized(_decimal))
    if wire == ColumnType.TINY and base == "TINYINT":
        return ResultColumn(name, ColumnType.SHORT)
    if wire in (ColumnType.DOUBLE, ColumnType.FLOAT):
        return ResultColumn(name, wire, text_encoder=_float)
    if wire == ColumnType.VAR_STRING:
        return ResultColumn(name, wire, text_encoder=_text, binary_encoder=_sized(_text))
    return ResultColumn(name, wire)


def _digits_needed(rows: Sequence[Sequence[Any]], place: int) -> int:
    most = 0
    for row in rows:
        value = row[place]
        if isinstance(value, datetime.datetime) and value.microsecond:
            if value.microsecond % 1000:
                return 6
            most = 3
    return most


def _datetime_encoder(digits: int) -> Callable[[ResultColumn, Any], bytes]:
    unit = "seconds" if not digits else "milliseconds" if digits <= 3 else "microseconds"

    def encode(_: ResultColumn, value: Any) -> bytes:
        text: str = value.isoformat(" ", unit) if isinstance(value, datetime.datetime) else str(value)
        return text.encode()

    return encode


def _decimal(_: ResultColumn, value: Any) -> bytes:
    return format(value, "f").encode() if isinstance(value, Decimal) else str(value).encode()


def _float(_: ResultColumn, value: Any) -> bytes:
    text = repr(float(value))
    return (text[:-2] if text.endswith(".0") else text).encode()


def _text(_: ResultColumn, value: Any) -> bytes:
    if isinstance(value, bytes):
        return value
    if isinstance(value, (list, tuple, dict)):
        return json.dumps(value, default=_plain).encode()
    return str(value).encode()


def _plain(value: Any) -> Any:
    return float(value) if isinstance(value, Decimal) else str(value)


def _sized(encoder: Callable[[ResultColumn, Any], bytes]) -> Callable[[ResultColumn, Any], bytes]:
    """The binary protocol puts the length before a text."""

    def encode(column: ResultColumn, value: Any) -> bytes:
        body = encoder(column, value)
        size = len(body)
        if size < 251:
            return bytes([size]) + body
        width, mark = (2, 0xFC) if size < 1 << 16 else (3, 0xFD) if size < 1 << 24 else (8, 0xFE)
        return bytes([mark]) + size.to_bytes(width, "little") + body

    return encode
