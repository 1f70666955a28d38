"""The Flink jobs by the real operator: its API is the control plane's, its JobManager a real one with real data.

The tests of this module build on each other: one job is started, upgraded, broken and put back.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest

from carbonlib._errors import ApplyError
from carbonlib.targets.kubernetes import job_objects
from carbonlib.targets.kubernetes.cluster import Cluster
from carbonlib.targets.kubernetes.objects import Object
from carbonlib.targets.kubernetes.plan import delete_and_wait
from carbonlib.targets.kubernetes.wait import wait
from carbonlib.waiting import wait_until

from .control_plane import ControlPlane
from .flink_stage import SESSION, FlinkStage, engines
from .operator import PROCESS

JOB = "anomaly-detector"
INTERVAL = "700 ms"  # of the upgraded job; the declared one is another
OTHER = "carbon.test/fault"
TIMEOUT = "4 min"
pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def stage(plane: ControlPlane, cluster: Cluster) -> Iterator[FlinkStage]:
    with engines(plane.port_base, SESSION) as platform:
        stage = FlinkStage(plane, cluster, platform)
        try:
            stage.up()
            yield stage
        finally:
            stage.down()


def deployment(stage: FlinkStage, name: str = JOB) -> Object:
    return job_objects.deployments(stage.manifests("jobs"))[name]


def live(stage: FlinkStage) -> dict[str, Any]:
    found = stage.jobs.client(JOB).live_job(JOB)
    assert found
    return found


def run(stage: FlinkStage, **options: Any) -> list[str]:
    """Plan and apply the job, wait until it is stable, and return what was changed."""
    done = stage.jobs.plan(only=JOB, **options).apply()
    wait(stage.cluster, [deployment(stage)], TIMEOUT)
    stage.jobs.client(JOB).wait_running(JOB, "90 s")
    return [f"{c.action} {c.object}" for c in done]


def test_a_job_becomes_stable_and_raises_alerts(stage: FlinkStage) -> None:
    assert f"create FlinkDeployment/data-platform/{JOB}" in run(stage)
    stage.send("T1", [(0, "100"), (10, "106")])
    (alert,) = stage.wait_alerts("T1", 1)
    assert (alert["direction"], alert["severity"]) == ("UP", "MEDIUM")


def test_the_operator_has_every_right_that_it_needs(stage: FlinkStage) -> None:
    log = stage.plane.processes.log(PROCESS).read_text(encoding="utf-8", errors="replace")
    assert [line for line in log.splitlines() if "forbidden" in line.lower()] == []


def test_a_job_that_is_as_declared_is_left_alone(stage: FlinkStage) -> None:
    assert list(stage.jobs.plan(only=JOB)) == []


def test_the_status_tells_what_the_group_has_committed(stage: FlinkStage) -> None:
    stage.wait_committed(JOB)
    (found,) = [c for c in stage.jobs.status() if c.name == JOB]
    assert (found.state, found.ok) == ("RUNNING", True)
    assert (found.progress or 0) >= 2
    assert [c.state for c in stage.jobs.status() if c.name != JOB] == ["ABSENT", "ABSENT"]


def test_an_upgrade_goes_on_from_a_savepoint_and_remembers(stage: FlinkStage) -> None:
    stage.send("T2", [(0, "100")])
    before = live(stage)
    found = stage.jobs.plan(only=JOB, checkpoint_interval=INTERVAL)
    (change,) = [c for c in found if c.object.startswith("FlinkDeployment")]
    assert change.after["begins_at"] == "savepoint"
    stage.jobs.replace(JOB, checkpoint_interval=INTERVAL)
    still = stage.engines.flink.live_job(JOB)
    assert still is None or still["start-time"] > before["start-time"], "what ran before has ended"
    run(stage, checkpoint_interval=INTERVAL)
    after, flink = live(stage), stage.jobs.client(JOB)
    assert after["start-time"] > before["start-time"]
    state = flink.restored(after["jid"])
    assert state
    assert state["is_savepoint"]
    current = stage.cluster.live(deployment(stage))
    assert current
    assert state["external_path"] == job_objects.savepoint_of(current)
    # Only a job that remembers the price from before the upgrade sees this one leap.
    stage.send("T2", [(20, "112")])
    (alert,) = stage.wait_alerts("T2", 1)
    assert (alert["severity"], float(alert["reference_price"])) == ("HIGH", 100.0)


def test_a_broken_upgrade_is_told_and_put_back(stage: FlinkStage) -> None:
    run(stage, checkpoint_interval=INTERVAL)
    stage.jobs._history().keep([deployment(stage)])
    stage.send("T3", [(0, "50")])
    stage.wait_committed(JOB)
    with pytest.raises(ApplyError) as told:
        run(stage, checkpoint_interval="soon")
    assert "FAILED" in str(told.value)
    assert "does not start with a number" in stage.jobs._last_words(deployment(stage))
    back = stage.jobs.roll_back(JOB)
    (change,) = [c for c in back if c.object.startswith("FlinkDeployment")]
    assert "savepoint" in change.after["begins_at"]
    back.apply()
    wait(stage.cluster, [deployment(stage)], TIMEOUT)
    stage.send("T3", [(30, "40")])
    (alert,) = stage.wait_alerts("T3", 1)
    assert (alert["direction"], float(alert["reference_price"])) == ("DOWN", 50.0)
    # What is left of it is where it began; taking that out of the spec restarts nothing.
    left = stage.jobs.plan(only=JOB, checkpoint_interval=INTERVAL)
    assert [set(c.after) for c in left] == [{"spec.job.initialSavepointPath"}]
    before = live(stage)
    left.apply()
    wait(stage.cluster, [deployment(stage)], TIMEOUT)
    assert live(stage)["start-time"] == before["start-time"]


def test_drift_is_one_row_each(stage: FlinkStage) -> None:
    patch = json.dumps({"spec": {"taskManager": {"resource": {"memory": "3Gi"}}, "job": {"state": "running"}}})
    before = live(stage)
    stage.plane.kubectl("patch", "flinkdeployment", JOB, "-n", "data-platform", "--type=merge", "-p", patch)
    stage.plane.kubectl("delete", "configmap", "flink-sql", "-n", "data-platform")
    found = {c.object: c for c in stage.jobs.plan(only=JOB, checkpoint_interval=INTERVAL)}
    assert set(found) == {f"FlinkDeployment/data-platform/{JOB}", "ConfigMap/data-platform/flink-sql"}
    change = found[f"FlinkDeployment/data-platform/{JOB}"]
    assert change.before["spec.taskManager.resource.memory"] == "3Gi"
    run(stage, checkpoint_interval=INTERVAL)
    assert list(stage.jobs.plan(only=JOB, checkpoint_interval=INTERVAL)) == []
    assert live(stage)["start-time"] > before["start-time"]


def test_without_its_state_a_job_begins_anew(stage: FlinkStage) -> None:
    stage.send("T4", [(0, "10")])
    stage.wait_committed(JOB)
    run(stage, from_state=False)
    assert stage.jobs.client(JOB).restored(live(stage)["jid"]) is None
    # The offsets of the group are what is left: nothing is read twice, and nothing is remembered.
    stage.send("T4", [(5, "20"), (10, "30")])
    (alert,) = stage.wait_alerts("T4", 1)
    assert float(alert["reference_price"]) == 20.0


def test_the_probe_writes_its_record_and_leaves_nothing(stage: FlinkStage) -> None:
    topic = "commodity-prices-late"
    start = stage.engines.kafka.end_offsets(topic)
    assert stage.jobs.run_probe(topic, "a-mark") == "FINISHED"
    assert [r.value for r in stage.engines.kafka.read(topic, start)] == [b"a-mark"]
    assert stage.cluster.live(deployment(stage, "probe")) is None


@pytest.mark.parametrize(("fault", "words"), [("crash-loop", "CrashLoopBackOff"), ("image-pull", "ImagePullBackOff")])
def test_pods_that_do_not_start_are_told_by_their_reason(stage: FlinkStage, fault: str, words: str) -> None:
    broken = variant(stage, f"fault-{fault}")
    broken["spec"]["podTemplate"]["metadata"]["labels"][OTHER] = fault
    with applied(stage, broken), pytest.raises(ApplyError, match=words):
        wait(stage.cluster, [broken], TIMEOUT)


def test_a_spec_that_the_operator_refuses_is_told_in_its_words(stage: FlinkStage) -> None:
    refused = variant(stage, "refused")
    del refused["spec"]["flinkConfiguration"]["high-availability.type"]
    with applied(stage, refused), pytest.raises(ApplyError, match=r"(?i)high.availability"):
        wait(stage.cluster, [refused], TIMEOUT)


def test_a_deployment_that_goes_takes_its_job_along(stage: FlinkStage) -> None:
    job_id = live(stage)["jid"]
    current = stage.cluster.live(deployment(stage))
    assert current
    delete_and_wait(stage.cluster, current)
    session = stage.engines.flink
    wait_until(lambda: session.job(job_id)["state"] in ("CANCELED", "FINISHED"), what="the job's end", timeout="60 s")
    assert [p["metadata"]["name"] for p in stage.cluster.list("Pod", "data-platform", "v1", {"app": JOB})] == []


def variant(stage: FlinkStage, name: str) -> Object:
    """The job under another name, filled as it is deployed."""
    current = stage.cluster.live(deployment(stage))
    assert current
    made = copy.deepcopy(deployment(stage))
    made["metadata"]["name"] = name
    made["spec"]["job"] = current["spec"]["job"]
    return made


class applied:
    """An object for the length of a test."""

    def __init__(self, stage: FlinkStage, manifest: Object) -> None:
        self._stage, self._manifest = stage, manifest

    def __enter__(self) -> None:
        self._stage.cluster.apply(self._manifest)

    def __exit__(self, *_: object) -> None:
        if found := self._stage.cluster.live(self._manifest):
            delete_and_wait(self._stage.cluster, found)
