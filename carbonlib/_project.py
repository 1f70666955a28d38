"""Where the project's files are: manifests, SQL, notebooks and the table of versions."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
MANIFESTS = ROOT / "manifests"
SQL = ROOT / "sql"
NOTEBOOKS = ROOT / "notebooks"


@cache
def versions() -> dict[str, dict[str, Any]]:
    """The content of `versions.toml`, by section."""
    return tomllib.loads((ROOT / "versions.toml").read_text(encoding="utf-8"))
