"""Reading the rows of a load into typed form, and saying which of them do not fit.

The fast way lets DuckDB read the whole file with the table's types. Only when it refuses something is the file read
again, value by value, to count and name the rows that do not fit; a poison message costs time, never a good row.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import duckdb

from .catalog import default_expression
from .datatypes import DorisType
from .errors import DorisError
from .loadspec import LoadSpec, walk
from .merge import ROW
from .model import DELETE_SIGN, Column, Table
from .storage import literal, quote

TABLE = "__load"
_SIMPLE_PATH = re.compile(r"^\$\.([A-Za-z_]\w*)$")
_SAMPLES = 50


class Translate(Protocol):
    """`Translator.expression`."""

    def __call__(self, text: str, types: Mapping[str, str], *, as_text: bool) -> str:
        """Doris expression → DuckDB expression."""


@dataclass
class Staged:
    """Rows of a load in the temporary table of the connection that read them."""

    columns: list[str]
    total: int = 0
    filtered: int = 0
    unselected: int = 0
    errors: list[str] = field(default_factory=list)

    source: str = f"(SELECT *, rowid AS {ROW} FROM {TABLE})"

    @property
    def loaded(self) -> int:
        """Rows that go into the table."""
        return self.total - self.filtered - self.unselected


def stage(cursor: duckdb.DuckDBPyConnection, table: Table, spec: LoadSpec, path: Path, translate: Translate) -> Staged:
    """Read a file into the temporary table.

    Args:
        cursor: the connection that will also write the rows.
        table: the target.
        spec: how to read the file.
        path: the file, uncompressed.
        translate: `Translator.expression`.

    Raises:
        DorisError: for a specification that does not fit the table, or an expression that cannot be evaluated.
    """
    plan = _Plan(table, spec, translate)
    if _is_blank(path):
        return Staged(plan.targets)
    try:
        _create(cursor, plan, plan.typed_source(path), safe=False)
        failures: list[str] = []
        broken = 0
    except (duckdb.ConversionException, duckdb.InvalidInputException, duckdb.IOException, duckdb.OutOfRangeException):
        lines, failures = _as_text_lines(plan, path)
        broken = len(failures)
        _create(cursor, plan, plan.text_source(lines), safe=True)
        lines.unlink()
    except duckdb.BinderException as refused:
        raise DorisError(f"load expression cannot be evaluated: {str(refused).splitlines()[0]}") from refused
    staged = _check(cursor, plan)
    staged.total += broken
    staged.filtered += broken
    staged.errors = [*failures[:_SAMPLES], *staged.errors]
    return staged


class _Plan:
    """Source fields, target columns, and the expression that makes each target from the sources."""

    def __init__(self, table: Table, spec: LoadSpec, translate: Translate) -> None:
        self.table, self.spec, self._translate = table, spec, translate
        self.fields = spec.columns or [c.name for c in table.columns]
        if spec.jsonpaths and len(spec.jsonpaths) != len(self.fields):
            raise DorisError(f"jsonpaths has {len(spec.jsonpaths)} paths, but there are {len(self.fields)} columns")
        self.fields = [*self.fields, *(h for h in spec.hidden if h not in self.fields)]
        for name in spec.mappings:
            if table.column(name) is None:
                raise DorisError(f"Unknown column '{name}' in the column mapping of a load into {table.name}")
        self.mappings = {k.lower(): v for k, v in spec.mappings.items()}
        self.columns = [c for c in table.columns if not spec.partial or self._is_given(c)]
        self.targets = [c.name for c in self.columns] + [h for h in spec.hidden if h == DELETE_SIGN]

    def _is_given(self, column: Column) -> bool:
        return column.name.lower() in self.mappings or self._field(column) is not None

    def _field(self, column: Column) -> str | None:
        return next((f for f in self.fields if f.lower() == column.name.lower()), None)

    def translated(self, text: str, safe: bool) -> str:
        """A load expression for DuckDB; `safe` where the fields arrive as text."""
        types = {f.lower(): t.duckdb for f in self.fields if (t := self.type_of(f))}
        return self._translate(text, types, as_text=safe)

    def type_of(self, name: str) -> DorisType | None:
        """The type of a source field that is a column; None for a field that only mappings use."""
        column = self.table.column(name)
        return column.type if column and column.name.lower() not in self.mappings else None

    def typed_source(self, path: Path) -> str:
        """The file read with the table's types."""
        kinds = {f: (t.duckdb if (t := self.type_of(f)) else "VARCHAR") for f in self.fields}
        if DELETE_SIGN in kinds:
            kinds[DELETE_SIGN] = "INTEGER"
        if self.spec.format != "json":
            return self._csv(path, kinds)
        paths = [_SIMPLE_PATH.match(p) for p in self.spec.jsonpaths]
        if self.spec.json_root or not all(paths):
            raise duckdb.InvalidInputException("needs the slow reader")
        keys = {f: m.group(1) for f, m in zip(self.fields, paths, strict=False) if m}
        return _read_json(path, {f: keys.get(f, f) for f in self.fields}, kinds, array=_first_byte(path) == b"[")

    def text_source(self, path: Path) -> str:
        """The normalised file with every field as text."""
        return _read_json(path, {f: f for f in self.fields}, dict.fromkeys(self.fields, "VARCHAR"), array=False)

    def _csv(self, path: Path, kinds: dict[str, str]) -> str:
        spec = self.spec
        if spec.line_delimiter != "\n":
            raise duckdb.InvalidInputException("needs the slow reader")
        types = ", ".join(f"{literal(f)}: {literal(k)}" for f, k in kinds.items())
        mark = literal(spec.enclose)
        skip = spec.skip_lines + (spec.format == "csv_with_names")
        return (
            f"read_csv({literal(str(path))}, columns={{{types}}}, delim={literal(spec.separator)}, header=false, "
            f"nullstr='\\N', quote={mark}, escape={mark}, auto_detect=false, skip={skip}, strict_mode=true)"
        )

    def expression(self, column: Column, safe: bool) -> str:
        """The DuckDB expression of one target column."""
        cast = "TRY_CAST" if safe else "CAST"
        mapped, source = self.mappings.get(column.name.lower()), self._field(column)
        if mapped:
            text = f"{cast}({self.translated(mapped, safe)} AS {column.type.duckdb})"
        elif source:
            text = f"{cast}({quote(source)} AS {column.type.duckdb})" if safe else quote(source)
        else:
            return default_expression(column)
        return f"coalesce({text}, {default_expression(column)})" if column.default is not None else text

    def misfit(self, column: Column) -> str:
        """True for rows whose text is no value of the column's type."""
        mapped, source = self.mappings.get(column.name.lower()), self._field(column)
        given = self.translated(mapped, True) if mapped else quote(source) if source else ""
        if not given or column.type.is_text:
            return ""
        return f"({given} IS NOT NULL AND TRY_CAST({given} AS {column.type.duckdb}) IS NULL)"


