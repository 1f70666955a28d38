"""Expected against actual, row by row."""

from __future__ import annotations

import html
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pandas as pd

from .._errors import shorten

SHOWN = 50


@dataclass(frozen=True)
class Difference:
    """One cell, or one whole row, that is not as it must be.

    Args:
        key: of the row.
        column: which value differs; `row` when the row is missing, unexpected or there more than once.
        expected, actual: the two values.
    """

    key: tuple[Any, ...]
    column: str
    expected: Any
    actual: Any


@dataclass(frozen=True)
class Comparison:
    """The outcome of comparing two sets of rows.

    Args:
        name: what was compared.
        keys: names of the key columns.
        compared: rows expected.
        differences: every difference.
        left_out: what was not compared, with the number of rows, by reason.
    """

    name: str
    keys: Sequence[str]
    compared: int
    differences: Sequence[Difference]
    left_out: Mapping[str, int]

    @property
    def differing(self) -> int:
        """Number of rows with at least one difference."""
        return len({d.key for d in self.differences})

    def table(self) -> pd.DataFrame:
        """The differences as a table."""
        rows = [[*d.key, d.column, str(d.expected), str(d.actual)] for d in self.differences]
        return pd.DataFrame(rows, columns=[*self.keys, "column", "expected", "actual"], dtype=object)

    def __repr__(self) -> str:
        lines = [self._summary()]
        lines += [
            f"  {' '.join(map(_text, d.key))}  {d.column}: expected {_text(d.expected)}, found {_text(d.actual)}"
            for d in self.differences[:SHOWN]
        ]
        return "\n".join([*lines, *self._rest()])

    def _summary(self) -> str:
        out = "".join(f", {count} left out ({reason})" for reason, count in self.left_out.items() if count)
        return f"{self.name}: {self.compared} rows compared, {self.differing} differ{out}"

    def _rest(self) -> list[str]:
        rest = len(self.differences) - SHOWN
        return [f"  … and {rest} more differences"] if rest > 0 else []

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, Any]:
        verdict = "failed" if self.differences else "passed"
        page = f'<p class="carbon-{verdict}">{html.escape(self._summary())}</p>'
        if self.differences:
            head = "".join(f"<th>{html.escape(h)}</th>" for h in [*self.keys, "column", "expected", "found"])
            body = "".join(_row([*d.key, d.column, d.expected, d.actual]) for d in self.differences[:SHOWN])
            page += f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
            page += "".join(f"<p>{html.escape(line)}</p>" for line in self._rest())
        return {"text/plain": repr(self), "text/html": page}


def compare(
    expected: pd.DataFrame,
    actual: pd.DataFrame,
    keys: Sequence[str],
    tolerances: Mapping[str, float] | None = None,
    *,
    name: str = "rows",
    left_out: Mapping[str, int] | None = None,
) -> Comparison:
    """Compare two tables by key; every column of `expected` must be equal in `actual`.

    Args:
        expected, actual: the tables; further columns of `actual` are ignored.
        keys: columns that name a row; a key that `actual` holds twice is a difference.
        tolerances: tolerance of a column, relative above one and absolute below; others must be equal.
        name: what is compared, for the display.
        left_out: rows that the caller took out before, by reason.
    """
    values = [c for c in expected.columns if c not in keys]
    wanted, found = _rows(expected, keys), _rows(actual, keys)
    times = Counter(_keys(actual, keys))
    differences = [Difference(k, "row", "one", f"{n} times") for k, n in times.items() if n > 1]
    differences += [Difference(k, "row", "one", "none") for k in wanted if k not in found]
    differences += [Difference(k, "row", "none", "one") for k in found if k not in wanted]
    for key in wanted.keys() & found.keys():
        differences += _cells(key, wanted[key], found[key], values, tolerances or {})
    return Comparison(name, list(keys), len(wanted), sorted(differences, key=str), dict(left_out or {}))


def _cells(
    key: tuple[Any, ...],
    wanted: Mapping[str, Any],
    found: Mapping[str, Any],
    columns: Iterable[str],
    tolerances: Mapping[str, float],
) -> list[Difference]:
    return [
        Difference(key, column, wanted[column], found.get(column))
        for column in columns
        if not same(wanted[column], found.get(column), tolerances.get(column, 0.0))
    ]


def same(expected: Any, actual: Any, tolerance: float = 0.0) -> bool:
    """Whether two values mean the same: numbers by value, times by moment, nothing only as nothing."""
    left, right = plain(expected), plain(actual)
    if left is None or right is None:
        return left is right
    if tolerance and isinstance(left, Decimal) and isinstance(right, Decimal):
        return math.isclose(left, right, rel_tol=tolerance, abs_tol=tolerance)
    return bool(left == right)


def plain(value: Any) -> Any:
    """The value without the accidents of its reader: numbers as decimals, times as UTC without a zone, NaN as None."""
    if hasattr(value, "item") and not isinstance(value, (str, bytes)):
        value = value.item()
    if value is None or value is pd.NaT or (isinstance(value, (float, Decimal)) and value != value):
        return None
    if isinstance(value, bool):
        return value
    if isinstance(value, float):
        return Decimal(repr(value))
    if isinstance(value, int):
        return Decimal(value)
    if isinstance(value, pd.Timestamp):
        value = value.to_pydatetime()
    if isinstance(value, datetime):
        return value if value.tzinfo is None else (value - value.utcoffset()).replace(tzinfo=None)  # type: ignore[operator]
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day)
    return value


def _keys(frame: pd.DataFrame, keys: Sequence[str]) -> list[tuple[Any, ...]]:
    columns = [[plain(v) for v in frame[key]] for key in keys]
    return list(zip(*columns, strict=True))


def _rows(frame: pd.DataFrame, keys: Sequence[str]) -> dict[tuple[Any, ...], dict[str, Any]]:
    rows = [{str(k): v for k, v in row.items()} for row in frame.to_dict("records")]
    return dict(zip(_keys(frame, keys), rows, strict=True))


def _text(value: Any) -> str:
    return shorten(str(value), 120)


def _row(cells: Sequence[Any]) -> str:
    return "<tr>" + "".join(f"<td>{html.escape(_text(c))}</td>" for c in cells) + "</tr>"
