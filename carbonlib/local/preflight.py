"""Whether this machine can carry the local platform: measured before anything is started."""

from __future__ import annotations

import shutil
import subprocess
import sys

import psutil

from .._project import versions
from ..config import Settings
from ..findings import Finding, Findings
from . import engines, manifest
from .stack import Stack, why_taken


def inspect(stack: Stack, *, memory_gib: float, disk_gib: float) -> Findings:
    """Look at the machine; nothing is changed.

    Args:
        memory_gib: memory that the platform needs; what its running processes already hold counts as free.
        disk_gib: disk that its data and the engines need.
    """
    where = stack.settings
    return Findings(
        [_python(), _compiler(), _maven(where), _memory(stack, memory_gib), _disk(where, disk_gib), _ports(stack)]
    )


def _python() -> Finding:
    found, needed = sys.version.split()[0], versions()["python"]["minimum"]
    ok = sys.version_info[:2] >= tuple(map(int, needed.split(".")))
    return Finding("Python", found, f"{needed} or newer", ok, "Make the environment anew with a newer Python.")


def _compiler() -> Finding:
    """The project's own Java modules are compiled here; running needs no JDK, a runtime comes as a Python package."""
    needed = versions()["java"]["minimum_jdk"]
    remedy = f"Install a JDK, for example: apt-get install openjdk-{needed}-jdk-headless, or conda install openjdk."
    if shutil.which("javac") is None:
        return Finding("JDK", "none", f"{needed} or newer", False, remedy)
    done = subprocess.run(["javac", "-version"], capture_output=True, text=True)
    found = (done.stdout or done.stderr).split()[-1]
    return Finding("JDK", found, f"{needed} or newer", int(found.split(".")[0]) >= needed, remedy)


def _maven(where: Settings) -> Finding:
    path = shutil.which("mvn")
    there = engines.engines_folder(where).is_dir() and not engines.missing_modules(where)
    found = "installed" if path else "none, but everything is fetched" if there else "none"
    return Finding(
        "Maven",
        found,
        "mvn on the path",
        bool(path) or there,
        "Install it: apt-get install maven, or conda install maven.",
    )


def _memory(stack: Stack, needed: float) -> Finding:
    held = sum(_resident(s["pid"]) for s in stack.supervisor.states().values() if s["pid"])
    free = (psutil.virtual_memory().available + held) / 2**30
    remedy = "Close other programs, or deploy the small profile: -p brokers=1 -p taskmanagers=1."
    return Finding("memory", f"{free:.1f} GiB free", f"{needed:g} GiB", free >= needed, remedy)


def _resident(pid: int) -> int:
    try:
        return sum(p.memory_info().rss for p in [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)])
    except psutil.NoSuchProcess:
        return 0


def _disk(where: Settings, needed: float) -> Finding:
    where.state.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(where.state).free / 2**30
    remedy = "Free some space, or put the state elsewhere: CARBON_STATE=/a/larger/disk."
    return Finding("disk", f"{free:.1f} GiB free", f"{needed:g} GiB", free >= needed, remedy)


def _ports(stack: Stack) -> Finding:
    mine = stack.supervisor.states()
    taken = [] if mine else taken_ports(stack.settings)
    base = stack.settings.port_base
    found = f"taken: {', '.join(taken)}" if taken else "ours" if mine else "free"
    needed = f"{base} to {max(manifest.all_ports(stack.settings).values())}"
    return Finding(
        "ports", found, needed, not taken, "Stop what listens there, or choose others: CARBON_PORT_BASE=31000."
    )


def taken_ports(where: Settings) -> list[str]:
    """Ports of ours that somebody listens on, with the role that each is meant for."""
    return [f"port {port} ({role})" for role, port in manifest.all_ports(where).items() if why_taken(port)]
