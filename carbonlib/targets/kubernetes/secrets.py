"""Secrets of the platform in a cluster: read by name, looked for before a deployment, made where they are our own.

`manifests/kubernetes/secrets.yaml` says which there must be, `supply.yaml` which of them can be made here. Values come
out by `ClusterSecrets[name]` alone, never in a repr, a plan or an error.
"""

from __future__ import annotations

import base64
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePosixPath
from typing import Any

from ..._errors import ApplyError, UsageError
from ..._files import read_mapping
from ..._project import MANIFESTS
from ...changes import UNCHANGED, Change, Plan
from ...secrets import PREVIOUS, new_value, refuse_overridden
from .cluster import Cluster
from .objects import MANAGER

FOLDER = MANIFESTS / "kubernetes"
MERGE = "application/merge-patch+json"


class ClusterSecrets(Mapping[str, str]):
    """The keys of one Secret by name, read when the first is asked for; `CARBON_SECRET_<NAME>` counts more.

    A Secret that is not there has no keys, so that a platform can be looked at before it is deployed.
    """

    def __init__(self, cluster: Cluster, namespace: str = "data-platform", name: str = "carbon-secrets") -> None:
        self._cluster, self._namespace, self._name = cluster, namespace, name

    @cached_property
    def _values(self) -> dict[str, str]:
        return read(self._cluster, self._namespace, self._name)

    def refresh(self) -> None:
        """Read the Secret again when it is next asked."""
        self.__dict__.pop("_values", None)

    def replace(self, name: str, value: str) -> None:
        """Give a secret another value and keep the former one under `<name>.previous`.

        Raises:
            UsageError: the environment overrides it, so that nobody would see the new value.
        """
        refuse_overridden(name)
        merge(self._cluster, self._namespace, self._name, {name: value, f"{name}{PREVIOUS}": self[name]})
        self.refresh()

    def __getitem__(self, name: str) -> str:
        override = os.environ.get(_variable(name))
        if override:
            return override
        try:
            return self._values[name]
        except KeyError:
            raise UsageError(
                f"The Secret {self._name} in {self._namespace} has no {name!r}.",
                remedy=f"{supply_line(self._namespace, self._name, [name])} Or set {_variable(name)}.",
                notebook="deploy-00",
            ) from None

    def __contains__(self, name: object) -> bool:
        return _variable(str(name)) in os.environ or name in self._values

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"ClusterSecrets({self._namespace}/{self._name})"


def _variable(name: str) -> str:
    return f"CARBON_SECRET_{name.upper()}"


def read(cluster: Cluster, namespace: str, name: str) -> dict[str, str]:
    """The keys of a Secret, none where it is not there."""
    found = cluster.get("Secret", name, namespace, "v1") or {}
    return {key: base64.b64decode(value).decode() for key, value in (found.get("data") or {}).items()}


def merge(cluster: Cluster, namespace: str, name: str, values: Mapping[str, str], kind: str = "Opaque") -> None:
    """Write keys of a Secret and leave its others alone; it is created where it is not there.

    Raises:
        AccessDenied: these credentials may not.
    """
    data = {key: base64.b64encode(value.encode()).decode() for key, value in values.items()}
    if cluster.get("Secret", name, namespace, "v1"):
        # Not an apply: that would take back the keys that an earlier one gave and this one does not name.
        path = cluster.kind("Secret", "v1").path(name, namespace)
        what, query = f"Secret/{namespace}/{name}", [("fieldManager", MANAGER)]
        cluster.request("patch", path, {"data": data}, content_type=MERGE, query=query, what=what)
        return
    labels = {
        "app.kubernetes.io/name": name, "app.kubernetes.io/component": "secret",
        "app.kubernetes.io/part-of": "commodity-platform",
    }  # fmt: skip
    meta = {"name": name, "namespace": namespace, "labels": labels}
    cluster.create({"apiVersion": "v1", "kind": "Secret", "type": kind, "metadata": meta, "data": data})


@dataclass(frozen=True)
class Wanted:
    """A key that a Secret must hold.

    Args:
        source: made, copied, written, issued (by `plan_certificates`) or given: how it gets its value.
        value: what is written, or where it is copied from as `SECRET/KEY`; empty otherwise.
    """

    namespace: str
    secret: str
    key: str
    meaning: str
    source: str
    value: str = ""

    @property
    def label(self) -> str:
        """`<namespace>/<secret>: <key>`."""
        return f"{self.namespace}/{self.secret}: {self.key}"


def declared() -> list[Wanted]:
    """Every key of `secrets.yaml`, in its order."""
    supply = supplied()
    return [
        Wanted(spec["namespace"], name, key, str(meaning), *_source(supply, name, key))
        for name, spec in read_mapping(FOLDER / "secrets.yaml").items()
        for key, meaning in spec["keys"].items()
    ]


