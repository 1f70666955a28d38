from __future__ import annotations

from carbonlib.status import Component, Status


def test_nothing_at_all_is_not_well() -> None:
    assert not Status([]).ok


def test_one_component_that_is_not_well_is_enough() -> None:
    good, bad = (
        Component("kafka", "kafka-1", "RUNNING", True, 12),
        Component("kafka", "kafka-2", "FATAL", False, problem="x"),
    )
    assert Status([good]).ok and not Status([good, bad]).ok
    assert Status([good, bad]).as_dict()["components"][1]["problem"] == "x"
    assert Status([good, bad]).unwell() == ["kafka-2: FATAL, x"]


def test_markup_in_a_problem_is_escaped() -> None:
    page = Status([Component("a", "b", "c", False, problem="<script>")])._repr_mimebundle_()["text/html"]
    assert "<script>" not in page
