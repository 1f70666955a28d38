"""An upgrade by savepoint, judged by two looks at the job."""

from __future__ import annotations

from dataclasses import replace

import pytest

from carbonlib.upgrades import Comparison, JobView

BEFORE = JobView("j", "a1", "RUNNING", 1000, "f1", "r1", "", False, 10, 0)
AFTER = JobView("j", "a1", "RUNNING", 2000, "f2", "r1", "s3://savepoint-1", True, 12, 0)


def test_an_upgrade_that_went_well_has_no_troubles() -> None:
    comparison = Comparison(BEFORE, AFTER)
    assert comparison.troubles() == []
    assert "upgraded by savepoint" in repr(comparison)


@pytest.mark.parametrize(
    ("after", "words"),
    [
        (replace(AFTER, state="RESTARTING"), "RESTARTING"),
        (replace(AFTER, started_at=1000), "not started anew"),
        (replace(AFTER, fingerprint="f1"), "made from the same"),
        (replace(AFTER, by_savepoint=False, restored_from="s3://chk-7"), "no savepoint"),
        (replace(AFTER, by_savepoint=False, restored_from=""), "no state"),
        (replace(AFTER, run_id="r2"), "run id"),
        (replace(AFTER, committed=9), "went back"),
        (replace(AFTER, restarts=3), "restarted 3 times"),
    ],
)
def test_what_does_not_hold_is_said(after: JobView, words: str) -> None:
    assert any(words in trouble for trouble in Comparison(BEFORE, after).troubles())


def test_the_savepoint_of_an_earlier_upgrade_does_not_count() -> None:
    again = replace(AFTER, started_at=3000, fingerprint="f3")
    assert any("earlier upgrade" in trouble for trouble in Comparison(AFTER, again).troubles())
