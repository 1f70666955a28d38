"""Dead letters: what readers could not use, grouped by cause, and sent again once the cause is gone, each once."""

from __future__ import annotations

from .desk import Letters, look, plan_replay
from .letters import Letter, Position
from .queues import Correction, DeadLetterPlan, HeaderNames, Queue, load_queues

__all__ = [
    "Correction",
    "DeadLetterPlan",
    "HeaderNames",
    "Letter",
    "Letters",
    "Position",
    "Queue",
    "load_queues",
    "look",
    "plan_replay",
]
