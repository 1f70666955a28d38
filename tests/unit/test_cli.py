"""The command: what it prints, and the code it exits with."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import carbonlib
from carbonlib import cli
from carbonlib._errors import TargetUnreachable
from carbonlib.changes import Change, Plan

ROOT = Path(__file__).resolve().parents[2]
INPUTS = ROOT / "tests" / "notebooks" / "inputs"

Carbon = Callable[..., tuple[int, str, str]]


@pytest.fixture
def carbon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Carbon:
    """Call the command in this process; gives exit code, stdout and stderr."""
    monkeypatch.setenv("CARBON_NOTEBOOKS", str(INPUTS))
    monkeypatch.setenv("CARBON_STATE", str(tmp_path / "state"))
    monkeypatch.setattr(cli._out, "width", 200, raising=False)

    def call(*arguments: str) -> tuple[int, str, str]:
        code = 0
        try:
            cli.main(list(arguments))
        except SystemExit as end:
            code = int(end.code or 0)
        out, err = capsys.readouterr()
        return code, out, err

    return call


def platform(monkeypatch: pytest.MonkeyPatch, **answers: Any) -> list[str]:
    """Put a platform in place that gives these answers; returns the targets asked for."""
    asked: list[str] = []

    def connect(target: str) -> SimpleNamespace:
        asked.append(target)
        return SimpleNamespace(**answers)

    monkeypatch.setattr(carbonlib, "connect", connect)
    return asked


def test_list_names_notebooks_and_parameters(carbon: Carbon) -> None:
    code, out, _ = carbon("list")
    assert code == 0
    assert "input-needs-ok  Needs ok  (needs a good start)" in out and "-p count=1  int: how many" in out


def test_list_as_json(carbon: Carbon) -> None:
    entries = {e["id"]: e for e in json.loads(carbon("list", "--json")[1])}
    assert set(entries["input-ok"]) >= {"id", "title", "needs", "targets", "mutates", "parameters"}
    assert entries["input-kubernetes-only"]["targets"] == ["kubernetes"]


def test_run_report_and_diff(carbon: Carbon, tmp_path: Path) -> None:
    reports = str(tmp_path / "reports")
    code, out, _ = carbon("run", "input-ok", "-p", "count=2", "--reports", reports)
    assert code == 0 and "[1/1] input-ok Ok …" in out and "passed in" in out
    assert carbon("run", "input-raises", "--reports", reports)[0] == 1
    first, second = sorted(f.name for f in Path(reports).iterdir() if f.is_dir() and not f.is_symlink())
    code, out, _ = carbon("diff", first, second, "--reports", reports)
    assert code == 0 and "differs" in out and "input-raises" in out
    rows = json.loads(carbon("diff", first, "latest", "--reports", reports, "--json")[1])
    assert {"kind": "run", "name": "verdict", "before": "passed", "after": "failed", "differs": True} in rows
    (Path(reports) / second / "index.html").unlink()
    assert carbon("report", "latest", "--reports", reports)[0] == 0
    assert (Path(reports) / second / "index.html").is_file()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("run", "input-none"), "There is no notebook or group"),
        (("run", "input-ok", "-p", "cuont=1"), "Did you mean count?"),
        (("run", "input-ok", "-p", "count=one"), "not of type int"),
        (("run", "input-ok", "-p", "count"), "NAME=VALUE"),
        (("run", "input-ok", "--from", "input-raises"), "not in the selection"),
        (("run", "input-ok", "--target", "moon"), "moon"),
        (("run", "input-ok", "--wrong"), "--wrong"),
        (("report", "none"), "There is no run"),
        (("nothing",), "nothing"),
    ],
)
def test_wrong_usage_is_exit_2_without_a_traceback(
    carbon: Carbon, tmp_path: Path, arguments: tuple[str, ...], words: str
) -> None:
    more = ("--reports", str(tmp_path / "r")) if arguments[0] in ("run", "report") else ()
    code, _, err = carbon(*arguments, *more)
    assert code == 2 and words in err and "Traceback" not in err
    assert not (tmp_path / "r").exists()


@pytest.mark.parametrize(("ok", "code"), [(True, 0), (False, 1)])
def test_status_exits_by_its_state(carbon: Carbon, monkeypatch: pytest.MonkeyPatch, ok: bool, code: int) -> None:
    status = SimpleNamespace(ok=ok, as_dict=lambda: {"kafka": "ready"})
    asked = platform(monkeypatch, status=lambda: status)
    assert carbon("status", "--json", "--target", "kubernetes") == (code, '{\n "kafka": "ready"\n}\n', "")
    assert asked == ["kubernetes"]


def test_endpoints(carbon: Carbon, monkeypatch: pytest.MonkeyPatch) -> None:
    platform(monkeypatch, endpoints=lambda: {"kafka": {"bootstrap_servers": "127.0.0.1:1"}})
    assert json.loads(carbon("endpoints", "--json")[1]) == {"kafka": {"bootstrap_servers": "127.0.0.1:1"}}
    assert "bootstrap_servers" in carbon("endpoints")[1]


@pytest.mark.parametrize(("changes", "code"), [([], 0), ([Change("topic/x", "create")], 2)])
def test_drift_is_exit_2(carbon: Carbon, monkeypatch: pytest.MonkeyPatch, changes: list[Change], code: int) -> None:
    platform(monkeypatch, drift=lambda: Plan(changes))
    assert carbon("drift")[0] == code
    assert len(json.loads(carbon("drift", "--json")[1])["changes"]) == len(changes)


def test_down_passes_purge_on_and_shows_steps(carbon: Carbon, monkeypatch: pytest.MonkeyPatch) -> None:
    def down(*, purge: bool, on_step: Callable[[str], None]) -> None:
        on_step(f"stopped [kafka-1], purge {purge}")

    platform(monkeypatch, down=down)
    assert carbon("down", "--purge")[:2] == (0, "stopped [kafka-1], purge True\n")


def test_an_error_of_the_project_is_its_text_and_its_code(carbon: Carbon, monkeypatch: pytest.MonkeyPatch) -> None:
    def status() -> None:
        raise TargetUnreachable("Kafka does not answer.")

    platform(monkeypatch, status=status)
    code, _, err = carbon("status")
    assert code == 3 and err.startswith("Kafka does not answer.\nNext: ") and "Traceback" not in err


def test_it_is_a_module_too() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "carbonlib", "--help"],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "120"},
    )
    assert done.returncode == 0
    verbs = ("list", "run", "status", "endpoints", "drift", "down", "report", "diff")
    assert [v for v in verbs if v not in done.stdout] == []
