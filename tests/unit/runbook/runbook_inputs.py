"""What the tests of the runner share: the small notebooks, a secret to hide, and reading a record."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from carbonlib.runbook.model import RunResult

INPUTS = Path(__file__).resolve().parents[2] / "notebooks" / "inputs"
SECRET = 'hunter2/"s3cret+väl'  # needs escaping in JSON, URLs and markup

Runner = Callable[..., tuple[RunResult, Path]]


def results(folder: Path) -> dict[str, Any]:
    """The record of a run as plain data."""
    return json.loads((folder / "results.json").read_text(encoding="utf-8"))
