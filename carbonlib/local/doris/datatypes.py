"""Column types of Doris: how they are written, stored in DuckDB, and shown to each kind of client."""

from __future__ import annotations

from dataclasses import dataclass

from .errors import DorisError, unsupported
from .lexer import Cursor

# Doris name → (DuckDB type, name in information_schema.data_type, name in the `_schema` answer)
_SIMPLE = {
    "BOOLEAN": ("BOOLEAN", "tinyint", "BOOLEAN"),
    "TINYINT": ("TINYINT", "tinyint", "TINYINT"),
    "SMALLINT": ("SMALLINT", "smallint", "SMALLINT"),
    "INT": ("INTEGER", "int", "INT"),
    "BIGINT": ("BIGINT", "bigint", "BIGINT"),
    "LARGEINT": ("HUGEINT", "bigint unsigned", "LARGEINT"),
    "FLOAT": ("FLOAT", "float", "FLOAT"),
    "DOUBLE": ("DOUBLE", "double", "DOUBLE"),
    "DATE": ("DATE", "date", "DATEV2"),
    "STRING": ("VARCHAR", "varchar", "STRING"),
    "JSON": ("JSON", "json", "JSONB"),
    "VARIANT": ("JSON", "variant", "VARIANT"),
    "IPV4": ("VARCHAR", "ipv4", "IPV4"),
}
_ALIASES = {
    "INTEGER": "INT", "TEXT": "STRING", "JSONB": "JSON", "DATEV2": "DATE", "DATETIMEV2": "DATETIME",
    "DECIMALV3": "DECIMAL", "DECIMALV2": "DECIMAL", "NUMERIC": "DECIMAL", "BOOL": "BOOLEAN",
}  # fmt: skip
_UNSUPPORTED = {"BITMAP", "HLL", "QUANTILE_STATE", "AGG_STATE", "IPV6", "MAP", "STRUCT"}
MAX_VARCHAR = 65533


@dataclass(frozen=True)
class DorisType:
    """A column type.

    Args:
        name: canonical Doris name, for example DATETIME.
        args: length, or precision and scale.
        element: the element type of an ARRAY.
    """

    name: str
    args: tuple[int, ...] = ()
    element: DorisType | None = None

    def __str__(self) -> str:
        if self.element:
            return f"ARRAY<{self.element}>"
        if self.name == "DATETIME" and not self.args[0]:
            return "DATETIME"
        return f"{self.name}({','.join(map(str, self.args))})" if self.args else self.name

    @property
    def duckdb(self) -> str:
        """The type that stores it."""
        if self.element:
            return f"{self.element.duckdb}[]"
        if self.name == "DECIMAL":
            return f"DECIMAL({self.args[0]},{self.args[1]})"
        if self.name in ("CHAR", "VARCHAR"):
            return "VARCHAR"
        return "TIMESTAMP" if self.name == "DATETIME" else _SIMPLE[self.name][0]

    @property
    def data_type(self) -> str:
        """`information_schema.columns.data_type`."""
        known = {"DECIMAL": "decimal", "CHAR": "char", "VARCHAR": "varchar", "DATETIME": "datetime", "ARRAY": "array"}
        return known.get(self.name) or _SIMPLE[self.name][1]

    @property
    def column_type(self) -> str:
        """`information_schema.columns.column_type` and DESC."""
        if self.name == "STRING":
            return "text"
        return str(self).lower()

    @property
    def schema_name(self) -> str:
        """The type in the `_schema` answer, which the Flink sink reads."""
        if self.name == "DECIMAL":
            return "DECIMAL32" if self.args[0] <= 9 else "DECIMAL64" if self.args[0] <= 18 else "DECIMAL128"
        known = {"CHAR": "CHAR", "VARCHAR": "VARCHAR", "DATETIME": "DATETIMEV2", "ARRAY": "ARRAY"}
        return known.get(self.name) or _SIMPLE[self.name][2]

    @property
    def max_bytes(self) -> int | None:
        """Most bytes that a text value may have; None where there is no limit of its own."""
        return self.args[0] if self.name in ("CHAR", "VARCHAR") else None

    @property
    def is_text(self) -> bool:
        """Whether values are strings."""
        return self.name in ("CHAR", "VARCHAR", "STRING")


def parse_type(cursor: Cursor) -> DorisType:
    """Read a type.

    Raises:
        DorisError: for an unknown type or impossible length, precision or scale.
    """
    written = cursor.ident().upper()
    name = _ALIASES.get(written, written)
    if name == "ARRAY":
        cursor.expect("<")
        element = parse_type(cursor)
        cursor.expect(">")
        return DorisType("ARRAY", (), element)
    if name in _UNSUPPORTED:
        raise unsupported(f"type {written}")
    args = _arguments(cursor)
    if name == "DECIMAL":
        return _decimal(args)
    if name == "DATETIME":
        scale = args[0] if args else 0
        if scale > 6:
            raise DorisError(f"Scale of Datetime/Time must between 0 and 6. Scale was set to: {scale}")
        return DorisType("DATETIME", (scale,))
    if name in ("CHAR", "VARCHAR"):
        length = args[0] if args else (1 if name == "CHAR" else MAX_VARCHAR)
        top = 255 if name == "CHAR" else MAX_VARCHAR
        if not 1 <= length <= top:
            raise DorisError(f"{name} size must be <= {top}: {length}")
        return DorisType(name, (length,))
    if name not in _SIMPLE:
        raise DorisError(f"unknown data type '{written}'")
    return DorisType(name)  # a display width such as INT(11) has no meaning


def type_from_text(text: str) -> DorisType:
    """Read a type from its text form."""
    return parse_type(Cursor(text))


def _arguments(cursor: Cursor) -> tuple[int, ...]:
    if not cursor.accept("("):
        return ()
    if cursor.accept("*", ")"):
        return ()
    found = [cursor.integer()]
    while cursor.accept(","):
        found.append(cursor.integer())
    cursor.expect(")")
    return tuple(found)


def _decimal(args: tuple[int, ...]) -> DorisType:
    precision = args[0] if args else 38
    scale = args[1] if len(args) > 1 else (9 if not args else 0)
    if not 1 <= precision <= 38:
        raise DorisError(f"the precision of decimal must be between 1 and 38, got {precision}")
    if scale > precision:
        raise DorisError(f"the scale {scale} of decimal is larger than its precision {precision}")
    return DorisType("DECIMAL", (precision, scale))
