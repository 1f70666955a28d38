"""One run at a time, and a record that is true at any moment."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from carbonlib._errors import TargetLocked, UsageError
from carbonlib.runbook import ledger
from carbonlib.runbook.lock import target_lock
from carbonlib.runbook.model import ErrorInfo, NotebookResult, RunResult
from carbonlib.runbook.redaction import Redactor


def result(run_id: str, **facts: Any) -> RunResult:
    fixed = {"selection": ["deploy"], "target": "local", "started_at": "2026-11-21T07:00:00+00:00"}
    rest = {"git_revision": "x", "versions": {}, "machine": {}, "parameters": {}, "order": ["deploy-10"]}
    return RunResult(**{"run_id": run_id, **fixed, **rest, **facts})


def store(reports: Path, run: RunResult) -> Path:
    folder = reports / run.run_id
    folder.mkdir(parents=True)
    ledger.write_results(folder, run, Redactor())
    return folder


def test_a_second_run_is_refused_and_told_by_whom(tmp_path: Path) -> None:
    with (
        target_lock(tmp_path, "local", "run-1"),
        pytest.raises(TargetLocked) as caught,
        target_lock(tmp_path, "local", "2"),
    ):
        pass
    assert "run-1" in str(caught.value) and str(os.getpid()) in str(caught.value) and caught.value.exit_code == 3


def test_targets_do_not_lock_each_other_and_a_lock_ends(tmp_path: Path) -> None:
    with target_lock(tmp_path, "local", "a"), target_lock(tmp_path, "kubernetes", "b"):
        pass
    with target_lock(tmp_path, "local", "c"):
        assert json.loads((tmp_path / "local.lock").read_text())["run_id"] == "c"


def test_the_lock_of_a_killed_process_is_taken_over(tmp_path: Path) -> None:
    code = (
        "import os, pathlib, sys\nfrom carbonlib.runbook.lock import target_lock\n"
        "with target_lock(pathlib.Path(sys.argv[1]), 'local', 'dead'):\n    os.kill(os.getpid(), 9)\n"
    )
    assert subprocess.run([sys.executable, "-c", code, str(tmp_path)]).returncode == -9
    assert "dead" in (tmp_path / "local.lock").read_text()
    with target_lock(tmp_path, "local", "next"):
        assert "next" in (tmp_path / "local.lock").read_text()


def test_an_unfinished_record_never_says_passed(tmp_path: Path) -> None:
    folder = store(tmp_path, result("r1"))
    data = json.loads((folder / "results.json").read_text())
    assert (data["verdict"], data["finished"]) == ("interrupted", False)


def test_a_record_survives_writing_and_reading(tmp_path: Path) -> None:
    notebook = NotebookResult("deploy-10", "Kafka", "failed", 1.5, error=ErrorInfo("E", "m", "r", "deploy-00"))
    run = result("r1", notebooks=[notebook], verdict="failed", finished=True)
    assert ledger.load(store(tmp_path, run)) == run


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"notebooks": 3}'])
def test_an_unreadable_record_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "results.json").write_text(text)
    with pytest.raises(UsageError, match="no readable record"):
        ledger.load(tmp_path)


def test_folders_of_one_second_do_not_collide(tmp_path: Path) -> None:
    made = [ledger.new_folder(tmp_path, ["deploy", "verify-10"], "local") for _ in range(3)]
    assert len(set(made)) == 3 and all("-deploy-verify-10-local" in f.name for f in made)


def test_find_by_name_path_and_latest(tmp_path: Path) -> None:
    folder = store(tmp_path, result("r1"))
    ledger.point_latest(tmp_path, folder)
    ledger.point_latest(tmp_path, folder)
    assert (
        ledger.find(tmp_path, "r1") == ledger.find(tmp_path, str(folder)) == ledger.find(tmp_path, "latest") == folder
    )
    assert ledger.folders(tmp_path) == [folder]
    with pytest.raises(UsageError, match="no run 'r2'"):
        ledger.find(tmp_path, "r2")


def test_only_the_newest_same_run_that_did_not_pass_is_resumed(tmp_path: Path) -> None:
    current = result("r9")
    assert ledger.resumable(tmp_path, current) is None
    store(tmp_path, result("r1", verdict="failed", finished=True))
    store(tmp_path, result("r2", verdict="failed", parameters={"rate": "1"}))
    store(tmp_path, result("r3", verdict="failed", target="kubernetes"))
    (store(tmp_path, result("r5")) / "results.json").write_text("cut off")
    found = ledger.resumable(tmp_path, current)
    assert found is not None and found[0].name == "r1"
    store(tmp_path, result("r4", verdict="passed", finished=True))
    assert ledger.resumable(tmp_path, current) is None


def test_an_edited_notebook_is_not_taken_over(tmp_path: Path) -> None:
    done = NotebookResult("deploy-10", "Kafka", "passed", digest="aa", changes=[{"object": "topic/x"}])
    earlier = result("r1", notebooks=[done])
    source, destination = store(tmp_path, earlier), tmp_path / "new"
    destination.mkdir()
    (source / "deploy-10.html").write_text("page")
    assert ledger.take_over(source, earlier, destination, "deploy-10", "bb") is None
    assert ledger.take_over(source, earlier, destination, "deploy-20", "aa") is None
    taken = ledger.take_over(source, earlier, destination, "deploy-10", "aa")
    assert taken is not None and (taken.verdict, taken.changes, taken.note) == ("resumed", [], "passed in run r1")
    assert (destination / "deploy-10.html").read_text() == "page"


@pytest.mark.parametrize(
    ("verdict", "codes", "code"),
    [("passed", [], 0), ("failed", [1], 1), ("failed", [3, 3], 3), ("failed", [1, 3], 1), ("interrupted", [], 1)],
)
def test_exit_codes(verdict: Any, codes: list[int], code: int) -> None:
    notebooks = [NotebookResult("a-1", "", "failed", error=ErrorInfo("E", "m", exit_code=c)) for c in codes]
    assert result("r", verdict=verdict, notebooks=notebooks).exit_code() == code
