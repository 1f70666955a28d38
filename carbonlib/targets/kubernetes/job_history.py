"""What ran well last of each Flink job, kept in the cluster: scripts, references and spec belong together.

It is a Secret, since the references hold passwords; as other records, it outlives a teardown that purges nothing.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from typing import Any

from . import job_objects
from .cluster import Cluster
from .history import RECORD
from .objects import MANAGED_BY, MANAGER, Object


class JobHistory:
    """The kept versions.

    Args:
        pattern: any FlinkDeployment of the layer: its namespace is that of the history.
    """

    name = "flink-jobs-healthy"

    def __init__(self, cluster: Cluster, pattern: Object) -> None:
        self._cluster = cluster
        self._pattern = pattern

    def keep(self, manifests: Sequence[Object]) -> None:
        """Keep what runs now of these jobs."""
        data = {m["metadata"]["name"]: _coded(self._running(m)) for m in manifests}
        secret = job_objects.beside(self._pattern, "Secret", self.name, data)
        secret["metadata"]["labels"] = {MANAGED_BY: MANAGER, RECORD: "jobs"}
        self._cluster.apply({**secret, "type": "Opaque"}, force=True)

    def read(self, name: str) -> list[Object] | None:
        """Scripts, references and FlinkDeployment of a job, in this order, as they ran well last; None for none."""
        namespace = self._pattern["metadata"]["namespace"]
        live = self._cluster.get("Secret", self.name, namespace, "v1")
        text = ((live or {}).get("data") or {}).get(name)
        if text is None:
            return None
        objects: list[Object] = json.loads(base64.b64decode(text))
        return objects

    def _running(self, manifest: Object) -> list[Object]:
        found = [*job_objects.named_by(manifest), manifest]
        return [_declared(live) for obj in found if (live := self._cluster.live(obj))]


def _declared(live: Object) -> Object:
    """A live object as we applied it: what its server, or an operator, has added to it is no part of that."""
    fields = [
        f["fieldsV1"] for f in live["metadata"]["managedFields"] if f["manager"] == MANAGER and "subresource" not in f
    ]
    meta = {key: live["metadata"][key] for key in ("name", "namespace")}
    ours: Object = _part(live, fields[0]) if fields else {}
    return {
        **ours,
        "apiVersion": live["apiVersion"],
        "kind": live["kind"],
        "metadata": {**ours.get("metadata", {}), **meta},
    }


def _part(value: Any, fields: dict[str, Any]) -> Any:
    """The part of a value that the server's record of managed fields names; lists are managed as wholes here."""
    if not isinstance(value, dict) or not set(fields) - {"."}:
        return value
    named = {key[2:]: inner for key, inner in fields.items() if key.startswith("f:")}
    return {key: _part(value[key], inner) for key, inner in named.items() if key in value}


def _coded(value: Any) -> str:
    return base64.b64encode(json.dumps(value).encode()).decode()
