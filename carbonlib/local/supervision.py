"""Supervision of the local processes by `supervisord`: it starts them, restarts what dies, keeps and rotates the logs.

One daemon a state folder, spoken to over a Unix socket. Programs are added one at a time and never start by
themselves: the stack starts them in the order of their needs.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import tempfile
import xmlrpc.client
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
from supervisor.xmlrpc import SupervisorTransport

from .._errors import EngineError, TargetUnreachable, WaitTimeout
from ..config import Settings
from ..waiting import wait_until
from .manifest import Process, stops_last

STACK_VARIABLE = "CARBON_STACK"
UNIX_PATH_LIMIT = 100
ENDED = {"STOPPED", "EXITED", "FATAL"}
ALL_AT_ONCE_SECONDS = 25  # the members of a cluster wait for each other when all end: those that still do are killed


class Supervisor:
    """The daemon of one state folder."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._folder = settings.state / "supervisor"
        self._config = self._folder / "supervisord.conf"
        self._pid_file = self._folder / "supervisord.pid"

    @property
    def _socket(self) -> Path:
        plain = self._folder / "supervisor.sock"
        if len(str(plain)) <= UNIX_PATH_LIMIT:
            return plain
        return Path(tempfile.gettempdir()) / f"carbon-{os.geteuid()}-{self._settings.tag}.sock"

    def _call(self, method: str, *arguments: Any) -> Any:
        transport = SupervisorTransport(None, None, f"unix://{self._socket}")
        proxy = xmlrpc.client.ServerProxy("http://localhost", transport=transport)
        try:
            return getattr(proxy.supervisor, method)(*arguments)
        except xmlrpc.client.Fault as fault:
            raise EngineError(f"supervisord refused {method}{arguments}.", cause=fault.faultString) from fault
        except (OSError, xmlrpc.client.ProtocolError) as error:
            raise TargetUnreachable(
                "The supervisor of the local platform does not answer.", cause=str(error)
            ) from error

    @property
    def pid(self) -> int | None:
        """The daemon's process id, None where it does not run."""
        try:
            pid = int(self._pid_file.read_text())
            command = psutil.Process(pid).cmdline()
        except (OSError, ValueError, psutil.Error):
            return None
        return pid if str(self._config) in command else None

    def start(self) -> None:
        """Start the daemon where it does not run; processes that a dead one left behind are stopped first."""
        if self.pid is not None:
            return
        stop_leftovers(self._settings)
        self._folder.mkdir(parents=True, exist_ok=True)
        (self._folder / "programs").mkdir(mode=0o700, exist_ok=True)
        (self._settings.state / "logs").mkdir(exist_ok=True)
        for old in (self._folder / "programs").glob("*.conf"):
            old.unlink()
        self._config.write_text(
            _DAEMON.format(folder=self._folder, socket=self._socket, logs=self._settings.state / "logs")
        )
        environment = {**os.environ, STACK_VARIABLE: str(self._settings.state)}
        command = [sys.executable, "-m", "supervisor.supervisord", "-c", str(self._config)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, cwd=self._folder)
        if done.returncode:
            raise EngineError("supervisord did not start.", cause=(done.stderr or done.stdout)[-600:])
        wait_until(lambda: bool(self._call("getState")), what="The start of supervisord", timeout=20)

    def states(self) -> dict[str, dict[str, Any]]:
        """State of every program, by name: `statename`, `pid`, `start` and what supervisord says besides."""
        if self.pid is None:
            return {}
        return {info["name"]: info for info in self._call("getAllProcessInfo")}

    def run(self, process: Process) -> None:
        """Add the process, replacing one of the same name, and start it; returns before it is ready."""
        self.remove(process.name)
        path = self._folder / "programs" / f"{process.name}.conf"
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(_program(process, self._settings))
        self._call("reloadConfig")
        self._call("addProcessGroup", process.name)
        self._call("startProcess", process.name, False)

    def remove(self, name: str) -> None:
        """Stop a process and forget it; nothing happens where there is none."""
        if name not in self.states():
            return
        if self.states()[name]["statename"] not in ENDED:
            self._call("stopProcess", name)
        (self._folder / "programs" / f"{name}.conf").unlink(missing_ok=True)
        self._call("reloadConfig")
        self._call("removeProcessGroup", name)

    def signal(self, name: str, signal: str) -> None:
        """Send a signal, named without SIG, to a running process; one that ends by it is started anew."""
        self._call("signalProcess", name, signal)

    def stop(self, on_step: Callable[[str], None]) -> None:
        """Stop every process, those that others need while they stop at the end, then the daemon."""
        pid = self.pid
        if pid is not None:
            for last in (False, True):
                self._stop_all([n for n in self._alive() if stops_last(n) == last], on_step)
            self._call("shutdown")
            wait_until(lambda: not psutil.pid_exists(pid) or _zombie(pid), what="The end of supervisord", timeout=30)
        stop_leftovers(self._settings)
        self._socket.unlink(missing_ok=True)

    def _alive(self) -> list[str]:
        return [name for name, info in self.states().items() if info["statename"] not in ENDED]

    def _stop_all(self, names: list[str], on_step: Callable[[str], None]) -> None:
        for name in names:
            on_step(f"stopping {name}")
            self._call("stopProcess", name, False)
        ended = lambda: not set(names) & set(self._alive())  # noqa: E731
        try:
            wait_until(ended, what="The end of all", timeout=ALL_AT_ONCE_SECONDS)
        except WaitTimeout:
            for pid in [info["pid"] for name, info in self.states().items() if name in names and info["pid"]]:
                _kill(pid)
            wait_until(ended, what=f"The end of {', '.join(names)}", timeout=30)


