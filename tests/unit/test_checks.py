from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from carbonlib import checks
from carbonlib._errors import CheckFailed
from carbonlib.oracle import Comparison, compare


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[checks.Check]:
    seen: list[checks.Check] = []
    monkeypatch.setattr(checks, "_show", seen.append)
    return seen


def test_what_holds_passes_and_is_shown(shown: list[checks.Check]) -> None:
    checks.check_equal("brokers", 3, 3)
    checks.check_zero("lost", np.int64(0))
    checks.check_empty("problems", [])
    checks.check_at_least("rows", 5, 5)
    assert [c.verdict for c in shown] == ["passed"] * 4


@pytest.mark.parametrize(
    "claim",
    [
        lambda: checks.check_equal("brokers", 2, 3),
        lambda: checks.check_zero("lost", 1),
        lambda: checks.check_zero("lost", None),
        lambda: checks.check_zero("lost", math.nan),
        lambda: checks.check_empty("problems", ["port 29000 is taken"]),
        lambda: checks.check_at_least("rows", math.nan, 1),
    ],
)
def test_what_does_not_hold_fails_after_it_is_shown(shown: list[checks.Check], claim: object) -> None:
    with pytest.raises(CheckFailed):
        claim()  # type: ignore[operator]
    assert shown[0].verdict == "failed" and shown[0].kind == "correctness"


def compared(*pairs: tuple[int, int]) -> Comparison:
    expected, actual = zip(*pairs, strict=True) if pairs else ((), ())
    frames = [pd.DataFrame({"id": range(len(column)), "price": column}) for column in (expected, actual)]
    return compare(*frames, ["id"], name="bars")


def test_rows_that_are_the_same_pass(shown: list[checks.Check]) -> None:
    checks.check_same("bars", compared((1, 1)), compared((2, 2), (3, 3)))
    assert (shown[0].measured, shown[0].note) == (0, "1 and 2 compared")


def test_a_row_that_differs_is_evidence(shown: list[checks.Check]) -> None:
    with pytest.raises(CheckFailed, match="measured 1"):
        checks.check_same("bars", compared((1, 1)), compared((2, 2), (75, 76)))
    assert "price: expected 75, found 76" in shown[0].note and shown[0].verdict == "failed"


def test_where_nothing_was_compared_nothing_was_shown_to_be_the_same(shown: list[checks.Check]) -> None:
    with pytest.raises(CheckFailed):
        checks.check_same("bars", compared((1, 1)), compared())
    assert "0 rows compared" in shown[0].note


def test_a_missed_target_is_no_error(shown: list[checks.Check]) -> None:
    checks.target_at_most("p95", 120.0, 100.0)
    checks.target_at_least("rate", 90, 100)
    checks.target_at_most("p95", math.nan, 100.0)
    assert [c.verdict for c in shown] == ["missed"] * 3


def test_a_measurement_that_cannot_be_trusted_is_invalid_whatever_it_says(shown: list[checks.Check]) -> None:
    checks.target_at_most("p95", 1.0, 100.0, valid=False)
    assert shown[0].verdict == "invalid"


def test_markup_in_a_note_is_escaped() -> None:
    check = checks.Check("a", "target", "<script>", "", 0, "missed", "<b>")
    page = check._repr_mimebundle_()["text/html"]
    assert "<script>" not in page and "<b>" not in page
