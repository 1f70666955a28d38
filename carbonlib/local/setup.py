"""Fetch the engines and build the project's own modules: `python -m carbonlib.local.setup`. Nothing is done twice."""

from __future__ import annotations

import sys
import time

from .._errors import CarbonError
from ..config import settings
from . import engines


def main() -> int:
    """Fetch and build with one line of progress a step; returns the exit code."""
    where = settings()
    began = time.monotonic()

    def progress(line: str) -> None:
        print(f"[{time.monotonic() - began:5.0f} s] {line}", flush=True)

    try:
        engines.fetch(where, progress)
        engines.build_modules(where, progress)
    except CarbonError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
