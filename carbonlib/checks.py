"""Checks: one line of evidence each, with a verdict.

A *correctness* check that does not hold raises `CheckFailed` and so fails its notebook. A *target* (a latency, a
rate) that is not reached is `missed`: shown in red, and fails the run only with `--strict`. `invalid` marks a
measurement that cannot be trusted, whatever its figure says. Each check displays itself, and the runner collects them
from the cells' outputs; so the functions return nothing, and a check that ends a cell is shown once.
"""

from __future__ import annotations

import html
from collections.abc import Sized
from dataclasses import asdict, dataclass
from typing import Any, Literal, Protocol

from ._errors import CheckFailed, shorten

CHECK_MIME = "application/vnd.carbon.check+json"
Kind = Literal["correctness", "target"]
Verdict = Literal["passed", "failed", "missed", "invalid"]


@dataclass(frozen=True)
class Check:
    """One measured claim, as it stands in `results.json`."""

    name: str
    kind: Kind
    measured: Any
    unit: str
    limit: Any
    verdict: Verdict
    note: str = ""

    def as_dict(self) -> dict[str, Any]:
        """The check as plain data."""
        return asdict(self)

    def __repr__(self) -> str:
        unit = f" {self.unit}" if self.unit else ""
        note = f"  ({self.note})" if self.note else ""
        return f"{self.verdict.upper():7} {self.name}: measured {self.measured}{unit}, limit {self.limit}{unit}{note}"

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, Any]:
        page = f'<p class="carbon-check carbon-{self.verdict}">{html.escape(repr(self))}</p>'
        return {"text/plain": repr(self), "text/html": page, CHECK_MIME: self.as_dict()}


def check_equal(name: str, measured: Any, expected: Any, *, unit: str = "", note: str = "") -> None:
    """The measured value must equal the expected one.

    Raises:
        CheckFailed: when it does not.
    """
    _correctness(name, measured, expected, measured == expected, unit, note)


def check_zero(name: str, measured: int | float, *, unit: str = "", note: str = "") -> None:
    """The count must be zero; a count that could not be taken (None) fails.

    Raises:
        CheckFailed: when it is not zero.
    """
    _correctness(name, measured, 0, measured == 0 and measured is not None, unit, note)


def check_empty(name: str, measured: Sized, *, note: str = "") -> None:
    """Nothing may be in the collection; what is there is shown as evidence.

    Raises:
        CheckFailed: when something is.
    """
    evidence = note if not len(measured) else shorten(f"{note} {measured!r}".strip(), 400)
    _correctness(name, len(measured), 0, not len(measured), "", evidence)


class Compared(Protocol):
    """What came out of comparing two sets of rows."""

    compared: int

    @property
    def differing(self) -> int:
        """Rows that differ."""
        ...


def check_same(name: str, *comparisons: Compared) -> None:
    """No row may differ, and there must have been rows to compare; those that differ are shown as evidence.

    Raises:
        CheckFailed: when one differs, or nothing was compared.
    """
    differing = [o for o in comparisons if o.differing or not o.compared]
    rows = " and ".join(str(o.compared) for o in comparisons)
    note = f"{rows} compared" if not differing else shorten(" ".join(map(repr, differing)), 600)
    _correctness(name, sum(o.differing for o in comparisons), 0, not differing, "rows", note)


def check_at_least(name: str, measured: int | float, least: int | float, *, unit: str = "", note: str = "") -> None:
    """The measured value must reach `least`.

    Raises:
        CheckFailed: when it does not.
    """
    _correctness(name, measured, least, measured >= least, unit, note or "at least")


def target_at_most(
    name: str, measured: float, limit: float, *, unit: str = "ms", valid: bool = True, note: str = ""
) -> None:
    """A target that the measured value must not exceed: `missed` when it does, `invalid` when `valid` is false."""
    _target(name, measured, limit, measured <= limit, unit, valid, note)


def target_at_least(
    name: str, measured: float, limit: float, *, unit: str = "1/s", valid: bool = True, note: str = ""
) -> None:
    """A target that the measured value must reach: `missed` when it does not, `invalid` when `valid` is false."""
    _target(name, measured, limit, measured >= limit, unit, valid, note)


def _target(name: str, measured: float, limit: float, holds: bool, unit: str, valid: bool, note: str) -> None:
    verdict: Verdict = "invalid" if not valid else "passed" if holds else "missed"
    # NaN compares false: a figure that is no figure can never pass.
    _show(Check(name, "target", _plain(measured), unit, _plain(limit), verdict, note))


def _correctness(name: str, measured: Any, limit: Any, holds: bool, unit: str, note: str) -> None:
    verdict: Verdict = "passed" if bool(holds) else "failed"
    check = Check(name, "correctness", _plain(measured), unit, _plain(limit), verdict, note)
    _show(check)
    if verdict == "failed":
        raise CheckFailed(f"{name}: measured {check.measured}, limit {check.limit}", cause=note)


def _plain(value: Any) -> Any:
    """A JSON-able stand-in for the value: numpy scalars become Python numbers, the unknown becomes text."""
    if hasattr(value, "item") and not isinstance(value, (str, bytes)):
        value = value.item()
    if isinstance(value, float):
        return round(value, 3)
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_plain(v) for v in (sorted(value, key=str) if isinstance(value, (set, frozenset)) else value)]
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items()}
    return shorten(str(value), 200)


def _show(check: Check) -> None:
    from IPython.core.getipython import get_ipython

    if get_ipython() is None:
        print(repr(check))
        return
    from IPython.display import display

    display(check)
