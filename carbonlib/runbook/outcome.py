"""From what the cells did to what the report says: verdict, changes, checks and the error with its remedy."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from typing import Any

from nbclient.exceptions import CellTimeoutError, DeadKernelError
from papermill.exceptions import PapermillExecutionError

from .._errors import PlanShown, shorten
from ..changes import CHANGES_MIME
from ..checks import CHECK_MIME
from .catalogue import Entry
from .engine import Execution
from .kernel import ERROR_MIME
from .model import ErrorInfo, NotebookResult, NotebookVerdict
from .nodes import NotebookNode

_READ_PAGE = "Read the failed step on the notebook's page, repair the cause, and run again with --resume."


def conclude(entry: Entry, execution: Execution, seconds: float) -> NotebookResult:
    """The result of a notebook that was started."""
    payloads = list(_payloads(execution.notebook))
    checks = [data for mime, data in payloads if mime == CHECK_MIME]
    plans = [data for mime, data in payloads if mime == CHANGES_MIME]
    error = _error(entry, execution, [data for mime, data in payloads if mime == ERROR_MIME], checks)
    verdict: NotebookVerdict = "passed" if error is None else "failed"
    if isinstance(execution.failure, KeyboardInterrupt):
        verdict = "interrupted"
    changes = [change for plan in plans if plan.get("applied") for change in plan["changes"]]
    planned = [change for plan in plans if not plan.get("applied") for change in plan["changes"]]
    return NotebookResult(
        id=entry.id,
        title=entry.title,
        verdict=verdict,
        seconds=round(seconds, 3),
        changes=changes,
        planned=_without(planned, changes),
        checks=checks,
        error=error,
        steps=[cell.as_dict() for cell in execution.cells],
    )


def _payloads(notebook: NotebookNode | None) -> Iterator[tuple[str, Any]]:
    for cell in notebook.cells if notebook is not None else []:
        for output in cell.get("outputs", []):
            for mime in (CHECK_MIME, CHANGES_MIME, ERROR_MIME):
                if mime in output.get("data", {}):
                    yield mime, output.data[mime]


def _without(planned: list[dict[str, Any]], made: list[dict[str, Any]]) -> list[dict[str, Any]]:
    # A plan is shown when it is made and again when a dry run returns it; what was then done is no plan any more.
    found: list[dict[str, Any]] = []
    for change in planned:
        if change not in found and change not in made:
            found.append(change)
    return found


def _error(
    entry: Entry, execution: Execution, errors: list[dict[str, Any]], checks: list[dict[str, Any]]
) -> ErrorInfo | None:
    if execution.passed or _ended_with_its_plan(execution):
        failed = [check for check in checks if check["verdict"] == "failed"]
        if not failed:
            return None
        message = f"{failed[0]['name']}: measured {failed[0]['measured']}, limit {failed[0]['limit']}"
        return ErrorInfo("CheckFailed", message, "Read the evidence beside the check in the report.")
    step = f"in step “{execution.stopped_at.title}”" if execution.stopped_at else "before its first step"
    failure = execution.failure
    if isinstance(failure, PapermillExecutionError):
        if errors:
            return ErrorInfo(**errors[-1])
        text = shorten(str(failure.evalue)) or "no message"
        return ErrorInfo(str(failure.ename), f"{text} ({step})", _READ_PAGE)
    if isinstance(failure, KeyboardInterrupt):
        return ErrorInfo("Interrupted", f"{entry.id} was interrupted {step}.", "Run again with --resume.")
    if isinstance(failure, DeadKernelError):
        return _dead_kernel(entry, execution.kernel_exit, step)
    if isinstance(failure, CellTimeoutError):
        return ErrorInfo(
            "TimedOut",
            f"{entry.id} used up its {entry.timeout_s} s {step}.",
            f"{_READ_PAGE} If it only needs longer, raise timeout_s in its metadata.",
        )
    if failure is not None:
        return ErrorInfo(type(failure).__name__, f"{entry.id} stopped {step}: {shorten(str(failure))}", _READ_PAGE)
    return ErrorInfo("Incomplete", f"{entry.id} ended without an answer from its kernel {step}.", _READ_PAGE)


def _ended_with_its_plan(execution: Execution) -> bool:
    """A notebook asked only for its plan ends where it would have begun to change something."""
    failure = execution.failure
    return isinstance(failure, PapermillExecutionError) and failure.ename == PlanShown.__name__


def _dead_kernel(entry: Entry, code: int | None, step: str) -> ErrorInfo:
    cause, remedy = f"it ended by itself with code {code}", _READ_PAGE
    if code is None:
        cause = "its exit code is not known"
    elif code < 0:
        cause = f"it was ended by {signal.Signals(-code).name}"
    if code == -signal.SIGKILL:
        remedy = "SIGKILL mostly means that the machine ran out of memory: free some, then run again with --resume."
    return ErrorInfo("KernelDied", f"The Python kernel of {entry.id} died {step}.", remedy, cause=cause)