def _read_json(path: Path, keys: dict[str, str], kinds: dict[str, str], *, array: bool) -> str:
    """A relation over a JSON file; two fields may read the same key."""
    kind_of = {key: kinds[name] for name, key in keys.items()}
    types = ", ".join(f"{literal(key)}: {literal(kind)}" for key, kind in kind_of.items())
    chosen = ", ".join(f"{quote(k)} AS {quote(f)}" if k != f else quote(f) for f, k in keys.items())
    layout = "array" if array else "newline_delimited"
    return (
        f"(SELECT {chosen} FROM read_json({literal(str(path))}, columns={{{types}}}, format='{layout}', "
        "maximum_object_size=67108864))"
    )


def _create(cursor: duckdb.DuckDBPyConnection, plan: _Plan, source: str, *, safe: bool) -> None:
    chosen = [f"{plan.expression(c, safe)} AS {quote(c.name)}" for c in plan.columns]
    if DELETE_SIGN in plan.targets:
        chosen.append(f"coalesce(TRY_CAST({quote(DELETE_SIGN)} AS TINYINT), 0) AS {quote(DELETE_SIGN)}")
    if plan.spec.where:
        chosen.append(f"coalesce({plan.translated(plan.spec.where, safe)}, false) AS __selected")
    if safe and plan.spec.strict:
        misfits = [m for c in plan.columns if (m := plan.misfit(c))]
        chosen.append(f"({' OR '.join(misfits) or 'false'}) AS __misfit")
    cursor.execute(f"CREATE OR REPLACE TEMP TABLE {TABLE} AS SELECT {', '.join(chosen)} FROM {source}")


