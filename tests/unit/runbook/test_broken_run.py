"""One run with every kind of trouble: what it recorded, and its pages.

The tests that only look at it stand in one file, since xdist gives a file to one worker (`--dist loadfile`).
"""

import base64
import html
import json
import re
from pathlib import Path
from urllib.parse import quote
from xml.etree import ElementTree

import pytest
from runbook_inputs import SECRET, Seen, named, results

from carbonlib.runbook import ledger
from carbonlib.runbook.model import NotebookResult, RunResult
from carbonlib.runbook.redaction import Redactor
from carbonlib.runbook.report.site import PLOTLY, rebuild


@pytest.fixture
def broken(broken_run: tuple[RunResult, Path]) -> dict[str, NotebookResult]:
    return named(broken_run[0])


@pytest.mark.parametrize("name", ["ok", "needs-ok", "plotly", "checks", "changes", "big"])
def test_what_runs_through_has_passed(broken: dict[str, NotebookResult], name: str) -> None:
    assert (broken[name].verdict, broken[name].error) == ("passed", None)
    assert {s["status"] for s in broken[name].steps} == {"ok"}


@pytest.mark.parametrize(
    ("name", "kind", "words"),
    [
        ("raises", "ValueError", "record"),
        ("kills-kernel", "KernelDied", "died in step “Die”"),
        ("exits", "KernelDied", "died in step “Leave early”"),
        ("sleeps", "TimedOut", "used up its 2 s in step “Wait for what never comes”"),
        ("check-failed", "CheckFailed", "rows_lost: measured 3, limit 0"),
        ("swallows", "CheckFailed", "rows_duplicated: measured 1, limit 0"),
        ("hostile", "ValueError", "<script>"),
    ],
)
def test_trouble_is_named(broken: dict[str, NotebookResult], name: str, kind: str, words: str) -> None:
    error = broken[name].error
    assert broken[name].verdict == "failed" and error is not None
    assert error.type == kind and words in error.message and error.remedy


@pytest.mark.parametrize(("name", "cause"), [("kills-kernel", "SIGKILL"), ("exits", "by itself with code 0")])
def test_a_dead_kernel_tells_how_it_died(broken: dict[str, NotebookResult], name: str, cause: str) -> None:
    error = broken[name].error
    assert error is not None and cause in error.cause
    assert [s["status"] for s in broken[name].steps] == ["ok", "ok", "error", "pending"][-len(broken[name].steps) :]


def test_an_error_of_the_library_keeps_its_advice(broken: dict[str, NotebookResult]) -> None:
    error = broken["carbon-error"].error
    assert error is not None
    assert (error.type, error.message, error.cause) == ("ApplyError", "topic/prices was refused", "not enough replicas")
    assert (error.remedy, error.notebook) == ("Start the third broker.", "deploy-10")


def test_a_timed_out_cell_shows_where_it_waited(broken_run: tuple[RunResult, Path]) -> None:
    notebook = json.loads((broken_run[1] / "input-sleeps.ipynb").read_text())
    trace = "\n".join(line for c in notebook["cells"] for o in c.get("outputs", []) for line in o.get("traceback", []))
    assert "KeyboardInterrupt" in trace and "threading.Event().wait(60)" in trace


def test_dependents_are_skipped_and_others_go_on(broken: dict[str, NotebookResult]) -> None:
    error = broken["needs-raises"].error
    assert broken["needs-raises"].verdict == "skipped" and error is not None
    assert error.message == "It needs input-raises, which failed." and error.notebook == "input-raises"


def test_checks_and_changes_are_collected(broken: dict[str, NotebookResult]) -> None:
    verdicts = {c["name"]: (c["kind"], c["verdict"], c["measured"], c["limit"]) for c in broken["checks"].checks}
    assert verdicts == {
        "bars_equal_oracle": ("correctness", "passed", 40, 40),
        "rows_lost": ("correctness", "passed", 0, 0),
        "ingest_latency_p95_ms": ("target", "missed", 140.0, 100.0),
        "query_latency_p95_ms": ("target", "passed", 20.0, 100.0),
        "processing_latency_p95_ms": ("target", "invalid", 20.0, 1000.0),
    }
    assert [c["object"] for c in broken["changes"].changes] == ["topic/market-alerts", "user/<b>x</b>"]
    assert broken["changes"].planned == []


def test_the_run_failed_and_its_record_is_complete(broken_run: tuple[RunResult, Path]) -> None:
    run, folder = broken_run
    data = results(folder)
    assert (run.verdict, run.exit_code(), data["verdict"], data["finished"]) == ("failed", 1, "failed", True)
    assert set(data["machine"]) >= {"cores", "memory_gib", "load"} and data["versions"]["kafka"]
    assert [n["id"] for n in data["notebooks"]] == data["order"]
    assert all(n["error"] or n["verdict"] != "failed" for n in data["notebooks"])


def test_diagnostics_are_kept_and_redacted(broken: dict[str, NotebookResult]) -> None:
    texts = {d.title: d.text for d in broken["raises"].diagnostics}
    # A kernel may have had something to say as well; that is kept beside it, and is not this test's matter.
    assert texts.keys() - {"output of the kernel process"} == {"last lines on local"}, texts
    assert "refused ••••••" in texts["last lines on local"]
    assert broken["ok"].diagnostics == []


