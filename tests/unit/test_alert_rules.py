"""The alert rules: complete, valid for Prometheus, the same in the cluster, and firing when they should."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import pytest
import yaml

from carbonlib import alerts
from carbonlib._project import NOTEBOOKS, ROOT
from carbonlib.runbook.catalogue import load_catalogue

ALERTS = list(alerts.alerts())
# What the specification asks for, by file.
WANTED = {
    "connect": {"ConnectConnectorFailed", "ConnectTaskFailed", "ConnectTaskFailureRateHigh", "ConnectWorkerDown"},
    "flink": {"FlinkJobNotRunning", "FlinkBackpressure", "FlinkCheckpointsFailing", "FlinkFrequentRestarts"},
    "doris": {"DorisFrontendDown", "DorisBackendDown", "DorisQuerySlow", "DorisDiskFull", "DorisLoadsFailing"},
    "data": {"DataLate", "DeadLetterRateHigh", "NoDataReceived"},
    "kafka": {
        "KafkaOfflinePartitions", "KafkaUnderReplicatedPartitions", "KafkaConsumerLag", "KafkaLateTransactions",
    },
}  # fmt: skip


@pytest.fixture(params=ALERTS, ids=lambda a: a["alert"])
def alert(request: pytest.FixtureRequest) -> dict[str, Any]:
    return dict(request.param)


@pytest.fixture(scope="module")
def promtool() -> str:
    own = Path(sys.executable).parent  # where tests/install_promtool.sh puts it
    found = shutil.which("promtool", path=os.pathsep.join([str(own), os.environ["PATH"]]))
    if not found:
        text = "promtool is missing: the alert rules are NOT validated by Prometheus (tests/install_promtool.sh)"
        warnings.warn(text, stacklevel=1)
        pytest.skip(text)
    return found


def test_every_alert_of_the_specification_is_there() -> None:
    found = {
        name: {rule["alert"] for group in content["groups"] for rule in group["rules"]}
        for name, content in alerts.rule_files().items()
    }
    assert {name: wanted - found[name] for name, wanted in WANTED.items()} == {name: set() for name in WANTED}


def test_names_are_used_once() -> None:
    names = [a["alert"] for a in ALERTS]
    assert sorted(set(names)) == sorted(names)


def test_an_alert_says_what_how_bad_and_what_to_do(alert: dict[str, Any]) -> None:
    assert alert["labels"]["severity"] in {"warning", "critical"}
    assert alert["labels"]["component"] in WANTED
    assert set(alert["annotations"]) == {"summary", "description", "runbook_url"}


def test_the_runbook_of_an_alert_exists(alert: dict[str, Any]) -> None:
    assert alert["annotations"]["runbook_url"] in load_catalogue(NOTEBOOKS)


def test_the_cluster_has_the_same_rules() -> None:
    assert alerts.WRITTEN.read_text(encoding="utf-8") == alerts.prometheus_rules()
    objects = list(yaml.safe_load_all(alerts.WRITTEN.read_text(encoding="utf-8")))
    assert [o["spec"] for o in objects] == list(alerts.rule_files().values())


def test_prometheus_accepts_them(promtool: str) -> None:
    files = [str(p) for p in sorted(alerts.RULES.glob("*.yaml"))]
    checked = subprocess.run([promtool, "check", "rules", *files], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_they_fire_when_they_should(promtool: str, tmp_path: Path) -> None:
    source = Path(__file__).with_name("alert_cases.yaml")
    case = yaml.safe_load(source.read_text(encoding="utf-8"))
    case["rule_files"] = [str(p) for p in sorted(alerts.RULES.glob("*.yaml"))]
    by_name = {a["alert"]: a for a in ALERTS}
    tried = set()
    for test in case["tests"]:
        for expected in test["alert_rule_test"]:
            tried.add(expected["alertname"])
            own = by_name[expected["alertname"]]
            for fired in expected["exp_alerts"]:
                fired["exp_labels"] = {**own["labels"], **fired.get("exp_labels", {})}
                fired["exp_annotations"] = {**own["annotations"], **fired["exp_annotations"]}
    target = tmp_path / "cases.yaml"
    target.write_text(yaml.safe_dump(case), encoding="utf-8")
    run = subprocess.run([promtool, "test", "rules", str(target)], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    assert tried == set(by_name), "every alert has a case"


def test_the_agents_show_what_the_rules_ask_of_kafka() -> None:
    folder = ROOT / "manifests/monitoring/jmx"
    rules = [r for path in sorted(folder.glob("*.yml")) for r in yaml.safe_load(path.read_text())["rules"]]
    shown = re.compile("|".join(re.sub(r"\$\d", "[a-z_]+", rule["name"]) for rule in rules))
    asked = {name for a in ALERTS for name in re.findall(r"\bkafka_\w+", a["expr"])}
    assert {name for name in asked if not shown.fullmatch(name)} == {"kafka_consumergroup_lag"}, "an exporter of lag"


def test_the_scraped_pods_are_those_that_the_rules_ask_for() -> None:
    monitors = yaml.safe_load_all((ROOT / "manifests/kubernetes/base/monitoring/monitors.yaml").read_text())
    selected = yaml.safe_dump([m["spec"]["selector"] for m in monitors])
    asked = {part.split('"')[1] for a in ALERTS for part in a["expr"].split("job=")[1:]} - {"load"}
    assert {job for job in asked if job not in selected} == set()
