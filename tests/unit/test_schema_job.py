"""The Job of the schema against the endpoint: the project's own SQL, twice, and what it says when it cannot."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from carbonlib._errors import UsageError, WaitTimeout
from carbonlib._project import MANIFESTS, SQL
from carbonlib.clients.doris import Doris, load_objects
from carbonlib.local.doris.testing import Endpoint
from carbonlib.references import names
from carbonlib.schema_job import initialise, read_values

KUBERNETES = MANIFESTS / "kubernetes"
SECRETS = ("DORIS_ROOT", "DORIS_LOADER", "DORIS_READER", "DORIS_ADMIN", "KAFKA_DORIS")
PASSWORDS = {f"CARBON_SECRET_{who}": f"{who}-aA1!" for who in SECRETS}


@pytest.fixture
def endpoint(tmp_path: Path) -> Iterator[Endpoint]:
    with Endpoint(tmp_path / "doris") as running:
        yield running


@pytest.fixture
def values(tmp_path: Path, brokers: str) -> Path:
    path = tmp_path / "values.yaml"
    plain = {"kafka.bootstrap_servers": brokers, "doris.replication_num": 1, "kafka.security_protocol": "PLAINTEXT"}
    login = {"kafka.sasl_mechanism": "SCRAM-SHA-512", "kafka.doris_ca": ""}
    path.write_text(yaml.safe_dump({**plain, **login, "kafka.doris_password": "${secret.kafka_doris}"}))
    return path


def run(endpoint: Endpoint, values: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    options = ["--sql", str(SQL / "doris"), "--values", str(values), "--host", "127.0.0.1", "--timeout", "60 s"]
    ports = ["--query-port", str(endpoint.query_port), "--http-port", str(endpoint.http_port)]
    return subprocess.run(
        [sys.executable, "-m", "carbonlib.schema_job", *options, *ports],
        env={"PATH": "", **environment}, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


def test_the_job_makes_the_schema_once(endpoint: Endpoint, values: Path) -> None:
    first = run(endpoint, values, **PASSWORDS)
    assert first.returncode == 0, first.stderr
    known = read_values([values], PASSWORDS)
    for declared in load_objects(SQL / "doris", known):
        assert f"create   {declared.label}" in first.stdout
    assert "update   user/root" in first.stdout
    assert not any(password in first.stdout + first.stderr for password in PASSWORDS.values())
    second = run(endpoint, values, **PASSWORDS)
    assert (second.returncode, second.stdout) == (0, "nothing to change\n")


def test_it_says_which_secret_is_missing(endpoint: Endpoint, values: Path) -> None:
    without_root = {k: v for k, v in PASSWORDS.items() if k != "CARBON_SECRET_DORIS_ROOT"}
    refused = run(endpoint, values, **without_root)
    assert refused.returncode == UsageError.exit_code
    assert "doris_root" in refused.stderr and "Traceback" not in refused.stderr


def test_it_waits_for_as_many_backends_as_there_are_copies(endpoint: Endpoint, values: Path) -> None:
    known = {**read_values([values], PASSWORDS), "doris.replication_num": "3"}
    doris = Doris("127.0.0.1", endpoint.query_port, endpoint.fe_url, "root", known["secret.doris_root"])
    with pytest.raises(WaitTimeout, match="3 backends"):
        initialise(doris, SQL / "doris", known, timeout=0.5)
    doris.close()


def test_later_values_lie_on_top(tmp_path: Path) -> None:
    below, above = tmp_path / "a.yaml", tmp_path / "b.yaml"
    below.write_text("kafka.replication: 3\ndoris.replication_num: 3\nfeed.url: ws://x/${secret.feed_token}\n")
    above.write_text("doris.replication_num: 1\n")
    found = read_values([below, above], {"CARBON_SECRET_FEED_TOKEN": "x", "HOME": "/"})
    plain = {"kafka.replication": "3", "doris.replication_num": "1", "feed.url": "ws://x/x"}
    assert found == {**plain, "secret.feed_token": "x"}


def test_the_manifest_mounts_every_file_and_every_secret_of_the_schema() -> None:
    folder = KUBERNETES / "base" / "doris"
    generators = yaml.safe_load((folder / "kustomization.yaml").read_text())["configMapGenerator"]
    listed = {f.split("=")[-1] for g in generators if g["name"] == "doris-schema" for f in g["files"]}
    mounted = {(folder / f).resolve() for f in listed if f.endswith(".sql")}
    files = set((SQL / "doris").glob("[0-9]*.sql"))
    assert mounted == files
    asked = {n for f in files for n in names(f.read_text())}
    plain, logins = ((folder / f"schema-{part}.yaml").read_text() for part in ("values", "logins"))
    known = {**yaml.safe_load(plain), **yaml.safe_load(logins)}
    assert set(known) == {n for n in asked if not n.startswith("secret.")}
    secrets = {n for n in asked | names(logins) | {"secret.doris_root"} if n.startswith("secret.")}
    container = yaml.safe_load((folder / "schema.yaml").read_text())["spec"]["template"]["spec"]["containers"][0]
    given = {e["name"]: e["valueFrom"]["secretKeyRef"]["key"] for e in container["env"]}
    assert given == {f"CARBON_SECRET_{n.removeprefix('secret.').upper()}": n.removeprefix("secret.") for n in secrets}
