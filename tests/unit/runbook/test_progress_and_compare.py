"""The lines on the terminal, and two runs side by side."""

import io
from typing import Any

from rich.console import Console

from carbonlib.runbook.compare import compare
from carbonlib.runbook.engine import CellRecord
from carbonlib.runbook.model import ErrorInfo, NotebookResult, RunResult
from carbonlib.runbook.progress import Terminal


def shown(result: NotebookResult, *, terminal: bool = False) -> str:
    stream = io.StringIO()
    display = Terminal(Console(file=stream, width=60, force_terminal=terminal, color_system=None))
    display.start(3, 12, f"{result.id} {result.title}")
    display.cell(CellRecord(1, "Wait [until] it works", "running"), 4)
    display.line("kafka-1 ready [ok]")
    display.cell(CellRecord(1, "Wait [until] it works", "ok", seconds=31.0), 4)
    display.end(3, 12, result)
    return stream.getvalue()


def check(name: str, verdict: str, measured: Any = 1) -> dict[str, Any]:
    return {
        "name": name,
        "kind": "target",
        "measured": measured,
        "unit": "ms",
        "limit": 1,
        "verdict": verdict,
        "note": "",
    }


def test_one_plain_line_a_notebook_and_one_for_a_long_step() -> None:
    result = NotebookResult("deploy-30", "Flink", "passed", 12.34, changes=[{}] * 4, checks=[check("a", "passed")] * 3)
    assert shown(result).splitlines() == [
        "         step 1/4 Wait [until] it works: 31.0 s",
        "[ 3/12] deploy-30 Flink … 12.3 s passed  4 changes, 3 checks",
    ]


def test_an_error_is_shown_with_cause_and_next_step() -> None:
    error = ErrorInfo("ApplyError", "topic/x [bad] was refused", "Start it.", "deploy-10", "no replicas")
    lines = [line.strip() for line in shown(NotebookResult("a-1", "A", "failed", error=error)).splitlines()]
    assert lines[-3:] == ["topic/x [bad] was refused", "Cause: no replicas", "Next: Start it. (notebook deploy-10)"]


def test_skipped_and_missed_are_told() -> None:
    assert shown(NotebookResult("a-1", "A", "skipped", note="not for the target local")).splitlines()[-2:] == [
        "[ 3/12] a-1 A … skipped",
        "         not for the target local",
    ]
    missed = NotebookResult("a-1", "A", "passed", 1, checks=[check("a", "missed"), check("b", "invalid")])
    assert shown(missed).splitlines()[-1].endswith("passed  0 changes, 2 checks, 2 missed or invalid")


def test_a_terminal_ends_with_the_same_line() -> None:
    assert "[ 3/12] deploy-30 Flink … 1.0 s passed" in shown(
        NotebookResult("deploy-30", "Flink", "passed", 1), terminal=True
    )


def run(run_id: str, *notebooks: NotebookResult, **facts: Any) -> RunResult:
    fixed = {"selection": ["deploy"], "target": "local", "started_at": "2026-11-21T07:00:00+00:00", "order": []}
    rest = {"git_revision": "x", "versions": {"kafka": "1"}, "machine": {}, "parameters": {}, "verdict": "passed"}
    return RunResult(**{"run_id": run_id, **fixed, **rest, "notebooks": list(notebooks), **facts})


def test_compare_marks_what_differs_and_not_what_only_took_longer() -> None:
    one = run("a", NotebookResult("deploy-10", "K", "passed", 5, changes=[{}], checks=[check("p95", "passed", 3)]))
    two = run(
        "b",
        NotebookResult("deploy-10", "K", "passed", 9, checks=[check("p95", "missed", 7)]),
        NotebookResult("deploy-20", "R", "failed"),
        versions={"kafka": "2"},
        verdict="failed",
    )
    rows = {(r.kind, r.name): (r.before, r.after, r.differs) for r in compare(one, two)}
    assert rows["run", "verdict"] == ("passed", "failed", True)
    assert rows["version", "kafka"] == ("1", "2", True)
    assert rows["seconds", "deploy-10"] == ("5.0", "9.0", False)
    assert rows["changes", "deploy-10"] == ("1", "0", True)
    assert rows["check", "deploy-10 p95"] == ("3 ms passed", "7 ms missed", True)
    assert rows["notebook", "deploy-20"] == ("–", "failed", True)
    assert not any(r.differs for r in compare(one, one))
