"""The program that holds the whole control plane: built once from Go modules, kept in the cache of all checkouts."""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import subprocess
import time
from pathlib import Path

from carbonlib._errors import PreflightError
from carbonlib._files import make_folder
from carbonlib._project import versions
from carbonlib.config import settings
from carbonlib.targets.kubernetes.lint.golang import Progress, find_go

CONTROL = Path(__file__).parent / "control"
SOURCES = ("go.mod", "go.sum", "main.go")
VERSION = "k8s.io/component-base/version"


def kubernetes_version() -> str:
    """The version of Kubernetes that is built, as `v1.36.3`: go.mod says it."""
    found = re.search(r"k8s\.io/kubernetes (v\S+)", (CONTROL / "go.mod").read_text(encoding="utf-8"))
    assert found, "go.mod requires k8s.io/kubernetes"
    return found.group(1)


def path() -> Path:
    """Where the program of these sources is, or will be."""
    digest = hashlib.sha256()
    for name in SOURCES:
        digest.update(name.encode() + b"\0" + (CONTROL / name).read_bytes())
    return settings().cache / f"plane-{digest.hexdigest()[:12]}" / "plane"


def build(progress: Progress) -> Path:
    """Make sure that the program is there, and return its path; one builder at a time.

    Raises:
        PreflightError: no Go can be had, or the build failed.
    """
    program = path()
    make_folder(program.parent, "cache folder", "CARBON_CACHE")
    with (program.parent / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not program.exists():
            size = versions()["download_mib"]["plane"]
            progress(
                f"building the control plane once: about 5 min on two cores, {size} MiB where Go has none of it yet"
            )
            unfinished = program.with_suffix(".part")
            _compile(find_go(progress), unfinished, progress)
            unfinished.rename(program)
    return program


def _compile(go: str, output: Path, progress: Progress) -> None:
    version = kubernetes_version()
    major, minor, _ = version.removeprefix("v").split(".", 2)
    stamps = {"gitVersion": version, "gitMajor": major, "gitMinor": minor}
    flags = " ".join(["-s", "-w", *(f"-X {VERSION}.{k}={v}" for k, v in stamps.items())])
    command = ["nice", "-n", "10", go, "build", "-v", "-trimpath", "-ldflags", flags, "-o", str(output), "."]
    environment = {**os.environ, "CGO_ENABLED": "0", "GOTOOLCHAIN": "local"}
    packages, told, tail = 0, time.monotonic(), [""]
    with subprocess.Popen(
        command, cwd=CONTROL, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        for line in process.stdout or ():
            packages, tail = packages + 1, [*tail[-15:], line.rstrip()]
            if time.monotonic() - told > 15:
                told = time.monotonic()
                progress(f"  about {packages} of 2,800 packages ({line.strip()[:70]})")
    if process.returncode:
        raise PreflightError(
            f"Go could not build the control plane (exit {process.returncode}).",
            cause="\n".join(tail[-6:]),
            remedy="Mend what Go names (network, room on the disk), then run the same command again: what has arrived "
            "is kept.",
        )
