from __future__ import annotations

import pytest

from carbonlib._errors import EngineError, UsageError, WaitTimeout
from carbonlib.waiting import seconds, wait_until


@pytest.mark.parametrize(("text", "value"), [("3 min", 180), ("500 ms", 0.5), ("90 s", 90), (7, 7), ("1h", 3600)])
def test_durations(text: str | float, value: float) -> None:
    assert seconds(text) == value


@pytest.mark.parametrize("text", ["soon", "3 weeks", ""])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        seconds(text)


def test_returns_what_the_probe_found_as_soon_as_it_does() -> None:
    answers = iter([None, "", "ready"])
    assert wait_until(lambda: next(answers), what="it", timeout=5, every=0.001) == "ready"


def test_time_out_names_the_thing_and_the_last_reason() -> None:
    def probe() -> bool:
        raise EngineError("no leader", cause="election runs")

    with pytest.raises(WaitTimeout, match=r"A leader did not happen within 0\.01 s") as caught:
        wait_until(probe, what="A leader", timeout=0.01, every=0.001)
    assert "election runs" in caught.value.cause
