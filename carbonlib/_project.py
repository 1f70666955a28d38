"""Where the project's files are: manifests, SQL, notebooks and the table of versions."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from ._files import read_mapping

ROOT = Path(__file__).resolve().parent.parent
MANIFESTS = ROOT / "manifests"
SQL = ROOT / "sql"
NOTEBOOKS = ROOT / "notebooks"


@cache
def versions() -> dict[str, dict[str, Any]]:
    """The content of `versions.toml`, by section."""
    return read_mapping(ROOT / "versions.toml", needs=("java", "python", "maven", "packages", "download_mib"))
