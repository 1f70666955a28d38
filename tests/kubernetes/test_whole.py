"""The notebooks on the target kubernetes: a first run, a second that changes nothing, drift found and repaired."""

from __future__ import annotations

import json
import subprocess
from typing import Any

import httpx

from carbonlib.targets.kubernetes.mistakes import MISTAKES
from tests.conftest import measured

from .conftest import TARGET, VERIFIED, Plane


def test_a_first_run_deploys_and_real_prices_come_through(first_run: dict[str, Any]) -> None:
    verdicts = {n["id"]: n["verdict"] for n in first_run["notebooks"]}
    assert first_run["verdict"] == "passed", verdicts
    assert all(verdicts[name] == "passed" for name in ("deploy-10", "deploy-31", "deploy-70", *VERIFIED)), verdicts
    checks = measured(first_run)
    assert checks["rows_lost"] == checks["rows_duplicated"] == checks["enriched_equal_oracle"] == 0
    assert checks["real_prices_seen"] >= 300


def test_a_second_run_changes_nothing(plane: Plane, first_run: dict[str, Any]) -> None:
    again = plane.carbon.run("deploy", *TARGET)
    assert {n["id"]: n["changes"] for n in again["notebooks"] if n["changes"]} == {}


def test_the_manifests_are_valid_and_wise(plane: Plane, first_run: dict[str, Any]) -> None:
    found = plane.carbon.run("verify-40", *TARGET)
    assert measured(found) == {"manifests_invalid": 0, "advice_not_waived": 0, "waivers_not_needed": 0}


def test_mistakes_are_told_in_words_and_rolled_back(plane: Plane, first_run: dict[str, Any]) -> None:
    every = ",".join(MISTAKES)
    found = plane.carbon.run("drill-30", "-p", f"mistakes={every}", "-p", "patience=6 s", *TARGET)
    checks = measured(found)
    assert checks["mistakes_untold"] == checks["objects_differing_after"] == checks["unwell_after"] == 0
    assert checks["slowest_detection_s"] > 0
    assert plane.carbon("drift", "--json", *TARGET).returncode == 0


def test_a_deployment_that_meets_a_fault_fails_and_says_why(plane: Plane, first_run: dict[str, Any]) -> None:
    _kubectl(plane, "set", "env", "statefulset/kafka-connect", "KAFKA_HEAP_OPTS=-Xmx1g", "--field-manager=other-team")
    try:
        (failed,) = plane.carbon.run("deploy-20", *TARGET, expect=1)["notebooks"]
        told = json.dumps(failed["error"])
        assert "other-team" in told and "KAFKA_HEAP_OPTS" in told and failed["error"]["notebook"] == "respond-20", told
    finally:
        back = plane.carbon.run("respond-20", "-p", "layer=connect", *TARGET)
    assert [c["object"] for c in back["notebooks"][0]["changes"]]
    assert plane.carbon("drift", "--json", *TARGET).returncode == 0


def test_drift_is_found_row_by_row_and_repaired(plane: Plane, first_run: dict[str, Any]) -> None:
    _kubectl(plane, "scale", "statefulset/schema-registry", "--replicas=1")
    _kubectl(plane, "delete", "configmap/kafka-connect")
    _kubectl(plane, "label", "service/kafka-service", "app.kubernetes.io/part-of=somebody-else", "--overwrite")
    _slow_down(plane, "s3-prices")
    found = plane.carbon("drift", "--json", *TARGET)
    assert found.returncode == 2, found.stdout
    rows = {(change["object"], change["action"]) for change in json.loads(found.stdout)["changes"]}
    assert rows == {
        ("StatefulSet/data-platform/schema-registry", "update"),
        ("ConfigMap/data-platform/kafka-connect", "create"),
        ("Service/data-platform/kafka-service", "update"),
        ("connector/s3-prices", "update"),
    }
    plane.carbon.run("deploy-10", "deploy-20", "deploy-60", *TARGET)
    mended = plane.carbon("drift", "--json", *TARGET)
    assert (mended.returncode, json.loads(mended.stdout)["changes"]) == (0, [])


def test_status_names_every_layer(plane: Plane, first_run: dict[str, Any]) -> None:
    status = json.loads(plane.carbon("status", "--json", *TARGET).stdout)
    assert [c for c in status["components"] if not c["ok"]] == []
    assert {"kafka", "registry", "connect", "flink", "doris", "topics", "connectors", "jobs"} <= {
        c["layer"] for c in status["components"]
    }


def _slow_down(plane: Plane, connector: str) -> None:
    """Change a connector as somebody with its address would."""
    url = f"{plane.stage.engines.references()['connect.url']}/connectors/{connector}/config"
    config = httpx.get(url).raise_for_status().json()
    httpx.put(url, json={**config, "flush.size": "7"}).raise_for_status()


def _kubectl(plane: Plane, *words: str) -> None:
    command = ["kubectl", "--namespace=data-platform", *words]
    subprocess.run(command, env=plane.carbon.environment, check=True, capture_output=True)
