"""The processes of JobManager pods, played on the real session cluster of the engines.

When the pods of a FlinkDeployment are ready, its program is run there as their start script would run it: by what the
operator put into the ConfigMap of the cluster, with the job id and the savepoint that it chose, and with the volumes of
the pod as files. When the pods are gone, so is their REST; when their Deployment is gone, the job is cancelled.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

import httpx

from carbonlib._errors import EngineError
from carbonlib.clients.flink import LIVE, Flink
from carbonlib.targets.kubernetes.cluster import Cluster
from carbonlib.targets.kubernetes.objects import Object

from . import volumes
from .operator import ready
from .rest_front import HOST, RestFront

JOBMANAGERS = {"type": "flink-native-kubernetes", "component": "jobmanager"}
START_S = 120
# Of the settings of a cluster those that a job may bring along to a session.
CARRIED = ("execution.checkpointing.", "restart-strategy.", "pipeline.object-reuse", "pipeline.auto-watermark")


@dataclass
class Member:
    """A JobManager Deployment as it is played.

    Args:
        name, namespace: of the FlinkDeployment.
        job_id: of the job that was started for it, empty before that.
    """

    name: str
    namespace: str
    job_id: str = ""
    front: RestFront | None = field(default=None, repr=False)
    waiting: str = ""


class JobManagers:
    """All of them in one namespace.

    Args:
        flink: the session cluster.
        jar: the project's module, which stands for whatever jar the image has in usrlib.
        state: folder of the files that stand for volumes.
        hosts: the hosts file of the operator.
    """

    def __init__(self, cluster: Cluster, namespace: str, flink: Flink, jar: Path, state: Path, hosts: Path) -> None:
        self._cluster = cluster
        self._namespace = namespace
        self._flink = flink
        self._jar = jar
        self._volumes = state / "volumes"
        self._hosts = hosts
        self._members: dict[str, Member] = {}

    def follow(self) -> None:
        """Do what has come to be due since the last look."""
        found = self._cluster.list("Deployment", self._namespace, "apps/v1", JOBMANAGERS)
        alive = {d["metadata"]["uid"]: d for d in found if not d["metadata"].get("deletionTimestamp")}
        for uid in [uid for uid in self._members if uid not in alive]:
            self._end(uid)
        for uid, deployment in alive.items():
            name = deployment["metadata"]["name"]
            member = self._members.setdefault(uid, Member(name, self._namespace))
            self._look(uid, member)
        self._write_hosts()

    def stop(self) -> None:
        """Stop answering; jobs go on."""
        for member in self._members.values():
            if member.front:
                member.front.stop()
        self._members.clear()

    def _look(self, uid: str, member: Member) -> None:
        selector = {**JOBMANAGERS, "app": member.name}
        pods = [p for p in self._cluster.list("Pod", self._namespace, "v1", selector) if ready(p)]
        if not pods:
            self._hide(member)
            return
        config = self._config(member.name)
        if config is None:
            return
        if member.front is None:
            member.front = RestFront(int(config["rest.port"]), self._flink.urls[0])
            if member.job_id:
                member.front.show(member.job_id)
        if not member.job_id:
            self._start(uid, member, pods[0], config)

    def _start(self, uid: str, member: Member, pod: Object, config: dict[str, str]) -> None:
        try:
            mounted = volumes.mount(self._cluster, pod, self._volumes / uid)
        except EngineError as error:
            member.waiting = error.message  # as a kubelet, which leaves the pod where it is
            return
        member.job_id = config["$internal.pipeline.job-id"]
        assert member.front
        started = self._volumes / uid / "started"
        if started.exists():  # by an earlier process of this one
            member.front.show(member.job_id)
            return
        started.touch()
        stack = self._run(member, config, mounted)
        if stack:
            member.front.show_failed(member.job_id, member.name, stack)
            print(f"{member.name}: the program ended with an error\n{stack}")
        else:
            member.front.show(member.job_id)
            print(f"{member.name}: job {member.job_id} runs, from {config.get('execution.savepoint.path', 'nothing')}")

    def _run(self, member: Member, config: dict[str, str], mounted: dict[PurePosixPath, Path]) -> str:
        """Run the program; returns the stack of the error with which it ended, empty where it submitted its job."""
        given = config.get("$internal.application.program-args", "")
        arguments = [volumes.translated(a, mounted) for a in _list(given)]
        body: dict[str, Any] = {
            "entryClass": config["$internal.application.main"],
            "programArgsList": arguments,
            "parallelism": int(config["parallelism.default"]),
            "jobId": member.job_id,
            "allowNonRestoredState": config.get("execution.savepoint.ignore-unclaimed-state") == "true",
            "flinkConfiguration": {k: v for k, v in config.items() if k.startswith(CARRIED)},
        }
        if "execution.savepoint.path" in config:
            body["savepointPath"] = config["execution.savepoint.path"]
        url, jar_id = self._flink.upload(self._jar)
        answer = httpx.post(f"{url}/jars/{jar_id}/run", json=body, timeout=START_S)
        return _stack(answer) if answer.is_error else ""

    def _config(self, name: str) -> dict[str, str] | None:
        """The configuration that the operator gave the cluster."""
        found = self._cluster.get("ConfigMap", f"flink-config-{name}", self._namespace, "v1")
        if found is None:
            return None
        lines = found["data"]["flink-conf.yaml"].splitlines()
        return {key: value for key, _, value in (line.partition(": ") for line in lines) if value}

    def _hide(self, member: Member) -> None:
        if member.front:
            member.front.stop()
            member.front = None

    def _end(self, uid: str) -> None:
        """The Deployment is gone, and with it the cluster: a job that still runs there would end with it."""
        member = self._members.pop(uid)
        self._hide(member)
        shutil.rmtree(self._volumes / uid, ignore_errors=True)
        running = {j["jid"] for j in self._flink.jobs() if j["state"] in LIVE}
        if member.job_id in running:
            self._flink.cancel(member.job_id)
            print(f"{member.name}: job {member.job_id} cancelled with its cluster")

    def _write_hosts(self) -> None:
        names = sorted(f"{HOST} {m.name}-rest.{m.namespace}\n" for m in self._members.values())
        text = "".join(names)
        if self._hosts.parent.is_dir() and (not self._hosts.exists() or self._hosts.read_text() != text):
            self._hosts.write_text(text, encoding="utf-8")


def _list(text: str) -> list[str]:
    """A list as Flink 1.17 writes it: items behind `;`, those in quotes that hold one, a quote doubled within."""
    items, rest = [], text
    while rest:
        quote = rest[0] if rest[0] in "'\"" else ""
        if not quote:
            item, _, rest = rest.partition(";")
            items.append(item)
            continue
        end, item = 1, ""
        while rest[end] != quote or rest[end + 1 : end + 2] == quote:
            step = 2 if rest[end] == quote else 1
            item += rest[end]
            end += step
        items.append(item)
        rest = rest[end + 2 :]
    return items


def _stack(answer: httpx.Response) -> str:
    try:
        return str(answer.json()["errors"][-1])
    except (ValueError, KeyError, IndexError):
        return answer.text or f"HTTP {answer.status_code}"
