from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest

from carbonlib._errors import EngineError
from carbonlib.bench.cpu import CpuCost, cost, cpu_seconds, paired


def burn(seconds: float) -> int:
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass
    return 1000


def test_work_costs_the_process_that_does_it() -> None:
    found = cost("burning", [os.getpid()], lambda: burn(0.2))
    assert 0.15 < found.seconds < 0.5
    assert found.us_per_message == pytest.approx(found.seconds * 1000)


def test_waiting_costs_nothing_to_speak_of() -> None:
    def wait() -> int:
        time.sleep(0.2)
        return 1

    assert cost("waiting", [os.getpid()], wait).seconds < 0.1


def test_a_process_that_ended_has_no_cost() -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    with pytest.raises(EngineError, match=str(ended.pid)):
        cpu_seconds([ended.pid])


def test_pairs_are_run_in_turn_and_their_median_counts() -> None:
    order: list[str] = []
    base, subject = iter([1.0, 2.0, 1.0]), iter([1.5, 8.0, 1.2])

    def run(name: str, seconds: float) -> CpuCost:
        order.append(name)
        return CpuCost(name, seconds, 1_000_000)

    found = paired(lambda: run("A", next(base)), lambda: run("B", next(subject)), pairs=3)
    assert order == ["A", "B"] * 3
    assert found.ratios == [1.5, 4.0, 1.2]
    assert found.ratio == 1.5
    assert "ratio 1.50" in repr(found)
