from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from carbonlib.oracle import expected_bars

NOON = datetime(2024, 1, 2, 12)


def trade(second: float, price: str, event_id: str = "a", volume: int = 1, code: str = "CL") -> dict[str, Any]:
    return {
        "commodity_code": code, "event_time": NOON + timedelta(seconds=second), "event_id": event_id,
        "price": Decimal(price), "volume": Decimal(volume),
    }  # fmt: skip


def bars(*trades: dict[str, Any]) -> list[dict[Any, Any]]:
    return expected_bars(pd.DataFrame(trades, dtype=object)).to_dict("records")


def test_open_and_close_follow_event_time_and_not_arrival() -> None:
    (bar,) = bars(trade(30, "10"), trade(59.999, "12"), trade(0, "-36.98"), trade(40, "50", volume=3))
    assert (bar["open_price"], bar["high_price"], bar["low_price"], bar["close_price"]) == (
        Decimal("-36.98"), Decimal(50), Decimal("-36.98"), Decimal(12),
    )  # fmt: skip
    assert (bar["volume"], bar["trade_count"]) == (6, 4)
    assert bar["vwap"] == Decimal("135.02") / 6
    assert bar["window_end"] == NOON + timedelta(minutes=1)


def test_ties_in_time_go_by_event_id_as_text() -> None:
    (bar,) = bars(trade(5, "2", "t-0-10"), trade(5, "1", "t-0-9"), trade(5, "3", "t-0-100"))
    assert (bar["open_price"], bar["close_price"]) == (2, 1)


def test_a_minute_without_volume_has_no_vwap() -> None:
    (bar,) = bars(trade(1, "5", volume=0), trade(2, "6", volume=0))
    assert bar["vwap"] is None
    assert bar["volume"] == 0


def test_the_end_of_a_minute_belongs_to_the_next() -> None:
    assert [b["trade_count"] for b in bars(trade(59.999, "1"), trade(60, "2"))] == [1, 1]


def test_a_repeated_event_counts_each_time() -> None:
    (bar,) = bars(trade(1, "5"), trade(1, "5"))
    assert bar["trade_count"] == 2


@settings(deadline=None)  # a busy machine is slow, not wrong
@given(
    st.lists(
        st.tuples(st.integers(0, 179), st.integers(-5000, 5000), st.integers(0, 9), st.sampled_from(["CL", "NG"])),
        min_size=1, max_size=30, unique_by=lambda t: (t[0], t[3]),
    ),
    st.randoms(use_true_random=False),
)  # fmt: skip
def test_any_order_of_arrival_gives_the_same_bars(rows: list[tuple[int, int, int, str]], random: Any) -> None:
    trades = [trade(second, str(price), str(second), volume, code) for second, price, volume, code in rows]
    shuffled = list(trades)
    random.shuffle(shuffled)
    assert bars(*trades) == bars(*shuffled)
    for bar in bars(*trades):
        assert bar["low_price"] <= min(bar["open_price"], bar["close_price"])
        assert bar["high_price"] >= max(bar["open_price"], bar["close_price"])
        assert bar["vwap"] is None or bar["low_price"] <= bar["vwap"] <= bar["high_price"]
    assert sum(b["trade_count"] for b in bars(*trades)) == len(trades)
