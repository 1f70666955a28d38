"""The overlay that a deployment on the plane uses: production, with the addresses of the engines behind the pods."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from carbonlib._files import read_mapping
from carbonlib._project import MANIFESTS

PRODUCTION = MANIFESTS / "kubernetes" / "overlays" / "production"
VALUES = MANIFESTS / "kubernetes" / "values.yaml"
TARGET = MANIFESTS / "kubernetes" / "target.yaml"
HEAD = "# Written by `python -m tests.plane up`; made anew each time.\n"
# Engines ask for nothing of each other; who comes from outside shows a password and is shown a certificate (door.py).
OPEN = {"kafka.security_protocol": "PLAINTEXT"}
# An engine is broker and controller in one, and counts from 1.
MEMBERS = [{"namespace": "data-platform", "pods": "kafka", "first_node": 1, "votes": True, "serves": True}]


def write(folder: Path, references: Mapping[str, str], options: Mapping[str, Any], forward_port: int) -> Path:
    """Write the overlay's folder and return it.

    Args:
        references: what the references stand for on the engines' ports, by name.
        options: the options of the engines, which say what of the external systems is there.
        forward_port: where the first broker's forwarded port is on this machine; the others follow.
    """
    folder.mkdir(parents=True, exist_ok=True)
    base = os.path.relpath(PRODUCTION, folder.resolve())  # kustomize takes no absolute path
    kustomization = {"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization", "resources": [base]}
    _write(folder / "kustomization.yaml", kustomization)
    values = {name: references[name] for name in read_mapping(VALUES) if name in references}
    _write(folder / "values.yaml", {**values, **OPEN, "kafka.forward_port": forward_port})
    switches = read_mapping(TARGET, needs=["switches"])["switches"]
    _write(folder / "target.yaml", {"switches": {name: options[name] for name in switches}, "members": MEMBERS})
    return folder


def _write(path: Path, content: Mapping[str, object]) -> None:
    path.write_text(HEAD + yaml.safe_dump(dict(content), sort_keys=False), encoding="utf-8")