def _check(cursor: duckdb.DuckDBPyConnection, plan: _Plan) -> Staged:
    """Count rows that break NOT NULL or a length, or that were not selected, and take them out."""
    present = {row[0] for row in cursor.execute(f"DESCRIBE {TABLE}").fetchall()}
    bad = ["__misfit"] if "__misfit" in present else []
    bad += [f"{quote(c.name)} IS NULL" for c in plan.columns if not c.nullable]
    limits = [(c, c.type.max_bytes) for c in plan.columns if c.type.max_bytes is not None]
    bad += [f"strlen({quote(c.name)}) > {limit}" for c, limit in limits]
    unfit = f"coalesce({' OR '.join(bad)}, false)" if bad else "false"
    selected = "__selected" if "__selected" in present else "true"
    counted = cursor.execute(
        f"SELECT count(*), count(*) FILTER (WHERE NOT {selected}), count(*) FILTER (WHERE {selected} AND {unfit}) "
        f"FROM {TABLE}"
    ).fetchone()
    assert counted is not None
    staged = Staged(plan.targets, *(int(counted[0]), int(counted[2]), int(counted[1])))
    if staged.filtered:
        rows = cursor.execute(f"SELECT * FROM {TABLE} WHERE {selected} AND {unfit} LIMIT {_SAMPLES}").fetchall()
        staged.errors = [f"Reason: a value is NULL, too long or not of its column's type. src line {r!r}" for r in rows]
    if staged.filtered or staged.unselected:
        cursor.execute(f"DELETE FROM {TABLE} WHERE NOT {selected} OR {unfit}")
    return staged


def _first_byte(path: Path) -> bytes:
    with path.open("rb") as body:
        return body.read(64).lstrip()[:1]


def _is_blank(path: Path) -> bool:
    return path.stat().st_size < 4096 and not path.read_bytes().strip()


def _as_text_lines(plan: _Plan, path: Path) -> tuple[Path, list[str]]:
    """Write every readable row as a JSON object of texts; return the new file and what could not be read."""
    target = path.with_suffix(".text")
    failures: list[str] = []
    rows = _json_rows(plan, path, failures) if plan.spec.format == "json" else _csv_rows(plan, path, failures)
    with target.open("w", encoding="utf-8") as lines:
        for row in rows:
            lines.write(json.dumps(row) + "\n")
    return target, failures


def _json_rows(plan: _Plan, path: Path, failures: list[str]) -> Iterator[dict[str, str | None]]:
    text = path.read_bytes().decode("utf-8", "replace")
    whole = text.lstrip().startswith("[")
    for line in [text] if whole else text.split("\n"):
        if not line.strip():
            continue
        try:
            parsed = json.loads(line, parse_float=str, parse_int=str, parse_constant=_refuse_constant)
        except ValueError as broken:
            failures.append(f"Reason: Parse json data failed, {broken}. src line [{line[:200]}]")
            continue
        parsed = walk(parsed, plan.spec.json_root) if plan.spec.json_root else parsed
        for row in parsed if isinstance(parsed, list) else [parsed]:
            if isinstance(row, dict):
                yield _texts(plan, row)
            else:
                failures.append(f"Reason: JSON data is not an object. src line [{str(row)[:200]}]")


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON value")


def _texts(plan: _Plan, row: dict[str, Any]) -> dict[str, str | None]:
    paths = plan.spec.jsonpaths
    found = {
        name: walk(row, paths[place]) if place < len(paths) else row.get(name) for place, name in enumerate(plan.fields)
    }
    return {name: _text(value) for name, value in found.items()}


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value)


def _csv_rows(plan: _Plan, path: Path, failures: list[str]) -> Iterator[dict[str, str | None]]:
    spec = plan.spec
    text = path.read_bytes().decode("utf-8", "replace")
    lines = text.split(spec.line_delimiter)
    for line in lines[spec.skip_lines + (spec.format == "csv_with_names") :]:
        if not line:
            continue
        if spec.enclose:
            values = next(csv.reader(io.StringIO(line), delimiter=spec.separator, quotechar=spec.enclose))
        else:
            values = line.split(spec.separator)
        if len(values) != len(plan.fields):
            failures.append(
                f"Reason: actual column number {len(values)} is not equal to schema column number "
                f"{len(plan.fields)}. src line [{line[:200]}]"
            )
            continue
        yield {name: None if value == "\\N" else value for name, value in zip(plan.fields, values, strict=True)}
