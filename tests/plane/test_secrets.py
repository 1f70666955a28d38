"""Secrets and the certificate of the Kafka servers, made where nobody supplies them, in a real API server."""

from __future__ import annotations

import base64
import datetime
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from carbonlib._errors import ApplyError, UsageError
from carbonlib.targets.kubernetes import certificates, secrets
from carbonlib.targets.kubernetes.certificates import ServerCertificate, plan_certificates
from carbonlib.targets.kubernetes.cluster import Cluster
from carbonlib.targets.kubernetes.secrets import ClusterSecrets, declared, missing, plan_secrets

SPACES = ("data-platform", "doris")


@pytest.fixture(autouse=True)
def namespaces(cluster: Cluster) -> Iterator[None]:
    """The namespaces of the Secrets, without any of them before and after."""
    for name in SPACES:
        cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    _clear(cluster)
    yield
    _clear(cluster)


def _clear(cluster: Cluster) -> None:
    for namespace, name in {(w.namespace, w.secret) for w in declared()} | {("data-platform", "kafka-authority")}:
        cluster.delete("Secret", name, namespace, propagation="Background")


def give(cluster: Cluster, **values: str) -> None:
    """As whoever runs the platform does, with another tool."""
    data = {k: base64.b64encode(v.encode()).decode() for k, v in values.items()}
    meta = {"name": "carbon-secrets", "namespace": "data-platform"}
    cluster.create({"apiVersion": "v1", "kind": "Secret", "metadata": meta, "data": data})


def test_own_passwords_are_made_once_and_those_of_others_asked_for(cluster: Cluster) -> None:
    give(cluster, eia_api_key="given", doris_root="theirs")
    plan = plan_secrets(cluster)
    assert {c.object for c in plan} == {
        "Secret/data-platform/carbon-secrets", "Secret/doris/doris-root", "Secret/doris/kafka-ca",
    }  # fmt: skip
    plan_certificates(cluster).apply()
    assert "theirs" not in repr(plan.apply())
    assert len(plan_secrets(cluster)) == 0
    made = secrets.read(cluster, "data-platform", "carbon-secrets")
    assert (made["eia_api_key"], made["doris_root"]) == ("given", "theirs")
    assert made["doris_loader"] != made["doris_reader"] and len(made["kafka_connect"]) > 20
    assert secrets.read(cluster, "doris", "doris-root") == {"username": "root", "password": "theirs"}
    authority = secrets.read(cluster, "data-platform", "kafka-tls")["ca.crt"]
    assert secrets.read(cluster, "doris", "kafka-ca") == {"ca.crt": authority}
    assert {w.source for w in missing(cluster)} == {"given"}
    with pytest.raises(UsageError, match=r"fred_api_key: known only(.|\n)*kubectl -n data-platform create secret"):
        plan_secrets(cluster, ["fred_api_key"])


def test_a_copy_waits_for_what_it_copies(cluster: Cluster) -> None:
    plan = plan_secrets(cluster, ["kafka-ca/ca.crt"])
    assert [c.object for c in plan] == ["Secret/doris/kafka-ca"]
    with pytest.raises(ApplyError, match=r"Supply kafka-tls/ca\.crt first"):
        plan.apply()


