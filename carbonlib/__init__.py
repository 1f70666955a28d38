"""Runbooks that deploy, verify, measure, break and repair a real-time commodity-price platform.

A notebook needs this module only: `carbonlib.connect(target)` gives the platform, whose layers are planned, applied,
waited for and looked at; `check_*` and `target_*` turn what was measured into a verdict.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from ._errors import CarbonError, PlanShown
from .checks import check_at_least, check_empty, check_equal, check_same, check_zero, target_at_least, target_at_most

if TYPE_CHECKING:
    from .platform import Platform

_LAZY = (
    "bench",
    "care",
    "deadletters",
    "dimension",
    "drills",
    "evolution",
    "operations",
    "oracle",
    "proofs",
    "sizing",
    "upgrades",
)

__all__ = [
    "CarbonError",
    "PlanShown",
    "bench",
    "care",
    "check_at_least",
    "check_empty",
    "check_equal",
    "check_same",
    "check_zero",
    "connect",
    "deadletters",
    "dimension",
    "drills",
    "evolution",
    "operations",
    "oracle",
    "proofs",
    "sizing",
    "target_at_least",
    "target_at_most",
    "upgrades",
]


def connect(target: str = "local") -> Platform:
    """The platform on a target; the clients of its systems are loaded only now, since they take a second.

    Raises:
        UsageError: when there is no such target.
    """
    from .platform import connect as open_platform

    return open_platform(target)


def __getattr__(name: str) -> object:
    """Load the larger parts when they are first named: a notebook that only plans needs neither pandas nor plotly."""
    if name in _LAZY:
        return import_module(f".{name}", __name__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
