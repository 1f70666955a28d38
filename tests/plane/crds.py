"""Resource definitions of other operators, as the owner of a cluster has installed them; Go modules carry them."""

from __future__ import annotations

import json
import os
import subprocess
from functools import cache
from pathlib import Path

from carbonlib._errors import PreflightError
from carbonlib._project import versions

from .binary import Progress, find_go

# Key in versions.toml → module, folder in it, the files that the platform's manifests use.
MODULES = {
    "prometheus_operator": (
        "github.com/prometheus-operator/prometheus-operator",
        "example/prometheus-operator-crd",
        ("servicemonitors", "podmonitors", "prometheusrules"),
    ),
    "keda": ("github.com/kedacore/keda/v2", "config/crd/bases", ("scaledobjects", "triggerauthentications")),
}


@cache
def _module(go: str, name: str) -> Path:
    environment = {**os.environ, "GOTOOLCHAIN": "local", "GOFLAGS": "-mod=mod"}
    done = subprocess.run([go, "mod", "download", "-json", name], capture_output=True, text=True, env=environment)
    if done.returncode:
        raise PreflightError(
            f"The Go module {name} cannot be had.",
            cause=(done.stdout + done.stderr)[-500:],
            remedy="Check the network and GOPROXY, then run the same command again.",
        )
    return Path(json.loads(done.stdout)["Dir"])


def files(progress: Progress) -> list[Path]:
    """The definitions of prometheus-operator and KEDA, fetched once into Go's own cache.

    Raises:
        PreflightError: a module cannot be fetched.
    """
    go, found = find_go(progress), []
    for key, (module, folder, kinds) in MODULES.items():
        where = _module(go, f"{module}@v{versions()['go'][key]}") / folder
        found += [path for path in sorted(where.glob("*.yaml")) if any(kind in path.name for kind in kinds)]
    return found
