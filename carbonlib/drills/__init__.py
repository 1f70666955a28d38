"""Drills: something of the platform is killed or spoilt on purpose; how it is told and healed is timed from outside."""

from __future__ import annotations

from .apis import Ordeal, Ordeals, misbehave
from .load import Load, Rows
from .rollouts import Rehearsal, Rehearsals, rehearse
from .strike import Strike, Strikes, strike

__all__ = [
    "Load",
    "Ordeal",
    "Ordeals",
    "Rehearsal",
    "Rehearsals",
    "Rows",
    "Strike",
    "Strikes",
    "misbehave",
    "rehearse",
    "strike",
]
