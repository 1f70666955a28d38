"""How many of each the operators of a cluster want: kept in the cluster, so that every laptop sees the same."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..._errors import UsageError
from ...changes import Change, Plan
from .cluster import Cluster
from .history import RECORD
from .objects import LAYER, MANAGED_BY, MANAGER, Object

LABELS = {
    "app.kubernetes.io/name": "carbon-sizes", "app.kubernetes.io/component": "config",
    "app.kubernetes.io/part-of": "commodity-platform", MANAGED_BY: MANAGER, LAYER: "sizes", RECORD: "sizes",
}  # fmt: skip


class Sizes:
    """The options of a cluster: what the overlay declares, what was applied last, and what a plan assumes.

    Args:
        where: namespace and name of the ConfigMap that keeps them.
        declared: sizes of the overlay, and switches.
    """

    def __init__(self, cluster: Cluster, where: Mapping[str, str], declared: Mapping[str, Any]) -> None:
        self._cluster, self._where, self._declared = cluster, where, dict(declared)
        self._assumed: dict[str, Any] = {}

    def now(self) -> dict[str, Any]:
        """What holds for the current plan."""
        return {**self._declared, **self._kept(), **self._assumed}

    def numbers(self) -> dict[str, int]:
        """The numbers of replicas among them."""
        return {name: value for name, value in self.now().items() if type(value) is int}

    def known(self) -> set[str]:
        """Names of the options."""
        return set(self._declared)

    def assume(self, options: Mapping[str, Any]) -> Plan:
        """Take options as given from now on; the plan keeps those that are new.

        Raises:
            UsageError: a number is not positive, or a switch is none.
        """
        for name, value in options.items():
            kind = type(self._declared[name])
            if type(value) is not kind or (kind is int and value < 1):
                wanted = "a number from 1 on" if kind is int else "true or false"
                raise UsageError(f"{name}={value!r} is not possible here.", remedy=f"Give {wanted}.")
        before = {**self._declared, **self._kept()}
        self._assumed.update(options)
        new = {name: value for name, value in options.items() if before[name] != value}
        if not new:
            return Plan()
        old = {name: before[name] for name in new}
        return Plan([Change("setting/kubernetes", "update", old, new, lambda: self._keep(new))])

    def _kept(self) -> dict[str, Any]:
        live = self._cluster.get("ConfigMap", self._where["name"], self._where["namespace"], "v1")
        data = (live or {}).get("data") or {}
        return {name: _read(data[name], self._declared[name]) for name in data if name in self._declared}

    def _keep(self, options: Mapping[str, Any]) -> None:
        kept = {name: str(value).lower() for name, value in {**self._kept(), **options}.items()}
        self._cluster.apply(self._object(kept))

    def _object(self, data: Mapping[str, str]) -> Object:
        meta = {"name": self._where["name"], "namespace": self._where["namespace"], "labels": LABELS}
        return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": dict(data)}


def _read(text: str, like: Any) -> Any:
    return text == "true" if isinstance(like, bool) else int(text)
