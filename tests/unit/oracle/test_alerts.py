from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from carbonlib.oracle import expected_alerts, uncertain_alerts
from carbonlib.oracle.alerts import _judge, _Past

NOON = datetime(2024, 1, 2, 12)


def alerts(*prices: tuple[float, str], code: str = "CL") -> list[dict[Any, Any]]:
    """The alerts of one commodity's prices, each `(second, price)`, in the order of arrival; event ids count up."""
    rows = [
        {"partition": 0, "offset": i, "commodity_code": code, "event_id": str(i), "price": Decimal(price),
         "event_time": NOON + timedelta(seconds=second)}
        for i, (second, price) in enumerate(prices)
    ]  # fmt: skip
    return expected_alerts(pd.DataFrame(rows, dtype=object)).to_dict("records")


def found(*prices: tuple[float, str]) -> list[tuple[str, str, str]]:
    return [(a["event_id"], a["direction"], a["severity"]) for a in alerts(*prices)]


@pytest.mark.parametrize(
    ("price", "wanted"),
    [
        ("105", []),
        ("105.000001", [("1", "UP", "MEDIUM")]),
        ("95", []),
        ("94.999999", [("1", "DOWN", "MEDIUM")]),
        ("110", [("1", "UP", "MEDIUM")]),
        ("110.000001", [("1", "UP", "HIGH")]),
        ("120", [("1", "UP", "HIGH")]),
        ("120.000001", [("1", "UP", "CRITICAL")]),
        ("0", [("1", "DOWN", "CRITICAL")]),
    ],
)
def test_the_limits_are_exact_and_strict(price: str, wanted: list[tuple[str, str, str]]) -> None:
    assert found((0, "100"), (1, price)) == wanted


def test_a_price_that_turns_negative_has_a_direction_and_a_size() -> None:
    (alert,) = alerts((0, "18.27"), (1, "-36.98"))
    assert (alert["direction"], alert["severity"], alert["reference_price"]) == ("DOWN", "CRITICAL", Decimal("18.27"))
    assert alert["change_pct"] == pytest.approx(-302.408320)


def test_a_change_from_zero_has_no_percentage() -> None:
    (alert,) = alerts((0, "0"), (1, "-0.01"))
    assert (alert["alert_type"], alert["severity"], alert["direction"]) == ("ZERO_REFERENCE", "HIGH", "DOWN")
    assert alert["change_pct"] is None
    assert found((0, "0"), (1, "0")) == []


def test_drift_within_a_minute_counts_and_over_five_minutes_does_not() -> None:
    slow = [(i * 30.0, str(100 + i * 0.6)) for i in range(11)]
    quick = [(i * 5.5, str(100 + i * 0.6)) for i in range(11)]
    assert found(*slow) == []
    assert found(*quick) == [("9", "UP", "MEDIUM")]


def test_the_minute_before_includes_both_its_ends() -> None:
    assert found((0, "100"), (60, "106")) == [("1", "UP", "MEDIUM")]
    assert found((0, "100"), (60.001, "106")) == []
    assert found((0, "100"), (0, "106")) == [("1", "UP", "MEDIUM")]


def test_the_larger_of_the_two_changes_is_told() -> None:
    (first, second) = alerts((0, "100"), (1, "104"), (2, "97"), (3, "110"))
    assert (first["reference_price"], first["direction"]) == (104, "DOWN")
    assert (second["reference_price"], second["direction"], second["severity"]) == (97, "UP", "HIGH")


def test_a_kind_of_alert_cools_down_for_a_minute_and_each_severity_has_its_own() -> None:
    prices = [(0.0, "100"), (1.0, "106"), (2.0, "107"), (3.0, "111"), (30.0, "106"), (61.0, "112.5")]
    assert found(*prices) == [("1", "UP", "MEDIUM"), ("3", "UP", "HIGH"), ("5", "UP", "MEDIUM")]


def test_a_cool_down_covers_prices_from_before_its_alert() -> None:
    assert found((100, "100"), (101, "106"), (0, "100"), (1, "106")) == [("1", "UP", "MEDIUM")]


def test_where_both_changes_are_equal_the_lowest_is_told() -> None:
    assert found((0, "100"), (1, "300"), (2, "150")) == [("1", "UP", "CRITICAL")]
    (alert,) = alerts((0, "300"), (62, "100"), (0, "300"), (62, "300"), (63, "150"))[-1:]
    assert alert["reference_price"] == 100


def test_a_late_price_is_compared_with_what_had_arrived_and_was_earlier_in_time() -> None:
    assert found((50, "100"), (10, "200"), (20, "100")) == [("2", "DOWN", "CRITICAL")]


