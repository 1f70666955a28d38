"""The processes of a control plane, each by a pid file that a stranger's pid never satisfies."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
from pathlib import Path

import psutil

from carbonlib._errors import EngineError

GRACE_S = 20


class Processes:
    """Processes by name, with a record and a log a process in a state folder."""

    def __init__(self, state: Path) -> None:
        self._records = state / "pids"
        self._logs = state / "logs"

    def start(self, name: str, command: list[str], environment: dict[str, str] | None = None) -> None:
        """Start a process apart from this one's session, its output in its log."""
        for folder in (self._records, self._logs):
            folder.mkdir(parents=True, exist_ok=True)
        with self.log(name).open("ab") as log:
            process = psutil.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, start_new_session=True,
                env={**os.environ, **(environment or {})},
            )  # fmt: skip
        record = {"pid": process.pid, "started": process.create_time()}
        self._record(name).write_text(json.dumps(record), encoding="utf-8")

    def running(self, name: str) -> psutil.Process | None:
        """The process that was started under the name, while it lives."""
        try:
            record = json.loads(self._record(name).read_text(encoding="utf-8"))
            process = psutil.Process(record["pid"])
            same = process.create_time() == record["started"] and process.status() != psutil.STATUS_ZOMBIE
        except (OSError, ValueError, psutil.NoSuchProcess):
            return None
        return process if same else None

    def stop(self, name: str) -> bool:
        """End a process, by force where it does not listen; tells whether there was one."""
        process = self.running(name)
        if process is not None:
            process.terminate()
            _, alive = psutil.wait_procs([process], timeout=GRACE_S)
            for stubborn in alive:
                stubborn.kill()
            psutil.wait_procs(alive, timeout=GRACE_S)
        self._record(name).unlink(missing_ok=True)
        return process is not None

    def kill(self, name: str) -> None:
        """End a process at once, without a word to it.

        Raises:
            EngineError: none runs under the name.
        """
        process = self.running(name)
        if process is None:
            raise EngineError(f"No process {name!r} of the control plane runs.")
        process.kill()
        psutil.wait_procs([process], timeout=GRACE_S)

    def memory_mib(self, name: str) -> float:
        """Resident memory of a process, 0 where it does not run."""
        process = self.running(name)
        return process.memory_info().rss / 2**20 if process else 0.0

    def log(self, name: str) -> Path:
        """The log of a process."""
        return self._logs / f"{name}.log"

    def last_lines(self, name: str, count: int = 5) -> str:
        """The end of its log."""
        try:
            return "\n".join(self.log(name).read_text(encoding="utf-8", errors="replace").splitlines()[-count:])
        except OSError:
            return ""

    def _record(self, name: str) -> Path:
        return self._records / f"{name}.json"


def until_told() -> threading.Event:
    """An event that is set when this process is asked to end."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    return stop
