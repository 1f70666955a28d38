"""Drills: one member of the platform is killed while data flows, and the healing is timed from outside."""

from __future__ import annotations

from .apis import Ordeal, Ordeals, misbehave
from .load import Load, Rows
from .strike import Strike, Strikes, strike

__all__ = ["Load", "Ordeal", "Ordeals", "Rows", "Strike", "Strikes", "misbehave", "strike"]
