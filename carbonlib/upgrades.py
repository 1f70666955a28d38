"""A Flink job before and after an upgrade, as its JobManager tells it: the same on every target."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from ._errors import EngineError
from .job_specs import FINGERPRINT, RUN_ID, load_jobs

if TYPE_CHECKING:
    from .platform import Platform


@dataclass(frozen=True)
class JobView:
    """One look at a running job.

    Args:
        job_id: of this execution; an operator may keep it over an upgrade.
        started_at: epoch ms.
        fingerprint: what it was made from.
        run_id: under which it writes; kept by a job that goes on from its state.
        restored_from: path of the state that it began with, empty where it began with none.
        by_savepoint: whether that state was a savepoint.
        committed: records that its group has read and committed.
        restarts: since this execution began.
    """

    name: str
    job_id: str
    state: str
    started_at: int
    fingerprint: str
    run_id: str
    restored_from: str
    by_savepoint: bool
    committed: int
    restarts: int


def look(platform: Platform, name: str) -> JobView:
    """Look at a job.

    Raises:
        EngineError: it does not run.
        UsageError: none of that name is declared.
    """
    flink = platform.jobs.client(name)
    live = flink.live_job(name)
    if live is None:
        raise EngineError(f"The job {name} does not run.", remedy="Deploy the jobs first.", notebook="deploy-70")
    marks, state = flink.parameters(live["jid"]), flink.restored(live["jid"]) or {}
    groups = {job.name: job.parameters["group"] for job in load_jobs()[1]}
    return JobView(
        name, live["jid"], live["state"], int(live["start-time"]), marks.get(FINGERPRINT, ""), marks.get(RUN_ID, ""),
        str(state.get("external_path", "")), bool(state.get("is_savepoint")),
        platform.kafka.group_progress(groups[name]), flink.restarts(live["jid"]),
    )  # fmt: skip


class Comparison:
    """A job before and after."""

    def __init__(self, before: JobView, after: JobView) -> None:
        self.before = before
        self.after = after

    def troubles(self) -> list[str]:
        """What of an upgrade by savepoint does not hold, in words; empty where all of it does."""
        before, after = self.before, self.after
        facts: Sequence[tuple[bool, str]] = [
            (after.state == "RUNNING", f"the job is {after.state}"),
            (after.started_at > before.started_at, "it was not started anew"),
            (after.fingerprint != before.fingerprint, "it was made from the same"),
            (after.by_savepoint, f"it began with {after.restored_from or 'no state'}, which is no savepoint"),
            (after.restored_from != before.restored_from, "it began with the savepoint of an earlier upgrade"),
            (after.run_id == before.run_id, "it writes under another run id, so open transactions were left behind"),
            (after.committed >= before.committed, "the offsets of its group went back"),
            (after.restarts == 0, f"it has restarted {after.restarts} times"),
        ]
        return [words for holds, words in facts if not holds]

    def table(self) -> pd.DataFrame:
        """One row a property."""
        rows: list[list[Any]] = [
            [key, getattr(self.before, key), getattr(self.after, key)] for key in JobView.__dataclass_fields__
        ]
        return pd.DataFrame(rows, columns=["", "before", "after"], dtype=object)

    def __repr__(self) -> str:
        return f"{'; '.join(self.troubles()) or 'upgraded by savepoint'}\n{self.table().to_string(index=False)}"

    def _repr_html_(self) -> str:
        return str(self.table().to_html(index=False))
