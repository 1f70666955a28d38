"""The ways into the platform for a client outside the cluster: port-forwards, and addresses of what others run."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from ..._errors import PreflightError
from ...clients.bootstrap import BootstrapServers
from .cluster import Cluster
from .forwards import HOST, Forwards, inside_cluster

OPEN = "PLAINTEXT"  # a listener that asks for nothing; only the control plane of tests has one


class Gates:
    """Addresses of a cluster's systems for this process.

    Args:
        cluster, forwards: where, and how to get in.
        facts: `target.yaml`.
        values: what references stand for.
        sizes: numbers of replicas by option.
        secrets: values by name.
    """

    def __init__(
        self, cluster: Cluster, forwards: Forwards, facts: Mapping[str, Any], values: Mapping[str, str],
        sizes: Mapping[str, int], secrets: Mapping[str, str],
    ) -> None:  # fmt: skip
        self._cluster, self._forwards, self._facts = cluster, forwards, facts
        self._values, self._sizes, self._secrets = values, sizes, secrets

    def addresses(self) -> dict[str, Any]:
        """Addresses by system, as every client here takes them."""
        inside = inside_cluster()
        return {
            "kafka": {"bootstrap_servers": self._inner_kafka() if inside else self._kafka()},
            "registry": {"url": self._url("registry", "registry.url")},
            "connect": {"url": self._url("connect", "connect.url"), "metrics": self._metrics()},
            "doris": self._doris(),
            **self.external(),
        }

    def external(self) -> dict[str, Any]:
        """Addresses of the systems that others run."""
        values = self._values
        databases = {
            name: {"host": values[f"{name}.host"], "port": int(values[f"{name}.port"]), "user": values[f"{name}.user"]}
            for name in ("postgres", "mariadb")
        }
        catalog = urlsplit(values["catalog.uri"].removeprefix("jdbc:"))
        return {
            "catalog": {
                "host": catalog.hostname, "port": catalog.port, "user": values["catalog.user"], "secret": "postgres",
                "warehouse": values["catalog.warehouse"],
            },
            "postgres": {**databases["postgres"], "secret": "postgres"},
            "mariadb": {**databases["mariadb"], "secret": "mariadb_root"},
            "search": {"url": values["search.url"]},
            "objectstore": {"url": values["objectstore.url"], "secret": "objectstore"},
            "apis": {"url": values["apis.eia_url"]},
            "feed": {"url": values["feed.url"], "secret": "feed_token"},
        }  # fmt: skip

    def _kafka(self) -> BootstrapServers:
        where, first = self._facts["services"]["kafka"], int(self._values["kafka.forward_port"])
        ports = [
            self._forwards.open(
                where["namespace"], f"pod/{where['pods']}-{i}", where["port"], first + i, ready=False, shared=True
            )
            for i in range(self._sizes[where["size"]])
        ]
        security = self._security(self._values["kafka.forward_protocol"])
        return BootstrapServers(",".join(f"{HOST}:{port}" for port in ports), security)

    def _inner_kafka(self) -> BootstrapServers:
        security = self._security(self._values["kafka.security_protocol"])
        return BootstrapServers(self._values["kafka.bootstrap_servers"], security)

    def _security(self, protocol: str) -> dict[str, str]:
        if protocol == OPEN:
            return {}
        user = self._facts["kafka_user"]
        return {
            "security.protocol": protocol,
            "sasl.mechanism": self._values["kafka.sasl_mechanism"],
            "sasl.username": user["name"],
            "sasl.password": self._secrets[user["secret"]],
            "ssl.ca.pem": self._authority(**user["authority"]),
        }

    def _authority(self, namespace: str, secret: str, key: str) -> str:
        found = self._cluster.get("Secret", secret, namespace, "v1")
        if found is None or key not in (found.get("data") or {}):
            raise PreflightError(
                f"The Secret {namespace}/{secret} has no {key}, by which clients know Kafka.",
                remedy="Supply it as manifests/kubernetes/secrets.yaml says.", notebook="deploy-00",
            )  # fmt: skip
        return base64.b64decode(found["data"][key]).decode()

    def _doris(self) -> dict[str, Any]:
        if inside_cluster():
            host, port = self._values["doris.query_address"].rsplit(":", 1)
            http = f"http://{self._values['doris.fenodes']}"
        else:
            host, port = HOST, str(self._port("doris_query"))
            http = f"http://{HOST}:{self._port('doris_http')}"
        return {
            "host": host, "query_port": int(port), "http_url": http, "user": "rt_reader", "secret": "doris_reader",
        }  # fmt: skip

    def _metrics(self) -> list[str]:
        where = self._facts["services"]["connect_metrics"]
        pods = [f"{where['pods']}-{i}" for i in range(self._sizes[where["size"]])]
        if inside_cluster():
            host = urlsplit(self._values["connect.url"]).hostname or ""
            domain = host.split(".", 1)[-1]
            return [f"http://{pod}.{where['pods']}.{domain}:{where['port']}/metrics" for pod in pods]
        ports = [self._forwards.open(where["namespace"], f"pod/{p}", where["port"], ready=False) for p in pods]
        return [f"http://{HOST}:{port}/metrics" for port in ports]

    def _url(self, service: str, value: str) -> str:
        """The URL of a Service as pods know it; from outside by a port-forward, with the same path."""
        inner = urlsplit(self._values[value])
        if inside_cluster():
            return self._values[value]
        return urlunsplit(inner._replace(scheme="http", netloc=f"{HOST}:{self._port(service)}"))

    def _port(self, service: str) -> int:
        where = self._facts["services"][service]
        return self._forwards.open(where["namespace"], f"service/{where['service']}", where["port"], ready=False)
