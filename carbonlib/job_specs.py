"""What a Flink job is, on every target: scripts, what their references stand for, fingerprint, arguments."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from ._errors import UsageError
from ._project import MANIFESTS, SQL
from .local.engines import module_digest
from .references import names

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
    data = _declared()
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


def chosen_jobs(only: str, options: Mapping[str, Any]) -> tuple[str, list[Job]]:
    """The runner's class, and the jobs with these parameters in place of declared ones; None replaces nothing.

    Args:
        only: name of the one job that is meant; empty for all.

    Raises:
        UsageError: no job has that name.
    """
    entry, jobs = load_jobs({k: str(v) for k, v in options.items() if v is not None})
    chosen = [job for job in jobs if only in ("", job.name)]
    if not chosen:
        raise UsageError(f"There is no job {only!r}.", remedy=f"Jobs: {', '.join(job.name for job in jobs)}.")
    return entry, chosen


def probe_job(topic: str, mark: str) -> tuple[str, Job]:
    """The runner's class, and the job that writes one record with the mark to the topic and ends."""
    data = _declared()
    return data["entry_class"], Job("probe", [SQL / "flink" / data["probe"]], {"topic": topic, "mark": mark})


def references_of(job: Job, values: Mapping[str, str], run_id: str) -> dict[str, str]:
    """What the references of a job's scripts stand for.

    Args:
        values: the target's values, secrets among them.
        run_id: of this run, which keeps its transactions and load labels apart from those of others.
    """
    known = {**values, **{f"job.{k}": v for k, v in job.parameters.items()}, "job.run_id": run_id}
    return {name: known[name] for name in sorted(names(job.text())) if name in known}


def fingerprint(job: Job, values: Mapping[str, str]) -> str:
    """Changes with the scripts, what their references stand for, and the jar; never with the run id."""
    references = references_of(job, values, "")
    # The start offsets only say where a new job begins; a running one is past that.
    references.pop("job.start_offsets", None)
    material = [job.text(), references, module_digest("carbon-flink")]
    return hashlib.sha256(json.dumps(material, sort_keys=True).encode()).hexdigest()[:16]


def arguments(job: Job, scripts: Sequence[str], references: str, mark: str, run_id: str) -> list[str]:
    """Arguments of the runner.

    Args:
        scripts: paths of the job's scripts, as the JobManager sees them.
        references: path of their references, likewise.
        mark: the job's fingerprint, which it carries among its global parameters; empty for a job that nobody compares.
    """
    given = ["--script", ",".join(scripts), "--references", references, "--set", f"pipeline.name={job.name}"]
    if mark:
        given += ["--set", f"pipeline.global-job-parameters='{FINGERPRINT}:{mark}','{RUN_ID}:{run_id}'"]
    return given


def properties(values: Mapping[str, str]) -> str:
    """The values as a Java properties file."""
    escape = str.maketrans({"\\": "\\\\", "\n": "\\n", "\r": "\\r", ":": "\\:", "=": "\\="})
    return "".join(f"{k}={v.translate(escape)}\n" for k, v in values.items())


def _declared() -> dict[str, Any]:
    data: dict[str, Any] = yaml.safe_load((MANIFESTS / "flink" / "jobs.yaml").read_text(encoding="utf-8"))
    return data
