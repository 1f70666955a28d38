"""The real Flink operator as a process, for as long as its pod is ready: what a kubelet would make of that pod.

It runs under the ServiceAccount of its manifests, so its rights are those of production, and with the settings of its
ConfigMap but for what is said below.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from carbonlib._project import ROOT, versions
from carbonlib.config import settings
from carbonlib.local.engines import java
from carbonlib.local.maven import Progress, building, maven
from carbonlib.targets.kubernetes.cluster import Cluster
from carbonlib.targets.kubernetes.objects import Object

from .identity import HOST
from .processes import Processes

POM = ROOT / "tests" / "plane" / "operator_jars"
NAMESPACE, NAME = "flink-operator", "flink-kubernetes-operator"
PROCESS = "flink-operator"
MAIN = "org.apache.flink.kubernetes.operator.FlinkOperator"
TOKEN_S = 24 * 3600
# Listeners that cannot be told to keep to this machine are off; the rest is for tests that do not wait.
SUBSTITUTIONS = {
    "kubernetes.operator.health.probe.enabled": "false",
    "kubernetes.operator.metrics.reporter.prom.factory.class": None,
    "kubernetes.operator.metrics.reporter.prom.port": None,
    "kubernetes.operator.reconcile.interval": "2 s",
    "kubernetes.operator.observer.progress-check.interval": "1 s",
}
LOGGING = """rootLogger.level = INFO
rootLogger.appenderRef.console.ref = console
appender.console.name = console
appender.console.type = CONSOLE
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d{HH:mm:ss.SSS} %-5level %c{1.} [%X{resource.name}] %msg%n%throwable
"""


def jars(progress: Progress) -> Path:
    """The operator with all that it runs on, fetched once.

    Raises:
        PreflightError: it cannot be fetched.
    """
    folder = settings().cache / f"flink-operator-{versions()['maven']['flink_operator_run']}"
    with building(folder) as scratch:
        if scratch is not None:
            progress("fetching the Flink operator: about 110 MiB where Maven has none of it yet")
            maven(POM, ["package", f"-Dout={scratch}"], progress)
    return folder


class Operator:
    """The operator's process.

    Args:
        cluster: as its administrator.
        state: folder of its settings, its hosts file, and of the records of processes.
        processes: where it is started.
    """

    def __init__(self, cluster: Cluster, state: Path, processes: Processes, library: Path) -> None:
        self._cluster = cluster
        self._folder = state / PROCESS
        self._processes = processes
        self._library = library
        self._pod = ""
        self.hosts = self._folder / "hosts"

    def follow(self) -> None:
        """Start it when its pod is ready, stop it when that pod is gone, start it anew for a new pod."""
        pod = next((p for p in self._pods() if ready(p)), None)
        uid = pod["metadata"]["uid"] if pod else ""
        if uid != self._pod:
            self._processes.stop(PROCESS)
            self._pod = uid
            if pod:
                self._start(pod)

    def stop(self) -> None:
        """End the process."""
        self._processes.stop(PROCESS)
        self._pod = ""

    def _pods(self) -> list[Object]:
        return self._cluster.list("Pod", NAMESPACE, "v1", {"app.kubernetes.io/name": NAME})

    def _start(self, pod: Object) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.hosts.touch()
        self._configure(pod)
        config = kubeconfig_of(self._cluster, NAMESPACE, "flink-operator", self._folder / "kubeconfig.json")
        environment = {
            "KUBECONFIG": str(config), "FLINK_CONF_DIR": str(self._folder),
            "OPERATOR_NAMESPACE": NAMESPACE, "OPERATOR_NAME": NAME,
            # Without it the operator believes that it runs on a laptop, and asks `localhost` for every JobManager.
            "KUBERNETES_SERVICE_HOST": HOST,
        }  # fmt: skip
        command = [
            java(), "-Xmx320m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", f"-Djdk.net.hosts.file={self.hosts}",
            "-Dsun.net.inetaddr.ttl=0", "-Dsun.net.inetaddr.negative.ttl=0",
            f"-Dlog4j.configurationFile={self._folder}/log4j-operator.properties", "-cp", f"{self._library}/*", MAIN,
        ]  # fmt: skip
        self._processes.start(PROCESS, command, environment)

    def _configure(self, pod: Object) -> None:
        """The files of the ConfigMap that the pod mounts."""
        volume = next(v["configMap"] for v in pod["spec"]["volumes"] if v["name"] == "config")
        config = self._cluster.get("ConfigMap", volume["name"], NAMESPACE, "v1")
        assert config, "a pod is ready only once its ConfigMap is there"
        lines = config["data"]["flink-conf.yaml"].splitlines()
        kept = [line for line in lines if line.split(":")[0] not in SUBSTITUTIONS]
        kept += [f"{key}: {value}" for key, value in SUBSTITUTIONS.items() if value is not None]
        files = {**config["data"], "flink-conf.yaml": "\n".join(kept) + "\n", "log4j-operator.properties": LOGGING}
        for name, text in files.items():
            (self._folder / name).write_text(text, encoding="utf-8")


def kubeconfig_of(cluster: Cluster, namespace: str, account: str, target: Path) -> Path:
    """Write a kubeconfig of a ServiceAccount, whose rights are all that whoever uses it has."""
    path = f"/api/v1/namespaces/{namespace}/serviceaccounts/{account}/token"
    wish = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"expirationSeconds": TOKEN_S}}
    token = cluster.request("post", path, wish)["status"]["token"]
    config = json.loads(Path(os.environ["KUBECONFIG"]).read_text(encoding="utf-8"))
    config["users"][0]["user"] = {"token": token}
    with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        json.dump(config, file)
    return target


def ready(pod: Object) -> bool:
    """Whether a pod is ready and nobody is deleting it."""
    conditions: list[dict[str, Any]] = (pod.get("status") or {}).get("conditions") or []
    there = any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)
    return there and not pod["metadata"].get("deletionTimestamp")
