"""The tests' own control plane, as far as it can be looked at without starting one."""

from __future__ import annotations

import json
import os
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from cryptography import x509

from carbonlib._errors import EngineError
from carbonlib._project import MANIFESTS
from carbonlib.config import Settings
from carbonlib.local import manifest
from carbonlib.local.addresses import references
from carbonlib.waiting import wait_until
from tests.plane import overlay, plumbing
from tests.plane.identity import USERS, Identity
from tests.plane.logs import NOTHING, Follower
from tests.plane.processes import Processes
from tests.plane.programs import ports, programs

SLEEPER = [sys.executable, "-c", "import signal; signal.pause()"]


def test_a_process_is_found_by_its_record_and_ended(tmp_path: Path) -> None:
    processes = Processes(tmp_path)
    processes.start("sleeper", SLEEPER)
    found = Processes(tmp_path).running("sleeper")
    assert found is not None
    # A process that has only just been made holds next to nothing.
    wait_until(lambda: processes.memory_mib("sleeper") > 1, what="the sleeper in memory", timeout=60)
    assert processes.stop("sleeper")
    assert not found.is_running()
    assert not processes.stop("sleeper")
    with pytest.raises(EngineError, match="sleeper"):
        processes.kill("sleeper")


def test_a_stranger_with_the_pid_of_a_record_is_left_alone(tmp_path: Path) -> None:
    processes = Processes(tmp_path)
    processes.start("sleeper", SLEEPER)
    record = tmp_path / "pids" / "sleeper.json"
    mine = json.loads(record.read_text())
    processes.stop("sleeper")
    record.write_text(json.dumps({**mine, "pid": os.getpid()}))
    assert processes.running("sleeper") is None
    assert not processes.stop("sleeper"), "this very process would have ended"


def test_keys_are_private_and_certificates_are_of_the_planes_own_authority(tmp_path: Path) -> None:
    identity = Identity(tmp_path, 24502)
    identity.create()
    root = x509.load_pem_x509_certificate(identity.ca.read_bytes())
    issued = identity.issue("kafka", ["*.kafka-headless.data-platform.svc"])
    for text in (identity.certificate.read_text(), issued["tls.crt"]):
        x509.load_pem_x509_certificate(text.encode()).verify_directly_issued_by(root)
    assert issued["ca.crt"] == identity.ca.read_text()
    files = [p for p in tmp_path.rglob("*") if p.is_file()]
    assert {p.stat().st_mode & 0o777 for p in files} == {0o600}
    assert len({identity.token(user) for user in USERS}) == len(USERS)
    before = identity.token("admin")
    identity.create()
    assert identity.token("admin") != before


def test_everything_listens_on_the_loopback_address(tmp_path: Path) -> None:
    identity = Identity(tmp_path, ports(24500)["api"])
    for program in programs(tmp_path, 24500, identity, []):
        assert program.ready.split("//")[1].startswith("127.0.0.1:"), program.name
        text = " ".join(program.arguments)
        assert "0.0.0.0" not in text
        assert any(word in text for word in ("--bind-address=127.0.0.1", "client-urls=http://127", "=127.0.0.1:"))


def test_a_log_is_followed_through_a_new_beginning_and_halves_of_lines(tmp_path: Path) -> None:
    source, copy = tmp_path / "engine.log", tmp_path / "pod.log"
    follower = Follower(source, [copy])
    follower.follow()
    with source.open("w") as file:
        file.write("one\ntw")
        file.flush()
        follower.follow()
        file.write("o\n")
        file.flush()
        follower.follow()
    source.unlink()
    source.write_text("three\n")
    follower.follow()
    lines = [line.split(" ", 3) for line in copy.read_text().splitlines()]
    assert [line[3] for line in lines] == [NOTHING, "one", "two", "three"]
    assert {(line[1], line[2]) for line in lines} == {("stdout", "F")}
    assert all(datetime.fromisoformat(line[0]).tzinfo for line in lines)


