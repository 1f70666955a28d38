"""The errors of carbonlib, grouped by what the reader can do about them.

CarbonError                 anything this library raises on purpose
├── UsageError              wrong parameter, id or file: correct it and run again      (exit 2)
├── TargetError             the target cannot be used at all                           (exit 3)
│   ├── TargetLocked        somebody else is running notebooks on it
│   ├── TargetUnreachable   nothing answers, or it was never brought up
│   └── AccessDenied        it answers, and does not let us
├── PreflightError          the machine lacks something the platform needs             (exit 1)
├── ApplyError              an engine refused or failed a change                       (exit 1)
│   ├── NotThereYet         what the object needs (its kind, its namespace) is not there
│   ├── FieldConflict       somebody else manages a field
│   └── ImmutableField      the object must be replaced for it
├── WaitTimeout             something did not become ready in time                     (exit 1)
├── EngineError             a running engine answered with an error                    (exit 1)
└── CheckFailed             a claim was measured and does not hold                     (exit 1)

Every error says what happened, why, and what to do next; `notebook` names the runbook that helps.
"""

from __future__ import annotations

from typing import ClassVar


def shorten(text: str, limit: int = 600) -> str:
    """Keep head and tail of a long text, so that a payload can never flood a report."""
    text = text.strip()
    if len(text) <= limit:
        return text
    half = (limit - 20) // 2
    return f"{text[:half]} … {len(text) - 2 * half} characters … {text[-half:]}"


class CarbonError(Exception):
    """Root of the errors raised by carbonlib.

    Args:
        message: what happened, naming the thing.
        cause: why, in the words of the engine where it gave any.
        remedy: what to do next.
        notebook: id of the runbook that helps, for example `deploy-00`.
    """

    exit_code: ClassVar[int] = 1
    default_remedy: ClassVar[str] = "Read the last log lines in the report, then run `carbon status`."
    default_notebook: ClassVar[str | None] = None

    def __init__(self, message: str, *, cause: str = "", remedy: str = "", notebook: str | None = None) -> None:
        self.message = shorten(message)
        self.cause = shorten(cause)
        self.remedy = remedy or self.default_remedy
        self.notebook = notebook or self.default_notebook
        super().__init__(str(self))

    def __str__(self) -> str:
        lines = [self.message]
        if self.cause:
            lines.append(f"Cause: {self.cause}")
        lines.append(f"Next: {self.remedy}" + (f" (notebook {self.notebook})" if self.notebook else ""))
        return "\n".join(lines)


class UsageError(CarbonError, ValueError):
    """The caller asked for something that does not exist or has the wrong type."""

    exit_code = 2
    default_remedy = "Run `carbon list` to see ids and parameters."


class TargetError(CarbonError):
    """The target cannot be used."""

    exit_code = 3


class TargetLocked(TargetError):
    """Another run holds the target's lock."""

    default_remedy = "Wait until that run ends, or stop it, then run again."


class TargetUnreachable(TargetError):
    """Nothing of the platform answers at the target."""

    default_remedy = "Bring the platform up with `carbon run deploy`."
    default_notebook = "deploy-00"


class AccessDenied(TargetError):
    """The target does not let these credentials do what was asked."""

    default_remedy = "Ask for the missing right; the preflight lists every right that is needed."
    default_notebook = "deploy-00"


class PreflightError(CarbonError):
    """The machine or the cluster lacks something the platform needs."""

    default_notebook = "deploy-00"


class ApplyError(CarbonError):
    """A change was refused, or failed half-way."""


class NotThereYet(ApplyError):
    """The kind or the namespace of an object is not known to the cluster."""


class FieldConflict(ApplyError):
    """Fields of an object belong to another manager.

    Args:
        owners: the name of the manager by the dotted path of the field.
    """

    def __init__(
        self, message: str, *, owners: dict[str, str] | None = None, cause: str = "", remedy: str = ""
    ) -> None:
        self.owners = owners or {}
        super().__init__(message, cause=cause, remedy=remedy, notebook="respond-20")


class ImmutableField(ApplyError):
    """A field that cannot change while the object lives."""


class WaitTimeout(CarbonError, TimeoutError):
    """Something did not become ready in time."""


class EngineError(CarbonError):
    """A running engine answered with an error."""


class CheckFailed(CarbonError, AssertionError):
    """A claim was measured and does not hold."""

    default_remedy = "Read the evidence beside the check in the report."


class PlanShown(Exception):
    """Ends a notebook that was asked to show its plan and stop there; not an error, and never counted as one."""

    def _render_traceback_(self) -> list[str]:
        return [str(self)]
