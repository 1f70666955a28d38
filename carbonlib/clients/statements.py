"""Statements of a declared object, carried out one after another."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from .._errors import ApplyError, EngineError


class Declared(Protocol):
    """What a refusal names: the object, and the file that declares it."""

    @property
    def label(self) -> str:
        """The object, as plans show it."""
        ...

    @property
    def source(self) -> str:
        """The name of its file."""
        ...


def runner(
    execute: Callable[[str], object], item: Declared, statements: Sequence[str], notebook: str
) -> Callable[[], None]:
    """A function that runs the statements.

    It raises `ApplyError` with the engine's reason when one is refused; those before it stay done.
    """

    def apply() -> None:
        for sql in statements:
            try:
                execute(sql)
            except EngineError as refused:
                raise ApplyError(
                    f"{item.label} ({item.source}) was refused.", cause=refused.cause,
                    remedy="Correct the file and deploy again; earlier objects stay.", notebook=notebook,
                ) from refused  # fmt: skip

    return apply
