"""Secrets by name: made once for the local target, kept in a 0600 file, never shown.

A parameter carries the name of a secret. `CARBON_SECRET_<NAME>` in the environment overrides the file, so that live
API keys can be given without writing them down.
"""

from __future__ import annotations

import json
import os
import secrets as random_source
from collections.abc import Iterator, Mapping
from pathlib import Path

from ._errors import EngineError, TargetError, UsageError

PREVIOUS = ".previous"


class Secrets(Mapping[str, str]):
    """The secrets of a target; values come out only by `secrets[name]`, never in a repr."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._values: dict[str, str] = _read(path)

    def __getitem__(self, name: str) -> str:
        override = os.environ.get(f"CARBON_SECRET_{name.upper()}")
        if override:
            return override
        try:
            return self._values[name]
        except KeyError:
            known = ", ".join(sorted(self._values)) or "none"
            raise UsageError(f"There is no secret named {name!r}.", remedy=f"Known names: {known}.") from None

    def __contains__(self, name: object) -> bool:
        return name in self._values or f"CARBON_SECRET_{str(name).upper()}" in os.environ

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"Secrets({', '.join(sorted(self._values))})"

    def ensure(self, names: list[str]) -> None:
        """Make a random value for each name that has none, and keep them in the file (mode 0600)."""
        missing = [n for n in names if n not in self._values]
        if not missing:
            return
        self._values.update({n: new_value() for n in missing})
        self._write()

    def replace(self, name: str, value: str) -> None:
        """Give a secret another value and keep the former one under `<name>.previous`.

        Raises:
            UsageError: the environment overrides it, so that nobody would see the new value.
        """
        refuse_overridden(name)
        self._values.update({name: value, f"{name}{PREVIOUS}": self[name]})
        self._write()

    def _write(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        temporary = self._path.with_suffix(".tmp")
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(self._values, file, indent=1, sort_keys=True)
        temporary.replace(self._path)


class KnownSecrets:
    """The secrets of each target as they are now; of one that cannot be asked any more, as they were last.

    A report is written when an API server is down, too, and must show none of them then.

    Args:
        path: the file of the local target.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: dict[str, dict[str, str]] = {}

    def __call__(self, target: str) -> Mapping[str, str]:
        """Names and values."""
        local = Secrets(self._path)
        if target == "local":
            return {name: local[name] for name in local}
        from . import connect

        try:
            asked = connect(target).secrets
            self._seen[target] = {**self._seen.get(target, {}), **{name: asked[name] for name in asked}}
        except (TargetError, EngineError):
            self._seen.setdefault(target, {})
        return {**local, **self._seen[target]}


def new_value() -> str:
    """A random password: all four character classes, as a strong policy asks; no sign that a config format reads."""
    return "Cb1-" + random_source.token_hex(12)


def refuse_overridden(name: str) -> None:
    """Refuse to replace a secret that the environment overrides.

    Raises:
        UsageError: it does.
    """
    variable = f"CARBON_SECRET_{name.upper()}"
    if variable in os.environ:
        raise UsageError(
            f"{name} comes from {variable}, and a new value would not be seen.",
            remedy=f"Run without: unset {variable}.",
        )


def _read(path: Path) -> dict[str, str]:
    if not path.exists():
        return {}
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, json.JSONDecodeError) as error:
        raise UsageError(
            f"{path.name} cannot be read.", cause=str(error), remedy="Restore the file, or purge and deploy again."
        ) from error
    if not isinstance(values, dict):
        raise UsageError(
            f"{path.name} is not a JSON object of names and values.",
            remedy="Restore the file, or purge and deploy again.",
        )
    return {str(k): str(v) for k, v in values.items()}
