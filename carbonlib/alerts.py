"""Alert rules: one source, `manifests/monitoring/rules`, for the Prometheus of every target.

A plain Prometheus reads those files as they stand. The Prometheus Operator wants each as a PrometheusRule, which holds
the same groups; `python -m carbonlib.alerts` writes them, and a test proves that what is written is what is declared.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from ._files import read_mapping
from ._project import MANIFESTS

RULES = MANIFESTS / "monitoring" / "rules"
WRITTEN = MANIFESTS / "kubernetes" / "base" / "monitoring" / "rules.yaml"
HEAD = "# Written by `python -m carbonlib.alerts` from manifests/monitoring/rules: change those.\n"


def rule_files() -> dict[str, dict[str, Any]]:
    """Content of each rule file by its name without suffix.

    Raises:
        UsageError: a file is no YAML, or holds no groups.
    """
    return {path.stem: read_mapping(path, needs=["groups"]) for path in sorted(RULES.glob("*.yaml"))}


def alerts() -> Iterator[dict[str, Any]]:
    """Every alert: `alert`, `expr`, `labels`, `annotations` and, where it waits, `for`."""
    for content in rule_files().values():
        for group in content["groups"]:
            yield from (rule for rule in group["rules"] if "alert" in rule)


def prometheus_rules() -> str:
    """The PrometheusRule objects of all files, as YAML documents."""
    return HEAD + "---\n".join(
        yaml.safe_dump(_manifest(name, content["groups"]), sort_keys=False, allow_unicode=True, width=1000)
        for name, content in rule_files().items()
    )


def _manifest(name: str, groups: list[dict[str, Any]]) -> dict[str, Any]:
    labels = {"app.kubernetes.io/name": f"carbon-{name}", "app.kubernetes.io/component": "alerts"}
    return {
        "apiVersion": "monitoring.coreos.com/v1", "kind": "PrometheusRule",
        "metadata": {"name": f"carbon-{name}", "namespace": "monitoring", "labels": labels}, "spec": {"groups": groups},
    }  # fmt: skip


def write(path: Path = WRITTEN) -> None:
    """Write the PrometheusRule objects where the manifests of the cluster are."""
    path.write_text(prometheus_rules(), encoding="utf-8")


if __name__ == "__main__":
    write()