def test_published_notebooks_hold_the_true_state_of_each_cell(broken_run: tuple[RunResult, Path]) -> None:
    notebook = json.loads((broken_run[1] / "input-kills-kernel.ipynb").read_text())
    states = [c["metadata"]["papermill"]["status"] for c in notebook["cells"] if c["cell_type"] == "code"]
    assert states[-2:] == ["failed", "pending"] and notebook["metadata"]["papermill"]["exception"] is True


def test_every_page_is_closed_to_the_outside(broken_run: tuple[RunResult, Path]) -> None:
    pages = [*broken_run[1].glob("*.html"), broken_run[1].parent / "index.html"]
    assert len(pages) > 15
    for page in pages:
        text = page.read_text(encoding="utf-8")
        seen = Seen(text)
        outside = [r for r in seen.references if re.match(r"(?i)(https?:|//|javascript:)", r)]
        assert not outside and not seen.handlers, page.name
        assert "default-src 'none'" in html.unescape(text) and "iframe" not in seen.tags
        local = [r for r in seen.references if not r.startswith(("data:", "#"))]
        assert all((page.parent / r).exists() for r in local), (page.name, local)


def test_scripts_are_those_of_the_report_only(broken_run: tuple[RunResult, Path]) -> None:
    text = (broken_run[1] / "input-hostile.html").read_text(encoding="utf-8")
    scripts = re.findall(r"<script([^>]*)>", text)
    assert [s.strip() for s in scripts if "application/json" not in s] == ['src="plotly.min.js"', ""]
    plain = (broken_run[1] / "input-ok.html").read_text(encoding="utf-8")
    assert "<script" not in plain and "script-src 'none'" in html.unescape(plain)


def test_no_form_of_the_secret_is_anywhere(broken_run: tuple[RunResult, Path]) -> None:
    forms = [SECRET, json.dumps(SECRET)[1:-1], quote(SECRET, safe=""), html.escape(SECRET), repr(SECRET)[1:-1]]
    forms += [
        base64.b64encode(SECRET.encode()).decode()[:-2],
        base64.b64encode(f"user:{SECRET}".encode()).decode()[8:-2],
    ]
    files = [f for f in broken_run[1].rglob("*") if f.is_file() and f.name != PLOTLY]
    assert len(files) > 30
    found = [(f.name, form) for f in files for form in forms if form in f.read_text(encoding="utf-8")]
    assert found == []
    assert "••••••" in (broken_run[1] / "input-secret.html").read_text(encoding="utf-8")


def test_sizes_are_bounded(broken_run: tuple[RunResult, Path]) -> None:
    for name in ("input-big.html", "input-big.ipynb"):
        assert (broken_run[1] / name).stat().st_size < 100_000
    assert "left out" in (broken_run[1] / "input-big.html").read_text(encoding="utf-8")
    assert len(list(broken_run[1].glob("plotly*.js"))) == 1


def test_the_summary_says_verdict_claims_and_errors_first(broken_run: tuple[RunResult, Path]) -> None:
    text = (broken_run[1] / "index.html").read_text(encoding="utf-8")
    order = [
        text.index(word) for word in ('<div class="banner failed">', "<h2>Claims</h2>", "<h2>Steps</h2>", "Versions")
    ]
    assert order == sorted(order)
    assert "Start the third broker." in text and "ingest_latency_p95_ms" in text and "user/&lt;b&gt;x" in text
    assert '<svg class="timeline"' in text and 'href="input-raises.html"' in text


def test_junit_counts_notebooks_and_checks(broken_run: tuple[RunResult, Path]) -> None:
    root = ElementTree.parse(broken_run[1] / "junit.xml").getroot()
    suites = {s.get("name"): s for s in root}
    assert suites["input-checks"].get("tests") == "6" and suites["input-checks"].get("failures") == "0"
    assert suites["input-check-failed"].get("failures") == "2" and suites["input-needs-raises"].get("skipped") == "1"


def test_rebuilding_gives_the_same_pages(broken_run: tuple[RunResult, Path]) -> None:
    folder = broken_run[1]
    before = {f.name: f.read_text(encoding="utf-8") for f in folder.glob("*.html")}
    rebuild(folder, Redactor([SECRET]))
    after = {f.name: f.read_text(encoding="utf-8") for f in folder.glob("*.html")}
    assert after == before


def test_a_single_file_page_carries_its_library(broken_run: tuple[RunResult, Path], tmp_path: Path) -> None:
    folder = tmp_path / "reports" / "r"
    folder.mkdir(parents=True)
    for name in ("results.json", "input-plotly.ipynb"):
        (folder / name).write_bytes((broken_run[1] / name).read_bytes())
    rebuild(folder, Redactor(), single_file=True)
    page = (folder / "input-plotly.html").read_text(encoding="utf-8")
    assert not (folder / PLOTLY).exists() and len(page) > 1_000_000
    assert all(r.startswith("data:") or r.endswith((".html", ".ipynb")) for r in Seen(page).references)
    assert ledger.folders(folder.parent) == [folder]
