"""The Flink jobs: the same scripts on every target, a savepoint before a change, nothing done where nothing differs.

A job carries the fingerprint of what it was made from among its global parameters, so a look at the running job tells
whether it is the declared one.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from ._errors import ApplyError, CarbonError
from .changes import Change, Plan
from .clients.flink import Flink
from .job_specs import (
    FINGERPRINT,
    RUN_ID,
    Job,
    arguments,
    chosen_jobs,
    fingerprint,
    load_jobs,
    probe_job,
    properties,
    references_of,
)
from .status import Component

if TYPE_CHECKING:
    from .platform import Platform

PROBE_TIMEOUT = "60 s"
TAKES = ("only", "from_state", "start_offsets", "parallelism", "checkpoint_interval")
__all__ = ["TAKES", "Job", "Jobs", "component", "load_jobs"]


class Jobs:
    """The jobs layer."""

    name = "jobs"
    takes = TAKES

    def __init__(self, platform: Platform) -> None:
        self._platform = platform

    def plan(self, *, only: str = "", from_state: bool = True, **overrides: Any) -> Plan:
        """Jobs to start or to replace, each change with the state that it goes on from.

        Args:
            only: name of the one job that is meant; empty for all.
            from_state: go on from the last savepoint or checkpoint; else begin at the start offsets.
            overrides: parameters of these jobs.
        """
        entry, jobs = chosen_jobs(only, overrides)
        reachable = self._platform.flink.reachable()
        changes = [self._plan_one(entry, job, reachable, from_state) for job in jobs]
        return Plan(c for c in changes if c)

    def _plan_one(self, entry: str, job: Job, reachable: bool, from_state: bool) -> Change | None:
        flink = self._platform.flink
        live = flink.live_job(job.name) if reachable else None
        fingerprint = self.fingerprint(job)
        if live is None:
            former = flink.ended_with_state(job.name) if reachable and from_state else None
            state = flink.last_state(former) if former else None
            after = {"begins_at": state or job.parameters["start_offsets"]}
            return Change(f"job/{job.name}", "create", None, after, lambda: self._start(entry, job, state, former))
        before = flink.parameters(live["jid"]).get(FINGERPRINT, "unknown")
        if before == fingerprint:
            return None
        return Change(
            f"job/{job.name}",
            "update",
            {"fingerprint": before},
            {"fingerprint": fingerprint, "begins_at": "savepoint" if from_state else job.parameters["start_offsets"]},
            lambda: self._replace(entry, job, live["jid"], from_state),
        )

    def replace(self, name: str) -> None:
        """Have a job go on with what is declared now; returns when what ran before has ended with its savepoint."""
        self.plan(only=name).apply()

    def _replace(self, entry: str, job: Job, live: str, from_state: bool) -> None:
        savepoint = self._platform.flink.stop_with_savepoint(live)
        self._start(entry, job, savepoint if from_state else None, live)

    def _start(self, entry: str, job: Job, state: str | None, former: str | None) -> None:
        """Submit the job. Going on from a state keeps the run id, so that open transactions are finished or aborted."""
        run_id = self._platform.flink.parameters(former).get(RUN_ID) if state and former else None
        try:
            self.submit(entry, job, state, run_id or format(int(time.time()), "x"))
        except ApplyError as error:
            if state is None:
                raise
            raise ApplyError(
                f"{job.name} did not start from its state, and does not run now.",
                cause=error.cause,
                remedy=f"Its state is kept at {state}. Put the former scripts back and run again, or, where the new "
                "ones cannot take it, run with -p from_state=false: the job goes on at the offsets that it committed.",
                notebook="deploy-70",
            ) from error

    def submit(self, entry: str, job: Job, state: str | None, run_id: str) -> str:
        """Submit a job from a savepoint or checkpoint, or afresh, and return its id."""
        references = references_of(job, self._platform.values(), run_id)
        path = self._platform.target.job_references(job.name, properties(references))
        given = arguments(job, [str(p) for p in job.scripts], path, self.fingerprint(job), run_id)
        return self._platform.flink.run(self._platform.flink_jar(), entry, given, state)

    def fingerprint(self, job: Job) -> str:
        """What a job is made from, in one word."""
        return fingerprint(job, self._platform.values())

    def roll_back(self, name: str) -> Plan:
        """Put a job back to what is declared: nothing else is kept here; it goes on from its last state."""
        return self.plan(only=name)

    def client(self, name: str) -> Flink:
        """The cluster that runs the job of that name: here it is one for all."""
        return self._platform.flink

    def run_probe(self, topic: str, mark: str) -> str:
        """Run the probe script, which writes one record to the topic and ends; returns the state in which it ended.

        Raises:
            ApplyError: Flink did not take it.
            EngineError: it failed.
        """
        entry, job = probe_job(topic, mark)
        path = self._platform.target.job_references(
            "probe", properties(references_of(job, self._platform.values(), ""))
        )
        given = arguments(job, [str(p) for p in job.scripts], path, "", "")
        flink = self._platform.flink
        return flink.end_of(flink.run(self._platform.flink_jar(), entry, given), PROBE_TIMEOUT)

    def wait(self, timeout: str | float) -> None:
        """Wait until every job runs and has completed a checkpoint."""
        for job in load_jobs()[1]:
            self._platform.flink.wait_running(job.name, timeout)

    def status(self) -> list[Component]:
        """State of each declared job, with the records that it has read and committed."""
        return [self._component(job) for job in load_jobs()[1]]

    def _component(self, job: Job) -> Component:
        return component(self._platform, self.client(job.name), job)


def component(platform: Platform, flink: Flink, job: Job) -> Component:
    """State of one job, with the records that it has read and committed.

    Args:
        flink: the cluster that runs it.
    """
    try:
        live = flink.live_job(job.name)
        if live is None:
            return Component(Jobs.name, job.name, "ABSENT", False, problem="no such job runs")
        running = live["state"] == "RUNNING"
        cause = "" if running else flink.root_cause(live["jid"])
        # The jobs commit their offsets with each checkpoint, so this figure moves only with committed output.
        progress = platform.kafka.group_progress(job.parameters["group"])
        return Component(Jobs.name, job.name, live["state"], running, progress, cause)
    except CarbonError as error:
        return Component(Jobs.name, job.name, "UNKNOWN", False, problem=error.message)
