from __future__ import annotations

import pytest

from carbonlib._errors import ApplyError
from carbonlib.changes import CHANGES_MIME, UNCHANGED, Change, Plan, diff_fields


def test_an_applied_plan_lists_what_was_done_in_order() -> None:
    done: list[str] = []
    plan = Plan(Change(f"topic/{n}", "create", None, {"n": n}, lambda n=n: done.append(n)) for n in "ab")
    applied = plan.apply()
    assert done == ["a", "b"]
    assert applied.applied and [c.object for c in applied] == ["topic/a", "topic/b"]


def test_a_dry_run_does_nothing() -> None:
    plan = Plan([Change("topic/a", "create", None, {}, lambda: pytest.fail("applied"))])
    assert not plan.apply(dry_run=True).applied


def test_a_failing_change_stops_the_rest() -> None:
    def fail() -> None:
        raise ApplyError("no")

    plan = Plan([Change("a", "create", apply=fail), Change("b", "create", apply=lambda: pytest.fail("went on"))])
    with pytest.raises(ApplyError):
        plan.apply()


def test_payloads_cannot_bring_markup_into_the_table() -> None:
    plan = Plan([Change("topic/<script>", "update", "<b>", {"x": "<img onerror=1>"})])
    bundle = plan._repr_mimebundle_()
    assert (
        "<script>" not in bundle["text/html"] and "<img" not in bundle["text/html"] and "<b>" not in bundle["text/html"]
    )
    assert bundle[CHANGES_MIME]["changes"][0]["after"] == {"x": "<img onerror=1>"}


def test_an_empty_plan_says_so() -> None:
    assert repr(Plan()) == "nothing to change"
    assert len(Plan() + Plan()) == 0


def test_fields_that_the_server_added_are_no_difference() -> None:
    assert diff_fields({"a": 1, "b": 2}, {"a": 1, "b": 3, "c": 4}) == ({"b": 3}, {"b": 2})


def test_what_was_there_all_along_is_no_change() -> None:
    plan = Plan([Change("topic/a", "create", apply=lambda: UNCHANGED), Change("topic/b", "create", apply=lambda: None)])
    assert [c.object for c in plan.apply()] == ["topic/b"]
