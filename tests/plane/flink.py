"""What kubelets would run for Flink, as one process: the operator for its pod, programs of jobs for JobManager pods.

`python -m tests.plane.flink --state DIR --url URL [--url URL]` follows the cluster of KUBECONFIG until a signal.
"""

from __future__ import annotations

import argparse
import sys
import threading
from pathlib import Path

from carbonlib._errors import CarbonError
from carbonlib.clients.flink import Flink
from carbonlib.config import settings
from carbonlib.local.engines import module_folder
from carbonlib.targets.kubernetes.cluster import Cluster

from .jobmanagers import JobManagers
from .operator import Operator, jars
from .processes import Processes, until_told

PERIOD_S = 0.5
NAMESPACE = "data-platform"
PROCESS = "flink-kubelet"


def start(processes: Processes, state: Path, kubeconfig: Path, urls: list[str]) -> None:
    """Start it in the background, where it does not run.

    Args:
        processes: where its record and its log are kept.
        state: the plane's folder.
        urls: REST of the session cluster.
    """
    if processes.running(PROCESS):
        return
    given = [part for url in urls for part in ("--url", url)]
    command = [sys.executable, "-m", "tests.plane.flink", "--state", str(state), *given]
    processes.start(PROCESS, command, {"KUBECONFIG": str(kubeconfig), "PYTHONUNBUFFERED": "1"})


def follow(state: Path, urls: list[str], stop: threading.Event) -> None:
    """Follow the cluster until the event is set; an answer that does not come is waited for."""
    cluster, processes = Cluster(), Processes(state)
    operator = Operator(cluster, state, processes, jars(print))
    jar = module_folder(settings(), "carbon-flink") / "carbon-flink.jar"
    jobs = JobManagers(cluster, NAMESPACE, Flink(urls), jar, state, operator.hosts)
    try:
        while not stop.wait(PERIOD_S):
            for part in (operator, jobs):
                try:
                    part.follow()
                except CarbonError as error:
                    print(error, file=sys.stderr)
    finally:
        jobs.stop()
        operator.stop()


def main() -> None:
    """Follow until a signal comes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--state", type=Path, required=True, help="folder of the plane")
    parser.add_argument("--url", action="append", required=True, help="REST of a JobManager of the engines")
    chosen = parser.parse_args()
    follow(chosen.state, chosen.url, until_told())


if __name__ == "__main__":
    main()
