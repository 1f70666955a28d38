from __future__ import annotations

import math

import numpy as np
import pytest

from carbonlib.bench.samples import Latencies, Validity, percentiles


def leg(*ms: float) -> Latencies:
    return Latencies("leg", np.array(ms, dtype=float), np.arange(len(ms), dtype=float))


def validity(lag_ms: float = 1, rate: float = 1, samples: int = 1000, p99: float = 10) -> Validity:
    return Validity(lag_ms, rate, samples, p99, load=2.0)


def test_percentiles_are_those_of_the_samples() -> None:
    hundred = leg(*range(1, 101))
    assert (hundred.p50, hundred.p95, hundred.max) == (50.5, pytest.approx(95.05), 100)
    assert percentiles([hundred]).values.tolist() == [["leg", 100, 50.5, 95.0, 99.0, 100.0]]


def test_no_samples_give_no_figure_that_could_pass() -> None:
    assert math.isnan(leg().p95)
    assert math.isnan(leg().max)
    assert len(leg().curve()[0]) == 0


def test_the_curve_ends_at_the_slowest_sample() -> None:
    beyond, ms = leg(*range(1, 1001)).curve()
    assert (beyond[0], ms[0]) == (1, 1)
    assert (beyond[-1], ms[-1]) == (1000, 1000 - 1 + 0 if ms[-1] == 999 else 1000)
    assert (np.diff(ms) >= 0).all()
    assert ms[np.searchsorted(beyond, 100)] == pytest.approx(991, abs=5)


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        (validity(lag_ms=21), "behind its schedule"),
        (validity(rate=0.98), "planned rate"),
        (validity(samples=199), "too few"),
        (validity(p99=float("nan"), lag_ms=21), "behind its schedule"),
    ],
)
def test_what_cannot_be_trusted_says_why(found: Validity, reason: str) -> None:
    assert not found.ok
    assert reason in found.note
    assert repr(found).startswith("INVALID")


def test_a_slow_leg_allows_a_tenth_of_its_p99_as_lag() -> None:
    assert validity(lag_ms=70, p99=700).ok
    assert not validity(lag_ms=71, p99=700).ok
    assert "load average 2.0" in validity().note
