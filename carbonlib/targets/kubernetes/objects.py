"""Objects as plain dicts: what they are called, in which order they are applied, and how two of them differ.

An object is named `<Kind>/<namespace>/<name>`, or `<Kind>/<name>` where it has no namespace, in plans, errors and
reports alike. A field is named by its dotted path; items of lists by the key that tells them apart, as in
`spec.template.spec.containers[kafka].resources.limits.memory`.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Sequence
from typing import Any

from ..._errors import shorten

Object = dict[str, Any]

MANAGED_BY = "app.kubernetes.io/managed-by"
MANAGER = "carbonlib"
LAYER = "carbon.io/layer"
SECRET_SET = "(a value)"
SECRET_DIFFERS = "(another value)"

# What others refer to comes before them; kinds that are not named here (workloads' custom resources) come last.
ORDER = (
    "Namespace", "CustomResourceDefinition", "StorageClass", "PriorityClass", "ResourceQuota", "LimitRange",
    "ServiceAccount", "ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding", "Secret", "ConfigMap",
    "NetworkPolicy", "Service", "PodDisruptionBudget", "PersistentVolumeClaim", "StatefulSet", "Deployment",
    "DaemonSet", "Job", "CronJob", "HorizontalPodAutoscaler", "MutatingWebhookConfiguration",
    "ValidatingWebhookConfiguration",
)  # fmt: skip
# Data, and what data lives in: never deleted because a manifest is gone.
KEPT = ("PersistentVolumeClaim", "PersistentVolume", "Namespace", "CustomResourceDefinition")

_SERVER_FIELDS = ("managedFields", "resourceVersion", "generation", "uid", "creationTimestamp", "selfLink")
# Keys that tell items of a list apart, the most telling first.
_KEYS = ("name", "mountPath", "containerPort", "port", "key", "topologyKey", "type", "ip")


def identity(obj: Object) -> str:
    """`<Kind>/<namespace>/<name>`, or `<Kind>/<name>` where there is no namespace."""
    meta = obj["metadata"]
    return "/".join(part for part in (obj["kind"], meta.get("namespace"), meta["name"]) if part)


def labels(obj: Object) -> dict[str, str]:
    """The labels of an object, none where it has none."""
    return obj["metadata"].get("labels") or {}


def managed(obj: Object) -> bool:
    """Whether an object carries our label."""
    return labels(obj).get(MANAGED_BY) == MANAGER


def controlled(obj: Object) -> bool:
    """Whether a controller made the object (a pod of a StatefulSet, a slice of a Service): it goes with its owner."""
    return bool(obj["metadata"].get("ownerReferences"))


def in_order(objects: Iterable[Object]) -> list[Object]:
    """The objects in the order in which they are applied; within a kind, the order given."""
    return sorted(objects, key=rank)


def rank(obj: Object) -> int:
    """Position of an object's kind in the order of application."""
    return ORDER.index(obj["kind"]) if obj["kind"] in ORDER else len(ORDER)


def comparable(obj: Object) -> Object:
    """An object without what the server keeps for itself, so that two readings of it can be compared."""
    kept = {k: v for k, v in obj.items() if k != "status"}
    meta = {k: v for k, v in obj["metadata"].items() if k not in _SERVER_FIELDS}
    annotations = dict(meta.get("annotations") or {})
    # kubectl keeps the whole object here, the values of a Secret included.
    annotations.pop("kubectl.kubernetes.io/last-applied-configuration", None)
    meta["annotations"] = annotations
    return {**kept, "metadata": meta}


def differences(live: Object, wanted: Object) -> tuple[Object, Object]:
    """The fields that differ, by dotted path, as `(before, after)`; None stands for a field that is not there.

    Of Secrets only the names of the keys are told. Long texts are cut down to the lines that differ.
    """
    before: Object = {}
    after: Object = {}
    for path, old, new in _walk(comparable(live), comparable(wanted), ""):
        if live["kind"] == "Secret" and path.startswith(("data", "stringData")):
            old, new = _veil(old, SECRET_SET), _veil(new, SECRET_DIFFERS if old is not None else SECRET_SET)
        before[path], after[path] = _brief(old, new)
    return before, after


