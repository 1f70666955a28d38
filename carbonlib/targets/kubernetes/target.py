"""The kubernetes target: the production platform, from the manifests of one overlay."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ..._errors import UsageError
from ...changes import Change, Plan
from ...findings import Findings
from ..base import Layer, Member
from . import capacity, history, lint, pods, preflight, teardown
from .cluster import Cluster
from .crds import flink_crds
from .forwards import Forwards
from .gates import Gates
from .jobs import FlinkJobs
from .layers import SETTLE, External, ManifestLayer, Supplied
from .objects import Object
from .overlay import Overlay
from .secrets import ClusterSecrets, secret_files
from .sizes import Sizes

if TYPE_CHECKING:
    import pandas as pd

    from ...platform import Platform

CONTEXT = "CARBON_CONTEXT"  # a context of the kubeconfig other than its current one
CRD_LAYER = "flink"


class Kubernetes:
    """The cluster of the current kubeconfig."""

    name = "kubernetes"

    def __init__(self, overlay: str | None = None) -> None:
        self.overlay = Overlay(overlay)
        self._unsettled: list[str] = []
        self._planned: set[str] = set()

    @cached_property
    def cluster(self) -> Cluster:
        """The connection to the API server."""
        return Cluster(context=os.environ.get(CONTEXT))

    @cached_property
    def forwards(self) -> Forwards:
        """The port-forwards of this process; they end with it."""
        return Forwards(self.cluster)

    @cached_property
    def secrets(self) -> ClusterSecrets:
        """The values of the Secret that the owner of the cluster supplies."""
        return ClusterSecrets(self.cluster)

    # -- options ----------------------------------------------------------------------------------------------------

    @cached_property
    def sizes(self) -> Sizes:
        """Numbers of replicas and switches."""
        facts = self.overlay.facts
        return Sizes(self.cluster, facts["kept_in"], {**self.overlay.sizes(), **facts["switches"]})

    def profile(self) -> dict[str, Any]:
        """The options that were applied last, with those that the current plan assumes."""
        return self.sizes.now()

    def options(self) -> set[str]:
        """Names of the options that this target understands."""
        return self.sizes.known()

    def assume(self, options: dict[str, Any]) -> Plan:
        """Take options as given from now on; the plan keeps those that are new, for every later notebook."""
        return self.sizes.assume(options)

    def systems(self) -> set[str]:
        """The systems beside the core that are switched on."""
        profile = self.profile()
        return {name for name in self.overlay.facts["switches"] if profile[name]}

    # -- addresses --------------------------------------------------------------------------------------------------

    def values(self) -> dict[str, str]:
        """What the references in manifests and SQL stand for in the cluster."""
        return self.overlay.values(self.secrets)

    def addresses(self) -> dict[str, Any]:
        """Addresses of all systems for this process: port-forwards, or Services when it runs in the cluster."""
        facts, values = self.overlay.facts, self.overlay.plain
        return Gates(self.cluster, self.forwards, facts, values, self.sizes.numbers(), self.secrets).addresses()

    def endpoints(self) -> dict[str, Any]:
        """The same; the forwards among them lead into the cluster for as long as this process lives."""
        return self.addresses()

    # -- layers -----------------------------------------------------------------------------------------------------

    def layers(self) -> Sequence[Layer]:
        """The layers of manifests in the order of deployment, and the systems of others."""
        facts = self.overlay.facts
        deployed = [self._deployed(name) for name in facts["layers"]]
        others = [External(name, self._external(name, system)) for name, system in facts["external"].items()]
        return [*deployed, *others]

    def _deployed(self, name: str) -> ManifestLayer:
        return Supplied(self, name) if name == self.overlay.facts["supplied_with"] else ManifestLayer(self, name)

    def jobs(self, platform: Platform) -> Layer:
        """The Flink jobs, a FlinkDeployment each."""
        name = self.overlay.facts["jobs"]
        return FlinkJobs(platform, self.cluster, lambda: self.manifests(name), lambda: self.forwards)

    def manifests(self, layer: str) -> list[Object]:
        """The objects of a layer as they should be."""
        found = self.overlay.manifests(layer, self.sizes.numbers())
        return [*flink_crds(), *found] if layer == CRD_LAYER else found

    def _external(self, layer: str, system: str) -> Callable[[], list[str]]:
        def addresses() -> list[str]:
            if layer in self.overlay.facts["switches"] and layer not in self.systems():
                return []
            where = self.addresses()[system]
            return [where["url"] if "url" in where else f"{where['host']}:{where['port']}"]

        return addresses

    # -- changes ----------------------------------------------------------------------------------------------------

    def noting(self, layer: str, change: Change) -> Callable[[], Any] | None:
        """The change's own step, after which the layer counts as unsettled."""
        self._planned.add(change.object)
        apply = change.apply

        def step() -> Any:
            if layer not in self._unsettled:
                self._unsettled.append(layer)
            return apply() if apply else None

        return step

    def owns(self, change: Change) -> bool:
        """Whether a change is about an object of the cluster, which needs nothing else to have settled."""
        return change.object in self._planned or change.object.startswith("setting/")

    def settle(self) -> None:
        """Wait until every layer that was changed is ready."""
        by_name = {layer.name: layer for layer in self.layers()}
        for name in list(self._unsettled):
            by_name[name].wait(SETTLE)

    def unsettled(self, layer: str) -> bool:
        """Whether a layer was changed and not found ready since."""
        return layer in self._unsettled

    def settled(self, layer: str) -> None:
        """The layer was found ready."""
        if layer in self._unsettled:
            self._unsettled.remove(layer)

    def job_references(self, name: str, text: str) -> str:
        """Jobs read their references from Secrets here.

        Raises:
            UsageError: always.
        """
        raise UsageError("Jobs are FlinkDeployments on this target.", remedy="Use the layer jobs.")

    def revisions(self, layer: str) -> pd.DataFrame:
        """The revisions of a layer that were healthy, newest first."""
        import pandas as pd

        rows = [
            [r.number, r.saved_at, r.objects, r.digest] for r in history.revisions(self.cluster, self._known(layer))
        ]
        return pd.DataFrame(rows, columns=["revision", "found ready at", "objects", "digest"])

    def plan_roll_back(self, layer: str, revision: int = 0, *, timeout: str | float = SETTLE) -> Plan:
        """What brings a layer back to a healthy revision, the newest by default; fields of others are taken over.

        Raises:
            UsageError: there is no such layer or revision.
        """
        return history.rollback(self.cluster, self._known(layer), revision or None, timeout)

    def _known(self, layer: str) -> str:
        names = self._layers_of_manifests()
        if layer not in names:
            raise UsageError(f"There is no layer {layer!r} of manifests.", remedy=f"Layers: {', '.join(names)}.")
        return layer

    def _layers_of_manifests(self) -> list[str]:
        return [*self.overlay.facts["layers"], self.overlay.facts["jobs"]]

    # -- down -------------------------------------------------------------------------------------------------------

    def plan_down(self, *, purge: bool) -> Plan:
        """Every object that would be deleted; data only with `purge`."""
        return teardown.plan_down(self.cluster, purge)

    def down(self, *, purge: bool, on_step: Callable[[str], None]) -> None:
        """Delete what carries our label; with `purge`, volumes and namespaces too."""
        self.plan_down(purge=purge).apply(on_change=lambda change: on_step(f"{change.action} {change.object}"))

    def leftovers(self, *, purge: bool = False) -> list[str]:
        """Objects that a teardown should have deleted and are still there."""
        return teardown.leftovers(self.cluster, purge)

    # -- members ----------------------------------------------------------------------------------------------------

    def kill(self, member: str) -> Callable[[], bool]:
        """Delete a pod at once, without grace; the result tells whether another one is ready in its place."""
        return pods.delete(self.cluster, member, grace_s=0)

    def restart(self, member: str) -> Callable[[], bool]:
        """Evict a pod, which ends in order and comes back as it is declared now."""
        return pods.evict(self.cluster, member)

    def kafka_members(self) -> Sequence[Member]:
        """The controllers and brokers under the current options, by their pods."""
        sets = [m for m in self.manifests("kafka") if m["kind"] == "StatefulSet"]
        wanted = {m["metadata"]["name"]: int(m["spec"]["replicas"]) for m in sets}
        return pods.members(self.cluster, self.overlay.facts["members"], wanted)

    def kafka_users(self) -> dict[str, str]:
        """The users of Kafka by the secret of their password, as the Job reads them that sets them.

        Left out are those whose secret is a part of a value: that stands in the text of a job or a load.
        """
        in_texts = self.overlay.secrets_in_values()
        jobs = [m for m in self.overlay.manifests("kafka", {}) if m["kind"] == "Job"]
        return {key: user for job in jobs for key, user in secret_files(job).items() if key not in in_texts}

    # -- look -------------------------------------------------------------------------------------------------------

    def preflight(self, **needs: float) -> Findings:
        """Whether the cluster can carry the platform; its needs are the requests of the manifests."""
        return preflight.inspect(self.cluster, self._everything())

    def homeless(self, layer: str) -> list[str]:
        """Pods that a layer is to have more under the current options, and that no node would take."""
        return capacity.homeless_more(self.cluster, [m for m in self.manifests(layer) if m["kind"] == "StatefulSet"])

    def _everything(self) -> list[Object]:
        return [m for name in self._layers_of_manifests() for m in self.manifests(name)]

    def inspection(self) -> lint.Inspection:
        """What kubeconform and kube-score say of every object as it is applied."""
        return lint.inspect(self._everything())

    def log_lines(self, layer: str, words: Sequence[str], most: int) -> list[tuple[str, str]]:
        """Of the log of each pod of a layer, the last lines that hold one of the words, with its name."""
        return pods.log_lines(self.cluster, layer, words, most)

    def diagnose(self) -> list[tuple[str, str]]:
        """What is not ready, in the cluster's words, and the last log lines of it."""
        return pods.diagnose(self.cluster, [m for layer in self.overlay.facts["layers"] for m in self.manifests(layer)])
