"""Manifests looked at by kubeconform (are they valid?) and kube-score (are they wise?), with the waivers they carry."""

from __future__ import annotations

import html
import json
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from ...._errors import EngineError
from ...._project import versions
from ..objects import Object, identity
from .golang import program
from .schemas import schemas

if TYPE_CHECKING:
    import pandas as pd

WAIVER, REASON = "kube-score/ignore", "carbon.io/ignore-reason"
# Asked of nobody: images have digests, so pulling them at every start gains nothing; and a broker or a worker that is
# throttled falls out of its group, so requests share out the CPU and no limit takes it away. What objects themselves
# wave through is found all the same, and compared.
FLAGS = (
    *("score", "--output-format", "json", "--ignore-test", "container-image-pull-policy"),
    *("--ignore-container-cpu-limit", "--disable-ignore-checks-annotations"),
)
UNKNOWN = ("FlinkDeployment",)  # kube-score knows not what pods its operator makes
OTHERS = ("CustomResourceDefinition",)  # made by the operators' authors
PASSED = 10  # kube-score's grade of what it finds nothing wrong with
PROGRAMS = {
    "kubeconform": "github.com/yannh/kubeconform/cmd/kubeconform",
    "kube-score": "github.com/zegl/kube-score/cmd/kube-score",
    "kustomize": "sigs.k8s.io/kustomize/kustomize/v5",  # for an image, where no kubectl renders
}


@dataclass(frozen=True)
class Advice:
    """What kube-score says of an object.

    Args:
        object: its identity.
        check: id of kube-score's check.
        says: its words.
        waived: the reason for which it may stand, None where nobody said so.
    """

    object: str
    check: str
    says: str
    waived: str | None


class Inspection:
    """Both programs' words on a set of manifests.

    Args:
        objects: how many were looked at.
        invalid: what kubeconform refuses, a line each.
        advice: what kube-score would have otherwise.
        idle: waivers that nothing needs.
    """

    def __init__(self, objects: int, invalid: list[str], advice: list[Advice], idle: list[str]) -> None:
        self.objects, self.invalid, self.advice, self.idle = objects, invalid, advice, idle

    @property
    def unwaived(self) -> list[str]:
        """Advice that nobody has answered."""
        return [f"{a.object}: {a.check}: {a.says}" for a in self.advice if not a.waived]

    def table(self) -> pd.DataFrame:
        """What kube-score says, a row each, with why it may stand."""
        import pandas as pd  # the target loads this module, and most notebooks need no tables

        rows = [[a.object, a.check, a.says, a.waived or "NOT WAIVED"] for a in self.advice]
        return pd.DataFrame(rows, columns=["object", "check", "kube-score says", "it may stand because"])

    def __repr__(self) -> str:
        go = versions()["go"]
        return (
            f"{self.objects} objects. kubeconform {go['kubeconform']}, strict, Kubernetes {go['kubernetes']}: "
            f"{len(self.invalid)} invalid. kube-score {go['kube_score']}: {len(self.advice)} remarks, "
            f"{len(self.advice) - len(self.unwaived)} waived with a reason, {len(self.unwaived)} not."
        )

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, Any]:
        return {"text/plain": repr(self), "text/html": f"<p>{html.escape(repr(self))}</p>"}


def inspect(manifests: Iterable[Object]) -> Inspection:
    """Look at manifests with both programs, which are built once where they are missing.

    Raises:
        PreflightError: a program or a schema cannot be had.
        EngineError: a program gave no answer.
    """
    looked_at = [m for m in manifests if m["kind"] not in OTHERS]
    waivers = _waivers(looked_at)
    advice = _advice([m for m in looked_at if m["kind"] not in UNKNOWN], waivers)
    found = {(a.object, a.check) for a in advice}
    idle = [f"{name}: {check}" for name, check in waivers if (name, check) not in found]
    return Inspection(len(looked_at), _invalid(looked_at), advice, idle)


def _waivers(manifests: Iterable[Object]) -> dict[tuple[str, str], str]:
    """What objects say may stand, and why."""
    notes = {identity(m): m["metadata"].get("annotations") or {} for m in manifests}
    return {
        (name, check): said.get(REASON, "")
        for name, said in notes.items()
        for check in filter(None, said.get(WAIVER, "").split(","))
    }


def _invalid(manifests: list[Object]) -> list[str]:
    template = f"{schemas()}/{{{{.ResourceKind}}}}{{{{.KindSuffix}}}}.json"
    flags = ("-strict", "-output", "json", "-verbose", "-schema-location", template)
    said = _ask("kubeconform", flags, manifests)["resources"]
    if len(said) != len(manifests):
        raise EngineError(f"kubeconform spoke of {len(said)} objects; it was asked of {len(manifests)}.")
    return [f"{r['kind']}/{r['name']}: {r['status']}: {r['msg']}" for r in said if r["status"] != "statusValid"]


def _advice(manifests: list[Object], waivers: Mapping[tuple[str, str], str]) -> list[Advice]:
    said = _ask("kube-score", FLAGS, manifests)
    found = []
    for each in said:
        meta = each["object_meta"]
        parts = (each["type_meta"]["kind"], meta.get("namespace"), meta["name"])
        name = "/".join(part for part in parts if part)
        found += [
            Advice(name, check["check"]["id"], _words(check), waivers.get((name, check["check"]["id"])))
            for check in each["checks"]
            if not check["skipped"] and check["grade"] < PASSED
        ]
    return sorted(found, key=lambda a: (a.object, a.check))


def _words(check: dict[str, Any]) -> str:
    said = [": ".join(filter(None, [c["path"], c["summary"]])) for c in check["comments"] or []]
    return "; ".join(said) or str(check["check"]["comment"])


def build(name: str) -> Path:
    """One of the programs, built once of the version that is declared.

    Raises:
        PreflightError: it cannot be built.
    """
    return program(name, f"{PROGRAMS[name]}@v{versions()['go'][name.replace('-', '_')]}")


def _ask(name: str, flags: tuple[str, ...], manifests: list[Object]) -> Any:
    """What a program says in JSON of manifests on its standard input; its exit code only repeats it."""
    text = yaml.dump_all(manifests, Dumper=yaml.CSafeDumper)
    done = subprocess.run([build(name), *flags, "-"], input=text, capture_output=True, text=True)
    if not done.stdout.strip():
        raise EngineError(f"{name} gave no answer (exit {done.returncode}).", cause=done.stderr[-500:])
    return json.loads(done.stdout)
