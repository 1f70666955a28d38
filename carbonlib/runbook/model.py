"""The results of a run as data: what `results.json` holds, and nothing that cannot be written there."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Literal

NotebookVerdict = Literal["passed", "failed", "interrupted", "skipped", "resumed"]
RunVerdict = Literal["passed", "failed", "interrupted"]
VERDICT_OF_NOTHING: RunVerdict = "interrupted"  # a run that never wrote its end was cut off, and must not look passed


@dataclass(frozen=True)
class Diagnostic:
    """Evidence collected after a failure, for example the last lines of a log."""

    title: str
    text: str


@dataclass(frozen=True)
class ErrorInfo:
    """Why a notebook did not pass, for the reader of the report.

    Args:
        type: name of the exception.
        message: what happened.
        remedy: what to do next.
        notebook: id of the runbook that helps.
        cause: why, in the words of the engine.
        exit_code: exit code that this kind of error gives the command.
    """

    type: str
    message: str
    remedy: str = ""
    notebook: str | None = None
    cause: str = ""
    exit_code: int = 1


@dataclass
class NotebookResult:
    """What happened to one notebook.

    `changes` are those that were made, `planned` those that a dry run showed; `note` says why it was left out or taken
    over; `steps` are its cells; `page` says whether it has a page; `source` and `digest` are those of its file.
    """

    id: str
    title: str
    verdict: NotebookVerdict
    seconds: float = 0.0
    started_at: str | None = None
    changes: list[dict[str, Any]] = field(default_factory=list)
    planned: list[dict[str, Any]] = field(default_factory=list)
    checks: list[dict[str, Any]] = field(default_factory=list)
    error: ErrorInfo | None = None
    note: str = ""
    parameters: dict[str, Any] = field(default_factory=dict)
    steps: list[dict[str, Any]] = field(default_factory=list)
    diagnostics: list[Diagnostic] = field(default_factory=list)
    page: bool = False
    digest: str = ""
    source: str = ""

    @property
    def harmed(self) -> bool:
        """Whether this fails the run: a notebook left out on purpose (plan, target) carries a note and no error."""
        return self.verdict in ("failed", "interrupted") or (self.verdict == "skipped" and self.error is not None)

    @property
    def missed(self) -> list[dict[str, Any]]:
        """The checks that fail the run under `--strict` only."""
        return [c for c in self.checks if c["verdict"] in ("missed", "invalid")]

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> NotebookResult:
        """Read it back from `results.json`."""
        fields = dict(data)
        fields["error"] = ErrorInfo(**data["error"]) if data.get("error") else None
        fields["diagnostics"] = [Diagnostic(**d) for d in data.get("diagnostics", [])]
        return cls(**fields)


@dataclass
class RunResult:
    """What happened in one run."""

    run_id: str
    selection: list[str]
    target: str
    started_at: str
    git_revision: str
    versions: dict[str, str]
    machine: dict[str, Any]
    parameters: dict[str, Any]
    order: list[str]
    seconds: float = 0.0
    verdict: RunVerdict = VERDICT_OF_NOTHING
    plan: bool = False
    strict: bool = False
    first: str | None = None
    finished: bool = False
    resumed_from: str | None = None
    notebooks: list[NotebookResult] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """Plain data, as written to `results.json`."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> RunResult:
        """Read it back from `results.json`."""
        return cls(**{**data, "notebooks": [NotebookResult.from_dict(n) for n in data["notebooks"]]})

    def exit_code(self) -> int:
        """0 passed, 3 when every failure says that the target cannot be used, else 1."""
        if self.verdict == "passed":
            return 0
        codes = {n.error.exit_code for n in self.notebooks if n.verdict == "failed" and n.error}
        return 3 if codes == {3} else 1
