"""The Flink jobs: the same scripts on every target, a savepoint before a change, nothing done where nothing differs.

A job carries the fingerprint of what it was made from among its global parameters, so a look at the running job tells
whether it is the declared one.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from ._errors import ApplyError, CarbonError
from ._project import MANIFESTS, SQL
from .changes import Change, Plan
from .local.engines import module_digest
from .references import names
from .status import Component

if TYPE_CHECKING:
    from .platform import Platform

FINGERPRINT = "carbon.fingerprint"
RUN_ID = "carbon.run-id"


@dataclass(frozen=True)
class Job:
    """One declared job.

    Args:
        name: as the cluster shows it.
        scripts: SQL files in the order of execution.
        parameters: what `${job.*}` stands for in them.
    """

    name: str
    scripts: list[Path]
    parameters: dict[str, str]

    def text(self) -> str:
        """All scripts, one after another."""
        return "\n".join(p.read_text(encoding="utf-8") for p in self.scripts)


def load_jobs(overrides: Mapping[str, str] | None = None) -> tuple[str, list[Job]]:
    """The runner's class and the jobs of `manifests/flink/jobs.yaml`; overrides replace parameters of every job."""
    data = yaml.safe_load((MANIFESTS / "flink" / "jobs.yaml").read_text(encoding="utf-8"))
    common = data.get("defaults", {})
    jobs = [
        Job(
            spec["name"],
            [SQL / "flink" / script for script in spec["scripts"]],
            {k: str(v) for k, v in {**common, **spec.get("parameters", {}), **(overrides or {})}.items()},
        )
        for spec in data["jobs"]
    ]
    return data["entry_class"], jobs


class Jobs:
    """The jobs layer."""

    name = "jobs"
    takes = ("from_state", "start_offsets", "parallelism", "checkpoint_interval")

    def __init__(self, platform: Platform) -> None:
        self._platform = platform

    def plan(self, *, from_state: bool = True, **overrides: Any) -> Plan:
        """Jobs to start or to replace, each change with the state that it goes on from.

        Args:
            from_state: go on from the last savepoint or checkpoint; else begin at the start offsets.
            overrides: parameters of the jobs, for all of them.
        """
        entry, jobs = load_jobs({k: str(v) for k, v in overrides.items() if v is not None})
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
        references = self._references(job, run_id)
        path = self._platform.target.job_references(job.name, _properties(references))
        arguments = ["--script", ",".join(map(str, job.scripts)), "--references", path]
        settings = {
            "pipeline.name": job.name,
            "pipeline.global-job-parameters": f"'{FINGERPRINT}:{self.fingerprint(job)}','{RUN_ID}:{run_id}'",
        }
        for key, value in settings.items():
            arguments += ["--set", f"{key}={value}"]
        return self._platform.flink.run(self._platform.flink_jar(), entry, arguments, state)

    def _references(self, job: Job, run_id: str) -> dict[str, str]:
        known = {**self._platform.values(), **{f"job.{k}": v for k, v in job.parameters.items()}, "job.run_id": run_id}
        return {name: known[name] for name in sorted(names(job.text())) if name in known}

    def fingerprint(self, job: Job) -> str:
        """Changes with the scripts, what their references stand for, and the jar; never with the run id."""
        references = self._references(job, "")
        # The start offsets only say where a new job begins; a running one is past that.
        references.pop("job.start_offsets", None)
        material = [job.text(), references, module_digest("carbon-flink")]
        return hashlib.sha256(json.dumps(material, sort_keys=True).encode()).hexdigest()[:16]

    def wait(self, timeout: str | float) -> None:
        """Wait until every job runs and has completed a checkpoint."""
        for job in load_jobs()[1]:
            self._platform.flink.wait_running(job.name, timeout)

    def status(self) -> list[Component]:
        """State of each declared job, with the records that it has read and committed."""
        return [self._component(job) for job in load_jobs()[1]]

    def _component(self, job: Job) -> Component:
        flink = self._platform.flink
        try:
            live = flink.live_job(job.name)
            if live is None:
                return Component(self.name, job.name, "ABSENT", False, problem="no such job runs")
            running = live["state"] == "RUNNING"
            cause = "" if running else flink.root_cause(live["jid"])
            # The jobs commit their offsets with each checkpoint, so this figure moves only with committed output.
            progress = self._platform.kafka.group_progress(job.parameters["group"])
            return Component(self.name, job.name, live["state"], running, progress, cause)
        except CarbonError as error:
            return Component(self.name, job.name, "UNKNOWN", False, problem=error.message)


def submit_probe(platform: Platform, topic: str, mark: str) -> str:
    """Run the probe script, which writes one record to the topic and ends; returns the job's id."""
    declared = yaml.safe_load((MANIFESTS / "flink" / "jobs.yaml").read_text(encoding="utf-8"))
    script = SQL / "flink" / declared["probe"]
    known = {**platform.values(), "job.topic": topic, "job.mark": mark}
    wanted = {name: known[name] for name in sorted(names(script.read_text(encoding="utf-8")))}
    path = platform.target.job_references("probe", _properties(wanted))
    arguments = ["--script", str(script), "--references", path, "--set", "pipeline.name=probe"]
    return platform.flink.run(platform.flink_jar(), declared["entry_class"], arguments)


def _properties(values: Mapping[str, str]) -> str:
    """The values as a Java properties file."""
    escape = str.maketrans({"\\": "\\\\", "\n": "\\n", "\r": "\\r", ":": "\\:", "=": "\\="})
    return "".join(f"{k}={v.translate(escape)}\n" for k, v in values.items())
