"""The formulas by hand-made numbers, and what they do at their borders."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carbonlib._errors import UsageError
from carbonlib.sizing import Claim, Figures, load_table, reckon, storage_over_days
from carbonlib.sizing.table import Part, Table

GIB = 1024**3
FIGURES = Figures(raw=60.0, enriched=40.0, row=50.0)
CLAIM = Claim(average=10.0, peak=1000.0, kafka_days=7.0, doris_days=100.0, copies=3, headroom=0.5)
TABLE = Table(
    parts={
        "broker": Part("Broker", 3, 5, False, 1.0, 50 * GIB),
        "backend": Part("Backend", 3, 10, False, 4.0, 100 * GIB),
        "taskmanager": Part("TaskManager", 3, 10, True, 1.0, 0),
    },
    broker_write=1_000_000.0, backend_rows=1_000.0, fill=0.8, utilisation=0.5,
    job_cpu={"a": 10e-6, "b": 1e-6, "c": 1e-6}, sources={},
)  # fmt: skip


def test_bytes_of_the_topics() -> None:
    # 10 messages/s x 100 bytes x 7 days x 3 copies x 1.5
    assert CLAIM.kafka_bytes(FIGURES) == pytest.approx(10 * 100 * 7 * 86_400 * 3 * 1.5)
    assert CLAIM.kafka_bytes(FIGURES, 1.0) == pytest.approx(10 * 100 * 86_400 * 3 * 1.5)
    assert CLAIM.kafka_bytes(FIGURES, 30.0) == CLAIM.kafka_bytes(FIGURES), "older ones are deleted"


def test_bytes_of_the_table() -> None:
    assert CLAIM.doris_bytes(FIGURES) == pytest.approx(10 * 50 * 100 * 86_400 * 3 * 1.5)


@pytest.mark.parametrize(
    ("change", "broker", "backend"),
    [
        ({}, (3, "copies"), (3, "copies")),
        # 100 bytes x 20,000/s x 3 copies = 6 MB/s for brokers of 1 MB/s; 60,000 rows/s for backends of 1,000
        ({"peak": 20_000.0}, (6, "write rate"), (60, "write rate")),
        # 1000/s: 272 GB for brokers of 42.9 GB, 1.94 TB for backends of 85.9 GB
        ({"average": 1000.0, "peak": 1000.0}, (7, "storage"), (23, "storage")),
    ],
)
def test_what_decides(change: dict[str, float], broker: tuple[int, str], backend: tuple[int, str]) -> None:
    needs = {n.part.title: (n.wanted, n.because) for n in reckon(replace(CLAIM, **change), FIGURES, TABLE)}
    assert (needs["Broker"], needs["Backend"]) == (broker, backend)


def test_each_job_has_task_managers_of_its_own() -> None:
    # at 100,000/s: 1.0 core for a (2 at half use), 0.1 core for b and c (1 each)
    sizing = reckon(replace(CLAIM, peak=100_000.0), FIGURES, TABLE)
    need = next(n for n in sizing if n.part.title == "TaskManager")
    assert (need.wanted, need.because, need.fits) == (4, "CPU", True), "the autoscaler adds them"


def test_what_is_lacking_is_named() -> None:
    sizing = reckon(replace(CLAIM, peak=20_000.0), FIGURES, TABLE)
    assert sizing.lacking == ["Broker: 6, has 3", "Backend: 60, has 3"]
    assert "NO" in repr(sizing) and "carbon-failed" in sizing._repr_mimebundle_()["text/html"]
    assert reckon(CLAIM, FIGURES, TABLE).lacking == []


def test_the_largest_average_is_the_border() -> None:
    most = reckon(CLAIM, FIGURES, TABLE).most_on_average()
    assert reckon(replace(CLAIM, average=most * 0.999), FIGURES, TABLE).lacking == []
    assert reckon(replace(CLAIM, average=most * 1.001), FIGURES, TABLE).lacking != []


@given(st.floats(0.1, 1e5), st.floats(1.0, 3.0))
def test_more_never_needs_less(rate: float, factor: float) -> None:
    small = replace(CLAIM, average=rate, peak=rate)
    large = replace(CLAIM, average=rate * factor, peak=rate * factor)
    for less, more in zip(reckon(small, FIGURES, TABLE), reckon(large, FIGURES, TABLE), strict=True):
        assert less.wanted <= more.wanted


@pytest.mark.parametrize("wrong", [{"average": 0.0}, {"kafka_days": -1.0}, {"copies": 0}, {"headroom": -0.1}])
def test_impossible_claims_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(UsageError, match="cannot be reckoned"):
        replace(CLAIM, **wrong)


def test_the_project_s_table_can_be_read() -> None:
    table = load_table()
    assert table.parts["broker"].storage == 50 * GIB and table.parts["taskmanager"].scales
    shown = table.capacities()
    assert list(shown["what"]) == ["broker write", "backend rows", "fill", "utilisation", "job cpu"]
    assert shown["source"].str.contains("assumed|measured|alert|job.autoscaler").all(), "where each comes from"


def test_the_figure_has_two_curves_a_rate_and_both_limits() -> None:
    figure = storage_over_days(CLAIM, FIGURES, TABLE, rates=(1_000, 10_000))
    assert [trace.name for trace in figure.data] == [
        "Kafka, 1,000/s",
        "Doris, 1,000/s",
        "Kafka, 10,000/s",
        "Doris, 10,000/s",
    ]
    kafka = figure.data[0]
    assert kafka.y[-1] == pytest.approx(replace(CLAIM, average=1_000).kafka_bytes(FIGURES) / GIB)
    assert len(figure.layout.shapes) == 2
