"""The few engines that a Flink job needs, behind a control plane: Kafka, the registry, and what else is asked for."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml

from carbonlib._project import MANIFESTS
from carbonlib.bench.reading import decode_json
from carbonlib.clients.avro import encode
from carbonlib.config import Settings, settings
from carbonlib.platform import Platform
from carbonlib.targets.kubernetes.cluster import Cluster
from carbonlib.targets.kubernetes.crds import flink_crds
from carbonlib.targets.kubernetes.forwards import Forwards
from carbonlib.targets.kubernetes.jobs import FlinkJobs
from carbonlib.targets.kubernetes.objects import LAYER, Object
from carbonlib.targets.kubernetes.plan import plan
from carbonlib.targets.kubernetes.wait import wait
from carbonlib.targets.local import Local
from carbonlib.waiting import wait_until

from . import flink, flink_overlay
from .control_plane import ControlPlane

SIZES = {"brokers": 1, "workers": 1, "taskmanagers": 1}
LAYERS = ("kafka", "registry")
SESSION = "flink"  # the layer of a cluster on which all jobs run
PORTS = 200  # behind the plane's first port
PRICES, ALERTS, SUBJECT = "commodity-prices-enriched", "market-alerts", "commodity-prices-enriched-value"
START = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


@contextmanager
def engines(port_base: int, *more: str) -> Iterator[Platform]:
    """Kafka and registry with topics and schemas, and more; `CARBON_FLINK_STATE` names a folder where they run."""
    given = os.environ.get("CARBON_FLINK_STATE")
    folder = Path(given) if given else Path(tempfile.mkdtemp(prefix="carbon-flink-"))
    port = int(os.environ.get("CARBON_FLINK_PORT_BASE", port_base + PORTS))
    platform = Platform(Local(Settings(folder, port, settings().cache)))
    try:
        platform.apply(platform.plan("prerequisites", *LAYERS, *more, **SIZES))
        platform.wait(*LAYERS, *more, timeout="5 min")
        for layer in ("topics", "schemas"):
            platform.apply(platform.plan(layer))
        if SESSION in more:
            platform.flink.wait_taskmanagers(1, "3 min")
        yield platform
    finally:
        if not given:
            platform.down(purge=True)
            shutil.rmtree(folder, ignore_errors=True)


class FlinkStage:
    """A control plane with the layers `prerequisites` and `flink`, and the operator's process following it.

    Args:
        engines: what the jobs work with.
        session: all jobs run on the session cluster of the engines; otherwise each has processes of its own.
    """

    def __init__(self, plane: ControlPlane, cluster: Cluster, engines: Platform, *, session: bool = True) -> None:
        self._session = session
        self.plane = plane
        self.cluster = cluster
        self.engines = engines
        self.forwards = Forwards(cluster)
        self._rendered = self._render()
        self.jobs = FlinkJobs(engines, cluster, lambda: self.manifests("jobs"), lambda: self.forwards)
        self._number = 0
        self._alerts = engines.kafka.end_offsets(ALERTS)

    def manifests(self, layer: str) -> list[Object]:
        """The rendered objects of a layer."""
        return [m for m in self._rendered if m["metadata"]["labels"][LAYER] == layer]

    def up(self) -> None:
        """Lead the REST ports, apply what comes before the jobs, and start what kubelets would."""
        if self._session:
            path = flink_overlay.write_plumbing(self.plane.state / "flink-plumbing.yaml", self.plane.port_base)
            self.plane.processes.stop("kwok")
            ControlPlane(self.plane.state, self.plane.port_base, [path]).restart("kwok")
        for layer, more in (("prerequisites", []), ("flink", flink_crds())):
            plan(self.cluster, [*more, *self.manifests(layer)], layer).apply()
        supplied = {
            "carbon-secrets": {"objectstore": self.engines.target.secrets["objectstore"]},
            "kafka-tls": {"ca.crt": "unused"},
        }
        for name, data in supplied.items():
            meta = {"name": name, "namespace": flink_overlay.NAMESPACE}
            self.cluster.apply({"apiVersion": "v1", "kind": "Secret", "metadata": meta, "stringData": data})
        wait(self.cluster, self.manifests("flink"), "2 min")
        urls = self.engines.target.addresses()["flink"]["urls"] if self._session else []
        flink.start(self.plane.processes, self.plane.state, self.plane.kubeconfig, urls)

    def down(self) -> None:
        """Stop what `up` started."""
        self.forwards.close()
        self.plane.processes.stop(flink.PROCESS)

    def _render(self) -> list[Object]:
        folder = self.plane.state / "flink-overlay"
        folder.mkdir(exist_ok=True)
        base = os.path.relpath(MANIFESTS / "kubernetes" / "base", folder)
        resources = [f"{base}/{layer}" for layer in ("prerequisites", "flink", "jobs")]
        head = {"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization", "resources": resources}
        (folder / "kustomization.yaml").write_text(yaml.safe_dump(head), encoding="utf-8")
        if self._session:
            flink_overlay.amend(folder, self.plane.state, self.plane.port_base)
        else:
            flink_overlay.amend_for_applications(folder, self.engines.values()["objectstore.url"])
        text = self.plane.kubectl("kustomize", "--load-restrictor=LoadRestrictionsNone", str(folder))
        return [m for m in yaml.safe_load_all(text) if m]

    # -- data -------------------------------------------------------------------------------------------------------

    def send(self, code: str, prices: Sequence[tuple[float, str]]) -> None:
        """Send enriched prices, each `(seconds after the start of the day of these tests, price)`."""
        schema = self.engines.registry.newest(SUBJECT)
        messages = [(code, encode(*schema, self._price(code, START + timedelta(seconds=s), p))) for s, p in prices]
        self.engines.kafka.produce(PRICES, messages)

    def _price(self, code: str, moment: datetime, price: str) -> dict[str, Any]:
        self._number += 1
        return {
            "event_id": f"{code}-{self._number}-{time.time_ns()}", "commodity_code": code, "event_time": moment,
            "price": Decimal(price), "volume": Decimal(1), "ingest_time": moment, "enriched_at": moment,
        }  # fmt: skip

    def alerts(self, code: str) -> list[dict[str, Any]]:
        """Committed alerts of a commodity."""
        found = [decode_json(r.value) for r in self.engines.kafka.read(ALERTS, self._alerts) if r.value]
        return [alert for alert in found if alert["commodity_code"] == code]

    def wait_alerts(self, code: str, count: int) -> list[dict[str, Any]]:
        """Committed alerts of a commodity, once there are so many."""
        wait_until(lambda: len(self.alerts(code)) >= count, what=f"{count} alerts of {code}", timeout="90 s")
        return self.alerts(code)

    def wait_committed(self, job: str) -> None:
        """Wait until a job has read all that was sent, and a checkpoint holds what it made of it."""
        kafka = self.engines.kafka
        wait_until(
            lambda: kafka.group_progress(job) >= sum(kafka.end_offsets(PRICES).values()),
            what="all prices committed", timeout="60 s",
        )  # fmt: skip
