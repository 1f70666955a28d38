"""Numbers: given once, whatever happens to the process; ticks follow from them alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from carbonlib._errors import UsageError
from carbonlib.local.apis.history import History
from carbonlib.local.feed.numbering import Numbering
from carbonlib.local.feed.ticks import TICKS_A_DAY, Ticks

from .conftest import Wall


def test_ticks_fall_due_at_the_rate(wall: Wall) -> None:
    numbering = Numbering(2.0, now=wall)
    assert (numbering.newest(), numbering.seconds_until(2)) == (1, 0.5)
    wall.seconds += 0.5
    assert (numbering.newest(), numbering.due_ms(2)) == (2, 1_000_000_500)


def test_a_killed_feed_goes_on_without_a_number_given_twice_or_left_out(wall: Wall, tmp_path: Path) -> None:
    before = Numbering(2.0, state=tmp_path / "s.json", now=wall)
    wall.seconds += 100
    sent = before.newest()
    known = {seq: before.due_ms(seq) for seq in range(1, sent + 1)}
    wall.seconds += 3600  # it was down for an hour
    after = Numbering(2.0, state=tmp_path / "s.json", now=wall)
    assert {seq: after.due_ms(seq) for seq in known} == known
    assert after.run == before.run
    assert sent < after.newest() <= sent + 12  # what had been set aside, and not an hour of ticks
    newest = after.newest()
    wall.seconds += 10
    assert after.newest() == newest + 20


def test_a_feed_that_is_back_at_once_keeps_its_beat(wall: Wall, tmp_path: Path) -> None:
    Numbering(2.0, state=tmp_path / "s.json", now=wall)
    wall.seconds += 2
    after = Numbering(2.0, state=tmp_path / "s.json", now=wall)
    assert after.newest() == 5
    wall.seconds += 10
    assert after.newest() == 25
    assert [after.due_ms(seq) - 1_000_000_000 for seq in (1, 11, 12, 25)] == [0, 5000, 5500, 12000]


def test_another_rate_counts_from_the_restart(wall: Wall, tmp_path: Path) -> None:
    Numbering(2.0, state=tmp_path / "s.json", now=wall)
    wall.seconds += 60
    faster = Numbering(20.0, state=tmp_path / "s.json", now=wall)
    newest = faster.newest()
    wall.seconds += 10
    assert faster.newest() == newest + 200


@pytest.mark.parametrize("rate", [0, -1, float("nan"), 1e9])
def test_a_rate_that_is_none_is_refused(rate: float) -> None:
    with pytest.raises(UsageError, match="ticks a second"):
        Numbering(rate)


def test_a_state_file_that_is_none_is_refused(tmp_path: Path) -> None:
    (tmp_path / "s.json").write_text('{"run": 1}')
    with pytest.raises(UsageError, match=r"s\.json is not a position"):
        Numbering(2.0, state=tmp_path / "s.json")


def test_a_tick_is_the_real_price_of_its_day(history: History, wall: Wall) -> None:
    ticks = Ticks(history, Numbering(2.0, now=wall), "2020-04-20")
    assert ticks.tick(2) == {
        "type": "tick", "seq": 2, "event_id": "FEED-1000000-2", "commodity_code": "CL", "price": -36.98,
        "currency": "USD", "unit": "BBL", "as_of": "2020-04-20", "event_time": 1_000_000_500, "source": "FEED",
    }  # fmt: skip
    assert {ticks.tick(seq)["commodity_code"] for seq in (1, 2, 3)} == {"BZ", "CL", "NG"}
    assert ticks.tick(TICKS_A_DAY)["as_of"] == "2020-04-20"
    assert ticks.tick(TICKS_A_DAY + 2)["as_of"] == "2020-04-21"


def test_the_replay_begins_again_after_its_last_day(history: History, wall: Wall) -> None:
    ticks = Ticks(history, Numbering(2.0, now=wall), history.trading_days[-1])
    assert ticks.tick(TICKS_A_DAY + 2)["as_of"] < ticks.tick(2)["as_of"]


@pytest.mark.parametrize("start", ["1999-01-01", "2049-01-01"])
def test_a_start_outside_the_prices_is_refused(history: History, wall: Wall, start: str) -> None:
    with pytest.raises(UsageError, match="outside the prices"):
        Ticks(history, Numbering(2.0, now=wall), start)
