"""When a process that runs and answers no more has to be restarted: what a kubelet's liveness probe decides.

A question that could not be asked in time says nothing about the process: it counts neither way. So a machine that
stood still restarts nobody, and whoever lost its place by it and does not recover is restarted half a minute later.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from ..config import Settings
from ..references import resolve
from . import manifest

Action = Literal["stop", "kill"]
ROUNDS_TO_STOP = 3  # a process that was asked to end and is still there after so many rounds is killed


@dataclass(frozen=True)
class Rule:
    """How one process is watched.

    Args:
        probe: the question, as `probes.silence` takes it.
        failures: so many questions in a row without an answer are enough.
        grace_s: how long a process that was just started may take to its first answer.
        stop_signal: what asks it to end.
    """

    probe: Mapping[str, str]
    failures: int
    grace_s: float
    stop_signal: str


def rule_of(where: Settings, name: str) -> Rule | None:
    """The rule of a process, by its name; None where the manifest has none for it."""
    kinds = manifest.declared()["processes"]
    kind, _, number = (name, "", "1") if name in kinds else name.rpartition("-")
    spec: dict[str, Any] = kinds.get(kind, {})
    if "alive" not in spec:
        return None
    common = {**manifest.declared()["liveness"], **spec["alive"]}
    ports = {f"port.{role}": str(port) for role, port in manifest.ports_of(where, int(number) - 1).items()}
    probe = {k: resolve(str(common[k]), ports) for k in ("http", "tcp", "ask") if k in common}
    return Rule(probe, int(common["failures"]), float(common["grace_s"]), spec.get("stop_signal", "TERM"))


@dataclass
class _Watched:
    pid: int
    answered: bool = False
    failures: int = 0


class Judge:
    """Remembers what each process answered, and says what is to be done."""

    def __init__(self) -> None:
        self._watched: dict[str, _Watched] = {}

    def hear(self, name: str, pid: int, age_s: float, silence: str, rule: Rule) -> Action | None:
        """Take the outcome of one question.

        Args:
            name, pid: who was asked; another pid is another run of the process, and its record begins anew.
            age_s: how long it has been running.
            silence: why it gave no answer, empty where it did.
            rule: how it is watched.
        """
        watched = self._watched.get(name)
        if watched is None or watched.pid != pid:
            watched = self._watched[name] = _Watched(pid)
        if not silence:
            watched.answered, watched.failures = True, 0
            return None
        if not watched.answered and age_s < rule.grace_s:
            return None
        watched.failures += 1
        if watched.failures == rule.failures:
            return "stop"
        return "kill" if watched.failures >= rule.failures + ROUNDS_TO_STOP else None