def _stateful_sets() -> dict[tuple[str, str], set[int]]:
    """Ports of the containers of each StatefulSet of the base, by namespace and name."""
    found: dict[tuple[str, str], set[int]] = {}
    for path in (MANIFESTS / "kubernetes" / "base").rglob("*.yaml"):
        for obj in yaml.safe_load_all(path.read_text()):
            if isinstance(obj, dict) and obj.get("kind") == "StatefulSet":
                containers = obj["spec"]["template"]["spec"]["containers"]
                numbers = {port["containerPort"] for c in containers for port in c.get("ports", ())}
                found[obj["metadata"]["namespace"], obj["metadata"]["name"]] = numbers
    return found


def test_every_plumbed_port_is_one_that_a_pod_of_the_manifests_opens() -> None:
    declared = _stateful_sets()
    for spec in plumbing.table()["pods"]:
        assert set(spec["ports"]) <= declared[spec["namespace"], spec["name"]], spec["name"]


def _leads(**sizes: int) -> dict[str, plumbing.Lead]:
    where = Settings(Path("/nowhere"), 29200, Path("/nowhere"))
    return {lead.pod: lead for lead in plumbing.leads(where, {**manifest.declared()["defaults"], **sizes})}


def test_pods_lead_to_the_process_of_their_number_or_to_the_last() -> None:
    found = _leads(workers=2)
    assert len({found[f"kafka-connect-{i}"].ports[8083] for i in range(3)}) == 3
    assert found["schema-registry-0"].ports == found["schema-registry-1"].ports
    brokers = {found[f"kafka-{i}"].ports[9095] for i in range(5)}
    assert len(brokers) == 5, "a broker that does not run must not answer for another"
    assert found["kafka-1"].log.name == "kafka-2.log"
    assert found[""].ports == {8081: 29233}


def test_a_pod_has_an_engine_to_itself_or_none() -> None:
    specs = {spec["name"]: spec for spec in plumbing.table()["pods"]}
    sizes = {"brokers": 3, "workers": 1}
    assert plumbing.engine_of(specs["kafka"], sizes, 4) == "kafka-5", "which is started for it"
    assert plumbing.engine_of(specs["kafka-connect"], sizes, 0) == "connect-1"
    assert plumbing.engine_of(specs["schema-registry"], sizes, 0) == "registry"
    assert plumbing.engine_of(specs["schema-registry"], sizes, 1) is None, "it shares that of the first"


def test_only_pods_with_an_engine_that_ends_with_them_wait_for_it() -> None:
    waits = plumbing.waiting()
    assert "data-platform/kafka-4|" in waits and "data-platform/kafka-connect-2" in waits
    assert "kafka-controller" not in waits and "doris" not in waits


def test_the_configuration_of_kwok_has_a_forward_and_a_log_for_each_pod(tmp_path: Path) -> None:
    found = list(_leads().values())
    written = plumbing.write(tmp_path / "plumbing.yaml", found, tmp_path)
    documents: list[dict[str, Any]] = list(yaml.safe_load_all(written.read_text()))
    kinds = [d["kind"] for d in documents]
    assert kinds.count("PortForward") == kinds.count("Logs") == len(found) - 1
    assert kinds.count("ClusterPortForward") == kinds.count("ClusterLogs") == 1


def test_the_overlay_gives_loopback_addresses_to_what_the_engines_stand_for(tmp_path: Path) -> None:
    where = Settings(tmp_path, 29200, tmp_path)
    options = manifest.declared()["defaults"]
    folder = overlay.write(tmp_path / "overlay", references(where, options), options, 29290)
    values = yaml.safe_load((folder / "values.yaml").read_text())
    known = set(yaml.safe_load(overlay.VALUES.read_text()))
    assert set(values) <= known
    elsewhere = {name for name in known - set(values) if name.endswith((".url", ".host", ".fenodes", "_servers"))}
    assert elsewhere == set()
    assert values["kafka.forward_port"] == 29290
    facts, declared = yaml.safe_load((folder / "target.yaml").read_text()), yaml.safe_load(overlay.TARGET.read_text())
    assert set(facts["switches"]) == set(declared["switches"])
    assert all(set(part) == set(declared["members"][0]) for part in facts["members"])
    kustomization = yaml.safe_load((folder / "kustomization.yaml").read_text())
    assert (folder / kustomization["resources"][0] / "kustomization.yaml").is_file()
