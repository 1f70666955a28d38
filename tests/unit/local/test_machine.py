"""Machines that lack something: each is told what, why, and what to do next, and nothing half-made is left."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from carbonlib import config
from carbonlib._errors import PreflightError
from carbonlib._project import ROOT
from carbonlib.config import Settings
from carbonlib.local import addresses, engines, manifest, maven, preflight
from carbonlib.local.stack import Stack
from carbonlib.local.supervision import Supervisor
from carbonlib.targets.local import LAYERS, Local

INSTALL = ROOT / "manifests" / "local" / "install_java.sh"


@pytest.fixture
def where(tmp_path: Path) -> Settings:
    """Ports below those that the system gives to whoever asks for any."""
    return Settings(state=tmp_path / "state", port_base=21000, cache=tmp_path / "cache")


def setup(environment: dict[str, str], tmp_path: Path) -> subprocess.CompletedProcess[str]:
    """`make setup` without make, into a cache of its own."""
    known = {**os.environ, "CARBON_CACHE": str(tmp_path / "cache"), **environment}
    return subprocess.run(
        [sys.executable, "-m", "carbonlib.local.setup"],
        env=known, cwd=ROOT, capture_output=True, text=True, timeout=120,
    )  # fmt: skip


# -- what the preflight finds ---------------------------------------------------------------------------------------


def problems(where: Settings, memory_gib: float = 0, disk_gib: float = 0) -> list[str]:
    return preflight.inspect(Stack(where), memory_gib=memory_gib, disk_gib=disk_gib).problems()


def test_too_little_memory_and_disk_are_named_with_what_there_is(where: Settings) -> None:
    memory, disk = problems(where, memory_gib=10**6, disk_gib=10**6)
    assert memory.startswith("memory: ") and "needed 1e+06 GiB" in memory and "brokers=1" in memory
    assert disk.startswith("disk: ") and "GiB free" in disk and "CARBON_STATE" in disk
    assert not where.cache.exists()


def test_a_machine_without_jdk_and_maven_is_told_both(
    where: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    jdk, maven = problems(where)
    assert jdk.startswith("JDK: none, needed 17") and "apt-get install openjdk-17" in jdk
    assert maven.startswith("Maven: none") and "apt-get install maven" in maven


def test_an_old_jdk_is_told_from_a_fitting_one(
    where: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    executable(tmp_path / "mvn", "")
    executable(tmp_path / "javac", 'echo "javac 11.0.2"')
    monkeypatch.setenv("PATH", str(tmp_path))
    assert [p.split(".")[0] for p in problems(where)] == ["JDK: 11"]
    executable(tmp_path / "javac", 'echo "javac 21"')
    assert problems(where) == []


# -- fetching -------------------------------------------------------------------------------------------------------


def test_setup_without_maven_names_it_and_leaves_no_folder(tmp_path: Path) -> None:
    done = setup({"PATH": str(tmp_path)}, tmp_path)
    assert done.returncode == 1 and "Maven (mvn) is not installed" in done.stderr
    assert "apt-get install maven" in done.stderr and "Traceback" not in done.stderr
    assert [p.name for p in (tmp_path / "cache").iterdir() if p.is_dir()] == []


@pytest.mark.skipif(shutil.which("mvn") is None, reason="needs Maven")
def test_setup_without_network_says_so_and_can_go_on_later(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    proxy = f"<host>127.0.0.1</host><port>{port}</port>"
    proxies = "".join(f"<proxy><id>{p}</id><protocol>{p}</protocol>{proxy}</proxy>" for p in ("http", "https"))
    (tmp_path / ".m2").mkdir()
    (tmp_path / ".m2" / "settings.xml").write_text(f"<settings><proxies>{proxies}</proxies></settings>")
    for _ in range(2):  # the second try finds neither a lock nor a half-made folder
        done = setup({"MAVEN_OPTS": f"-Duser.home={tmp_path}"}, tmp_path)
        assert done.returncode == 1, done.stdout + done.stderr
        assert "The network or the package registry cannot be reached" in done.stderr
        assert "proxy" in done.stderr and "what has arrived is kept" in done.stderr
        assert "Traceback" not in done.stderr
        assert [p.name for p in (tmp_path / "cache").iterdir() if p.is_dir()] == []


def test_setup_into_a_folder_that_cannot_be_written_names_it(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = setup({"CARBON_CACHE": str(tmp_path / "file" / "cache")}, tmp_path)
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert "cache folder" in done.stderr and "CARBON_CACHE=" in done.stderr


def test_what_was_not_finished_is_made_anew(tmp_path: Path) -> None:
    folder = tmp_path / "cache" / "engines-1"
    with pytest.raises(PreflightError), maven.building(folder) as scratch:
        assert scratch is not None
        (scratch / "half").touch()
        raise PreflightError("The power went.")
    assert not folder.exists() and [p for p in folder.parent.iterdir() if p.is_dir()] == []
    with maven.building(folder) as scratch:
        assert scratch is not None and list(scratch.iterdir()) == []
    assert folder.is_dir()
    with maven.building(folder) as scratch:
        assert scratch is None


@pytest.mark.parametrize(
    ("line", "message", "remedy"),
    [
        ("[ERROR] Could not transfer artifact a:b:jar:1: Connect to host:443 timed out", "network", "settings.xml"),
        ("[ERROR] unknown error: Unknown host registry", "network", "what has arrived is kept"),
        ("[ERROR] x.jar: No space left on device", "no room left", "CARBON_CACHE"),
        ("[ERROR] No compiler is provided in this environment", "no fitting JDK", "install_java.sh"),
        ("The JAVA_HOME environment variable is not defined correctly", "no fitting JDK", "JAVA_HOME"),
        ("[ERROR] A.java:[3,1] cannot find symbol", "Maven failed in carbon-flink (exit 1)", "Mend what Maven names"),
    ],
)
def test_a_failure_of_maven_is_told_by_its_reason(line: str, message: str, remedy: str) -> None:
    error = maven.failed("carbon-flink", 1, ["[INFO] something", line])
    assert message in error.message and line in error.cause and remedy in error.remedy


# -- the script that installs a JDK and Maven -----------------------------------------------------------------------


def executable(path: Path, body: str) -> None:
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)


def install(folder: Path, **programs: str) -> subprocess.CompletedProcess[str]:
    """Run the script where these programs and nothing else are on the path."""
    folder.mkdir()
    for name in ("sed", "dirname"):
        (folder / name).symlink_to(shutil.which(name) or "")
    for name, body in programs.items():
        executable(folder / name.replace("_", "-"), body)
    return subprocess.run(
        [shutil.which("bash") or "bash", str(INSTALL)], env={"PATH": str(folder)}, capture_output=True, text=True
    )


BOTH = "openjdk-17-jdk-headless maven"


def test_a_user_who_may_not_install_gets_the_one_command(tmp_path: Path) -> None:
    done = install(tmp_path / "bin", id="echo 1000", apt_get="exit 9")
    assert done.returncode == 1
    assert f"sudo apt-get install -y --no-install-recommends {BOTH}" in done.stderr


def test_nothing_is_done_where_both_are_there(tmp_path: Path) -> None:
    done = install(tmp_path / "bin", id="echo 0", javac='echo "javac 21.0.1"', mvn="", apt_get="exit 9")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_root_installs_what_is_missing_and_says_so(tmp_path: Path) -> None:
    log = tmp_path / "log"
    done = install(tmp_path / "bin", id="echo 0", javac='echo "javac 11"', mvn="", apt_get=f'echo "$@" >> {log}')
    assert done.returncode == 0 and "openjdk-17-jdk-headless" in done.stdout
    assert log.read_text().splitlines() == [
        "update -qq",
        "install -y --no-install-recommends openjdk-17-jdk-headless",
    ]


def test_a_failed_installation_ends_with_the_one_command(tmp_path: Path) -> None:
    done = install(tmp_path / "bin", id="echo 0", apt_get="exit 100")
    assert done.returncode == 1 and f"sudo apt-get install -y --no-install-recommends {BOTH}" in done.stderr


# -- whose machine it is --------------------------------------------------------------------------------------------


def test_a_normal_user_needs_nothing_outside_of_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("CARBON_CACHE", "CARBON_STATE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(config, "ROOT", tmp_path / "checkout")
    where = config.settings()
    assert where.cache == tmp_path / ".cache" / "carbon"
    for layer in LAYERS:
        for process in Local(where).processes(layer):
            folders = [process.directory, *process.files, *process.folders]
            folders.append(manifest.data_folder(where, process.name, process.unprivileged))
            assert all(f.is_relative_to(tmp_path) for f in folders), process.name


def test_a_cache_elsewhere_is_taken_as_the_environment_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.delenv("CARBON_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert config.settings().cache == tmp_path / "xdg" / "carbon"
    monkeypatch.setenv("CARBON_CACHE", str(tmp_path / "mine"))
    assert config.settings().cache == tmp_path / "mine"


def test_two_checkouts_share_the_engines_and_nothing_else(tmp_path: Path) -> None:
    first, second = (Settings(tmp_path / name / ".carbon", base, tmp_path / "cache") for name, base in
                     (("a", 29000), ("b", 29000 + config.PORT_SPAN)))  # fmt: skip
    assert engines.engines_folder(first) == engines.engines_folder(second)
    assert not set(manifest.all_ports(first).values()) & set(manifest.all_ports(second).values())
    assert first.tag != second.tag and Supervisor(first)._socket != Supervisor(second)._socket
    assert Stack(first).cluster_id() != Stack(second).cluster_id()
    a, b = (Local(where) for where in (first, second))
    assert a.secrets["postgres"] != b.secrets["postgres"]
    for ours, theirs in zip(_processes(a), _processes(b), strict=True):
        assert not set(ours.files) & set(theirs.files) and ours.fingerprint != theirs.fingerprint
        assert not set(ours.ports.values()) & set(theirs.ports.values())
    text = str(addresses.addresses(second, b.profile()))
    assert not [p for p in manifest.all_ports(first).values() if f":{p}" in text]


def _processes(target: Local) -> list[manifest.Process]:
    return [p for layer in LAYERS for p in target.processes(layer)]


def test_a_long_path_to_the_checkout_still_gives_a_socket(tmp_path: Path) -> None:
    deep = tmp_path / ("x" * 60) / ("y" * 60)
    sockets = [str(Supervisor(Settings(deep / name, 29000, tmp_path))._socket) for name in ("a", "b")]
    assert len(set(sockets)) == 2 and all(len(s) < 108 for s in sockets)
