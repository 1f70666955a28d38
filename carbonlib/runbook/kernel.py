"""Inside the kernel of a headless run: hand errors over as data, so that remedy and runbook reach the report.

Loaded by the runner as an IPython extension; notebooks opened in JupyterLab do without it.
"""

from __future__ import annotations

from types import TracebackType
from typing import Any

from .._errors import CarbonError

ERROR_MIME = "application/vnd.carbon.error+json"


def describe(error: CarbonError) -> dict[str, Any]:
    """The parts of the error as plain data."""
    return {
        "type": type(error).__name__,
        "message": error.message,
        "cause": error.cause,
        "remedy": error.remedy,
        "notebook": error.notebook,
        "exit_code": error.exit_code,
    }


def load_ipython_extension(shell: Any) -> None:
    """Register the handler; also switch colours off, since escape codes could hide a secret from redaction."""
    shell.run_line_magic("colors", "nocolor")
    shell.set_custom_exc((CarbonError,), _show)


def _show(
    shell: Any, kind: type[BaseException], error: CarbonError, trace: TracebackType, tb_offset: int | None = None
) -> None:
    from IPython.display import display

    display({ERROR_MIME: describe(error), "text/plain": str(error)}, raw=True)
    shell.showtraceback((kind, error, trace), tb_offset=tb_offset)
