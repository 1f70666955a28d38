"""The objects of the layer `jobs`: rendered FlinkDeployments, filled with what is declared once for all targets.

A FlinkDeployment says where and how large. Which scripts a job runs, what their references stand for and what every
Flink cluster does comes from `manifests/flink` and `sql/flink`. Its arguments carry the fingerprint, so another script
is another spec, for which the operator makes a savepoint.
"""

from __future__ import annotations

import base64
import copy
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

import yaml

from ..._errors import UsageError
from ..._project import MANIFESTS
from ...job_specs import Job, arguments, properties, references_of
from .objects import Object

KIND, API = "FlinkDeployment", "flink.apache.org/v1beta1"
CONTAINER = "flink-main-container"  # the name that the operator prescribes
ONCE = "carbon.io/run"  # annotation of a job that belongs to no deployment: it is run, and taken away
FINGERPRINT, RUN_ID = "carbon.io/fingerprint", "carbon.io/run-id"
SCRIPTS, REFERENCES = "sql", "references"  # volumes of a job's pods
REFERENCES_FILE = "references.properties"


def deployments(manifests: Iterable[Object]) -> dict[str, Object]:
    """The FlinkDeployments by name, those that run once included."""
    return {m["metadata"]["name"]: m for m in manifests if m["kind"] == KIND}


def runs_once(manifest: Object) -> bool:
    """Whether it belongs to no deployment."""
    return notes(manifest).get(ONCE) == "once"


def notes(obj: Object) -> dict[str, str]:
    """The annotations of an object, none where it has none."""
    return obj["metadata"].get("annotations") or {}


def cluster_settings() -> dict[str, str]:
    """`manifests/flink/config.yaml` as a FlinkDeployment takes it: every value a text, items of a list behind `;`."""
    settings = yaml.safe_load((MANIFESTS / "flink" / "config.yaml").read_text(encoding="utf-8"))
    return {key: _text(value) for key, value in settings.items()}


def filled(manifest: Object, entry: str, job: Job, mark: str, run_id: str) -> Object:
    """A FlinkDeployment with its job's class, arguments, parallelism and marks, and the settings of every cluster.

    Args:
        entry: class of the runner.
        mark: the job's fingerprint, empty for a job that nobody compares.
    """
    made = copy.deepcopy(manifest)
    spec = made["spec"]
    scripts = [f"{_mounted(manifest, SCRIPTS)}/{path.name}" for path in job.scripts]
    references = f"{_mounted(manifest, REFERENCES)}/{REFERENCES_FILE}"
    spec["flinkConfiguration"] = {**cluster_settings(), **(spec.get("flinkConfiguration") or {})}
    spec["job"] |= {"entryClass": entry, "args": arguments(job, scripts, references, mark, run_id)}
    if "parallelism" in job.parameters:
        spec["job"]["parallelism"] = int(job.parameters["parallelism"])
    if mark:
        made["metadata"]["annotations"] = {**notes(manifest), FINGERPRINT: mark, RUN_ID: run_id}
    return made


def scripts_map(manifest: Object, jobs: Iterable[Job]) -> Object:
    """The ConfigMap with every script of the jobs by the name of its file.

    Raises:
        UsageError: two scripts have one name.
    """
    found: dict[str, str] = {}
    for path in sorted({path for job in jobs for path in job.scripts}):
        if path.name in found:
            raise UsageError(f"Two scripts are named {path.name}.", remedy="Rename one: all are mounted side by side.")
        found[path.name] = path.read_text(encoding="utf-8")
    return beside(manifest, "ConfigMap", _volume(manifest, SCRIPTS)["configMap"]["name"], found)


def references_secret(manifest: Object, job: Job, values: Mapping[str, str], run_id: str) -> Object:
    """The Secret with what the references of a job stand for, and the values that its environment names."""
    name = _volume(manifest, REFERENCES)["secret"]["secretName"]
    texts = {REFERENCES_FILE: properties(references_of(job, values, run_id))}
    for key in sorted(_asked(manifest, name)):
        if key not in values:
            raise UsageError(f"{job.name} takes {key} into its environment, which stands for nothing on this target.")
        texts[key] = values[key]
    coded = {key: base64.b64encode(text.encode()).decode() for key, text in texts.items()}
    return {**beside(manifest, "Secret", name, coded), "type": "Opaque"}


def named_by(manifest: Object) -> list[Object]:
    """The ConfigMap of scripts and the Secret of references that a FlinkDeployment mounts, by kind and name only."""
    scripts = _volume(manifest, SCRIPTS)["configMap"]["name"]
    references = _volume(manifest, REFERENCES)["secret"]["secretName"]
    return [beside(manifest, "ConfigMap", scripts, {}), beside(manifest, "Secret", references, {})]


def beside(manifest: Object, kind: str, name: str, data: dict[str, str]) -> Object:
    """An object of the same namespace and layer."""
    meta = manifest["metadata"]
    labels = {**meta["labels"], "app.kubernetes.io/name": name}
    where = {"name": name, "namespace": meta["namespace"], "labels": labels}
    return {"apiVersion": "v1", "kind": kind, "metadata": where, "data": data}


def savepoint_of(live: Object) -> str | None:
    """The savepoint that the operator made last, None where it made none."""
    job = (live.get("status") or {}).get("jobStatus") or {}
    last = (job.get("savepointInfo") or {}).get("lastSavepoint") or {}
    return job.get("upgradeSavepointPath") or last.get("location")


def job_state(live: Object) -> str:
    """The state of its job, as Flink says; empty before there is one."""
    return str(((live.get("status") or {}).get("jobStatus") or {}).get("state") or "")


def _pod(manifest: Object) -> Object:
    spec: Object = manifest["spec"]["podTemplate"]["spec"]
    return spec


def _main(manifest: Object) -> Object:
    return next(c for c in _pod(manifest)["containers"] if c["name"] == CONTAINER)


def _volume(manifest: Object, name: str) -> Object:
    return next(v for v in _pod(manifest)["volumes"] if v["name"] == name)


def _mounted(manifest: Object, volume: str) -> PurePosixPath:
    return PurePosixPath(next(m["mountPath"] for m in _main(manifest)["volumeMounts"] if m["name"] == volume))


def _asked(manifest: Object, secret: str) -> Iterator[str]:
    for variable in _main(manifest).get("env") or []:
        source = (variable.get("valueFrom") or {}).get("secretKeyRef") or {}
        if source.get("name") == secret:
            yield source["key"]


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ";".join(_text(item) for item in value)
    return str(value)
