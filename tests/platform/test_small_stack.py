"""What needs a stack of its own: bad input before anything starts, a taken port, and a teardown that leaves nothing."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from carbonlib.config import Settings
from carbonlib.targets.local import Local
from carbonlib.waiting import wait_until
from tests.conftest import Carbon

PORT_BASE = 24000


@pytest.fixture
def small(carbon: Carbon) -> Iterator[Carbon]:
    folder = Path(tempfile.mkdtemp(prefix="carbon-small-"))
    environment = {**carbon.environment, "CARBON_STATE": str(folder / "state"), "CARBON_PORT_BASE": str(PORT_BASE)}
    command = Carbon(environment, folder / "reports")
    yield command
    command("down", "--purge", timeout=120)
    shutil.rmtree(folder, ignore_errors=True)


def target(command: Carbon) -> Local:
    return Local(Settings(Path(command.environment["CARBON_STATE"]), PORT_BASE, Path("unused")))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["run", "deploy-11"], ["deploy-11"]),
        (["run", "deploy-10", "-p", "broker=3"], ["broker", "brokers"]),
        (["run", "deploy-10", "-p", "brokers=many"], ["brokers", "int"]),
        (["run", "deploy-10", "-p", "brokers"], ["brokers"]),
    ],
)
def test_wrong_usage_is_refused_before_any_kernel_starts(small: Carbon, arguments: list[str], words: list[str]) -> None:
    done = small(*arguments, "--reports", str(small.reports), timeout=60)
    assert done.returncode == 2, done.stdout
    assert all(word in done.stdout for word in words), done.stdout
    assert not small.reports.exists() or not list(small.reports.glob("*/results.json"))


def test_an_impossible_size_is_refused_with_the_possible_ones(small: Carbon) -> None:
    results = small.run("deploy-10", "-p", "brokers=2", expect=1)
    error = results["notebooks"][0]["error"]
    assert "brokers=2" in error["message"] and "1, 3" in error["remedy"]


def test_a_taken_port_is_named_and_nothing_is_started(small: Carbon) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", PORT_BASE))
        taken.listen()
        results = small.run("deploy-10", "-p", "brokers=1", expect=1)
    error = results["notebooks"][0]["error"]
    assert str(PORT_BASE) in error["message"] and "CARBON_PORT_BASE" in error["remedy"]
    assert not [s for s in target(small).stack.supervisor.states().values() if s["statename"] == "RUNNING"]


@pytest.mark.timeout(240)
def test_down_leaves_no_process_and_no_port_and_purge_no_data(small: Carbon) -> None:
    small.run("deploy-10", "-p", "brokers=1")
    state = Path(small.environment["CARBON_STATE"])
    assert json.loads(small("endpoints", "--json").stdout)["kafka"]
    assert small("down").returncode == 0
    assert target(small).leftovers() == []
    assert (state / "data").exists()
    small.run("deploy-10", "-p", "brokers=1")
    assert small("down", "--purge").returncode == 0
    assert target(small).leftovers() == []
    assert not (state / "data").exists() and not (state / "logs").exists()


@pytest.mark.timeout(400)
def test_a_process_that_runs_and_answers_no_more_is_restarted(small: Carbon) -> None:
    small.run("deploy-10", "-p", "brokers=1")
    stack = target(small).stack
    pid = stack.supervisor.states()["kafka-1"]["pid"]
    os.kill(pid, signal.SIGSTOP)  # the system goes on taking its connections
    began = time.monotonic()
    wait_until(lambda: stack.supervisor.states()["kafka-1"]["pid"] not in (0, pid), what="A new broker", timeout=150)
    assert time.monotonic() - began >= 25, "half a minute of silence is needed, not less"
    wait_until(lambda: small("status", timeout=60).stdout.count("IN_SYNC"), what="An answer of it", timeout=90)
    assert f"kafka-1 (pid {pid}) answers no more" in stack.last_lines("watch")
    assert small("down").returncode == 0 and target(small).leftovers() == []


def test_an_unreachable_platform_is_said_in_words(small: Carbon) -> None:
    done = small("status", timeout=60)
    assert done.returncode == 1 and "Traceback" not in done.stdout
    done = small("drift", timeout=60)
    assert done.returncode == 2 and "Traceback" not in done.stdout
