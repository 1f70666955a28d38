"""Whether a cluster can carry what the manifests declare: looked at before anything is applied; nothing is changed."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Sequence

from ..._errors import CarbonError
from ..._project import versions
from ...findings import Finding, Findings
from . import access, capacity, secrets
from .certificates import ServerCertificate
from .cluster import Cluster
from .objects import Object, managed
from .overlay import PROGRAMS

ENFORCE = "pod-security.kubernetes.io/enforce"
NO_LEVEL = "nothing"
DEFAULT_CLASS = "storageclass.kubernetes.io/is-default-class"
NAMED = 8  # of many, so many are named


def inspect(cluster: Cluster, manifests: Iterable[Object]) -> Findings:
    """Look at the cluster with the eyes of these credentials.

    Args:
        manifests: everything that would be applied.
    """
    objects = list(manifests)
    looks: Sequence[tuple[str, Callable[[Cluster, list[Object]], list[Finding]]]] = (
        ("Kubernetes", _version), ("kustomize", _program), ("rights", _rights), ("namespaces", _namespaces),
        ("definitions", _definitions), ("storage", _storage), ("secrets", _secrets), ("certificate", _certificate),
        ("room", _room),
    )  # fmt: skip
    return Findings(finding for name, look in looks for finding in _safely(name, look, cluster, objects))


def _safely(
    name: str, look: Callable[[Cluster, list[Object]], list[Finding]], cluster: Cluster, objects: list[Object]
) -> list[Finding]:
    """What a look found; that it could not look is a finding too."""
    try:
        return look(cluster, objects)
    except CarbonError as error:
        return [Finding(name, f"{error.message} {error.cause}".strip(), "to be seen", False, error.remedy)]


def _version(cluster: Cluster, objects: list[Object]) -> list[Finding]:
    found, needs = cluster.version()["gitVersion"], versions()["kubernetes"]
    remedy = "Upgrade the cluster: an older API server drops fields of the manifests."
    yielded = [Finding("Kubernetes", found, f"{needs['minimum']} or newer", _newer(found, needs["minimum"]), remedy)]
    if any(_image_volumes(obj) for obj in objects):
        ok, needed = _newer(found, needs["image_volumes"]), f"{needs['image_volumes']} or newer"
        remedy = "Add components/plugins-by-copy to the overlay: an init container copies the plugins instead."
        yielded.append(Finding("images as volumes", found, needed, ok, remedy))
    if not _newer(found, needs["zone_labels"]):
        told = "pods do not know their zone: replicas are spread over brokers only"
        yielded.append(Finding("zones of brokers", told, f"nothing; {needs['zone_labels']} spreads by zone", True))
    return yielded


def _newer(found: str, least: str) -> bool:
    numbers = found.lstrip("v").split("+")[0].split("-")[0].split(".")
    return [int(n) for n in numbers[:2]] >= [int(n) for n in least.split(".")]


def _image_volumes(obj: Object) -> bool:
    pod = ((obj.get("spec") or {}).get("template") or {}).get("spec") or {}
    return any("image" in volume for volume in pod.get("volumes") or [])


def _program(cluster: Cluster, objects: list[Object]) -> list[Finding]:
    found = [program for program in PROGRAMS if shutil.which(program)]
    remedy = "Install kubectl: https://kubernetes.io/docs/tasks/tools, or apt-get install kubectl."
    return [Finding("rendering", ", ".join(found) or "none", "kubectl or kustomize", bool(found), remedy)]


def _rights(cluster: Cluster, objects: list[Object]) -> list[Finding]:
    needed = access.needed_rights(cluster, objects)
    lacking = access.summary(access.refused(cluster, needed))
    found = f"{len(needed)} of {len(needed)}" if not lacking else f"refused: {_some(lacking)}"
    remedy = (
        "An administrator binds the roles once: kubectl apply --server-side -f "
        "manifests/kubernetes/base/prerequisites/runbooks.yaml, or compare with kubectl auth can-i --list."
    )
    return [Finding("rights", found, f"all {len(needed)} that carbonlib uses", not lacking, remedy)]


def _namespaces(cluster: Cluster, objects: list[Object]) -> list[Finding]:
    declared = {o["metadata"]["name"]: o for o in objects if o["kind"] == "Namespace"}
    live = {name: obj for name in declared if (obj := cluster.get("Namespace", name, None, "v1"))}
    wrong, lines = [], []
    for name, obj in declared.items():
        wanted, has = _level(obj), _level(live[name]) if name in live else "not there yet"
        lines.append(f"{name} {has}")
        ending = name in live and live[name]["metadata"].get("deletionTimestamp")
        # One without a level gets it by the plan; a level that somebody else has set is his to change.
        if ending or (name in live and has not in (wanted, NO_LEVEL) and not managed(live[name])):
            wrong.append(f"{name} {'is being deleted' if ending else f'enforces {has}, not {wanted}'}")
    needed = ", ".join(f"{n} {_level(o)}" for n, o in declared.items())
    first = next(iter(wrong), "").split(" ")[0]
    wanted = _level(declared[first]) if first else ""
    remedy = f"Wait for the deletion to end, or set it: kubectl label namespace {first} {ENFORCE}={wanted} --overwrite"
    return [Finding("pod security", "; ".join(wrong) or ", ".join(lines), needed, not wrong, remedy)]


def _level(namespace: Object) -> str:
    return str((namespace["metadata"].get("labels") or {}).get(ENFORCE, NO_LEVEL))


def _definitions(cluster: Cluster, objects: list[Object]) -> list[Finding]:
    absent = {
        f"{o['kind']} ({o['apiVersion']})" for o in objects if access.kind_of(cluster, o, objects) is None
    }  # fmt: skip
    kinds = {(o["apiVersion"], o["kind"]) for o in objects}
    found = f"missing: {', '.join(sorted(absent))}" if absent else "all served, or declared here"
    remedy = (
        "Install the operator that defines them (kubectl get crd shows what is there), or leave out the layer: "
        "take its folder from the overlay's resources."
    )
    return [Finding("definitions", found, f"{len(kinds)} kinds", not absent, remedy)]


def _storage(cluster: Cluster, objects: list[Object]) -> list[Finding]:
    claims = [c for o in objects for c in (o.get("spec") or {}).get("volumeClaimTemplates") or []]
    if not claims:
        return []
    live = cluster.list("StorageClass", None, "storage.k8s.io/v1")
    there = {c["metadata"]["name"] for c in live}
    default = any("true" in str((c["metadata"].get("annotations") or {}).get(DEFAULT_CLASS)) for c in live)
    named = {c["spec"].get("storageClassName") for c in claims}
    absent = sorted(str(n or "a default one") for n in named if (n not in there if n else not default))
    needed = ", ".join(sorted(str(n or "a default one") for n in named))
    remedy = "Choose one of those (kubectl get storageclass) as storageClassName in the overlay, or create it."
    return [Finding("storage classes", ", ".join(sorted(there)) or "none", needed, not absent, remedy)]


def _secrets(cluster: Cluster, objects: list[Object]) -> list[Finding]:
    spaces = {o["metadata"].get("namespace") for o in objects}
    wanted = [w for w in secrets.declared() if w.namespace in spaces]
    lacking = [w for w in secrets.missing(cluster) if w.namespace in spaces and w.source != "issued"]
    if not lacking:
        return [Finding("secrets", f"{len(wanted)} keys", f"{len(wanted)} keys", True)]
    given = [w for w in lacking if w.source == "given"]
    if not given:
        found = f"{len(wanted) - len(lacking)} keys; deploy-00 makes the others"
        return [Finding("secrets", found, f"{len(wanted)} keys", True)]
    keys = [w.key for w in given if (w.namespace, w.secret) == (given[0].namespace, given[0].secret)]
    remedy = secrets.supply_line(given[0].namespace, given[0].secret, keys)
    found = f"missing: {_some([w.label for w in given])}"
    return [Finding("secrets", found, f"{len(wanted)} keys", False, remedy)]


def _certificate(cluster: Cluster, objects: list[Object]) -> list[Finding]:
    server = ServerCertificate(cluster)
    problem, live = server.problem(), server.live()
    if live is None:
        return [Finding("certificate", "none yet; deploy-00 makes it", "of Kafka, for all its names", True)]
    found = problem or f"until {live.ends:%Y-%m-%d}"
    remedy = "Renew it where it comes from, or by operate-71, where its authority is the platform's own."
    return [Finding("certificate", found, "of Kafka, for all its names", not problem, remedy)]


def _room(cluster: Cluster, objects: list[Object]) -> list[Finding]:
    wanted = capacity.demands(objects)
    room, unseen = capacity.nodes(cluster)
    note = f" ({unseen})" if unseen else ""
    remedy = "Add nodes, or take the smaller overlay: CARBON_OVERLAY=small. kubectl describe nodes shows what is taken."
    findings = []
    for name, unit, needed, free in (
        ("cores", "", sum(d.cpu * d.replicas for d in wanted), sum(n.cpu for n in room)),
        ("memory", " GiB", sum(d.memory * d.replicas for d in wanted) / 2**30, sum(n.memory for n in room) / 2**30),
    ):
        findings.append(Finding(name, f"{free:.1f}{unit} free{note}", f"{needed:.1f}{unit}", free >= needed, remedy))
    zones = len({n.zone for n in room if n.zone})
    lost = capacity.homeless(wanted, room)
    found = f"{len(room)} nodes in {zones} zones" + (f"; no place for {_some(lost)}" if lost else "")
    remedy = "Add nodes of that size, in the zone that lacks them (kubectl get nodes -L topology.kubernetes.io/zone)."
    needed_pods = sum(d.replicas for d in wanted)
    return [*findings, Finding("placement", found, f"a place for each of {needed_pods} pods", not lost, remedy)]


def _some(lines: Sequence[str]) -> str:
    rest = f" and {len(lines) - NAMED} more" if len(lines) > NAMED else ""
    return "; ".join(lines[:NAMED]) + rest
