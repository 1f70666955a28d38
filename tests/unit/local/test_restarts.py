"""Failed connectors are started again, not too often and not for ever."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from carbonlib._errors import TargetUnreachable
from carbonlib.clients.connectors import ConnectorState, TaskState
from carbonlib.local.restarts import Restarts, Rule

RULE = Rule(first_s=5, factor=2, most=3, forgiven_s=60)


class Workers:
    """Stands for the REST interface of Connect: one connector, in the state that a test sets."""

    def __init__(self) -> None:
        self.failed = True
        self.restarted = 0
        self.answers = True

    def status(self) -> Mapping[str, ConnectorState]:
        if not self.answers:
            raise TargetUnreachable("Kafka Connect does not answer.")
        task = TaskState(0, "FAILED", "w", "gone") if self.failed else TaskState(0, "RUNNING", "w")
        return {"sink": ConnectorState("sink", "sink", "RUNNING", "w", [task])}

    def restart_failed(self, name: str) -> None:
        assert name == "sink"
        self.restarted += 1


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def workers() -> Workers:
    return Workers()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def restarts(workers: Workers, clock: Clock) -> Restarts:
    return Restarts(workers, RULE, clock)


def test_a_failed_task_is_started_again_at_once(restarts: Restarts, workers: Workers) -> None:
    restarts.round()
    assert workers.restarted == 1


def test_a_running_one_is_left_alone(restarts: Restarts, workers: Workers) -> None:
    workers.failed = False
    restarts.round()
    assert workers.restarted == 0


def test_pauses_grow(restarts: Restarts, workers: Workers, clock: Clock) -> None:
    moments = []
    for _ in range(40):
        before = workers.restarted
        restarts.round()
        if workers.restarted > before:
            moments.append(clock.seconds - 100)
        clock.seconds += 1
    assert moments == [0, 5, 15]


def test_after_so_many_attempts_it_is_left_to_a_person(restarts: Restarts, workers: Workers, clock: Clock) -> None:
    for _ in range(1000):
        restarts.round()
        clock.seconds += 5
    assert workers.restarted == RULE.most


def test_a_long_time_without_failure_forgives(restarts: Restarts, workers: Workers, clock: Clock) -> None:
    for _ in range(100):
        restarts.round()
        clock.seconds += 5
    workers.failed = False
    restarts.round()
    clock.seconds += RULE.forgiven_s + 1
    restarts.round()
    workers.failed = True
    restarts.round()
    assert workers.restarted == RULE.most + 1


def test_workers_that_do_not_answer_are_somebody_elses_matter(restarts: Restarts, workers: Workers) -> None:
    workers.answers = False
    with pytest.raises(TargetUnreachable):
        restarts.round()
    workers.answers = True
    restarts.round()
    assert workers.restarted == 1
