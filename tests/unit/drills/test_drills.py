"""What drills report, and what they refuse before they break anything."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from carbonlib._errors import UsageError, WaitTimeout
from carbonlib.drills import Load, Ordeal, Ordeals, Rows, misbehave, strike
from carbonlib.status import Component, Status


class Platform:
    """Stands for a platform of one member that is back after so many looks."""

    def __init__(self, looks: int) -> None:
        self.target = self
        self.looks = looks
        self.killed: list[str] = []

    def kill(self, member: str) -> Any:
        self.killed.append(member)
        return lambda: True

    def status(self) -> Status:
        self.looks -= 1
        return Status([Component("layer", "member", "RUNNING", self.looks < 0)])

    def endpoints(self) -> dict[str, Any]:
        return {}


def test_a_strike_tells_what_was_unwell_until_it_healed() -> None:
    platform = Platform(looks=2)
    strikes = strike(platform, "member", timeout=5)  # type: ignore[arg-type]
    (found,) = strikes.strikes
    assert platform.killed == ["member"] and list(found.seen) == ["member"]
    assert 0 < found.replaced_s <= found.healed_s == strikes.longest_s
    assert strikes.table()["unwell meanwhile"].tolist() == ["member"] and len(strikes.figure().data) == 2


def test_what_does_not_heal_is_named() -> None:
    with pytest.raises(WaitTimeout, match="healthy platform") as caught:
        strike(Platform(looks=10**6), "member", timeout=0.2)  # type: ignore[arg-type]
    assert "unwell: member" in str(caught.value)


def test_trouble_that_is_asked_for_too_often_or_unseen_is_named() -> None:
    ordeals = Ordeals([Ordeal("500", 10, 4, 3, 1.0), Ordeal("429", 10, 11, 2, 1.0), Ordeal("slow", 10, 1, 0, 1.0)])
    assert ordeals.over_budget() == ["429"] and ordeals.unnoticed() == ["slow"]
    assert len(ordeals.table()) == 3 and len(ordeals.figure().data) == 2


def test_apis_that_are_not_replayed_cannot_be_ordered() -> None:
    with pytest.raises(UsageError, match="not replayed"):
        misbehave(Platform(0), "500")  # type: ignore[arg-type]


def test_a_load_on_a_table_that_is_not_there_is_refused_before_anything_flows() -> None:
    database: Any = SimpleNamespace(primary_key=lambda _: [])
    with (
        pytest.raises(UsageError, match="no table nowhere"),
        Load("127.0.0.1:1", rate=1, rows=[Rows(database, "nowhere", "x")]),
    ):
        pass
