"""Operations: what is done to a platform that runs, each with a plan, a guard that refuses, and a way back."""

from __future__ import annotations

from .prober import Prober
from .roll import Roll

__all__ = ["Prober", "Roll"]