def test_commodities_do_not_see_each_other() -> None:
    rows = [
        {"partition": 0, "offset": i, "commodity_code": code, "event_id": str(i), "price": Decimal(price),
         "event_time": NOON}
        for i, (code, price) in enumerate([("CL", "100"), ("NG", "2")])
    ]  # fmt: skip
    assert expected_alerts(pd.DataFrame(rows, dtype=object)).empty


def uncertain(*prices: tuple[float, float, str]) -> set[str]:
    """Event ids of uncertain alerts among one commodity's prices, each `(second of arrival, second, price)`."""
    rows = [
        {"partition": 0, "offset": i, "commodity_code": "CL", "event_id": str(i), "price": Decimal(price),
         "event_time": NOON + timedelta(seconds=second), "enriched_at": NOON + timedelta(seconds=arrival)}
        for i, (arrival, second, price) in enumerate(prices)
    ]  # fmt: skip
    return uncertain_alerts(pd.DataFrame(rows, dtype=object))


def test_a_price_within_the_horizon_is_certain_and_one_behind_it_is_not() -> None:
    assert uncertain((0, 0, "100"), (120, 120, "100"), (121, 0, "110")) == set()
    assert uncertain((0, 0, "100"), (120, 120, "100"), (121, -0.001, "110")) == {"2"}


def test_a_doubtful_alert_blurs_those_of_its_cool_down_and_these_the_next_minute() -> None:
    late = [(0.0, 0.0, "100"), (130.0, 130.0, "100"), (131.0, 9.0, "100")]
    shadowed = (132.0, 68.0, "106")  # within a minute of the late one, so an alert of that would have silenced it
    assert uncertain(*late, (132.0, 67.0, "100"), shadowed) == {"2", "4"}
    assert uncertain(*late, (132.0, 69.0, "100"), (132.0, 70.0, "106")) == {"2"}
    assert uncertain(*late, (132.0, 67.0, "100"), shadowed, (133.0, 127.0, "107")) == {"2", "4", "5"}


def test_what_other_partitions_have_seen_makes_a_price_late_too() -> None:
    rows = [
        {"partition": i % 2, "offset": i, "commodity_code": code, "event_id": str(i), "price": Decimal(100),
         "event_time": NOON + timedelta(seconds=second), "enriched_at": NOON + timedelta(seconds=i)}
        for i, (code, second) in enumerate([("CL", 0), ("NG", 200), ("CL", 10)])
    ]  # fmt: skip
    assert uncertain_alerts(pd.DataFrame(rows, dtype=object)) == {"2"}
    assert uncertain_alerts(pd.DataFrame(rows[::2], dtype=object)) == set()


@settings(deadline=None)  # a busy machine is slow, not wrong
@given(st.lists(st.tuples(st.integers(0, 200), st.integers(-50, 50)), max_size=25))
def test_no_alert_without_an_earlier_price_and_never_two_of_a_kind_in_a_minute(prices: list[tuple[int, int]]) -> None:
    given_out = alerts(*[(float(s), str(p)) for s, p in prices])
    assert all(a["event_id"] != "0" for a in given_out)
    last: dict[tuple[str, str], datetime] = {}
    for alert in given_out:
        kind = alert["direction"], alert["severity"]
        assert kind not in last or alert["event_time"] - last[kind] >= timedelta(seconds=60)
        last[kind] = alert["event_time"]


def forgetful(prices: list[tuple[int, int]], horizon: int) -> set[str]:
    """Event ids of the alerts of a detector that keeps no price from before the horizon and the minute before that."""
    past, newest, given_out = _Past(), prices[0][0] if prices else 0, set()
    for i, (second, price) in enumerate(prices):
        newest = max(newest, second)
        oldest = NOON + timedelta(seconds=newest - horizon - 60)
        past.times = [kept for kept in past.times if kept[0] >= oldest]
        record = {"commodity_code": "CL", "event_id": str(i), "price": Decimal(price),
                  "event_time": NOON + timedelta(seconds=second)}  # fmt: skip
        if _judge(record, past):
            given_out.add(str(i))
        past.add(record)
    return given_out


@settings(deadline=None, max_examples=300)
@given(st.lists(st.tuples(st.integers(0, 420), st.sampled_from([90, 100, 106, 112, 125])), min_size=1, max_size=30))
def test_a_detector_that_forgets_differs_only_where_it_is_uncertain(prices: list[tuple[int, int]]) -> None:
    expected = {a["event_id"] for a in alerts(*[(float(s), str(p)) for s, p in prices])}
    doubtful = uncertain(*[(float(i), float(s), str(p)) for i, (s, p) in enumerate(prices)])
    assert expected ^ forgetful(prices, 120) <= doubtful
