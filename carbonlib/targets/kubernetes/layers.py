"""The layers of a cluster: objects that carry one label, and systems that others run."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ...changes import Change, Plan
from ...status import Component
from ...waiting import wait_until
from . import history
from .certificates import plan_certificates
from .explain import reasons
from .objects import identity
from .plan import plan
from .ready import readiness
from .secrets import plan_secrets
from .wait import wait

if TYPE_CHECKING:
    from .target import Kubernetes

WORKLOADS = ("StatefulSet", "Deployment", "Job")
CONNECT_S = 3.0
SETTLE = "15 min"  # for what was applied to get ready: images are pulled, volumes made, a quorum formed


class ManifestLayer:
    """The objects that carry the layer's label."""

    takes = ("force",)

    def __init__(self, target: Kubernetes, name: str) -> None:
        self.name = name
        self._target = target

    def plan(self, *, force: bool = False) -> Plan:
        """What differs from the manifests, field by field.

        Args:
            force: take over fields that belong to other managers.
        """
        found = plan(self._target.cluster, self._target.manifests(self.name), self.name, force)
        return Plan(self._noted(change) for change in found)

    def _noted(self, change: Change) -> Change:
        """The change; once made, the layer has to settle before anything is done that needs it."""
        return Change(change.object, change.action, change.before, change.after, self._target.noting(self.name, change))

    def wait(self, timeout: str | float) -> None:
        """Wait until every object is ready; what is then there is kept as the layer's last healthy revision.

        Raises:
            ApplyError: something will not get ready as it is; the cause are the cluster's own words.
            WaitTimeout: not in time, with the same words.
        """
        manifests = self._target.manifests(self.name)
        if self._target.unsettled(self.name):
            # What was just applied pulls images and makes volumes first.
            wait(self._target.cluster, manifests, SETTLE, _tell)
        else:
            wait(self._target.cluster, manifests, timeout)
        self._target.settled(self.name)
        history.remember(self._target.cluster, self.name, manifests)

    def status(self) -> list[Component]:
        """Each workload with how many of its pods are ready; a layer without workloads is one component."""
        manifests = self._target.manifests(self.name)
        workloads = [self._component(m) for m in manifests if m["kind"] in WORKLOADS]
        return workloads or [self._whole(manifests)]

    def _component(self, manifest: dict[str, Any]) -> Component:
        name = f"{manifest['kind']}/{manifest['metadata']['name']}"
        live = self._target.cluster.live(manifest)
        if live is None:
            return Component(self.name, name, "ABSENT", False, problem="declared, but not there")
        state = readiness(live)
        if state.ok:
            return Component(self.name, name, "READY", True)
        why = "; ".join([state.why, *reasons(self._target.cluster, live)[:2]])
        return Component(self.name, name, "FAILED" if state.failed else "NOT_READY", False, problem=why)

    def _whole(self, manifests: list[dict[str, Any]]) -> Component:
        absent = [identity(m) for m in manifests if self._target.cluster.live(m) is None]
        problem = f"{len(absent)} of {len(manifests)} are not there: {', '.join(absent[:3])}" if absent else ""
        return Component(self.name, "objects", "ABSENT" if absent else "PRESENT", not absent, problem=problem)


class Supplied(ManifestLayer):
    """The objects of a layer, and with them the passwords and the certificate that nobody else supplies."""

    def plan(self, *, force: bool = False) -> Plan:
        """What differs from the manifests; then what of the secrets is to be made."""
        cluster = self._target.cluster
        made = plan_certificates(cluster) + plan_secrets(cluster)
        return super().plan(force=force) + Plan(self._noted(self._seen(change)) for change in made)

    def _seen(self, change: Change) -> Change:
        def apply() -> Any:
            done = change.apply() if change.apply else None
            self._target.secrets.refresh()
            return done

        return Change(change.object, change.action, change.before, change.after, apply)


class External:
    """A system that the platform uses and that others run: all that can be done is to look whether it answers.

    Args:
        name: of the layer.
        addresses: its `host:port` or URL; none where it is switched off.
    """

    def __init__(self, name: str, addresses: Callable[[], list[str]]) -> None:
        self.name = name
        self._addresses = addresses

    def plan(self) -> Plan:
        """Nothing: it is not ours."""
        return Plan()

    def wait(self, timeout: str | float) -> None:
        """Wait until it takes connections."""
        for address in self._addresses():
            wait_until(
                lambda address=address: not _silence(address),  # type: ignore[misc]
                what=f"{self.name} at {address} answering", timeout=timeout,
                remedy="It is not deployed here: correct its address in values.yaml, or ask whoever runs it.",
            )  # fmt: skip

    def status(self) -> list[Component]:
        """Whether it takes connections from here."""
        return [self._component(address) for address in self._addresses()]

    def _component(self, address: str) -> Component:
        why = _silence(address)
        return Component(self.name, address, "UNREACHABLE" if why else "REACHABLE", not why, problem=why)


def _tell(line: str) -> None:
    """Show what a workload is doing; that a setting is there says nothing."""
    if line.startswith(WORKLOADS):
        print(line)


def _silence(address: str) -> str:
    """Why nothing takes a connection there; empty where it does."""
    parts = urlsplit(address if "://" in address else f"tcp://{address}")
    port = parts.port or {"https": 443, "wss": 443}.get(parts.scheme, 80)
    try:
        socket.create_connection((parts.hostname or "", port), CONNECT_S).close()
    except OSError as error:
        return str(error)
    return ""
