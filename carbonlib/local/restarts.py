"""Failed connectors and tasks are started again, ever more rarely: most causes, a database that was away, pass.

Kafka Connect leaves a failed task failed. Production has the same rule in an operator (Strimzi calls it autoRestart:
https://strimzi.io/docs/operators/latest/deploying#con-kafka-connector-auto-restart-str); here the watch carries it out.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from .._errors import CarbonError
from ..clients.connectors import ConnectorState

log = logging.getLogger("watch")


class Workers(Protocol):
    """What is needed of Kafka Connect."""

    def status(self) -> Mapping[str, ConnectorState]:
        """Every live connector with its tasks."""
        ...

    def restart_failed(self, name: str) -> None:
        """Restart the connector and the tasks of it that have failed."""
        ...


@dataclass(frozen=True)
class Rule:
    """When a failed connector is started again.

    Args:
        first_s: seconds until the second attempt; the first is made at once.
        factor: by which each further pause is longer.
        most: attempts before it is left to a person.
        forgiven_s: seconds without a failure after which the attempts count anew.
    """

    first_s: float
    factor: float
    most: int
    forgiven_s: float


@dataclass
class _Record:
    attempts: int = 0
    due: float = 0.0
    failed_at: float = 0.0


class Restarts:
    """Looks at all connectors once a round, and starts again what has failed and whose pause is over."""

    def __init__(self, workers: Workers, rule: Rule, now: Callable[[], float] = time.monotonic) -> None:
        self._workers, self._rule, self._now = workers, rule, now
        self._records: dict[str, _Record] = {}

    def round(self) -> None:
        """One look.

        Raises:
            CarbonError: the workers do not answer.
        """
        for name, state in self._workers.status().items():
            if state.failure:
                self._failed(name, state.failure)
            elif name in self._records and self._now() - self._records[name].failed_at >= self._rule.forgiven_s:
                del self._records[name]

    def _failed(self, name: str, cause: str) -> None:
        record = self._records.setdefault(name, _Record())
        record.failed_at = self._now()
        if record.attempts >= self._rule.most or self._now() < record.due:
            return
        record.due = self._now() + self._rule.first_s * self._rule.factor**record.attempts
        record.attempts += 1
        log.warning("%s has failed and is started again (%s of %s): %s", name, record.attempts, self._rule.most, cause)
        try:
            self._workers.restart_failed(name)
        except CarbonError as error:  # the workers share out their tasks anew, or it was removed a moment ago
            log.warning("%s could not be started again: %s", name, error.cause or error.message)


def keep_restarting(restarts: Restarts, period: float) -> None:
    """Look until the process ends; workers that do not answer are asked again in the next round."""
    while True:
        try:
            restarts.round()
        except CarbonError as error:
            log.info("no look at the connectors was possible: %s", error.cause or error.message)
        time.sleep(period)
