"""Facts of a run that explain its figures: machine, load, versions, revision."""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psutil

_SHOWN = ("java", "maven", "images")


def machine() -> dict[str, Any]:
    """Cores that this process may use, memory in GiB, and the load average of the last minute."""
    return {
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "load": round(os.getloadavg()[0], 2),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
    }


def flat_versions(table: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """`versions.toml` as one level, `maven.kafka` being `kafka`, with that of Python."""
    found = {"python": platform.python_version()}
    for section in _SHOWN:
        prefix = "" if section == "maven" else f"{section}."
        found |= {f"{prefix}{name}": str(value) for name, value in table.get(section, {}).items()}
    return found


def revision(root: Path) -> str:
    """The commit of the checkout, `-dirty` when files differ from it, `unknown` where git cannot tell."""
    commit = _git(root, "rev-parse", "HEAD")
    if not commit:
        return "unknown"
    return f"{commit}-dirty" if _git(root, "status", "--porcelain", "--untracked-files=no") else commit


def _git(root: Path, *arguments: str) -> str:
    try:
        done = subprocess.run(["git", "-C", str(root), *arguments], capture_output=True, text=True, timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
