"""What a load says about its data: the headers of a stream load, the properties of a routine load."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from .errors import DorisError, unsupported
from .lexer import Cursor
from .model import words

_HEADERS = frozenset(
    words(
        """label format columns where max_filter_ratio strict_mode timezone jsonpaths json_root strip_outer_array
    read_json_by_line column_separator line_delimiter two_phase_commit partial_columns compress_type
    hidden_columns enclose escape skip_lines num_as_string fuzzy_parse exec_mem_limit timeout
    load_to_single_tablet group_commit trim_double_quotes ignore_json_size txn_id txn_operation
    function_column.sequence_col merge_type delete load_mem_limit send_batch_parallelism memtable_on_sink_node
    unique_key_update_mode"""
    )
)
_SPACES = {"\\t": "\t", "\\n": "\n", "\\r": "\r"}


@dataclass
class LoadSpec:
    """How to read the rows of a load.

    Args:
        format: json, csv, or csv_with_names.
        columns: names of the source fields in order; empty means the table's own columns.
        mappings: table column → Doris expression over source fields.
        where: rows for which this is not true are left out and counted as unselected.
        jsonpaths: where each source field is found in an object.
        hidden: hidden columns that the source carries, such as the delete sign.
        partial: give only the named columns a new value, in a UNIQUE table.
        strict: a value that does not fit its type filters the row instead of becoming NULL.
        max_filter_ratio: share of rows that may be filtered before the load fails.
    """

    format: Literal["json", "csv", "csv_with_names"] = "csv"
    columns: list[str] = field(default_factory=list)
    mappings: dict[str, str] = field(default_factory=dict)
    where: str = ""
    jsonpaths: list[str] = field(default_factory=list)
    json_root: str = ""
    separator: str = "\t"
    line_delimiter: str = "\n"
    enclose: str = ""
    skip_lines: int = 0
    hidden: list[str] = field(default_factory=list)
    partial: bool = False
    strict: bool = False
    max_filter_ratio: float = 0.0


def parse_columns(text: str) -> tuple[list[str], dict[str, str]]:
    """Read `a, b, tmp, c = expression` into source fields and mappings."""
    cursor, fields, mappings = Cursor(text), [], {}
    while not cursor.done():
        name = cursor.ident()
        if cursor.accept("="):
            mappings[name] = cursor.text_until(",")
        else:
            fields.append(name)
        if not cursor.accept(",") and not cursor.done():
            raise cursor.error("in the column list of a load")
    return fields, mappings


def parse_jsonpaths(text: str) -> list[str]:
    """Read `["$.a", "$.b"]`.

    Raises:
        DorisError: for anything else.
    """
    try:
        paths = json.loads(text)
    except ValueError as broken:
        raise DorisError(f"Invalid json path: {text}") from broken
    if not isinstance(paths, list) or not all(isinstance(p, str) and p.startswith("$") for p in paths):
        raise DorisError(f"Invalid json path: {text}")
    return paths


def from_headers(headers: Mapping[str, str]) -> LoadSpec:
    """The specification in the headers of a stream load (names in lower case).

    Raises:
        DorisError: for values that Doris refuses or this endpoint cannot honour.
    """
    if headers.get("merge_type", "APPEND").upper() != "APPEND" or headers.get("delete"):
        raise unsupported("merge_type other than APPEND")
    if headers.get("group_commit", "off_mode").lower() != "off_mode":
        raise unsupported("group_commit")
    if "function_column.sequence_col" in headers:
        raise unsupported("a sequence column per load; set it on the table")
    fields, mappings = parse_columns(headers.get("columns", ""))
    kind = headers.get("format", "csv").lower()
    if kind not in ("json", "csv", "csv_with_names"):
        raise DorisError(f"unknown data format: {kind}")
    return LoadSpec(
        format=kind,  # type: ignore[arg-type]
        columns=fields,
        mappings=mappings,
        where=headers.get("where", ""),
        jsonpaths=parse_jsonpaths(headers["jsonpaths"]) if headers.get("jsonpaths") else [],
        json_root=headers.get("json_root", ""),
        separator=separator(headers.get("column_separator", "\\t")),
        line_delimiter=separator(headers.get("line_delimiter", "\\n")),
        enclose=headers.get("enclose", ""),
        skip_lines=int(_number("skip_lines", headers.get("skip_lines", "0"))),
        hidden=[h.strip() for h in headers.get("hidden_columns", "").split(",") if h.strip()],
        partial=is_true(headers.get("partial_columns")),
        strict=is_true(headers.get("strict_mode")),
        max_filter_ratio=ratio(headers.get("max_filter_ratio", "0")),
    )


def is_load_header(name: str) -> bool:
    """Whether Doris reads a header of this name."""
    return name in _HEADERS


def is_true(text: str | None) -> bool:
    """A flag as Doris reads it."""
    return (text or "").strip().lower() == "true"


def separator(text: str) -> str:
    """A separator with its escapes resolved, `\\x01` included."""
    if text.lower().startswith("\\x"):
        return bytes.fromhex(text[2:]).decode("latin-1")
    for written, meant in _SPACES.items():
        text = text.replace(written, meant)
    return text


def ratio(text: str) -> float:
    """A share between 0 and 1."""
    value = _number("max_filter_ratio", text)
    if not 0 <= value <= 1:
        raise DorisError(f"max_filter_ratio must be between 0 and 1, got {text}")
    return value


def _number(name: str, text: str) -> float:
    try:
        return float(text)
    except ValueError as broken:
        raise DorisError(f"{name} must be a number, got {text!r}") from broken


def walk(value: Any, path: str) -> Any:
    """The value at a JSON path such as `$.a.b[0]`; None where there is none."""
    for step in path.removeprefix("$").replace("[", ".[").split("."):
        if not step:
            continue
        if step.startswith("["):
            place = int(step[1:-1])
            value = value[place] if isinstance(value, list) and place < len(value) else None
        else:
            value = value.get(step.strip('"')) if isinstance(value, dict) else None
    return value
