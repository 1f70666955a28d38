"""How changes that were captured are judged, and how a copy is compared with its source."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, cast

import pandas as pd
import pytest

from carbonlib.bench import capture
from carbonlib.bench.copies import CopiedChanges, Table, copy_differences, wait_for_copy
from carbonlib.clients.databases import Database


class Heard:
    """What a reader of the topic noted."""

    def __init__(self, heard: Mapping[str, list[tuple[float, str]]]) -> None:
        self._heard = heard

    def changes(self, keys: Sequence[str]) -> Mapping[str, list[tuple[float, str]]]:
        return {key: self._heard.get(key, []) for key in keys}


class Wrote:
    """What a writer of rows made: each kind of change a second after the one before."""

    rate, start = 1.0, 1000.0

    def __init__(self, *keys: str) -> None:
        self.keys = list(keys)
        steps = [(key, kind) for key in keys for kind in capture.KINDS]
        self.made = [(key, kind, float(i), i + 0.001) for i, (key, kind) in enumerate(steps)]
        self.slots: list[pd.DataFrame] = []


def judged(heard: Mapping[str, list[tuple[float, str]]], *keys: str, warmup: float = 0) -> capture.CapturedChanges:
    return capture._judge(cast(Any, Wrote(*keys)), cast(Any, Heard(heard)), warmup, 0.5)


def test_latency_counts_from_the_commit_and_from_the_moment_due() -> None:
    run = judged({"a": [(1000.021, "insert"), (1001.021, "update"), (1002.021, "delete")]}, "a")
    assert run.missing == [] and not run.doubled and not run.disordered
    assert [leg.p50 for leg in run.legs] == pytest.approx([20, 21], abs=0.01)


def test_the_warm_up_does_not_count() -> None:
    run = judged({"a": [(1000.9, "insert"), (1001.021, "update"), (1002.021, "delete")]}, "a", warmup=1)
    assert run.latency.max == pytest.approx(20, abs=0.01) and len(run.latency.ms) == 2


def test_what_never_came_is_missing_and_no_latency() -> None:
    run = judged({"a": [(1000.02, "insert"), (1002.02, "delete")]}, "a", "b")
    assert run.missing == ["a update", "b insert", "b update", "b delete"]
    assert run.counts().to_dict() == {"made": {"insert": 2, "update": 2, "delete": 2},
                                      "seen": {"insert": 1, "update": 0, "delete": 1}}  # fmt: skip


def test_a_change_that_comes_twice_is_named_and_counts_from_its_first_time() -> None:
    run = judged({"a": [(1000.02, "insert"), (1001.02, "update"), (1001.9, "update"), (1002.02, "delete")]}, "a")
    assert run.doubled == ["a update"] and run.disordered == [] and run.latency.max < 30


def test_another_order_is_named() -> None:
    run = judged({"a": [(1000.02, "update"), (1001.02, "insert"), (1002.02, "delete")]}, "a")
    assert run.disordered == ["a"]


class Rows:
    """A database with one table."""

    def __init__(self, *rows: dict[str, Any]) -> None:
        self._rows = list(rows)

    def primary_key(self, table: str) -> list[str]:
        return ["id"]

    def rows(self, sql: str) -> list[dict[str, Any]]:
        return self._rows


def table(*rows: dict[str, Any]) -> Table:
    return Table(cast(Database, Rows(*rows)), "t")


def test_booleans_times_and_decimals_are_equal_in_both_databases() -> None:
    now = datetime(2026, 1, 2, 3, 4, 5, 6)
    source = table({"id": "a", "on": 1, "at": now, "n": Decimal("0.01")})
    copy = table({"id": "a", "on": True, "at": now.replace(tzinfo=UTC), "n": Decimal("0.010000")})
    assert copy_differences(source, copy).empty


def test_a_row_on_one_side_and_a_value_that_differs_are_shown() -> None:
    found = copy_differences(
        table({"id": "a", "n": 1}, {"id": "b", "n": 1}), table({"id": "a", "n": 2}, {"id": "c", "n": 1})
    )
    assert found.to_numpy().tolist() == [
        ["a", "n", 1, 2], ["b", "(row)", "there", "missing"], ["c", "(row)", "missing", "there"]
    ]  # fmt: skip


def test_what_still_differs_when_time_is_up_is_given_back() -> None:
    assert wait_for_copy(table({"id": "b"}), table(), timeout=0)["key"].tolist() == ["b"]
    assert wait_for_copy(table({"id": "b"}), table({"id": "b"}), timeout=0).empty


def test_changes_that_the_copy_never_showed_are_missing() -> None:
    rows = [["a", "insert", 0.1], ["a", "update", float("nan")]]
    run = CopiedChanges(pd.DataFrame(rows, columns=["key", "kind", "seconds"]))
    assert run.missing == ["a update"] and run.legs[0].p50 == pytest.approx(100)
