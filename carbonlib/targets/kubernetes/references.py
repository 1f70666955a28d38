"""The ConfigMaps and Secrets that a pod needs to start."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .objects import Object

# Where a pod names them: the key of the source, and the kind it means.
_SOURCES = {
    "configMap": "ConfigMap", "configMapRef": "ConfigMap", "configMapKeyRef": "ConfigMap",
    "secret": "Secret", "secretRef": "Secret", "secretKeyRef": "Secret",
}  # fmt: skip


def referenced(pod: Object) -> set[str]:
    """Names, as `<Kind>/<namespace>/<name>`, of what a pod mounts or takes variables from."""
    namespace = pod["metadata"]["namespace"]
    return {f"{kind}/{namespace}/{name}" for kind, name in _walk(pod["spec"])}


def _walk(value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            if key in _SOURCES and isinstance(inner, dict):
                name = inner.get("name") or inner.get("secretName")
                if name:
                    yield _SOURCES[key], name
            yield from _walk(inner)
    elif isinstance(value, list):
        for item in value:
            yield from _walk(item)
