"""The kinds that a cluster serves, read once and kept until they change."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

# One answer holds every group (since Kubernetes 1.26 as v2beta1, since 1.30 as v2).
ACCEPT = ",".join(
    [*(f"application/json;g=apidiscovery.k8s.io;v={v};as=APIGroupDiscoveryList" for v in ("v2", "v2beta1"))]
)


@dataclass(frozen=True)
class Kind:
    """A kind of object as the server serves it.

    Args:
        name: `StatefulSet`.
        api_version: `apps/v1`.
        plural: `statefulsets`, its name in paths and in RBAC.
        namespaced: whether its objects live in namespaces.
        verbs: what can be done with it.
    """

    name: str
    api_version: str
    plural: str
    namespaced: bool
    verbs: frozenset[str]

    @property
    def group(self) -> str:
        """`apps`; empty for the core group."""
        return self.api_version.rpartition("/")[0]

    @property
    def custom(self) -> bool:
        """Whether it is none of Kubernetes' own."""
        return "." in self.group and not self.group.endswith(".k8s.io")

    def path(self, name: str | None = None, namespace: str | None = None) -> str:
        """The path of an object, or of all of them."""
        root = "apis" if self.group else "api"
        where = ("namespaces", namespace) if self.namespaced and namespace else ()
        return "/" + "/".join(part for part in (root, self.api_version, *where, self.plural, name) if part)


class Kinds:
    """What a cluster serves; `read` gives the discovery document of a path."""

    def __init__(self, read: Callable[[str], dict[str, Any]]) -> None:
        self._read = read
        self._all: list[Kind] | None = None

    def all(self) -> list[Kind]:
        """Every kind, core group first, the preferred version of a group before its others."""
        if self._all is None:
            self._all = [kind for root in ("/api", "/apis") for kind in _kinds(self._read(root))]
        return self._all

    def forget(self) -> None:
        """Read them anew when they are next asked for, because a definition has changed."""
        self._all = None

    def find(self, name: str, api_version: str | None = None) -> Kind | None:
        """A kind by its name, or None where the cluster does not serve it."""
        for fresh in (False, True):
            if fresh:
                self.forget()
            for kind in self.all():
                if kind.name == name and api_version in (None, kind.api_version):
                    return kind
        return None


def _kinds(document: dict[str, Any]) -> Iterator[Kind]:
    for group in document["items"]:
        name = group["metadata"].get("name", "")
        for version in group.get("versions", []):
            api_version = f"{name}/{version['version']}" if name else version["version"]
            for resource in version.get("resources", []):
                kind = (resource.get("responseKind") or {}).get("kind")
                if kind:
                    yield Kind(
                        kind, api_version, resource["resource"], resource["scope"] == "Namespaced",
                        frozenset(resource["verbs"]),
                    )  # fmt: skip
