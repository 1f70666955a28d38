"""The platform as a notebook sees it: layers with `plan`, `apply`, `wait` and `status`, and the clients of systems."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from ._errors import CarbonError, PlanShown, UsageError
from ._project import MANIFESTS
from .changes import Change, Plan
from .clients.connect import Connect
from .clients.databases import MariaDB, Postgres
from .clients.doris import Doris
from .clients.flink import Flink
from .clients.iceberg import Iceberg
from .clients.kafka import Kafka
from .clients.objectstore import ObjectStore
from .clients.registry import Registry
from .clients.search import Search
from .databases import Databases
from .layers import Connectors, Dimension, Schemas, Tables, Topics
from .local.engines import module_folder
from .status import Component, Status
from .stores import Buckets, Indices
from .targets.base import Layer, Target
from .targets.local import Local

# The layers that are objects inside engines, in the order of deployment: the same on every target.
OBJECT_LAYERS = (Topics, Schemas, Tables, Databases, Dimension, Indices, Buckets, Connectors)


def _kubernetes() -> Target:
    from .targets.kubernetes.target import Kubernetes  # its client is only loaded where it is used

    return Kubernetes()


TARGETS: dict[str, Callable[[], Target]] = {"local": Local, "kubernetes": _kubernetes}


def connect(target: str = "local") -> Platform:
    """The platform on a target.

    Raises:
        UsageError: when there is no such target.
    """
    if target not in TARGETS:
        raise UsageError(f"There is no target {target!r} in this version.", remedy=f"Targets: {', '.join(TARGETS)}.")
    return Platform(TARGETS[target]())


class Platform:
    """One running, or not yet running, platform."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self._kafka: Kafka | None = None
        self.secrets: Mapping[str, str] = target.secrets
        running = [*target.layers(), *(kind(self) for kind in OBJECT_LAYERS), target.jobs(self)]
        self._layers: dict[str, Layer] = {layer.name: layer for layer in running}

    def __repr__(self) -> str:
        return f"the platform on {self.target.name}"

    # -- clients ----------------------------------------------------------------------------------------------------

    @property
    def kafka(self) -> Kafka:
        """The brokers; one client for as long as their addresses stay the same."""
        servers = self.target.addresses()["kafka"]["bootstrap_servers"]
        if self._kafka is None or self._kafka.bootstrap_servers != servers:
            self._kafka = Kafka(servers)
        return self._kafka

    @cached_property
    def registry(self) -> Registry:
        """The schema registry."""
        return Registry(self.target.addresses()["registry"]["url"])

    @cached_property
    def connect(self) -> Connect:
        """The Connect workers."""
        where = self.target.addresses()["connect"]
        return Connect(where["url"], where.get("metrics", ()))

    @property
    def flink(self) -> Flink:
        """The Flink cluster of all jobs.

        Raises:
            UsageError: on this target each job has a cluster of its own.
        """
        where = self.target.addresses().get("flink")
        if where is None:
            raise UsageError(
                f"On {self.target.name} each job has a Flink cluster of its own.",
                remedy="Ask for one job's: platform.jobs.client(name).",
            )
        return Flink(where["urls"])

    @cached_property
    def doris(self) -> Doris:
        """Doris, as a reader."""
        return self._doris("rt_reader", "doris_reader")

    @cached_property
    def doris_root(self) -> Doris:
        """Doris, as its administrator."""
        return self._doris("root", "doris_root")

    def _doris(self, user: str, secret: str) -> Doris:
        where = self.target.addresses()["doris"]
        return Doris(where["host"], where["query_port"], where["http_url"], user, self.secrets[secret])

    @cached_property
    def postgres(self) -> Postgres:
        """The PostgreSQL database of the reference data, as its owner."""
        return Postgres(*self._database("postgres"))

    @cached_property
    def mariadb(self) -> MariaDB:
        """The MariaDB database of the contracts, as its owner."""
        return MariaDB(*self._database("mariadb"))

    def _database(self, system: str) -> tuple[str, int, str, str, str]:
        where = self.target.addresses()[system]
        name = self.values()[f"{system}.database"]
        return where["host"], where["port"], where["user"], self.secrets[where["secret"]], name

    @cached_property
    def iceberg(self) -> Iceberg:
        """The Iceberg catalog."""
        where = self.target.addresses()["catalog"]
        in_s3 = str(where["warehouse"]).startswith("s3:")
        return Iceberg(
            MANIFESTS / "iceberg" / "catalog.yaml", host=where["host"], port=where["port"], user=where["user"],
            password=self.secrets[where["secret"]], warehouse=where["warehouse"],
            storage=self.objectstore.file_io() if in_s3 else {},
        )  # fmt: skip

    @cached_property
    def search(self) -> Search:
        """The search engine."""
        return Search(self.target.addresses()["search"]["url"])

    @cached_property
    def objectstore(self) -> ObjectStore:
        """The object store."""
        where, values = self.target.addresses()["objectstore"], self.values()
        secret = self.secrets[where["secret"]]
        return ObjectStore(where["url"], values["objectstore.user"], secret, values["objectstore.region"])

    def flink_jar(self) -> Path:
        """The project's own Flink module, built."""
        from .config import settings

        return module_folder(settings(), "carbon-flink") / "carbon-flink.jar"

    # -- where things are -------------------------------------------------------------------------------------------

    def values(self) -> dict[str, str]:
        """What references in manifests and SQL stand for here."""
        return self.target.values()

    def endpoints(self) -> dict[str, Any]:
        """Addresses of the running systems, without secrets."""
        return self.target.endpoints()

    def size(self, name: str) -> Any:
        """An option of the target as it holds now: `platform.size("brokers")`."""
        return self.target.profile()[name]

    # -- verbs ------------------------------------------------------------------------------------------------------

    def _chosen(self, names: tuple[str, ...]) -> Iterator[Layer]:
        for name in names or tuple(self._layers):
            if name not in self._layers:
                raise UsageError(f"There is no layer {name!r}.", remedy=f"Layers: {', '.join(self._layers)}.")
            yield self._layers[name]

    def plan(self, *layers: str, **options: Any) -> Plan:
        """What must change so that the layers are as declared.

        Options that the target understands (sizes, where the APIs are) hold for the whole plan; others go to the first
        layer named. An option that is 0 or empty leaves it to the target.
        """
        options = {k: v for k, v in options.items() if isinstance(v, bool) or v not in (0, "")}
        own = {k: v for k, v in options.items() if k in self.target.options()}
        rest = {k: v for k, v in options.items() if k not in own}
        self._refuse_unknown(rest, layers)
        plan = self.target.assume(own)
        for position, layer in enumerate(self._chosen(layers)):
            plan = plan + layer.plan(**(rest if position == 0 else {}))
        return plan

    def _refuse_unknown(self, options: dict[str, Any], layers: tuple[str, ...]) -> None:
        known: tuple[str, ...] = getattr(next(self._chosen(layers)), "takes", ())
        unknown = sorted(set(options) - set(known))
        if unknown:
            possible = ", ".join(sorted({*known, *self.target.options()}))
            raise UsageError(f"There is no option {', '.join(unknown)} here.", remedy=f"Options: {possible}.")

    def apply(self, plan: Plan, *, dry_run: bool = False, on_change: Callable[[Change], None] | None = None) -> Plan:
        """Carry out a plan and return what was done.

        Raises:
            PlanShown: on a dry run, which ends a notebook here by wish.
            ApplyError: when a change fails.
        """
        if dry_run:
            raise PlanShown(f"{len(plan)} changes were planned and none was made.")

        def before(change: Change) -> None:
            if not self.target.owns(change):
                self.target.settle()
            if on_change:
                on_change(change)

        done = plan.apply(on_change=before)
        self.target.settle()
        return done

    def wait(self, *layers: str, timeout: str | float = "2 min") -> Status:
        """Wait until the layers can be used, and return their status.

        Raises:
            WaitTimeout: naming what is not ready, and why.
        """
        for layer in self._chosen(layers):
            layer.wait(timeout)
        return self.status(*layers)

    def status(self, *layers: str) -> Status:
        """What the components of the layers are doing; a layer that cannot be asked is one component with a problem."""
        return Status(c for layer in self._chosen(layers) for c in _ask(layer))

    def drift(self) -> Plan:
        """Live against declared, over all layers."""
        return self.plan()

    def down(self, *, purge: bool = False, on_step: Callable[[str], None] = print) -> None:
        """Take down exactly what was created."""
        self.target.down(purge=purge, on_step=on_step)

    def plan_down(self, *, purge: bool = False) -> Plan:
        """What a teardown would stop and remove."""
        return self.target.plan_down(purge=purge)

    def leftovers(self, *, purge: bool = False) -> list[str]:
        """What is still there after a teardown and should not be."""
        return self.target.leftovers(purge=purge)

    def preflight(self, **needs: float) -> Any:
        """Whether the target can carry the platform, as a table with `problems()`."""
        return self.target.preflight(**needs)

    @property
    def jobs(self) -> Any:
        """The layer of the Flink jobs, with what only it can do: `client(name)`, `run_probe`."""
        return self._layers["jobs"]

    def run_probe_job(self, topic: str, mark: str) -> str:
        """Run the probe job, which writes one record with the mark to the topic; returns the state it ended in."""
        return str(self.jobs.run_probe(topic, mark))

    def diagnose(self) -> list[tuple[str, str]]:
        """Titles and texts that help after a failure."""
        return self.target.diagnose()


def _ask(layer: Layer) -> list[Component]:
    try:
        return layer.status()
    except CarbonError as error:
        return [Component(layer.name, "–", "UNREACHABLE", False, problem=error.message)]
