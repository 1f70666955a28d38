"""Publication never goes back, whatever restarts."""

from __future__ import annotations

from pathlib import Path

import pytest

from carbonlib._errors import UsageError
from carbonlib.local.apis.clock import PublicationClock

from .conftest import Wall

DAYS = [f"2020-01-{day:02}" for day in range(1, 31)]


def clock(wall: Wall, state: Path | None = None, start: str = "2020-01-05", pace: float = 1.0) -> PublicationClock:
    return PublicationClock(DAYS, DAYS, start=start, weather_start="2020-01-02", pace=pace, state=state, now=wall)


def test_days_follow_the_pace_from_the_start() -> None:
    wall = Wall()
    replay = clock(wall, pace=0.5)
    assert (replay.published_until("prices"), replay.published_until("weather")) == ("2020-01-05", "2020-01-02")
    wall.seconds += 5
    assert (replay.published_until("prices"), replay.published_until("weather")) == ("2020-01-07", "2020-01-04")


def test_the_last_day_stays_the_last() -> None:
    wall = Wall()
    replay = clock(wall)
    wall.seconds += 1_000_000
    assert replay.published_until("prices") == "2020-01-30"


def test_a_clock_set_back_publishes_nothing_away() -> None:
    wall = Wall()
    replay = clock(wall)
    wall.seconds -= 3600
    assert replay.published_until("prices") == "2020-01-05"


def test_a_restart_goes_on_with_the_time_it_was_down(tmp_path: Path) -> None:
    wall, state = Wall(), tmp_path / "replay" / "clock.json"
    clock(wall, state)
    wall.seconds += 7
    assert clock(wall, state).published_until("prices") == "2020-01-12"


def test_another_pace_counts_from_the_restart(tmp_path: Path) -> None:
    wall, state = Wall(), tmp_path / "clock.json"
    clock(wall, state)
    wall.seconds += 7
    fast = clock(wall, state, pace=3.0)
    assert fast.published_until("prices") == "2020-01-12"
    wall.seconds += 2
    assert fast.published_until("prices") == "2020-01-18"


@pytest.mark.parametrize(("start", "expected"), [("2020-01-20", "2020-01-20"), ("2020-01-03", "2020-01-12")])
def test_another_start_moves_forward_only(tmp_path: Path, start: str, expected: str) -> None:
    wall, state = Wall(), tmp_path / "clock.json"
    clock(wall, state)
    wall.seconds += 7
    assert clock(wall, state, start=start).published_until("prices") == expected


def test_a_broken_state_a_wrong_pace_and_a_wrong_start_are_named(tmp_path: Path) -> None:
    state = tmp_path / "clock.json"
    state.write_text('{"prices": "many"}')
    with pytest.raises(UsageError, match=r"clock\.json is not a position"):
        clock(Wall(), state)
    with pytest.raises(UsageError, match="pace"):
        clock(Wall(), pace=float("nan"))
    with pytest.raises(UsageError, match="before the first day"):
        clock(Wall(), start="1999-01-01")
