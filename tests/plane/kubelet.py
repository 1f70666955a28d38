"""What kubelets would do for pods with an engine behind them: the engine ends with its pod, and starts with the next.

That holds for the pods that `plumbing.yaml` calls so. Until its engine answers, KWOK does not call such a pod ready.
When an engine starts, it takes its passwords and its certificate from the Secrets of the cluster, as a container would.

`python -m tests.plane.kubelet --state DIR` follows the cluster of KUBECONFIG, with the engines that CARBON_STATE names.
"""

from __future__ import annotations

import argparse
import json
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, cast

import carbonlib
from carbonlib._errors import CarbonError
from carbonlib.local import manifest
from carbonlib.platform import Platform
from carbonlib.secrets import PREVIOUS
from carbonlib.targets.kubernetes.cluster import Cluster
from carbonlib.targets.kubernetes.objects import Object
from carbonlib.targets.kubernetes.secrets import ClusterSecrets
from carbonlib.targets.local import Local

from .door import PORT, Door
from .plumbing import ANSWERS, engine_of, table
from .processes import Processes, until_told

PERIOD_S = 0.5
PROCESS = "engines-kubelet"
START = "4 min"
RECORD = "engine-pods.json"


def start(processes: Processes, state: Path, environment: Mapping[str, str]) -> None:
    """Start it in the background, where it does not run.

    Args:
        processes: where its record and its log are kept.
        state: the plane's folder.
        environment: names the cluster and the engines.
    """
    if not processes.running(PROCESS):
        command = [sys.executable, "-m", "tests.plane.kubelet", "--state", str(state)]
        processes.start(PROCESS, command, {"PYTHONUNBUFFERED": "1", **environment})


class Kubelet:
    """The engines behind the pods of one StatefulSet.

    Args:
        cluster: whose pods.
        engines: the local platform whose processes stand behind them.
        spec: its entry in `plumbing.yaml`.
        known: uid of the pod whose engine runs, by the pod's name; kept by the caller.
    """

    def __init__(self, cluster: Cluster, engines: Platform, spec: Mapping[str, Any], known: dict[str, str]) -> None:
        self._cluster, self._spec, self._known = cluster, spec, known
        self._engines, self._target = engines, cast("Local", engines.target)
        self._names = [f"{spec['name']}-{index}" for index in range(spec["replicas"])]
        self._starting: dict[str, Callable[[], bool]] = {}
        servers = self._target.addresses()["kafka"]["bootstrap_servers"]
        has_one = PORT in spec["ports"].values()
        self._door = Door(cluster, self._target.settings, servers) if has_one else None

    def follow(self, found: Mapping[str, Object]) -> None:
        """Do what has come to be due since the last look.

        Args:
            found: the pods of the namespace by their names.
        """
        for index, name in enumerate(self._names):
            pod = found.get(name)
            if pod and pod["spec"].get("nodeName") and not pod["metadata"].get("deletionTimestamp"):
                self._run(index, pod)
        if any(name not in found for name in self._known if name in self._names):
            self._shrink(set(found))

    def _run(self, index: int, pod: Object) -> None:
        name, uid = pod["metadata"]["name"], pod["metadata"]["uid"]
        if self._known.get(name) != uid:
            if self._starting and name not in self._known:
                return  # those that run already are taken over one by one: together they are a quorum
            self._begin(index, name)
            self._known[name] = uid
        answers = self._starting.get(name)
        if answers and not answers():
            return
        self._starting.pop(name, None)
        if ANSWERS not in (pod["metadata"].get("annotations") or {}):
            path = self._cluster.kind("Pod", "v1").path(name, self._spec["namespace"])
            mark = {"metadata": {"uid": uid, "annotations": {ANSWERS: "true"}}}
            self._cluster.request("patch", path, mark, content_type="application/merge-patch+json", what=name)

    def _begin(self, index: int, pod: str) -> None:
        """Start the engine of a pod, anew where it served another pod of this name."""
        member = engine_of(self._spec, self._target.profile(), index)
        if member is None:
            return  # it has none to itself
        runs = member in self._target.stack.supervisor.states()
        if runs and pod not in self._known and not (self._door and self._door.is_of_another(index)):
            return  # started before anything was deployed, and as good as a new one
        self._take_secrets()
        if runs:
            print(f"{pod}: {member} is started anew")
            self._starting[pod] = self._target.restart(member)
        else:
            print(f"{pod}: {member} is started")
            self._size(max(index + 1, self._wanted()))

    def _shrink(self, there: set[str]) -> None:
        """Stop the engines of pods that are gone for good: a StatefulSet gives up its last ones."""
        wanted = self._wanted()
        gone = [n for n in self._names[wanted:] if n not in there and n in self._known]
        for name in gone:
            del self._known[name]
        if wanted and gone:
            print(f"{', '.join(gone)}: stopped")
            self._size(wanted)

    def _wanted(self) -> int:
        """How many pods there are to be, 0 where nobody has said."""
        owner = self._cluster.get("StatefulSet", self._spec["name"], self._spec["namespace"], "apps/v1")
        return int(owner["spec"]["replicas"]) if owner else 0

    def _size(self, count: int) -> None:
        """Let so many of the process run, or the next number that there can be, where it is one of which more may."""
        if not self._spec.get("own"):
            return
        process = manifest.declared()["processes"][self._spec["process"]]
        layer, option = process["layer"], process["replicas"]
        choices = manifest.declared()["choices"][option]
        possible = min((choice for choice in choices if choice >= count), default=max(choices))
        self._engines.apply(self._engines.plan(layer, **{option: possible}))
        self._engines.wait(layer, timeout=START)

    def _take_secrets(self) -> None:
        ours = self._target.secrets
        for name, value in ClusterSecrets(self._cluster).items():
            if name in ours and ours[name] != value and not name.endswith(PREVIOUS):
                print(f"{name} is another now")
                ours.replace(name, value)
        if self._door:
            self._door.take()


def follow(state: Path, stop: threading.Event) -> None:
    """Follow the cluster until the event is set; an answer that does not come is waited for."""
    record = state / RECORD
    known: dict[str, str] = json.loads(record.read_text(encoding="utf-8")) if record.exists() else {}
    cluster, engines = Cluster(), carbonlib.connect("local")
    specs = [spec for spec in table()["pods"] if spec.get("ends")]
    (namespace,) = {spec["namespace"] for spec in specs}
    kubelets = [Kubelet(cluster, engines, spec, known) for spec in specs]
    while not stop.wait(PERIOD_S):
        before = dict(known)
        try:
            pods = {p["metadata"]["name"]: p for p in cluster.list("Pod", namespace, "v1")}
            for kubelet in kubelets:
                kubelet.follow(pods)
        except CarbonError as error:
            print(error, file=sys.stderr)
        if known != before:
            record.write_text(json.dumps(known), encoding="utf-8")


def main() -> None:
    """Follow until a signal comes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--state", type=Path, required=True, help="folder of the plane")
    chosen = parser.parse_args()
    follow(chosen.state, until_told())


if __name__ == "__main__":
    main()
