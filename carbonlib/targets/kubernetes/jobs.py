"""The Flink jobs on Kubernetes: FlinkDeployments, which the operator upgrades by savepoint.

A job whose fingerprint is the running one's is left alone. One that changes goes on from a savepoint of the operator;
what ran well last is kept in the cluster, and can be put back.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from ..._errors import ApplyError, CarbonError, EngineError, WaitTimeout
from ...changes import Change, Plan
from ...clients.flink import Flink
from ...job_specs import Job, chosen_jobs, fingerprint, load_jobs, probe_job
from ...jobs import TAKES
from ...status import Component
from ...waiting import seconds, wait_until
from . import job_objects, ownership
from .cluster import Cluster
from .explain import reasons
from .forwards import Forwards, inside_cluster
from .job_history import JobHistory
from .job_objects import KIND, RUN_ID
from .objects import Object, identity
from .plan import delete_and_wait
from .plan import plan as plan_objects
from .ready import flink_error
from .wait import wait as wait_for

if TYPE_CHECKING:
    from ...platform import Platform

UPGRADE_S = 180.0  # a savepoint, and the end of the former job
PROBE_S = 180.0
# Fields that only count when a job is created: the operator restarts nothing for them.
UNHEEDED = ("spec.job.initialSavepointPath", "spec.job.upgradeMode")
BEGINS = "begins_at"  # told of a change that starts a job, or starts it anew
REMEDY = "Mend what the cause names and deploy again, or put the job back to what ran well last: `-p back=true`."


class FlinkJobs:
    """The jobs layer.

    Args:
        platform: whose values and broker the jobs work with.
        cluster: where they run.
        manifests: the rendered objects of the layer.
        forwards: the way to JobManagers from outside the cluster.
    """

    name = "jobs"
    takes = (*TAKES, "force")

    def __init__(
        self,
        platform: Platform,
        cluster: Cluster,
        manifests: Callable[[], Sequence[Object]],
        forwards: Callable[[], Forwards],
    ) -> None:
        self._platform = platform
        self._cluster = cluster
        self._manifests = manifests
        self._forwards = forwards

    # -- plan -------------------------------------------------------------------------------------------------------

    def plan(self, *, only: str = "", from_state: bool = True, force: bool = False, **overrides: Any) -> Plan:
        """Jobs to start or to upgrade, field by field, each with the state that it goes on from.

        Args:
            only: name of the one job that is meant; empty for all.
            from_state: go on from a savepoint; else begin at the start offsets.
            force: take over fields that belong to other managers.
            overrides: parameters of these jobs.
        """
        entry, jobs = chosen_jobs(only, overrides)
        manifests = list(self._manifests())
        declared = self._declared(manifests, entry, jobs, from_state)
        if only:
            wanted = [m for m in declared if m["kind"] in (KIND, "Secret", "ConfigMap")]
            found = plan_objects(self._cluster, wanted, force=force)
        else:
            rest = [m for m in manifests if m["kind"] != KIND]
            found = plan_objects(self._cluster, [*rest, *declared], self.name, force)
        by_identity = {identity(m): m for m in declared if m["kind"] == KIND}
        offsets = {job.name: job.parameters["start_offsets"] for job in jobs}
        return Plan(self._told(c, by_identity.get(c.object), offsets, from_state) for c in found)

    def _declared(self, manifests: list[Object], entry: str, jobs: Sequence[Job], from_state: bool) -> list[Object]:
        """Scripts, references and FlinkDeployments of these jobs."""
        values, found = self._platform.values(), job_objects.deployments(manifests)
        made: list[Object] = []
        for job in jobs:
            manifest, mark = found[job.name], fingerprint(job, values)
            run_id = self._run_id(self._cluster.live(manifest), mark, from_state)
            made.append(job_objects.references_secret(manifest, job, values, run_id))
            made.append(job_objects.filled(manifest, entry, job, mark, run_id))
        return [*made, self._scripts(manifests)]

    def _scripts(self, manifests: Sequence[Object]) -> Object:
        every = [*load_jobs()[1], probe_job("", "")[1]]
        return job_objects.scripts_map(next(iter(job_objects.deployments(manifests).values())), every)

    def _run_id(self, live: Object | None, mark: str, from_state: bool) -> str:
        """Kept by a job that goes on from its state, so that open transactions are finished or aborted."""
        known = job_objects.notes(live) if live else {}
        if RUN_ID in known and (from_state or known.get(job_objects.FINGERPRINT) == mark):
            return known[RUN_ID]
        return format(int(time.time()), "x")

    def _told(self, change: Change, manifest: Object | None, offsets: dict[str, str], from_state: bool) -> Change:
        if manifest is None or change.apply is None:
            return change
        name = manifest["metadata"]["name"]
        if change.action == "create":
            spec = {"parallelism": manifest["spec"]["job"]["parallelism"], BEGINS: offsets[name]}
            return Change(change.object, change.action, None, {**(change.after or {}), **spec}, change.apply)
        if not any(path.startswith("spec") and path not in UNHEEDED for path in change.after or {}):
            return change
        begins = "savepoint" if from_state else offsets[name]
        apply = change.apply if from_state else partial(self._start_afresh, manifest)
        return Change(change.object, change.action, change.before, {**change.after, BEGINS: begins}, apply)

    # -- change -----------------------------------------------------------------------------------------------------

    def _start_afresh(self, manifest: Object) -> None:
        """Stop the job with a savepoint, which is kept, and start another without it."""
        live = self._cluster.live(manifest)
        if live and job_objects.job_state(live) == "RUNNING":
            self._apply(_job(manifest, state="suspended"))
            self._await(manifest, lambda now: _lifecycle(now) == "SUSPENDED", "suspended with a savepoint")
        if live:
            delete_and_wait(self._cluster, live)
        self._apply(manifest)

    def _apply(self, manifest: Object) -> None:
        ownership.apply(self._cluster, manifest)

    def _await(self, manifest: Object, ready: Callable[[Object], bool], what: str) -> Object:
        name = manifest["metadata"]["name"]

        def look() -> Object | None:
            live = self._cluster.live(manifest)
            if live is None:
                raise ApplyError(f"The FlinkDeployment {name} is not there any more.", notebook="deploy-70")
            return live if ready(live) else None

        return wait_until(look, what=f"{name} {what}", timeout=UPGRADE_S, notebook="deploy-70")

    def replace(self, name: str, **overrides: Any) -> None:
        """Have a job go on with what is declared now; returns when what ran before has ended with its savepoint.

        A plan's change returns once the operator has been told.

        Raises:
            WaitTimeout: it has not ended: a job that fails makes no savepoint.
        """
        manifest = job_objects.deployments(self._manifests())[name]
        former = self._jobmanagers(manifest)
        done = self.plan(only=name, **overrides).apply()
        if former and any(c.object == identity(manifest) and BEGINS in (c.after or {}) for c in done):
            wait_until(
                lambda: self._jobmanagers(manifest) != former, what=f"{name} ending with a savepoint",
                timeout=UPGRADE_S, every=0.5, remedy=REMEDY, notebook="operate-52",
            )  # fmt: skip

    def _jobmanagers(self, manifest: Object) -> str:
        """Uid of the Deployment that the operator made of it, empty where there is none."""
        meta = manifest["metadata"]
        live = self._cluster.get("Deployment", meta["name"], meta["namespace"], "apps/v1")
        return str(live["metadata"]["uid"]) if live else ""

    def roll_back(self, name: str) -> Plan:
        """Put a job back to what ran well last: scripts, references and spec.

        A job that runs is upgraded back by savepoint. One that does not is replaced, and begins at the savepoint from
        which the failed upgrade began.

        Raises:
            ApplyError: nothing is kept of it.
        """
        kept = self._history().read(name)
        if kept is None:
            raise ApplyError(
                f"Nothing is kept of {name}: it never ran well here.",
                remedy="Mend scripts or manifests, and deploy again.",
                notebook="deploy-70",
            )
        first, manifest = kept[:-1], kept[-1]
        live = self._cluster.live(manifest)
        runs = live is not None and job_objects.job_state(live) == "RUNNING" and not flink_error(live)
        if live is None or runs:
            return plan_objects(self._cluster, kept, force=True)
        found = plan_objects(self._cluster, first, force=True)
        state = job_objects.savepoint_of(live)
        told = {BEGINS: state or "start offsets"}
        why = {"job": job_objects.job_state(live) or "none", "error": flink_error(live)}
        return found + Plan([Change(identity(manifest), "update", why, told, partial(self._recreate, live, manifest))])

    def _recreate(self, live: Object, manifest: Object) -> None:
        state = job_objects.savepoint_of(live)
        delete_and_wait(self._cluster, live)
        self._apply(_job(manifest, initialSavepointPath=state) if state else manifest)

    # -- look -------------------------------------------------------------------------------------------------------

    def wait(self, timeout: str | float) -> None:
        """Wait until every job is stable and has completed a checkpoint; what then runs is kept for a way back.

        Raises:
            ApplyError: a job will not get there as it is; the operator's and the pods' reasons are the cause.
            WaitTimeout: not in time.
        """
        deadline = time.monotonic() + seconds(timeout)
        found = [m for m in job_objects.deployments(self._manifests()).values() if not job_objects.runs_once(m)]
        try:
            wait_for(self._cluster, found, seconds(timeout))
        except (ApplyError, WaitTimeout) as error:
            words = "\n".join(filter(None, [error.cause, *map(self._last_words, found)]))
            raise type(error)(error.message, cause=words, remedy=REMEDY, notebook="operate-52") from error
        for manifest in found:
            name = manifest["metadata"]["name"]
            self.client(name).wait_running(name, max(1.0, deadline - time.monotonic()))
        self._history().keep(found)

    def _last_words(self, manifest: Object) -> str:
        """Why a job failed, as its JobManager says; empty where it did not, or where nobody answers."""
        name = manifest["metadata"]["name"]
        live = self._cluster.live(manifest)
        if live is None or job_objects.job_state(live) not in ("FAILED", "RESTARTING", "FAILING"):
            return ""
        try:
            flink = self.client(name)
            return "\n".join(f"{name}: {cause}" for job in flink.jobs() if (cause := flink.root_cause(job["jid"])))
        except CarbonError as error:
            return f"{name}: {error.message}"

    def client(self, name: str) -> Flink:
        """The JobManagers of a job.

        Raises:
            EngineError: none takes connections.
        """
        manifest = job_objects.deployments(self._manifests())[name]
        namespace, service = manifest["metadata"]["namespace"], f"{name}-rest"
        live = self._cluster.get("Service", service, namespace, "v1")
        if live is None:
            raise EngineError(f"{name} has no JobManager: there is no Service {service}.", notebook="deploy-70")
        port = next(int(p["port"]) for p in live["spec"]["ports"] if p["name"] == "rest")
        if inside_cluster():
            return Flink([f"http://{service}.{namespace}:{port}"])
        local = self._forwards().open(namespace, f"service/{service}", port)
        return Flink([f"http://127.0.0.1:{local}"])

    def status(self) -> list[Component]:
        """State of each declared job, with the records that it has read and committed."""
        found = job_objects.deployments(self._manifests())
        return [self._component(job, found[job.name]) for job in load_jobs()[1]]

    def _component(self, job: Job, manifest: Object) -> Component:
        try:
            live = self._cluster.live(manifest)
            if live is None:
                return Component(self.name, job.name, "ABSENT", False, problem="there is no such FlinkDeployment")
            state, why = job_objects.job_state(live) or _lifecycle(live), flink_error(live)
            ok = _lifecycle(live) == "STABLE" and state == "RUNNING" and not why
            # The jobs commit their offsets with each checkpoint, so this figure moves only with committed output.
            progress = self._platform.kafka.group_progress(job.parameters["group"])
            problem = "" if ok else why or f"lifecycle {_lifecycle(live) or 'unknown'}"
            return Component(self.name, job.name, state or "UNKNOWN", ok, progress, problem)
        except CarbonError as error:
            return Component(self.name, job.name, "UNKNOWN", False, problem=error.message)

    def _history(self) -> JobHistory:
        return JobHistory(self._cluster, next(iter(job_objects.deployments(self._manifests()).values())))

    # -- probe ------------------------------------------------------------------------------------------------------

    def run_probe(self, topic: str, mark: str) -> str:
        """Run the probe script, which writes one record to the topic and ends; returns the state in which it ended.

        Raises:
            ApplyError: it did not start, or failed.
        """
        entry, job = probe_job(topic, mark)
        manifests = list(self._manifests())
        manifest = job_objects.filled(job_objects.deployments(manifests)[job.name], entry, job, "", "")
        secret = job_objects.references_secret(manifest, job, self._platform.values(), "")
        for obj in (self._scripts(manifests), secret):
            self._apply(obj)
        if left := self._cluster.live(manifest):
            delete_and_wait(self._cluster, left)
        self._apply(manifest)
        try:
            live = wait_until(partial(self._ended, manifest), what="The end of the probe job", timeout=PROBE_S)
            return self._verdict(manifest, live)
        finally:
            for obj in (manifest, secret):
                if found := self._cluster.live(obj):
                    delete_and_wait(self._cluster, found)

    def _ended(self, manifest: Object) -> Object | None:
        live = self._cluster.live(manifest) or {}
        over = job_objects.job_state(live) in ("FINISHED", "FAILED", "CANCELED") or flink_error(live)
        return live if over else None

    def _verdict(self, manifest: Object, live: Object) -> str:
        state = job_objects.job_state(live)
        if state == "FINISHED":
            return state
        cause = flink_error(live) or "\n".join(reasons(self._cluster, live))
        raise ApplyError("The probe job of Flink failed.", cause=cause, notebook="deploy-30")


def _job(manifest: Object, **fields: Any) -> Object:
    """The manifest with other values of `spec.job`."""
    made = copy.deepcopy(manifest)
    made["spec"]["job"] |= fields
    return made


def _lifecycle(live: Object) -> str:
    return str((live.get("status") or {}).get("lifecycleState") or "")
