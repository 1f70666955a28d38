"""A setup of the runner on the small notebooks of `tests/notebooks/inputs`."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from runbook_inputs import INPUTS, SECRET, Runner

from carbonlib.runbook.model import Diagnostic, RunResult
from carbonlib.runbook.runner import Options, Setup, run


@pytest.fixture(scope="session")
def make_setup() -> Callable[[Path], Setup]:
    def make(folder: Path) -> Setup:
        return Setup(
            root=folder,
            notebooks=INPUTS,
            reports=folder / "reports",
            state=folder / "state",
            secrets=lambda target: {"doris_loader": SECRET},
            diagnose=lambda target: [Diagnostic(f"last lines on {target}", f"broker refused {SECRET} <b>")],
        )

    return make


@pytest.fixture
def run_inputs(tmp_path: Path, make_setup: Callable[[Path], Setup], monkeypatch: pytest.MonkeyPatch) -> Runner:
    """Run notebooks of the inputs by the last part of their ids; gives the result and the run folder."""
    monkeypatch.setenv("CARBON_TEST_TOKEN", SECRET)

    def go(*names: str, listener: Any = None, **options: Any) -> tuple[RunResult, Path]:
        setup = make_setup(tmp_path)
        selection: Sequence[str] = [f"input-{name}" for name in names]
        result = run(Options(selection=selection, **options), setup, listener)
        return result, setup.reports / result.run_id

    return go


@pytest.fixture(scope="session")
def broken_run(tmp_path_factory: pytest.TempPathFactory, make_setup: Callable[[Path], Setup]) -> tuple[RunResult, Path]:
    """One run with every kind of trouble, shared by the tests that only look at it."""
    folder = tmp_path_factory.mktemp("broken")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CARBON_TEST_TOKEN", SECRET)
        setup = make_setup(folder)
        names = (
            *("ok", "needs-ok", "raises", "needs-raises", "carbon-error", "kills-kernel", "exits", "sleeps"),
            *("hostile", "plotly", "secret", "checks", "check-failed", "swallows", "changes", "big"),
        )
        result = run(Options(selection=[f"input-{n}" for n in names]), setup)
    return result, setup.reports / result.run_id
