"""Maven, run for a folder of the cache.

A folder is built beside its final name and moved there when complete: an interrupted download leaves nothing half-made,
and Maven's own repository keeps what has arrived, so the next try goes on from there.
"""

from __future__ import annotations

import fcntl
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from .._errors import PreflightError
from .._files import make_folder

Progress = Callable[[str], None]
_AGAIN = "Mend what Maven names, then run the same command again: what has arrived is kept."
_REASONS = [  # what Maven's output holds, what that means, what to do
    (
        r"No space left on device",
        "There is no room left on the disk",
        "Free some space, or put the engines elsewhere: CARBON_CACHE=/a/larger/disk.",
    ),
    (
        r"No compiler is provided|JAVA_HOME|release version \d+ not supported|invalid target release",
        "Maven found no fitting JDK",
        "Install one (manifests/local/install_java.sh says how), and let JAVA_HOME name it where it is set.",
    ),
    (
        r"Could not transfer|Unknown host|Connection refused|timed? ?out|Network is unreachable|Connection reset",
        "The network or the package registry cannot be reached",
        "Check the network, and proxy and mirror in Maven's settings (~/.m2/settings.xml), then run the same command "
        "again: what has arrived is kept.",
    ),
]


@contextmanager
def building(folder: Path) -> Iterator[Path | None]:
    """Give a scratch folder to fill where `folder` is missing, None where it is there; one builder at a time."""
    if folder.is_dir():  # asked first, since an image's cache can be read only
        yield None
        return
    make_folder(folder.parent, "cache folder", "CARBON_CACHE")
    with (folder.parent / f".{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if folder.is_dir():
            yield None
            return
        scratch = folder.with_name(f"{folder.name}.part")
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir()
        try:
            yield scratch
            scratch.rename(folder)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)


def maven(folder: Path, arguments: list[str], progress: Progress) -> None:
    """Run Maven on the pom of a folder.

    Raises:
        PreflightError: Maven is missing, or failed; the cause holds its words.
    """
    if shutil.which("mvn") is None:
        raise PreflightError(
            "Maven (mvn) is not installed.", remedy="Install it: apt-get install maven, or conda install maven."
        )
    command = ["mvn", "-B", "-f", str(folder / "pom.xml"), *arguments]
    tail: list[str] = []
    files, megabytes = 0, 0.0
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=folder) as process:
        for line in process.stdout or ():
            tail = [*tail[-40:], line.rstrip()]
            arrived = re.search(r"Downloaded from .*/([^/ ]+\.(?:jar|zip|gz)) \(([\d.]+) (k|M)?B", line)
            if arrived:
                files += 1
                megabytes += float(arrived.group(2)) * {"M": 1.0, "k": 0.001, None: 0.000001}[arrived.group(3)]
                if files % 20 == 0 or (arrived.group(3) == "M" and float(arrived.group(2)) > 20):
                    progress(f"  {files} files, {megabytes:.0f} MB so far ({arrived.group(1)})")
    if process.returncode:
        raise failed(folder.name, process.returncode, tail)


def failed(what: str, code: int, output: list[str]) -> PreflightError:
    """The error of a Maven run, told by what stands in its last lines."""
    errors = [line for line in output if "ERROR" in line] or output
    text = "\n".join(errors)
    for pattern, message, remedy in _REASONS:
        if re.search(pattern, text):
            return PreflightError(f"{message} ({what}).", cause="\n".join(errors[:6]), remedy=remedy)
    return PreflightError(f"Maven failed in {what} (exit {code}).", cause="\n".join(errors[:6]), remedy=_AGAIN)
