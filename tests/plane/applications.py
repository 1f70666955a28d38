"""The processes of JobManager and TaskManager pods, as real ones: application clusters as production has them.

Each process has the command's arguments, the variables, the files and the ServiceAccount of its pod, and a loopback
address that stands for the pod's, so that every pod has the ports of production to itself. JobManagers ask the cluster
for TaskManagers, which are pods again; leaders and what they keep are in ConfigMaps and in S3.
"""

from __future__ import annotations

import json
import shlex
import shutil
import socket
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import count
from pathlib import Path, PurePosixPath

from carbonlib._errors import EngineError
from carbonlib._project import ROOT, versions
from carbonlib.config import settings
from carbonlib.local.engines import engines_folder, java
from carbonlib.local.maven import Progress, building, maven
from carbonlib.targets.kubernetes.cluster import Cluster
from carbonlib.targets.kubernetes.objects import Object

from . import volumes
from .operator import LOGGING, kubeconfig_of, ready
from .processes import Processes

POM = ROOT / "tests" / "plane" / "flink_jars"
LABELS = {"type": "flink-native-kubernetes"}
ACCOUNT = "flink"
PREFIX = "127.40.0."
ADDRESSES = "addresses.json"
IMAGE_JARS, IMAGE_CONF, IMAGE_ARTIFACTS = "/opt/flink/usrlib", "/opt/flink/conf", "user.artifacts.base-dir"
TEMPLATES, NAMES_TEMPLATES = "/opt/flink/pod-template", "org/apache/flink/kubernetes/utils/KubernetesUtils.class"
MAIN = {
    "jobmanager": "org.apache.flink.kubernetes.entrypoint.KubernetesApplicationClusterEntrypoint",
    "taskmanager": "org.apache.flink.kubernetes.taskmanager.KubernetesTaskExecutorRunner",
}
# The image's scripts work a JobManager's heap out of jobmanager.memory.*; a TaskManager's stands in its variables.
HEAP = {"jobmanager": ["-Xmx512m", "-XX:MaxMetaspaceSize=256m"], "taskmanager": []}
MEMORY_VARIABLE = "FLINK_TM_JVM_MEM_OPTS"
# The reporter of figures listens on every address, and cannot be told another.
LEFT_OUT = "metrics.reporter."


def jars(progress: Progress) -> Path:
    """What the image has and the local engines have not: folders `lib` and `plugins`, fetched once.

    Raises:
        PreflightError: it cannot be fetched.
    """
    folder = settings().cache / f"flink-kubernetes-{versions()['maven']['flink_kubernetes']}"
    with building(folder) as scratch:
        if scratch is not None:
            progress("fetching Flink's part for Kubernetes and its S3 file system: 45 MiB")
            maven(POM, ["package", f"-Dout={scratch}"], progress)
            for jar in (scratch / "lib").glob("*.jar"):
                _look_beside(jar)
    return folder


def _look_beside(jar: Path) -> None:
    """Have a JobManager look for its TaskManagers' template below its working folder.

    No setting says where that is: the path of the image is a constant of one class. Texts of a class stand in it behind
    their length (Java Virtual Machine Specification, 4.4.7).
    """
    old, new = (len(text).to_bytes(2) + text for text in (TEMPLATES.encode(), PurePosixPath(TEMPLATES).name.encode()))
    patched = jar.with_suffix(".patched")
    with zipfile.ZipFile(jar) as source, zipfile.ZipFile(patched, "w", zipfile.ZIP_DEFLATED) as target:
        for entry in source.infolist():
            content = source.read(entry)
            if entry.filename == NAMES_TEMPLATES:
                assert content.count(old) == 1, f"{entry.filename} names {TEMPLATES} no more"
                content = content.replace(old, new)
            target.writestr(entry, content)
    patched.replace(jar)


@dataclass(frozen=True)
class _Pod:
    """A pod as it is played, with the address that stands for its own."""

    name: str
    job: str
    role: str
    address: str


