from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest

from carbonlib.oracle import compare
from carbonlib.oracle.compare import same


def frame(*rows: tuple[Any, ...]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["code", "price", "vwap"], dtype=object)


def test_equal_tables_have_no_difference_whatever_their_reader_made_of_them() -> None:
    left = frame(("CL", Decimal("75.500000"), Decimal(1) / 3), ("NG", Decimal(2), None))
    right = frame(("NG", 2, float("nan")), ("CL", 75.5, 0.3333333333333))
    result = compare(left, right, ["code"], {"vwap": 1e-9})
    assert (result.compared, result.differing, result.differences) == (2, 0, [])


def test_each_kind_of_difference_is_found_and_counted_by_row() -> None:
    left = frame(("A", 1, 1), ("B", 1, 1), ("C", 1, 1))
    right = frame(("A", 2, 2), ("B", 1, 1), ("B", 1, 1), ("D", 1, 1))
    result = compare(left, right, ["code"])
    kinds = {(d.key[0], d.column, d.expected, d.actual) for d in result.differences}
    assert kinds == {
        ("A", "price", 1, 2), ("A", "vwap", 1, 2), ("B", "row", "one", "2 times"), ("C", "row", "one", "none"),
        ("D", "row", "none", "one"),
    }  # fmt: skip
    assert result.differing == 4
    assert len(result.table()) == 5


def test_a_tolerance_holds_for_its_column_only() -> None:
    close = Decimal("1.0000000001")
    left, right = frame(("A", Decimal(1), Decimal(1))), frame(("A", close, close))
    assert [d.column for d in compare(left, right, ["code"], {"vwap": 1e-9}).differences] == ["price"]


@pytest.mark.parametrize(
    ("left", "right", "equal"),
    [
        (None, float("nan"), True),
        (pd.NaT, None, True),
        (None, 0, False),
        (1, True, True),
        (np.int64(3), Decimal(3), True),
        (datetime(2024, 1, 1), pd.Timestamp("2024-01-01T00:00:00Z"), True),
        (datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 1, 1, 0, 0, 0, 1000), False),
        ("a", "b", False),
        (0.1, Decimal("0.1"), True),
    ],
)
def test_values_are_compared_by_what_they_mean(left: Any, right: Any, equal: bool) -> None:
    assert same(left, right) is equal


def test_markup_in_a_value_is_shown_and_not_run() -> None:
    result = compare(frame(("<script>alert(1)</script>", "<b>", 1)), frame(), ["code"], left_out={"late": 2})
    page = result._repr_mimebundle_()["text/html"]
    assert "<script>" not in page
    assert "&lt;script&gt;" in page
    assert "2 left out (late)" in repr(result)


def test_a_flood_of_differences_is_cut() -> None:
    result = compare(frame(*[(str(i), 1, 1) for i in range(500)]), frame(), ["code"])
    assert "and 450 more differences" in repr(result)
    assert result.differing == 500
