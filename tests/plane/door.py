"""The brokers' door for clients from outside: TLS with the cluster's certificate, and the passwords of Kafka's users.

In a cluster a container mounts the Secret, and the Job kafka-access writes the passwords. Here an engine reads the
certificate from a file when it starts, and what the Job declares is written by the open listener that engines have.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from carbonlib._errors import CarbonError
from carbonlib._files import read_mapping
from carbonlib._project import MANIFESTS
from carbonlib.clients.kafka_rights import KafkaRights
from carbonlib.config import Settings
from carbonlib.local import manifest
from carbonlib.operations.rotation import shown_by
from carbonlib.targets.kubernetes import certificates
from carbonlib.targets.kubernetes.certificates import CRT, KEY, ServerCertificate
from carbonlib.targets.kubernetes.cluster import Cluster
from carbonlib.targets.kubernetes.secrets import ClusterSecrets, secret_files

from .identity import HOST

PORT = "kafka_forward"
JOB = MANIFESTS / "kubernetes" / "base" / "kafka" / "access.yaml"
LOCKED = {"forward_protocol": "SASL_SSL"}  # the option of the local target


def _file(engines: Settings) -> Path:
    return engines.state / "forward" / "server.pem"  # as manifests/local/kafka/server.properties says


def prepare(engines: Settings) -> None:
    """Let brokers start before there is a cluster: with a certificate that nobody trusts, where there is none yet."""
    if not _file(engines).exists():
        nobody = certificates.make_authority("nobody", 1)
        _write(engines, certificates.issue(nobody, "nobody", [], [HOST], 1))


def _write(engines: Settings, keys: Mapping[str, str]) -> None:
    path = _file(engines)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        file.write(keys[KEY] + keys[CRT])


class Door:
    """The doors of the engines of one cluster.

    Args:
        cluster: whose Secrets they go by.
        engines: the folder and ports of the brokers.
        servers: their open listener.
    """

    def __init__(self, cluster: Cluster, engines: Settings, servers: str) -> None:
        self._cluster, self._engines, self._servers = cluster, engines, servers
        self._certificate = ServerCertificate(cluster)

    def take(self) -> None:
        """Give the engines that start from now on the certificate of the cluster, and Kafka its users' passwords."""
        _write(self._engines, self._certificate.read())
        secrets = ClusterSecrets(self._cluster)
        passwords = {user: secrets[key] for key, user in secret_files(read_mapping(JOB)).items()}
        KafkaRights(self._servers).plan_passwords(passwords, again=True).apply()

    def is_of_another(self, index: int) -> bool:
        """Whether the running broker of that number, from 0, shows another certificate than the cluster has."""
        live = self._certificate.live()
        try:
            shown = shown_by(f"{HOST}:{manifest.port(self._engines, PORT, index)}")
        except CarbonError:
            return True
        return live is not None and shown.serial != live.serial
