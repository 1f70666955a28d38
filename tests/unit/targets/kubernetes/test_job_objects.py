"""FlinkDeployments as they are deployed: what is declared once for all targets is laid over what is rendered."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest
import yaml

from carbonlib._errors import UsageError
from carbonlib._project import MANIFESTS
from carbonlib.job_specs import Job, fingerprint, load_jobs, probe_job
from carbonlib.targets.kubernetes import job_objects

VALUES = {"kafka.bootstrap_servers": "kafka-service:9092", "objectstore.user": "carbon", "secret.doris_loader": "a:b=c"}
BASE = MANIFESTS / "kubernetes" / "base" / "jobs" / "job" / "deployment.yaml"


@pytest.fixture
def manifest() -> dict[str, Any]:
    text = BASE.read_text(encoding="utf-8").replace("NAME", "data-enricher")
    rendered: dict[str, Any] = yaml.safe_load(text)
    rendered["metadata"]["labels"]["carbon.io/layer"] = "jobs"
    return rendered


@pytest.fixture
def job() -> Job:
    return next(j for j in load_jobs()[1] if j.name == "data-enricher")


def test_the_runner_gets_scripts_and_references_as_the_pod_mounts_them(manifest: dict[str, Any], job: Job) -> None:
    spec = job_objects.filled(manifest, "carbon.flink.ScriptRunner", job, "abc", "1f")["spec"]
    arguments = spec["job"]["args"]
    scripts = arguments[arguments.index("--script") + 1].split(",")
    assert scripts[0] == "/opt/flink/sql/00_settings.sql"
    assert scripts[-1] == "/opt/flink/sql/data_enricher.sql"
    assert arguments[arguments.index("--references") + 1] == "/opt/flink/references/references.properties"
    assert "pipeline.global-job-parameters='carbon.fingerprint:abc','carbon.run-id:1f'" in arguments
    assert spec["job"]["parallelism"] == int(job.parameters["parallelism"])


def test_settings_of_every_cluster_are_below_those_of_the_manifest(manifest: dict[str, Any], job: Job) -> None:
    manifest["spec"]["flinkConfiguration"]["heartbeat.timeout"] = "20000"
    settings = job_objects.filled(manifest, "x", job, "", "")["spec"]["flinkConfiguration"]
    assert settings["execution.checkpointing.interval"] == "500 ms"
    assert settings["heartbeat.timeout"] == "20000"
    assert settings["metrics.job.status.enable"] == "STATE;CURRENT_TIME;TOTAL_TIME"
    assert settings["pipeline.object-reuse"] == "true"
    assert all(isinstance(value, str) for value in settings.values())


def test_what_is_rendered_is_left_as_it_is(manifest: dict[str, Any], job: Job) -> None:
    before = yaml.safe_dump(manifest)
    job_objects.filled(manifest, "x", job, "abc", "1f")
    assert yaml.safe_dump(manifest) == before


def test_the_secret_holds_references_and_what_the_environment_names(manifest: dict[str, Any], job: Job) -> None:
    secret = job_objects.references_secret(manifest, job, VALUES, "1f")
    texts = {key: base64.b64decode(value).decode() for key, value in secret["data"].items()}
    assert secret["metadata"]["name"] == "data-enricher-references"
    assert texts["objectstore.user"] == "carbon"
    assert "kafka.bootstrap_servers=kafka-service\\:9092\n" in texts["references.properties"]
    assert "secret.doris_loader=a\\:b\\=c\n" in texts["references.properties"]
    assert "job.run_id=1f\n" in texts["references.properties"]


def test_a_value_that_the_environment_names_must_be_known(manifest: dict[str, Any], job: Job) -> None:
    with pytest.raises(UsageError, match=r"objectstore\.user"):
        job_objects.references_secret(manifest, job, {}, "1f")


def test_every_script_is_mounted_by_the_name_of_its_file(manifest: dict[str, Any]) -> None:
    every = [*load_jobs()[1], probe_job("", "")[1]]
    data = job_objects.scripts_map(manifest, every)["data"]
    assert set(data) == {path.name for job in every for path in job.scripts}
    assert sum(len(text) for text in data.values()) < 1_000_000  # a ConfigMap holds 1 MiB


def test_two_scripts_of_one_name_are_refused(manifest: dict[str, Any], tmp_path: Path) -> None:
    twin = tmp_path / "00_settings.sql"
    twin.write_text("SET 'a' = 'b';")
    with pytest.raises(UsageError, match=r"00_settings\.sql"):
        job_objects.scripts_map(manifest, [*load_jobs()[1], Job("twin", [twin], {})])


def test_a_fingerprint_follows_references_and_not_where_a_new_job_begins(job: Job) -> None:
    def other(**parameters: str) -> str:
        return fingerprint(Job(job.name, job.scripts, {**job.parameters, **parameters}), VALUES)

    same = fingerprint(job, VALUES)
    assert other(start_offsets="latest-offset") == same
    assert other(parallelism="3") != same
    assert fingerprint(job, {**VALUES, "secret.doris_loader": "new"}) != same


@pytest.mark.parametrize(
    ("status", "path"),
    [
        ({}, None),
        ({"jobStatus": {"upgradeSavepointPath": "s3://a"}}, "s3://a"),
        ({"jobStatus": {"savepointInfo": {"lastSavepoint": {"location": "s3://b"}}}}, "s3://b"),
    ],
)
def test_the_last_savepoint_is_found_in_the_words_of_every_operator(status: dict[str, Any], path: str | None) -> None:
    assert job_objects.savepoint_of({"status": status}) == path