class Applications:
    """All of them in one namespace.

    Args:
        jar: the project's module, as the image has it in usrlib.
        folder: for the files of pods.
        hosts: the hosts file of the operator, in which each job's REST is led to a JobManager.
    """

    def __init__(
        self, cluster: Cluster, namespace: str, processes: Processes, jar: Path, folder: Path, hosts: Path
    ) -> None:
        self._cluster, self._namespace, self._processes = cluster, namespace, processes
        self._jar, self._folder, self._hosts = jar, folder, hosts
        self._library = jars(print)
        self._pods: dict[str, _Pod] = {}
        self._numbers = count(1)

    def follow(self) -> None:
        """Start what has a ready pod and does not run, end what has none any more."""
        found = self._cluster.list("Pod", self._namespace, "v1", LABELS)
        alive = {pod["metadata"]["uid"]: pod for pod in found if ready(pod)}
        for uid in [uid for uid in self._pods if uid not in alive]:
            self._end(uid)
        for uid, pod in alive.items():
            if uid not in self._pods or not self._processes.running(self._pods[uid].name):
                self._start(uid, pod)
        self._tell()

    def stop(self) -> None:
        """End all."""
        for uid in list(self._pods):
            self._end(uid)

    def _start(self, uid: str, pod: Object) -> None:
        labels = pod["metadata"]["labels"]
        address = self._pods[uid].address if uid in self._pods else f"{PREFIX}{next(self._numbers)}"
        played = _Pod(pod["metadata"]["name"], labels["app"], labels["component"], address)
        folder = self._folder / uid
        (folder / "tmp").mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            mounted = volumes.mount(self._cluster, pod, folder)
            variables = volumes.environment(self._cluster, pod, address)
        except EngineError as error:
            print(f"{played.name}: {error.message}")  # as a kubelet, which looks again
            return
        config = self._configure(played, mounted, folder)
        self._furnish(folder, mounted)
        environment = {
            **variables, "KUBECONFIG": str(self._kubeconfig()), "FLINK_CONF_DIR": str(config),
            "FLINK_LIB_DIR": str(folder / "lib"), "FLINK_PLUGINS_DIR": str(self._library / "plugins"),
        }  # fmt: skip
        classes = f"{engines_folder(settings())}/flink/*:{self._library}/lib/*"
        command = [
            "env", f"--chdir={folder}", java(), *HEAP[played.role], *shlex.split(variables.get(MEMORY_VARIABLE, "")),
            "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", *_options(config), f"-Djava.io.tmpdir={folder / 'tmp'}",
            f"-Djdk.net.hosts.file={config / 'hosts'}",
            f"-Dlog4j.configurationFile={config / 'log4j2.properties'}", "-cp", classes, MAIN[played.role],
            *_arguments(pod, played, config),
        ]  # fmt: skip
        self._processes.start(played.name, command, environment)
        self._pods[uid] = played
        print(f"{played.name} runs at {address}")

    def _configure(self, pod: _Pod, mounted: volumes.Mounted, folder: Path) -> Path:
        """The configuration that the operator gave the cluster, with this machine's paths and addresses."""
        lines = (mounted[PurePosixPath(IMAGE_CONF)] / "flink-conf.yaml").read_text(encoding="utf-8").splitlines()
        own = {
            "rest.bind-address": pod.address, "jobmanager.bind-host": pod.address,
            "taskmanager.bind-host": pod.address, "taskmanager.host": pod.address,
            IMAGE_ARTIFACTS: str(folder / "artifacts"),
        }  # fmt: skip
        kept = [line for line in lines if not line.startswith((LEFT_OUT, *(f"{key}:" for key in own)))]
        text = "\n".join([*kept, *(f"{key}: {value}" for key, value in own.items())]) + "\n"
        for at, where in {**{str(k): str(v) for k, v in mounted.items()}, IMAGE_JARS: f"{folder}/usrlib"}.items():
            text = text.replace(f"{at}/", f"{where}/")
        config = folder / "conf"
        config.mkdir(exist_ok=True)
        (config / "flink-conf.yaml").write_text(text, encoding="utf-8")
        # Flink calls its own blob server `localhost`, which in a pod is the pod.
        (config / "hosts").write_text(f"{pod.address} localhost {socket.gethostname()}\n", encoding="utf-8")
        (config / "log4j2.properties").write_text(LOGGING, encoding="utf-8")
        return config

    def _furnish(self, folder: Path, mounted: volumes.Mounted) -> None:
        """The image's folders, as far as Flink looks for them."""
        links = {folder / "usrlib" / "carbon-flink.jar": self._jar}
        if templates := mounted.get(PurePosixPath(TEMPLATES)):
            links[folder / PurePosixPath(TEMPLATES).name] = templates
        for name in ("lib", "usrlib"):
            (folder / name).mkdir(exist_ok=True)
        for link, there in links.items():
            if not link.is_symlink():
                link.symlink_to(there)

    def _kubeconfig(self) -> Path:
        path = self._folder / "kubeconfig.json"
        return path if path.exists() else kubeconfig_of(self._cluster, self._namespace, ACCOUNT, path)

    def _end(self, uid: str) -> None:
        pod = self._pods.pop(uid)
        self._processes.stop(pod.name)
        shutil.rmtree(self._folder / uid, ignore_errors=True)
        print(f"{pod.name} ended")

    def _tell(self) -> None:
        """Where the pods are, for the operator and for the tests."""
        leaders: dict[str, str] = {}
        for pod in self._pods.values():
            if pod.role == "jobmanager":
                leaders.setdefault(pod.job, pod.address)
        names = "".join(f"{address} {job}-rest.{self._namespace}\n" for job, address in sorted(leaders.items()))
        _write(self._hosts, names)
        _write(self._folder / ADDRESSES, json.dumps({pod.address: pod.name for pod in self._pods.values()}))


def _arguments(pod: Object, played: _Pod, config: Path) -> list[str]:
    """What the pod's command gives to the class, behind the script that finds the class."""
    words = shlex.split(volumes.main_container(pod)["args"][-1])
    given = [w for w in words[1:] if w != "kubernetes-application"]
    return given if played.role == "jobmanager" else ["--configDir", str(config), *given]


def _options(config: Path) -> list[str]:
    """`env.java.opts.all`, which the image's scripts put before the class."""
    lines = (config / "flink-conf.yaml").read_text(encoding="utf-8").splitlines()
    given: Mapping[str, str] = {k: v for k, _, v in (line.partition(": ") for line in lines)}
    return shlex.split(given.get("env.java.opts.all", "").strip("'\""))


def _write(path: Path, text: str) -> None:
    if path.parent.is_dir() and (not path.exists() or path.read_text(encoding="utf-8") != text):
        scratch = path.with_suffix(".part")
        scratch.write_text(text, encoding="utf-8")
        scratch.replace(path)