def test_secrets_are_read_once_by_name_and_never_shown(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    early = ClusterSecrets(cluster)
    assert len(early) == 0 and "doris_root" not in early
    give(cluster, doris_root="first")
    found = ClusterSecrets(cluster)
    assert found["doris_root"] == "first" and "first" not in repr(found)
    secrets.merge(cluster, "data-platform", "carbon-secrets", {"doris_root": "second"})
    assert found["doris_root"] == "first"
    found.refresh()
    assert found["doris_root"] == "second" and list(found) == ["doris_root"]
    found.replace("doris_root", "third")
    assert (found["doris_root"], found["doris_root.previous"]) == ("third", "second")
    monkeypatch.setenv("CARBON_SECRET_DORIS_ROOT", "mine")
    with pytest.raises(UsageError, match="unset CARBON_SECRET_DORIS_ROOT"):
        found.replace("doris_root", "fourth")
    assert found["doris_root"] == "mine"
    with pytest.raises(UsageError, match=r"no 'doris_loader'(.|\n)*doris_loader=…(.|\n)*CARBON_SECRET_DORIS_LOADER"):
        found["doris_loader"]


def test_the_certificate_is_made_kept_and_renewed_by_the_same_authority(cluster: Cluster, tmp_path: Path) -> None:
    server = ServerCertificate(cluster)
    assert server.problem() == "there is none"
    plan_certificates(cluster).apply()
    first, keys = server.live(), server.read()
    assert first and server.problem() == "" and len(plan_certificates(cluster)) == 0
    assert first.names == server.wanted_names and first.subject == "CN=kafka" and 364 < first.days_left <= 365
    _chain_holds(keys, tmp_path)
    renewal = plan_certificates(cluster, renew=True)
    assert renewal.changes[0].before == {"serial": first.serial, "ends": f"{first.ends:%Y-%m-%d}"}
    renewal.apply()
    second = server.live()
    assert second and second.serial != first.serial and server.read()["ca.crt"] == keys["ca.crt"]
    _chain_holds(server.read(), tmp_path)
    assert len(renewal.apply()) == 0, "what was renewed meanwhile is not renewed again"
    server.write(keys)
    assert server.live() == first, "undone"


def _chain_holds(keys: dict[str, str], folder: Path) -> None:
    """OpenSSL takes the certificate with its key, and a client that knows the authority accepts it for the names."""
    (folder / "chain.pem").write_text(keys["tls.crt"] + keys["tls.key"])
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(folder / "chain.pem")
    asking = ssl.create_default_context(cadata=keys["ca.crt"])
    for name in ("127.0.0.1", "kafka-0.kafka-headless.data-platform.svc"):
        pipes = [ssl.MemoryBIO() for _ in range(2)]
        one = asking.wrap_bio(pipes[0], pipes[1], server_hostname=name)
        other = serving.wrap_bio(pipes[1], pipes[0], server_side=True)
        for side in (one, other, one, other):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
        assert one.getpeercert(binary_form=True)
        assert certificates.facts_der(one.getpeercert(binary_form=True) or b"") == certificates.facts(keys["tls.crt"])


def test_a_certificate_that_ends_soon_or_lacks_a_name_is_renewed_or_refused(cluster: Cluster) -> None:
    server = ServerCertificate(cluster)
    foreign = certificates.make_authority("somebody", 10)
    short = certificates.issue(foreign, "kafka", server.wanted_names - {"127.0.0.1"}, ["127.0.0.1"], 5)
    server.write(short)
    assert server.problem() == "" and len(plan_certificates(cluster)) == 0, "its owner renews it in time"
    ended = certificates.issue(foreign, "kafka", server.wanted_names - {"127.0.0.1"}, ["127.0.0.1"], 0)
    server.write(ended)
    assert server.problem().startswith("it ends on ")
    with pytest.raises(UsageError, match=r"signed by CN=somebody(.|\n)*cmctl renew kafka-tls"):
        plan_certificates(cluster)
    server.write(certificates.issue(foreign, "kafka", ["localhost"], ["127.0.0.1"], 365))
    assert server.problem().startswith("it lacks *.kafka-controller.data-platform.svc")
    secrets.merge(cluster, "data-platform", "kafka-authority", foreign, "kubernetes.io/tls")
    plan_certificates(cluster).apply()
    renewed = server.live()
    assert renewed and renewed.issuer == "CN=somebody" and server.problem() == ""
    assert renewed.ends > datetime.datetime.now(datetime.UTC)
    with pytest.raises(ApplyError, match="all three texts"):
        server.write({"tls.crt": "x"})
