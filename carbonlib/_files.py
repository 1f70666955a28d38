"""Reading the project's own files, and the folders that the environment names: what is wrong is said by name."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from ._errors import PreflightError, UsageError

_READERS: dict[str, tuple[str, Callable[[str], Any]]] = {
    ".json": ("JSON", json.loads),
    ".toml": ("TOML", tomllib.loads),
    ".yaml": ("YAML", yaml.safe_load),
}
CORRECT = "Correct the file, or take the one of the repository again: git checkout <file>."


def read_mapping(path: Path, *, needs: Iterable[str] = (), text: str | None = None, remedy: str = "") -> dict[str, Any]:
    """The content of a JSON, TOML or YAML file that holds names and values.

    Args:
        path: says what it is by its suffix.
        needs: names that must be there.
        text: its text, where it was changed since it was read.
        remedy: what to do where it is broken.

    Raises:
        UsageError: naming the file, and where in it the mistake is.
    """
    language, read = _READERS[path.suffix]
    try:
        data = read(path.read_text(encoding="utf-8") if text is None else text)
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise UsageError(f"{path.name} is not {language}.", cause=str(error), remedy=remedy or CORRECT) from error
    require(path.name, data, needs, remedy=remedy)
    return dict(data)


def require(what: str, data: Any, names: Iterable[str], *, remedy: str = "") -> None:
    """Refuse a part of a file that lacks names which must be there.

    Args:
        what: the file and the part, as the reader would find them.

    Raises:
        UsageError: naming the part and what it lacks.
    """
    if not isinstance(data, Mapping):
        raise UsageError(f"{what} does not hold names and values.", remedy=remedy or CORRECT)
    missing = [n for n in names if n not in data]
    if missing:
        raise UsageError(f"{what} lacks {', '.join(missing)}.", remedy=remedy or CORRECT)


def make_folder(path: Path, what: str, variable: str) -> Path:
    """Make a folder that an environment variable may name, where it is missing.

    Raises:
        PreflightError: it cannot be made, or nothing can be written into it.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
        probe = path / ".writable"
        probe.touch()
        probe.unlink(missing_ok=True)
    except OSError as error:
        raise PreflightError(
            f"The {what} {path} cannot be written.",
            cause=str(error),
            remedy=f"Make it writable for this user, or choose another one: {variable}=/a/folder/of/yours.",
        ) from error
    return path
