"""A Flink job as in production: two JobManagers, TaskManagers that they ask for, leaders in ConfigMaps, state in S3.

The processes are real ones behind pods of the control plane (see `applications`), under the ServiceAccount of the jobs.
The tests of this module build on each other: one job is started, loses its leader, a TaskManager, and is upgraded.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from typing import Any

import pytest

from carbonlib.clients.flink import Flink
from carbonlib.targets.kubernetes import job_objects
from carbonlib.targets.kubernetes.cluster import Cluster
from carbonlib.targets.kubernetes.wait import wait
from carbonlib.waiting import wait_until

from .applications import ADDRESSES
from .control_plane import ControlPlane
from .flink import APPLICATIONS, PROCESS
from .flink_stage import FlinkStage, engines

JOB, NAMESPACE = "anomaly-detector", "data-platform"
BUCKET, FOLDER = "commodity-platform", "flink"
REST = 8081
INTERVAL = "700 ms"  # of the upgraded job; the declared one is another
TIMEOUT = "4 min"
pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def stage(plane: ControlPlane, cluster: Cluster) -> Iterator[FlinkStage]:
    with engines(plane.port_base, "objectstore") as platform:
        platform.objectstore.plan([BUCKET]).apply()
        stage = FlinkStage(plane, cluster, platform, session=False)
        try:
            stage.up()
            yield stage
        finally:
            print(plane.processes.last_lines(PROCESS, 40))
            stage.down()


def played(stage: FlinkStage) -> dict[str, str]:
    """Names of the pods that run, by their addresses."""
    path = stage.plane.state / APPLICATIONS / ADDRESSES
    found: dict[str, str] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return found


def pods(stage: FlinkStage, role: str) -> set[str]:
    """Names of the job's pods that are not about to go."""
    labels = {"app": JOB, "component": role}
    found = stage.cluster.list("Pod", NAMESPACE, "v1", labels)
    return {p["metadata"]["name"] for p in found if not p["metadata"].get("deletionTimestamp")}


def leader(stage: FlinkStage) -> str:
    """Address of the JobManager that leads, as it says in the ConfigMap of the election."""
    live = stage.cluster.get("ConfigMap", f"{JOB}-cluster-config-map", NAMESPACE, "v1")
    said = "\n".join((live or {}).get("data", {}).values())
    found = re.search(r"http://([\d.]+):", said)
    return found.group(1) if found else ""


def flink(stage: FlinkStage) -> Flink:
    """REST of the job's JobManagers."""
    return Flink(
        [f"http://{address}:{REST}" for address, name in played(stage).items() if name in pods(stage, "jobmanager")]
    )


def live(stage: FlinkStage) -> dict[str, Any]:
    found = flink(stage).live_job(JOB)
    assert found
    return found


def run(stage: FlinkStage, **options: Any) -> None:
    """Apply the job and wait until the operator calls it stable and it runs."""
    stage.jobs.plan(only=JOB, **options).apply()
    wait(stage.cluster, [job_objects.deployments(stage.manifests("jobs"))[JOB]], TIMEOUT)
    flink(stage).wait_running(JOB, "90 s")


def stored(stage: FlinkStage, folder: str) -> list[str]:
    return [o.name for o in stage.engines.objectstore.objects(BUCKET, f"{FOLDER}/{folder}")]


def test_a_job_runs_on_taskmanagers_that_its_jobmanager_asked_for(stage: FlinkStage) -> None:
    run(stage)
    assert len(pods(stage, "jobmanager")) == 2
    assert flink(stage).taskmanagers() == len(pods(stage, "taskmanager")) == 1
    stage.send("T1", [(0, "100"), (10, "106")])
    (alert,) = stage.wait_alerts("T1", 1)
    assert (alert["direction"], alert["severity"]) == ("UP", "MEDIUM")


def test_checkpoints_and_what_a_new_leader_needs_are_in_s3(stage: FlinkStage) -> None:
    job_id = live(stage)["jid"]
    last = flink(stage).last_state(job_id)
    assert last and last.startswith(f"s3://{BUCKET}/{FOLDER}/checkpoints/{job_id}/chk-")
    # Two are kept, each for half a second: not the one that was just named, but one.
    kept = re.compile(rf"/{job_id}/chk-\d+/_metadata$")
    wait_until(lambda: any(map(kept.search, stored(stage, "checkpoints"))), what="a checkpoint in S3", timeout="30 s")
    assert stored(stage, "ha")


def test_the_other_jobmanager_leads_when_the_leader_dies_and_nothing_is_forgotten(stage: FlinkStage) -> None:
    before, first = live(stage), leader(stage)
    name = played(stage)[first]
    stage.send("T2", [(0, "100")])
    stage.wait_committed(JOB)
    began = time.monotonic()
    stage.plane.processes.kill(name)
    wait_until(lambda: leader(stage) not in ("", first), what="another leader", timeout="60 s")
    elected = time.monotonic() - began
    flink(stage).wait_running(JOB, "90 s")
    print(f"another JobManager led after {elected:.1f} s, the job ran after {time.monotonic() - began:.1f} s")
    assert live(stage)["jid"] == before["jid"]
    restored = flink(stage).restored(before["jid"])
    assert restored and not restored["is_savepoint"]
    stage.send("T2", [(10, "106")])
    (alert,) = stage.wait_alerts("T2", 1)
    assert float(alert["reference_price"]) == 100.0


def test_a_taskmanager_that_is_lost_is_asked_for_anew(stage: FlinkStage) -> None:
    (lost,) = pods(stage, "taskmanager")
    stage.send("T3", [(0, "100")])
    stage.wait_committed(JOB)
    began = time.monotonic()
    stage.plane.kubectl("delete", "pod", lost, "-n", NAMESPACE, "--wait=false")
    wait_until(lambda: pods(stage, "taskmanager") - {lost}, what="another TaskManager", timeout="60 s")
    stage.send("T3", [(10, "106")])
    (alert,) = stage.wait_alerts("T3", 1)
    print(f"an alert came {time.monotonic() - began:.1f} s after its TaskManager was lost")
    assert float(alert["reference_price"]) == 100.0


def test_an_upgrade_goes_on_from_a_savepoint_in_s3(stage: FlinkStage) -> None:
    stage.send("T4", [(0, "100")])
    stage.wait_committed(JOB)
    run(stage, checkpoint_interval=INTERVAL)
    assert stored(stage, "savepoints")
    restored = flink(stage).restored(live(stage)["jid"])
    assert restored and restored["is_savepoint"]
    stage.send("T4", [(10, "106")])
    (alert,) = stage.wait_alerts("T4", 1)
    assert float(alert["reference_price"]) == 100.0


def test_the_jobs_account_has_every_right_that_it_needs(stage: FlinkStage) -> None:
    logs = list((stage.plane.state / "logs").glob(f"{JOB}-*.log"))
    assert len(logs) >= 3
    for log in logs:
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
        assert [line for line in lines if "forbidden" in line.lower()] == [], log.name