def _marked(settings: Settings) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        try:
            if process.pid != os.getpid() and process.environ().get(STACK_VARIABLE) == str(settings.state):
                found.append(process)
        except psutil.Error:
            continue  # it ended, or belongs to somebody whose environment we may not read
    return found


def marked(settings: Settings) -> list[str]:
    """Processes that carry this stack's mark, as `name (pid)`."""
    return [f"{process.as_dict(['name'])['name']} ({process.pid})" for process in _marked(settings)]


def stop_leftovers(settings: Settings) -> list[int]:
    """Stop processes that carry this stack's mark and have no living supervisor; returns their ids."""
    mine = _marked(settings)
    for process in mine:
        _signal(process.terminate)
    _, alive = psutil.wait_procs(mine, timeout=15)
    for process in alive:
        _signal(process.kill)
    psutil.wait_procs(alive, timeout=5)
    return [process.pid for process in mine]


def _signal(send: Callable[[], None]) -> None:
    try:
        send()
    except psutil.NoSuchProcess:
        return  # it ended by itself, which is what was wanted


def _kill(pid: int) -> None:
    _signal(lambda: psutil.Process(pid).kill())


def _zombie(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True


_DAEMON = """\
[unix_http_server]
file={socket}
chmod=0700
[supervisord]
logfile={logs}/supervisord.log
logfile_maxbytes=5MB
logfile_backups=1
pidfile={folder}/supervisord.pid
childlogdir={logs}
minfds=4096
[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
[include]
files = {folder}/programs/*.conf
"""


def _program(process: Process, settings: Settings) -> str:
    """The program section. `%` begins an expansion in this format, so every value doubles it."""
    environment = ",".join(f'{k}="{_escape(v)}"' for k, v in sorted(process.environment.items()))
    user = "user=nobody\n" if process.unprivileged and os.geteuid() == 0 else ""
    command = _escape(" ".join(shlex.quote(word) for word in process.command))
    return (
        f"[program:{process.name}]\ncommand={command}\ndirectory={_escape(str(process.directory))}\n{user}"
        f"environment={environment}\nautostart=false\nautorestart=true\nstartsecs=1\nstartretries=100000\n"
        f"stopsignal={process.stop_signal}\nstopwaitsecs={process.stop_seconds}\nstopasgroup=false\nkillasgroup=true\n"
        f"redirect_stderr=true\nstdout_logfile={_escape(str(settings.state / 'logs' / process.name))}.log\n"
        "stdout_logfile_maxbytes=20MB\nstdout_logfile_backups=1\n"
    )


def _escape(value: str) -> str:
    return value.replace("%", "%%").replace('"', '\\"')
