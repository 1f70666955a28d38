"""Run a selection of notebooks on a target: order, lock, ledger, interrupts, verdicts and the report.

    result = run(Options(selection=["deploy", "verify"], target="local"), Setup.of_checkout(), Terminal(Console()))

A notebook that fails does not stop the others: those that need it are skipped and named, the rest go on.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from .. import _project, config
from .._errors import UsageError
from ..secrets import KnownSecrets
from . import engine, ledger, nodes, outcome
from .catalogue import Catalogue, Entry, load_catalogue
from .interrupts import Interrupts, interrupts
from .lock import target_lock
from .machine import flat_versions, machine, revision
from .model import Diagnostic, ErrorInfo, NotebookResult, RunResult
from .parameters import assign
from .progress import Listener, Silent
from .redaction import Redactor, redactor
from .report.site import publish_notebook, write_history, write_index

SECRETS_FILE = "secrets.json"


def no_diagnostics(target: str) -> Sequence[Diagnostic]:
    """The diagnostics of a target of which nothing is known."""
    return []


@dataclass(frozen=True)
class Setup:
    """Where things are and how the target is asked.

    Args:
        root: the checkout.
        notebooks: folder of the notebooks.
        reports: folder of the run folders.
        state: folder of locks and secrets.
        secrets: those of a target, by name: parameters may carry the names, and nothing published may hold a value;
            asked again after every notebook.
        diagnose: evidence to collect from the target when a notebook failed.
    """

    root: Path
    notebooks: Path
    reports: Path
    state: Path
    secrets: Callable[[str], Mapping[str, str]]
    diagnose: Callable[[str], Sequence[Diagnostic]] = no_diagnostics

    @classmethod
    def of_checkout(
        cls, reports: Path | None = None, diagnose: Callable[[str], Sequence[Diagnostic]] = no_diagnostics
    ) -> Setup:
        """The setup of this checkout; `CARBON_NOTEBOOKS` names another folder of notebooks."""
        state = config.settings().state
        return cls(
            root=_project.ROOT,
            notebooks=Path(os.environ.get("CARBON_NOTEBOOKS", _project.NOTEBOOKS)).resolve(),
            reports=(reports or _project.ROOT / "reports").resolve(),
            state=state,
            secrets=KnownSecrets(state / SECRETS_FILE),
            diagnose=diagnose,
        )


@dataclass(frozen=True)
class Options:
    """What to run and how; see `carbon run --help`."""

    selection: Sequence[str]
    target: str = "local"
    parameters: Mapping[str, str] = field(default_factory=dict)
    plan: bool = False
    strict: bool = False
    resume: bool = False
    first: str | None = None
    single_file: bool = False


def run(options: Options, setup: Setup, listener: Listener | None = None) -> RunResult:
    """Run the selected notebooks and write the report.

    Raises:
        UsageError: before any kernel starts, when selection or parameters are wrong.
        TargetLocked: another run holds the target.
    """
    catalogue = load_catalogue(setup.notebooks)
    entries = _selected(catalogue, options)
    values = assign(
        {e.id: e.parameters for e in entries},
        options.parameters,
        target=options.target,
        plan=options.plan,
        secret_names=set(setup.secrets(options.target)),
    )
    with interrupts() as stop, target_lock(setup.state / "locks", options.target, "+".join(options.selection)):
        folder = ledger.new_folder(setup.reports, options.selection, options.target)
        result = _new_result(folder.name, options, setup, entries)
        return _Run(options, setup, catalogue, values, listener or Silent(), stop, folder, result).execute(entries)


def _selected(catalogue: Catalogue, options: Options) -> list[Entry]:
    entries = catalogue.select(options.selection)
    for entry in entries:
        if entry.id in options.selection and options.target not in entry.targets:
            raise UsageError(
                f"{entry.id} does not run on {options.target}.", remedy=f"Use --target {' or '.join(entry.targets)}."
            )
    if options.first is not None:
        ids = [e.id for e in entries]
        if options.first not in ids:
            raise UsageError(f"--from {options.first} is not in the selection.", remedy=f"Selected: {', '.join(ids)}.")
        entries = entries[ids.index(options.first) :]
    if not any(options.target in e.targets for e in entries):
        raise UsageError(f"Nothing to run on {options.target}.", remedy="Run `carbon list` to see what runs where.")
    return entries


def _new_result(run_id: str, options: Options, setup: Setup, entries: Sequence[Entry]) -> RunResult:
    return RunResult(
        run_id=run_id,
        selection=list(options.selection),
        target=options.target,
        started_at=_now(),
        git_revision=revision(setup.root),
        versions=flat_versions(_project.versions()),
        machine=machine(),
        parameters=dict(options.parameters),
        order=[e.id for e in entries],
        plan=options.plan,
        strict=options.strict,
        first=options.first,
    )


class _Run:
    """One run, from its first notebook to its report."""

    def __init__(
        self,
        options: Options,
        setup: Setup,
        catalogue: Catalogue,
        values: Mapping[str, dict[str, Any]],
        listener: Listener,
        stop: Interrupts,
        folder: Path,
        result: RunResult,
    ) -> None:
        self.options, self.setup, self.catalogue, self.values = options, setup, catalogue, values
        self.listener, self.stop, self.folder, self.result = listener, stop, folder, result
        self.began = time.monotonic()
        self.private = _private_folder(setup.state, options.target)
        self.earlier = ledger.resumable(setup.reports, result) if options.resume else None
        result.resumed_from = self.earlier[0].name if self.earlier else None

    def execute(self, entries: Sequence[Entry]) -> RunResult:
        ledger.point_latest(self.setup.reports, self.folder)
        self._record()
        try:
            for number, entry in enumerate(entries, 1):
                done = self._without_running(entry) or self._run_one(number, len(entries), entry)
                self.result.notebooks.append(done)
                self._record()
                self.listener.end(number, len(entries), done)
        finally:
            shutil.rmtree(self.private, ignore_errors=True)
            self._finish()
        return self.result

    def _run_one(self, number: int, total: int, entry: Entry) -> NotebookResult:
        self.listener.start(number, total, f"{entry.id} {entry.title}")
        began, started_at = time.monotonic(), _now()
        execution = engine.Execution()
        shown = self._redactor()
        watch = engine.Watch(self.listener.cell, lambda line: self.listener.line(shown.text(line)))
        try:
            with self.stop.armed():
                engine.execute(
                    execution,
                    entry.path,
                    self.values[entry.id],
                    raw=self.private / f"{entry.id}.ipynb",
                    timeout_s=entry.timeout_s,
                    environment=self._environment(),
                    watch=watch,
                )
        except KeyboardInterrupt as error:
            execution.failure = execution.failure or error
        done = outcome.conclude(entry, execution, time.monotonic() - began)
        done.started_at, done.parameters = started_at, self.values[entry.id]
        done.source, done.digest = entry.path.name, _digest(entry.path)
        done.diagnostics = self._diagnose(execution) if done.verdict == "failed" else []
        redact = self._redactor()  # anew: a deploy notebook may just have made the secrets
        done = NotebookResult.from_dict(redact.data(asdict(done)))
        self.result.machine["load_max"] = max(self.result.machine.get("load_max", 0.0), machine()["load"])
        executed = engine.true_notebook(execution) or nodes.read(entry.path)
        publish_notebook(self.folder, executed, done, redact, self._pages(), self.options.single_file)
        return done

    def _without_running(self, entry: Entry) -> NotebookResult | None:
        """The result of a notebook that is not to be started, and why."""
        left_out = NotebookResult(entry.id, entry.title, "skipped")
        if self.stop.requested:
            left_out.error = ErrorInfo("Interrupted", "The run was interrupted before.", "Run again with --resume.")
            return left_out
        if self.options.target not in entry.targets:
            left_out.note = f"not for the target {self.options.target}"
            return left_out
        if self.options.plan and entry.mutates and "plan" not in {p.name for p in entry.parameters}:
            left_out.note = "it changes the target and has no plan"
            return left_out
        bad = {n.id: n.verdict for n in self.result.notebooks if n.harmed}
        for needed in sorted(self.catalogue.needed_by(entry) & set(bad)):
            word = {"failed": "failed", "skipped": "was skipped"}.get(bad[needed], "was interrupted")
            left_out.error = ErrorInfo(
                "Skipped",
                f"It needs {needed}, which {word}.",
                f"Repair {needed}, then run again with --resume.",
                needed,
            )
            return left_out
        if self.earlier:
            return ledger.take_over(*self.earlier, self.folder, entry.id, _digest(entry.path))
        return None

    def _diagnose(self, execution: engine.Execution) -> list[Diagnostic]:
        own = [Diagnostic("output of the kernel process", execution.kernel_log)] if execution.kernel_log else []
        try:
            return [*own, *self.setup.diagnose(self.options.target)]
        except Exception as error:  # a broken target may break its own diagnosis, which must not hide the first error
            return [*own, Diagnostic("diagnostics could not be collected", f"{type(error).__name__}: {error}")]

    def _environment(self) -> dict[str, str]:
        path = os.pathsep.join(filter(None, [str(_project.ROOT), os.environ.get("PYTHONPATH", "")]))
        return {
            **os.environ,
            "CARBON_TARGET": self.options.target,
            "CARBON_RUN_ID": self.result.run_id,
            "PLOTLY_RENDERER": "plotly_mimetype",
            "PYDEVD_DISABLE_FILE_VALIDATION": "1",
            "PYTHONPATH": path,
        }

    def _redactor(self) -> Redactor:
        return redactor(self.setup.secrets(self.options.target).values())

    def _pages(self) -> dict[str, str]:
        return {
            entry.path.name: f"{entry.id}.html" for entry in self.catalogue.values() if entry.id in self.result.order
        }

    def _record(self) -> None:
        self.result.seconds = round(time.monotonic() - self.began, 3)
        ledger.write_results(self.folder, self.result, self._redactor())

    def _finish(self) -> None:
        result, seen = self.result, {n.id for n in self.result.notebooks}
        if self.stop.requested or len(seen) < len(result.order):
            result.verdict = "interrupted"
        elif any(n.harmed for n in result.notebooks) or (result.strict and any(n.missed for n in result.notebooks)):
            result.verdict = "failed"
        else:
            result.verdict = "passed"
        if any(n.verdict == "interrupted" for n in result.notebooks):
            result.verdict = "interrupted"
        result.finished = True
        self._record()
        write_index(self.folder, result, self._redactor())
        write_history(self.setup.reports)


def _private_folder(state: Path, target: str) -> Path:
    """An empty folder for what is not redacted yet; as we hold the lock, what a killed run left in it is removed."""
    folder = state / "private" / target
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    folder.chmod(0o700)
    return folder


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
