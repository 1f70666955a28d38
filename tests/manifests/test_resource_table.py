"""The production overlay has what the resource table says, row by row, and fits its namespaces at every size."""

from __future__ import annotations

import re
from collections import defaultdict
from decimal import Decimal
from typing import Any

import pytest
import yaml

from carbonlib._project import ROOT
from carbonlib.sizing import quantity

from .rendering import KUBERNETES, Object, objects

PARTS: dict[str, dict[str, Any]] = yaml.safe_load((KUBERNETES / "resource-table.yaml").read_text())["parts"]


@pytest.fixture(scope="module")
def production() -> list[Object]:
    return objects(KUBERNETES / "overlays" / "production")


@pytest.fixture(params=PARTS, ids=str)
def part(request: pytest.FixtureRequest) -> dict[str, Any]:
    return PARTS[request.param]


def found(objects: list[Object], part: dict[str, Any]) -> list[dict[str, Any]]:
    """Replicas and the resources of one pod, of each object of the part."""
    kind, *where = part["object"].split("/")
    if kind == "FlinkDeployment":
        jobs = [o for o in objects if o["kind"] == kind and "carbon.io/run" not in o["metadata"].get("annotations", {})]
        assert len(jobs) == 3
        return [job_pods(job, where[0]) for job in jobs]
    return [
        workload(o) for o in objects if o["kind"] == kind and [o["metadata"][k] for k in ("namespace", "name")] == where
    ]


def job_pods(job: Object, role: str) -> dict[str, Any]:
    spec = job["spec"]
    slots = int(spec["flinkConfiguration"]["taskmanager.numberOfTaskSlots"])
    needed = -(-spec["job"]["parallelism"] // slots)
    resource = spec[role]["resource"]
    return {
        "replicas": spec[role].get("replicas", needed), "memory": {resource["memory"]}, "cpu": str(resource["cpu"]),
        "limits": False,
    }  # fmt: skip


def workload(obj: Object) -> dict[str, Any]:
    spec = obj["spec"]
    containers = spec["template"]["spec"]["containers"]
    assert len(containers) == 1, "a second container would have to be reckoned with"
    resources = containers[0]["resources"]
    claims = [c["spec"] for c in spec.get("volumeClaimTemplates", [])]
    return {
        "replicas": spec["replicas"],
        "memory": {resources["requests"]["memory"], resources["limits"]["memory"]},
        "cpu": resources["requests"]["cpu"],
        "limits": "cpu" in resources["limits"],
        "storage": [c["resources"]["requests"]["storage"] for c in claims],
        "class": [c.get("storageClassName") for c in claims],
    }


def test_every_workload_has_a_row(production: list[Object]) -> None:
    rendered = {
        f"{o['kind']}/{o['metadata']['namespace']}/{o['metadata']['name']}"
        for o in production if o["kind"] in {"StatefulSet", "Deployment", "DaemonSet"}
    }  # fmt: skip
    assert rendered == {p["object"] for p in PARTS.values() if not p["object"].startswith("Flink")}


def test_the_overlay_has_what_the_row_says(production: list[Object], part: dict[str, Any]) -> None:
    for own in found(production, part):
        if not part["object"].startswith("Flink"):
            assert own["memory"] == {part["memory"]}, "request = limit"
        assert quantity(own["cpu"]) >= quantity(part["cpu"])
        assert not own["limits"], "no CPU limit"
        if "storage" in part:
            assert (own["storage"], own["class"]) == ([part["storage"]], ["fast"])
        else:
            assert own.get("storage", []) == []
    replicas = [own["replicas"] for own in found(production, part)]
    total = sum(replicas) if part["object"].endswith("taskManager") else replicas[0]
    assert total == part["replicas"] and len(set(replicas)) == 1


def test_the_row_is_within_the_specification_or_says_why_not(part: dict[str, Any]) -> None:
    asked = part.get("specification")
    if asked is None:
        assert part["deviation"]
        return
    for name in ("memory", "cpu"):
        least, most = asked[name]
        assert quantity(least) <= quantity(part[name]) <= quantity(most)
    assert part["replicas"] == asked["replicas"]
    assert part.get("storage") == asked.get("storage")


@pytest.mark.parametrize("name", ["jobmanager", "taskmanager"])
def test_each_job_stays_within_the_specification(production: list[Object], name: str) -> None:
    part = PARTS[name]
    pods = found(production, part)
    for own in pods:
        for resource, value in (("cpu", own["cpu"]), ("memory", *own["memory"])):
            least, most = part["specification"][resource]
            assert quantity(least) <= quantity(value) <= quantity(most)
    assert max(quantity(*own["memory"]) for own in pods) == quantity(part["memory"]), "the row says the largest"


@pytest.mark.parametrize("size", ["replicas", "most"])
def test_the_quotas_hold_it(production: list[Object], size: str) -> None:
    quotas = {o["metadata"]["namespace"]: o["spec"]["hard"] for o in production if o["kind"] == "ResourceQuota"}
    asked: dict[str, dict[str, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    for part in PARTS.values():
        namespace = part["object"].split("/")[1] if not part["object"].startswith("Flink") else "data-platform"
        pods = part[size] * (3 if part["object"].endswith("jobManager") else 1)
        cpu = max(quantity(own["cpu"]) for own in found(production, part))
        for name, each in (("requests.cpu", cpu), ("requests.memory", quantity(part["memory"])), ("pods", Decimal(1))):
            asked[namespace][name] += pods * each
        if "storage" in part:
            asked[namespace]["requests.storage"] += pods * quantity(part["storage"])
            asked[namespace]["persistentvolumeclaims"] += pods
    over = {
        f"{namespace}: {name}": (str(amount), quotas[namespace][name])
        for namespace, sums in asked.items() for name, amount in sums.items()
        if amount > quantity(quotas[namespace][name])
    }  # fmt: skip
    assert over == {}


def test_the_small_overlay_fits_what_it_says() -> None:
    cpu = memory = Decimal(0)
    for obj in objects(KUBERNETES / "overlays" / "small"):
        if obj["kind"] in {"StatefulSet", "Deployment"}:
            own = workload(obj)
            assert len(own["memory"]) == 1 and own.get("class") in ([], [None]), "the cluster's own class of volumes"
            cpu += own["replicas"] * quantity(own["cpu"])
            memory += own["replicas"] * quantity(own["memory"].pop())
        elif obj["kind"] == "FlinkDeployment" and "carbon.io/run" not in obj["metadata"].get("annotations", {}):
            for role in ("jobManager", "taskManager"):
                own = job_pods(obj, role)
                cpu += own["replicas"] * quantity(own["cpu"])
                memory += own["replicas"] * quantity(own["memory"].pop())
    assert cpu <= 8 and memory <= quantity("32Gi")


def test_the_documentation_shows_the_same_table() -> None:
    text = (ROOT / "docs" / "kubernetes.md").read_text(encoding="utf-8")
    shown = {}
    for line in text.splitlines():
        cells = [c.strip() for c in line.strip("|").split("|")]
        if len(cells) >= 6 and re.fullmatch(r"\d+( to \d+)?", cells[1]):
            shown[cells[0]] = cells[1:5]
    wanted = {
        p["title"]: [
            f"{p['replicas']} to {p['most']}" if p["most"] != p["replicas"] else str(p["replicas"]),
            p["memory"], p["cpu"], p.get("storage", "–"),
        ]
        for p in PARTS.values()
    }  # fmt: skip
    assert shown == wanted
