"""The record of runs: one folder a run, `results.json` in it written anew after every notebook.

Until a run has ended, its file says `interrupted` and `finished: false`: a run that is killed leaves the truth behind.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from .._errors import UsageError
from .model import NotebookResult, RunResult
from .redaction import Redactor

RESULTS = "results.json"


def new_folder(reports: Path, selection: Sequence[str], target: str) -> Path:
    """Make the folder of a new run: `<UTC time>-<selection>-<target>`."""
    words = re.sub(r"[^A-Za-z0-9-]+", "-", "+".join(selection).replace("+", "-"))[:60].strip("-")
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    reports.mkdir(parents=True, exist_ok=True)
    for number in range(1, 1000):
        folder = reports / (f"{stamp}-{words}-{target}" + (f"-{number}" if number > 1 else ""))
        try:
            folder.mkdir()
            return folder
        except FileExistsError:
            continue
    raise UsageError(f"{reports} has no room for another run of this second.", remedy="Run again.")


def write_text(path: Path, text: str) -> None:
    """Replace the file in one step: a reader sees the old text or the new, never half of one."""
    temporary = path.with_name(f".{path.name}.tmp")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(path)


def write_results(folder: Path, result: RunResult, redactor: Redactor) -> None:
    """Write `results.json`, redacted as data and once more as text."""
    text = json.dumps(redactor.data(result.as_dict()), indent=1, ensure_ascii=False, default=str)
    write_text(folder / RESULTS, redactor.text(text) + "\n")


def point_latest(reports: Path, folder: Path) -> None:
    """Let `reports/latest` be this run."""
    link = reports / f".latest-{os.getpid()}"
    link.unlink(missing_ok=True)
    link.symlink_to(folder.name, target_is_directory=True)
    link.replace(reports / "latest")


def load(folder: Path) -> RunResult:
    """Read the record of a run.

    Raises:
        UsageError: there is none, or it is not readable.
    """
    try:
        return RunResult.from_dict(json.loads((folder / RESULTS).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise UsageError(
            f"{folder} holds no readable record of a run.", cause=str(error), remedy="Name a folder under reports/."
        ) from error


def find(reports: Path, name: str) -> Path:
    """The folder of a run given by path, by name under `reports`, or as `latest`.

    Raises:
        UsageError: there is no such run.
    """
    for folder in (Path(name), reports / name):
        if (folder / RESULTS).is_file():
            return folder.resolve()
    known = ", ".join(f.name for f in folders(reports)[:5]) or "none"
    raise UsageError(f"There is no run {name!r}.", remedy=f"Newest runs in {reports}: {known}.")


def folders(reports: Path) -> list[Path]:
    """The folders of all runs, newest first."""
    found = [f.parent for f in reports.glob(f"*/{RESULTS}") if not f.parent.is_symlink()]
    return sorted(found, key=lambda f: f.name, reverse=True)


def resumable(reports: Path, current: RunResult) -> tuple[Path, RunResult] | None:
    """The newest earlier run of the same selection, target and parameters, when it did not pass."""
    for folder in folders(reports):
        if folder.name == current.run_id:
            continue
        try:
            earlier = load(folder)
        except UsageError:
            continue  # what cannot be read cannot be resumed, and must not keep an older run from being so
        if _key(earlier) == _key(current):
            return None if earlier.verdict == "passed" else (folder, earlier)
    return None


def take_over(source: Path, earlier: RunResult, destination: Path, notebook: str, digest: str) -> NotebookResult | None:
    """Carry a passed notebook of an earlier run into this one; None when it did not pass or has been edited since."""
    done = next((n for n in earlier.notebooks if n.id == notebook), None)
    if done is None or done.verdict not in ("passed", "resumed") or done.digest != digest:
        return None
    for suffix in (".html", ".ipynb"):
        if (source / f"{notebook}{suffix}").is_file():
            shutil.copyfile(source / f"{notebook}{suffix}", destination / f"{notebook}{suffix}")
    done.changes = []  # this run makes none of them
    done.note = done.note if done.verdict == "resumed" else f"passed in run {earlier.run_id}"
    done.verdict = "resumed"
    return done


def _key(result: RunResult) -> tuple[Any, ...]:
    parameters: Mapping[str, Any] = result.parameters
    return (sorted(result.selection), result.target, sorted(parameters.items()), result.plan, result.first)
