"""What a kubelet makes of a Flink pod's volumes and variables: files in a folder, and an environment."""

from __future__ import annotations

import base64
from pathlib import Path, PurePosixPath

from carbonlib._errors import EngineError
from carbonlib.targets.kubernetes.cluster import Cluster
from carbonlib.targets.kubernetes.objects import Object

CONTAINER = "flink-main-container"
Mounted = dict[PurePosixPath, Path]


def main_container(pod: Object) -> Object:
    """The container that runs Flink."""
    found: Object = next(c for c in pod["spec"]["containers"] if c["name"] == CONTAINER)
    return found


def mount(cluster: Cluster, pod: Object, where: Path) -> Mounted:
    """The pod's ConfigMaps and Secrets as files, by the path at which its container sees them.

    Raises:
        EngineError: one of them is not there.
    """
    namespace = pod["metadata"]["namespace"]
    declared = {v["name"]: v for v in pod["spec"]["volumes"]}
    mounted = {}
    for mount in main_container(pod)["volumeMounts"]:
        files = _files(cluster, declared[mount["name"]], namespace)
        if files is None or mount.get("subPath"):
            continue
        folder = where / mount["name"]
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for name, content in files.items():
            (folder / name).write_bytes(content)
        mounted[PurePosixPath(mount["mountPath"])] = folder
    return mounted


def _files(cluster: Cluster, volume: Object, namespace: str) -> dict[str, bytes] | None:
    if "secret" in volume:
        source, content = volume["secret"], _secret(cluster, volume["secret"]["secretName"], namespace)
    elif "configMap" in volume:
        source, live = volume["configMap"], _named(cluster, "ConfigMap", volume["configMap"]["name"], namespace)
        content = {k: v.encode() for k, v in (live.get("data") or {}).items()}
    else:
        return None
    items = source.get("items")
    return {i["path"]: content[i["key"]] for i in items if i["key"] in content} if items else content


def environment(cluster: Cluster, pod: Object, address: str) -> dict[str, str]:
    """The variables of the container that runs Flink.

    Args:
        address: stands for the pod's, which nothing here answers on.

    Raises:
        EngineError: a Secret is not there.
    """
    fields = {
        "metadata.name": pod["metadata"]["name"], "metadata.namespace": pod["metadata"]["namespace"],
        "spec.nodeName": pod["spec"]["nodeName"], "status.podIP": address,
    }  # fmt: skip
    found = {}
    for variable in main_container(pod).get("env", []):
        source = variable.get("valueFrom") or {}
        if "fieldRef" in source:
            found[variable["name"]] = fields[source["fieldRef"]["fieldPath"]]
        elif "secretKeyRef" in source:
            reference = source["secretKeyRef"]
            content = _secret(cluster, reference["name"], pod["metadata"]["namespace"])
            found[variable["name"]] = content[reference["key"]].decode()
        else:
            found[variable["name"]] = variable.get("value", "")
    return found


def translated(text: str, mounted: Mounted) -> str:
    """A text with paths of the container as paths of this machine; several may be joined by commas."""
    parts = []
    for part in text.split(","):
        path = PurePosixPath(part)
        found = next((folder / path.relative_to(at) for at, folder in mounted.items() if path.is_relative_to(at)), None)
        parts.append(str(found) if found else part)
    return ",".join(parts)


def _secret(cluster: Cluster, name: str, namespace: str) -> dict[str, bytes]:
    live = _named(cluster, "Secret", name, namespace)
    return {k: base64.b64decode(v) for k, v in (live.get("data") or {}).items()}


def _named(cluster: Cluster, kind: str, name: str, namespace: str) -> Object:
    found = cluster.get(kind, name, namespace, "v1")
    if found is None:
        raise EngineError(f"There is no {kind} {name}, which a pod mounts.")
    return found