def declared_otherwise(manifest: Object, live: Object) -> list[str]:
    """Dotted paths of declared fields whose live value is another, in the server's way of writing it or in truth."""
    sides = _walk(manifest.get("spec") or {}, live.get("spec") or {}, "spec")
    return [path for path, sent, _ in sides if sent is not None]


def summary(obj: Object) -> Object:
    """What is worth telling of an object that is new: replicas, images, storage, names of the keys it holds."""
    spec = obj.get("spec") or {}
    pod = (spec.get("template") or {}).get("spec") or {}
    told: Object = {
        "replicas": spec.get("replicas"),
        "images": sorted({c["image"] for c in pod.get("containers") or [] if c.get("image")}),
        "storage": [_storage(claim) for claim in spec.get("volumeClaimTemplates") or []],
        "keys": sorted({*(obj.get("data") or {}), *(obj.get("stringData") or {})}),
    }
    return {k: v for k, v in told.items() if v not in (None, [])}


def dropped_fields(sent: Object, got: Object) -> list[str]:
    """Dotted paths of fields that were sent and did not come back: the server dropped them without a word.

    A field that came back with another value (a quantity written in another way) is there; one that was sent empty
    says nothing and is not missed.
    """
    expected = {k: v for k, v in sent.items() if k not in ("status", "stringData")}
    meta = {k: v for k, v in sent["metadata"].items() if k not in _SERVER_FIELDS}
    return sorted(_missing({**expected, "metadata": meta}, got, ""))


def _missing(sent: Any, got: Any, path: str) -> Iterable[str]:
    if sent in (None, "", {}, []):
        return
    if got is None:
        yield path
    elif isinstance(sent, dict) and isinstance(got, dict):
        for key, value in sent.items():
            yield from _missing(value, got.get(key), _join(path, key))
    elif isinstance(sent, list) and isinstance(got, list):
        for key, value, other in _pairs(sent, got):
            yield from _missing(value, other, f"{path}[{key}]")


def _walk(old: Any, new: Any, path: str) -> Iterable[tuple[str, Any, Any]]:
    if old == new or (old in (None, {}, []) and new in (None, {}, [])):
        return
    if isinstance(old, dict) and isinstance(new, dict):
        for key in [*old, *(k for k in new if k not in old)]:
            yield from _walk(old.get(key), new.get(key), _join(path, key))
    elif isinstance(old, list) and isinstance(new, list) and _key_of([*old, *new]):
        for key, one, other in _pairs(old, new, both=True):
            yield from _walk(one, other, f"{path}[{key}]")
    else:
        yield path, old, new


def _pairs(one: list[Any], other: list[Any], *, both: bool = False) -> Iterable[tuple[Any, Any, Any]]:
    """Items of two lists that belong together, by the key that tells them apart, else by position."""
    key = _key_of([*one, *other])
    if key and len({i[key] for i in one}) == len(one):
        left, right = {i[key]: i for i in one}, {i[key]: i for i in other}
    else:
        left, right = dict(enumerate(one)), dict(enumerate(other))
    names: Sequence[Any] = [*left, *(k for k in right if k not in left)] if both else [*left]
    return [(name, left.get(name), right.get(name)) for name in names]


def _key_of(items: Sequence[Any]) -> str | None:
    if not items or not all(isinstance(i, dict) for i in items):
        return None
    return next((k for k in _KEYS if all(isinstance(i.get(k), (str, int)) for i in items)), None)


def _join(path: str, key: str) -> str:
    if "." in key or "/" in key:
        return f"{path}[{key}]"
    return f"{path}.{key}" if path else key


def _veil(value: Any, word: str) -> Any:
    if isinstance(value, dict):
        return dict.fromkeys(value, word)
    return None if value is None else word


def _brief(old: Any, new: Any) -> tuple[Any, Any]:
    if isinstance(old, str) and isinstance(new, str) and ("\n" in old or "\n" in new):
        lines = list(difflib.ndiff(old.splitlines(), new.splitlines()))
        gone, come = ("\n".join(line[2:] for line in lines if line[0] == sign) for sign in "-+")
        return shorten(gone), shorten(come)
    return _cut(old), _cut(new)


def _cut(value: Any) -> Any:
    text = value if isinstance(value, str) else json.dumps(value, default=str)
    return value if len(text) <= 600 else shorten(text)


def _storage(claim: Object) -> str:
    return f"{claim['metadata']['name']} {claim['spec']['resources']['requests']['storage']}"
