"""True verdicts on real kernels: each kind of trouble is told for what it is, and none counts as passed."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from runbook_inputs import INPUTS, SECRET, Runner, named, results

from carbonlib._errors import TargetLocked, UsageError
from carbonlib.runbook import engine, runner
from carbonlib.runbook.lock import target_lock
from carbonlib.runbook.runner import Options, Setup

ROOT = Path(__file__).resolve().parents[3]


def test_no_private_copy_stays_behind(run_inputs: Runner, tmp_path: Path) -> None:
    private = tmp_path / "state" / "private" / "local"
    private.mkdir(parents=True)
    (private / "left-by-a-killed-run.ipynb").write_text("raw")
    seen: list[tuple[int, set[str]]] = []

    class Listener(runner.Silent):
        def cell(self, record: engine.CellRecord, total: int) -> None:
            names = {p.suffix for p in private.iterdir()} - {""}
            seen.append((private.stat().st_mode & 0o777, names & {".ipynb"} | {p.name for p in private.glob("left*")}))

    run_inputs("ok", listener=Listener())
    assert set(map(repr, seen)) == {repr((0o700, {".ipynb"}))} and not private.exists()


def test_plan_changes_nothing_and_leaves_out_what_cannot_plan(run_inputs: Runner) -> None:
    run, _ = run_inputs("changes", "changes-blindly", plan=True)
    found = named(run)
    assert found["changes"].changes == [] and len(found["changes"].planned) == 2
    assert found["changes-blindly"].verdict == "skipped" and "no plan" in found["changes-blindly"].note
    assert run.verdict == "passed" and found["changes"].parameters == {"target": "local", "plan": True}


def test_parameters_reach_the_notebook_typed(run_inputs: Runner) -> None:
    run, folder = run_inputs("ok", parameters={"count": "4", "rate": "0.5", "limit": "none"})
    assert "total 5 rate 0.5 on local" in (folder / "input-ok.ipynb").read_text()
    assert run.notebooks[0].parameters == {"target": "local", "count": 4, "rate": 0.5, "limit": None}


def test_a_kernelspec_of_the_machine_is_not_trusted(
    run_inputs: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = tmp_path / "share" / "kernels" / "python3"
    spec.mkdir(parents=True)
    (spec / "kernel.json").write_text('{"argv": ["/bin/false"], "display_name": "x", "language": "python"}')
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "share"))
    assert run_inputs("ok")[0].verdict == "passed"


def test_strict_fails_on_a_missed_target(run_inputs: Runner) -> None:
    run, folder = run_inputs("checks", strict=True)
    assert (run.verdict, run.exit_code(), run.notebooks[0].verdict) == ("failed", 1, "passed")
    assert 'type="missed"' in (folder / "junit.xml").read_text()


def test_a_target_that_nobody_reaches_gives_exit_code_3(run_inputs: Runner) -> None:
    assert run_inputs("unreachable")[0].exit_code() == 3


def test_resume_leaves_out_what_passed(run_inputs: Runner, tmp_path: Path) -> None:
    given = {"where": str(tmp_path)}
    first, _ = run_inputs("ok", "once", parameters=given)
    assert [n.verdict for n in first.notebooks] == ["passed", "failed"]
    second, folder = run_inputs("ok", "once", parameters=given, resume=True)
    assert [n.verdict for n in second.notebooks] == ["resumed", "passed"]
    assert (second.verdict, second.resumed_from) == ("passed", first.run_id)
    assert (folder / "input-ok.html").is_file() and first.run_id in (folder / "index.html").read_text()


def test_from_starts_in_the_middle(run_inputs: Runner) -> None:
    run, _ = run_inputs("ok", "needs-ok", first="input-needs-ok")
    assert [n.id for n in run.notebooks] == ["input-needs-ok"] and run.verdict == "passed"


@pytest.mark.parametrize(
    ("names", "options", "words"),
    [
        (["ok"], {"parameters": {"cuont": "1"}}, "Did you mean count"),
        (["ok"], {"parameters": {"count": "one"}}, "not of type int"),
        (["none"], {}, "no notebook or group"),
        (["kubernetes-only"], {}, "does not run on local"),
        (["ok"], {"first": "input-raises"}, "not in the selection"),
    ],
)
def test_wrong_usage_starts_nothing(
    run_inputs: Runner, tmp_path: Path, names: list[str], options: dict[str, Any], words: str
) -> None:
    with pytest.raises(UsageError, match=words):
        run_inputs(*names, **options)
    assert not (tmp_path / "reports").exists()


def test_a_locked_target_starts_nothing(run_inputs: Runner, tmp_path: Path) -> None:
    with target_lock(tmp_path / "state" / "locks", "local", "other"), pytest.raises(TargetLocked, match="run other"):
        run_inputs("ok")
    assert not (tmp_path / "reports").exists()


def test_a_diagnosis_that_breaks_does_not_hide_the_error(tmp_path: Path, make_setup: Callable[[Path], Setup]) -> None:
    def broken(target: str) -> list[Any]:
        raise ConnectionError("nobody there")

    setup = make_setup(tmp_path)
    run = runner.run(Options(["input-raises"]), Setup(**{**vars(setup), "diagnose": broken}))
    assert run.notebooks[0].error is not None and run.notebooks[0].error.type == "ValueError"
    assert any("nobody there" in diagnostic.text for diagnostic in run.notebooks[0].diagnostics)


def _until(condition: Callable[[], Any], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "did not happen in time"
        time.sleep(0.05)


@pytest.fixture
def short_tmp() -> Iterator[Path]:
    """A temporary folder with a name short enough for sockets, emptied of what a killed run leaves in it."""
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


def _start(tmp_path: Path, short_tmp: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "carbonlib", "run", "input-waits", "input-ok", "-p", f"where={tmp_path}"]
    environment = {**os.environ, "CARBON_NOTEBOOKS": str(INPUTS), "CARBON_STATE": str(tmp_path / "state")}
    environment |= {"PYTHONPATH": str(ROOT), "CARBON_TEST_TOKEN": SECRET, "TMPDIR": str(short_tmp)}
    process = subprocess.Popen(
        [*command, "--reports", str(tmp_path / "reports")], env=environment, text=True, stdout=subprocess.PIPE
    )
    _until(lambda: (tmp_path / "started").exists())
    return process


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_is_reported_and_cleaned_up(tmp_path: Path, short_tmp: Path, number: signal.Signals) -> None:
    process = _start(tmp_path, short_tmp)
    kernels = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(number)
    output, _ = process.communicate(timeout=40)
    folder = (tmp_path / "reports" / "latest").resolve()
    data = results(folder)
    verdicts = {n["id"]: n["verdict"] for n in data["notebooks"]}
    assert process.returncode == 1 and "interrupted" in output
    assert (data["verdict"], data["finished"]) == ("interrupted", True)
    assert verdicts == {"input-waits": "interrupted", "input-ok": "skipped"} or verdicts == {
        "input-ok": "passed",
        "input-waits": "interrupted",
    }
    assert (tmp_path / "cleaned").exists() and not (tmp_path / "after").exists()
    assert "interrupted" in (folder / "index.html").read_text() and (folder / "input-waits.html").is_file()
    _until(lambda: not any(k.is_running() and k.status() != psutil.STATUS_ZOMBIE for k in kernels))


def test_a_killed_run_leaves_a_record_that_is_not_passed(tmp_path: Path, short_tmp: Path) -> None:
    process = _start(tmp_path, short_tmp)
    kernels = psutil.Process(process.pid).children(recursive=True)
    process.kill()
    process.communicate(timeout=20)
    data = results((tmp_path / "reports" / "latest").resolve())
    assert (data["verdict"], data["finished"]) == ("interrupted", False)
    _until(lambda: not any(k.is_running() and k.status() != psutil.STATUS_ZOMBIE for k in kernels))
