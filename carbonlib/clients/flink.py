"""Flink's REST API: submit, look, savepoint, stop. Any JobManager answers for the cluster, so several may be given.

Protocol: https://nightlies.apache.org/flink/flink-docs-release-1.20/docs/ops/rest_api/
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx

from .._errors import ApplyError, EngineError, TargetUnreachable, shorten
from ..waiting import wait_until

LIVE = {"INITIALIZING", "CREATED", "RUNNING", "RESTARTING", "RECONCILING", "FAILING"}


class Flink:
    """A Flink cluster."""

    def __init__(self, urls: Sequence[str]) -> None:
        self.urls = list(urls)

    def _request(self, method: str, path: str, *, timeout: float = 30, url: str = "", **options: Any) -> Any:
        unreachable = ""
        for base in [url] if url else self.urls:
            try:
                answer = httpx.request(method, f"{base}{path}", timeout=timeout, **options)
            except httpx.HTTPError as error:
                unreachable = f"{type(error).__name__}: {error}"
                continue
            if answer.status_code == 503:  # no leader at the moment: another JobManager may already know it
                unreachable = shorten(answer.text, 200)
                continue
            if answer.is_error:
                raise EngineError(
                    f"Flink refused {method} {path.split('?')[0]}.", cause=_errors(answer), notebook="deploy-30"
                )
            return answer.json() if answer.content else {}
        raise TargetUnreachable("No JobManager of Flink answers.", cause=unreachable, notebook="deploy-30")

    def reachable(self) -> bool:
        """Whether a JobManager answers and a leader is elected."""
        try:
            self._request("GET", "/overview", timeout=5)
        except TargetUnreachable:
            return False
        return True

    def overview(self) -> dict[str, Any]:
        """TaskManagers, slots and jobs in figures."""
        return dict(self._request("GET", "/overview"))

    def taskmanagers(self) -> int:
        """Number of registered TaskManagers."""
        return int(self.overview()["taskmanagers"])

    def wait_taskmanagers(self, count: int, timeout: str | float) -> int:
        """Wait until that many TaskManagers have registered; returns how many have."""
        wait_until(
            lambda: self.taskmanagers() >= count,
            what=f"{count} TaskManagers registered",
            timeout=timeout,
            notebook="deploy-30",
        )
        return self.taskmanagers()

    def views(self) -> set[tuple[int, int]]:
        """What each JobManager says of the cluster, as (TaskManagers, slots): one view where all follow one leader."""
        answers = [self._request("GET", "/overview", url=url) for url in self.urls]
        return {(a["taskmanagers"], a["slots-total"]) for a in answers}

    def wait_ended(self, job_id: str, timeout: str | float) -> None:
        """Wait until a job has ended, in whatever state."""
        wait_until(
            lambda: self.job(job_id)["state"] not in LIVE | {"CANCELLING"},
            what=f"The end of job {job_id}",
            timeout=timeout,
        )

    def end_of(self, job_id: str, timeout: str | float) -> str:
        """Wait until a job has ended and return the state in which it did.

        Raises:
            EngineError: the job failed; its root cause is the cause.
        """
        self.wait_ended(job_id, timeout)
        ended = self.job(job_id)
        if ended["state"] == "FAILED":
            raise EngineError(f"The job {ended['name']} failed.", cause=self.root_cause(job_id), notebook="deploy-30")
        return str(ended["state"])

    def jobs(self) -> list[dict[str, Any]]:
        """Every job that the cluster remembers: `jid`, `name`, `state`, `start-time` (epoch ms), `tasks`."""
        return list(self._request("GET", "/jobs/overview")["jobs"])

    def live_job(self, name: str) -> dict[str, Any] | None:
        """The job of that name that has not ended, None where there is none.

        Raises:
            EngineError: when there are several, which would write everything twice.
        """
        found = [j for j in self.jobs() if j["name"] == name and j["state"] in LIVE]
        if len(found) > 1:
            ids = ", ".join(j["jid"] for j in found)
            raise EngineError(
                f"{len(found)} jobs named {name} are running: {ids}.",
                remedy="Cancel all but one.",
                notebook="deploy-70",
            )
        return found[0] if found else None

    def job(self, job_id: str) -> dict[str, Any]:
        """State, vertices and figures of a job."""
        return dict(self._request("GET", f"/jobs/{job_id}"))

    def parameters(self, job_id: str) -> dict[str, str]:
        """The global parameters that the job was submitted with."""
        return dict(self._request("GET", f"/jobs/{job_id}/config")["execution-config"].get("user-config", {}))

    def root_cause(self, job_id: str) -> str:
        """The innermost cause of the job's last failure, in one line; empty where it never failed."""
        entries = self._request("GET", f"/jobs/{job_id}/exceptions").get("exceptionHistory", {}).get("entries", [])
        if not entries:
            return ""
        lines = [line.strip() for line in entries[0]["stacktrace"].splitlines() if not line.startswith("\t")]
        causes = [line for line in lines if line.startswith("Caused by:")]
        return shorten((causes or lines or [""])[-1].removeprefix("Caused by: "), 400)

    def last_state(self, job_id: str) -> str | None:
        """Path of the newest savepoint or retained checkpoint of a job, None where it has none."""
        latest = self._request("GET", f"/jobs/{job_id}/checkpoints").get("latest", {})
        known = [latest[kind] for kind in ("savepoint", "completed") if latest.get(kind)]
        newest = max(known, key=lambda c: c["id"], default=None)
        return newest["external_path"] if newest else None

    def checkpoints(self, job_id: str) -> dict[str, int]:
        """Numbers of checkpoints: total, in_progress, completed, failed, restored."""
        return dict(self._request("GET", f"/jobs/{job_id}/checkpoints")["counts"])

    def restored(self, job_id: str) -> dict[str, Any] | None:
        """The state that a job began with (`external_path`, `is_savepoint`), None where it began with none."""
        found: dict[str, Any] | None = self._request("GET", f"/jobs/{job_id}/checkpoints")["latest"].get("restored")
        return found

    def restarts(self, job_id: str) -> int:
        """How often a job was restarted since it was submitted."""
        found = self._request("GET", f"/jobs/{job_id}/metrics?get=numRestarts")
        return int(found[0]["value"]) if found else 0

    def upload(self, jar: Path) -> tuple[str, str]:
        """Make the jar known to one JobManager, once, and return `(its url, jar id)`."""
        name = f"{jar.stem}-{hashlib.sha256(jar.read_bytes()).hexdigest()[:12]}.jar"
        for url in self.urls:
            try:
                for known in self._request("GET", "/jars", url=url)["files"]:
                    if known["name"] == name:
                        return url, known["id"]
                files = {"jarfile": (name, jar.read_bytes(), "application/x-java-archive")}
                answer = self._request("POST", "/jars/upload", url=url, files=files)
                return url, Path(answer["filename"]).name
            except TargetUnreachable:
                continue
        raise TargetUnreachable("No JobManager of Flink takes a jar.", notebook="deploy-30")

    def run(self, jar: Path, entry_class: str, arguments: Sequence[str], savepoint: str | None = None) -> str:
        """Run a program of the jar and return the id of the job that it submitted.

        Raises:
            ApplyError: with the program's own error as cause.
        """
        url, jar_id = self.upload(jar)
        body: dict[str, Any] = {"entryClass": entry_class, "programArgsList": list(arguments)}
        if savepoint:
            body["savepointPath"] = savepoint
        try:
            return str(self._request("POST", f"/jars/{jar_id}/run", url=url, json=body, timeout=120)["jobid"])
        except EngineError as error:
            raise ApplyError("Flink did not accept the job.", cause=error.cause, notebook="deploy-70") from error

    def stop_with_savepoint(self, job_id: str, timeout: str | float = "2 min") -> str:
        """Stop a job after a savepoint and return the savepoint's path.

        Raises:
            ApplyError: when the savepoint failed; the job goes on running.
        """
        trigger = self._request("POST", f"/jobs/{job_id}/stop", json={"drain": False})["request-id"]

        def finished() -> dict[str, Any] | None:
            answer = self._request("GET", f"/jobs/{job_id}/savepoints/{trigger}")
            return answer["operation"] if answer["status"]["id"] == "COMPLETED" else None

        operation = wait_until(finished, what=f"The savepoint of job {job_id}", timeout=timeout)
        if "failure-cause" in operation:
            raise ApplyError(
                f"The savepoint of job {job_id} failed.", cause=shorten(operation["failure-cause"]["stack-trace"], 400)
            )
        return str(operation["location"])

    def cancel(self, job_id: str) -> None:
        """Cancel a job without a savepoint and wait until it has ended."""
        self._request("PATCH", f"/jobs/{job_id}?mode=cancel")
        self.wait_ended(job_id, "60 s")

    def wait_running(self, name: str, timeout: str | float) -> str:
        """Wait until the job has every task running and one checkpoint behind it; returns its id."""

        def ready() -> str | None:
            job = self.live_job(name)
            if job is None:
                raise ApplyError(f"The job {name} does not run", cause=self._last_failure(name))
            tasks = job["tasks"]
            if job["state"] != "RUNNING" or tasks["running"] != tasks["total"]:
                raise ApplyError(f"The job {name} is {job['state']}", cause=self.root_cause(job["jid"]))
            return str(job["jid"]) if self.checkpoints(job["jid"])["completed"] else None

        return wait_until(
            ready, what=f"Job {name} running with a completed checkpoint", timeout=timeout, notebook="deploy-70"
        )

    def _last_failure(self, name: str) -> str:
        ended = max((j for j in self.jobs() if j["name"] == name), key=_start_time, default=None)
        return self.root_cause(ended["jid"]) if ended else "it was never submitted"

    def ended_with_state(self, name: str) -> str | None:
        """Id of the newest ended job of that name that left a savepoint or checkpoint, None where none did."""
        ended = sorted((j for j in self.jobs() if j["name"] == name and j["state"] not in LIVE), key=_start_time)
        return next((str(j["jid"]) for j in reversed(ended) if self.last_state(j["jid"])), None)


def _start_time(job: Mapping[str, Any]) -> int:
    return int(job["start-time"])


def _errors(answer: httpx.Response) -> str:
    """The innermost cause that Flink gives, without the Java stack."""
    try:
        errors: Mapping[str, Any] = answer.json()
        text = str(errors.get("errors", [""])[-1])
    except ValueError:
        text = answer.text
    causes = [line.strip() for line in text.splitlines() if "Caused by:" in line]
    return shorten(causes[-1].split("Caused by:", 1)[1].strip() if causes else text, 500)