def supplied() -> dict[str, Any]:
    """The content of `supply.yaml`."""
    return read_mapping(FOLDER / "supply.yaml", needs=("made", "copied", "written", "certificate"))


def _source(supply: Mapping[str, Any], name: str, key: str) -> tuple[str, str]:
    if key in supply["made"].get(name, ()):
        return "made", ""
    if name == supply["certificate"]["secret"]:
        return "issued", ""
    for source in ("copied", "written"):
        if key in supply[source].get(name, {}):
            return source, str(supply[source][name][key])
    return "given", ""


def missing(cluster: Cluster) -> list[Wanted]:
    """The declared keys that are not there."""
    live: dict[tuple[str, str], dict[str, str]] = {}
    wanted = declared()
    for where in dict.fromkeys((w.namespace, w.secret) for w in wanted):
        live[where] = read(cluster, *where)
    return [w for w in wanted if not live[w.namespace, w.secret].get(w.key)]


def plan_secrets(cluster: Cluster, names: Iterable[str] = ()) -> Plan:
    """What of the platform's own passwords must be made, and copied to where else it is needed.

    Args:
        names: keys to look at, also as SECRET/KEY; by default all that can be made here. A value that is there is
            left alone.

    Raises:
        UsageError: a name is not ours to make; the error holds the command that supplies it.
    """
    asked = set(names)
    lacking = [w for w in missing(cluster) if not asked or {w.key, f"{w.secret}/{w.key}"} & asked]
    given = [w for w in lacking if w.source == "given" and asked]
    if given:
        first = given[0]
        keys = [w.key for w in given if w.secret == first.secret]
        raise UsageError(
            f"{', '.join(w.key for w in given)}: known only to whoever owns {first.meaning}.",
            remedy=supply_line(first.namespace, first.secret, keys), notebook="deploy-00",
        )  # fmt: skip
    kinds = {name: spec.get("type", "Opaque") for name, spec in read_mapping(FOLDER / "secrets.yaml").items()}
    spaces = {w.secret: w.namespace for w in declared()}
    return Plan(
        _change(cluster, w, kinds[w.secret], spaces) for w in lacking if w.source in ("made", "copied", "written")
    )


def _change(cluster: Cluster, wanted: Wanted, kind: str, spaces: Mapping[str, str]) -> Change:
    after = {"made": "a random value", "copied": f"that of {wanted.value}"}.get(wanted.source, wanted.value)

    def supply() -> object:
        if read(cluster, wanted.namespace, wanted.secret).get(wanted.key):
            return UNCHANGED
        value = new_value() if wanted.source == "made" else wanted.value
        if wanted.source == "copied":
            secret, _, key = wanted.value.partition("/")
            value = read(cluster, spaces[secret], secret).get(key, "")
        if not value:
            raise ApplyError(f"{wanted.label} has nothing to be copied from.", remedy=f"Supply {wanted.value} first.")
        ensure_namespace(cluster, wanted.namespace)
        merge(cluster, wanted.namespace, wanted.secret, {wanted.key: value}, kind)
        return None

    return Change(f"Secret/{wanted.namespace}/{wanted.secret}", "update", None, {wanted.key: after}, supply)


def ensure_namespace(cluster: Cluster, name: str) -> None:
    """Create a namespace that is not there, as it is declared, so that Secrets can come before the first deployment."""
    if cluster.get("Namespace", name, None, "v1"):
        return
    from .overlay import Overlay

    for obj in Overlay().objects():
        if obj["kind"] == "Namespace" and obj["metadata"]["name"] == name:
            cluster.apply(obj)
            return
    raise UsageError(f"No namespace {name} is declared.", remedy="Correct manifests/kubernetes/secrets.yaml.")


def secret_files(workload: Mapping[str, Any]) -> dict[str, str]:
    """The names of the files as which a workload's projected volumes mount single keys of Secrets, by key."""
    volumes = workload["spec"]["template"]["spec"]["volumes"]
    sources = [source for volume in volumes for source in (volume.get("projected") or {}).get("sources", [])]
    items = [item for source in sources for item in (source.get("secret") or {}).get("items", [])]
    return {item["key"]: PurePosixPath(item["path"]).name for item in items}


def supply_line(namespace: str, secret: str, keys: Iterable[str]) -> str:
    """What to type to supply keys of a Secret, whether it is there or not, without a value in the shell's history."""
    listed = " ".join(f"{key}=…" for key in keys)
    return (
        f"Write {listed} into a file secrets.env, a line each, then: "
        f"kubectl -n {namespace} create secret generic {secret} --from-env-file=secrets.env --dry-run=client -o yaml "
        "| kubectl apply --server-side --field-manager=secrets -f - ; remove the file."
    )
