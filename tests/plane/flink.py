"""What kubelets would run for Flink, as one process: the operator for its pod, and what the pods of jobs run.

`python -m tests.plane.flink --state DIR [--url URL ...]` follows the cluster of KUBECONFIG until a signal. With URLs,
the programs of jobs run on the session cluster there; without, each JobManager and TaskManager is a process of its own.
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

from .applications import Applications
from .jobmanagers import JobManagers
from .operator import Operator, jars
from .processes import Processes, until_told

PERIOD_S = 0.5
NAMESPACE = "data-platform"
PROCESS = "flink-kubelet"
APPLICATIONS = "flink-applications"  # folder of their files


def start(processes: Processes, state: Path, kubeconfig: Path, urls: list[str]) -> None:
    """Start it in the background, where it does not run.

    Args:
        processes: where its record and its log are kept.
        state: the plane's folder.
        urls: REST of the session cluster, none where each job has its own.
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
    jobs: JobManagers | Applications
    if urls:
        jobs = JobManagers(cluster, NAMESPACE, Flink(urls), jar, state, operator.hosts)
    else:
        jobs = Applications(cluster, NAMESPACE, processes, jar, state / APPLICATIONS, operator.hosts)
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
    parser.add_argument("--url", action="append", default=[], help="REST of a JobManager of the engines")
    chosen = parser.parse_args()
    follow(chosen.state, chosen.url, until_told())


if __name__ == "__main__":
    main()
