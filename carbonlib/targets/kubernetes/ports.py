"""Ports of this machine that forwards listen on: one process each, or several that lead to the same place.

A broker advertises a fixed port for clients outside the cluster, so a notebook, a second notebook and the command line
must all listen on it. They share it (SO_REUSEPORT: whichever accepts a connection carries it), and a file that all of
them hold locked says where it leads, so that two clusters are never mixed.
"""

from __future__ import annotations

import fcntl
import socket
from dataclasses import dataclass
from io import TextIOWrapper

from ..._errors import UsageError
from ..._files import make_folder
from ...config import settings

HOST = "127.0.0.1"
OTHER = "End what listens there, or choose another port."


@dataclass(frozen=True)
class Listener:
    """A listening socket, and the lock that is held while it does, where the port is shared."""

    socket: socket.socket
    lock: TextIOWrapper | None = None

    @property
    def port(self) -> int:
        """The local port."""
        return int(self.socket.getsockname()[1])

    def close(self) -> None:
        """Give the port back."""
        self.socket.close()
        if self.lock:
            self.lock.close()


def listen(port: int, goal: str, *, shared: bool) -> Listener:
    """Listen on a port of this machine, 0 for any that is free.

    Args:
        goal: where connections are led to, the cluster included.
        shared: other processes may listen on it too, as long as they lead to the same place.

    Raises:
        UsageError: the port is taken, or leads elsewhere.
    """
    lock = _claim(port, goal) if shared and port else None
    sock = socket.socket()
    try:
        # A port that was used a moment ago is free again, except for the rest of its old connections.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if lock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        sock.bind((HOST, port))
        sock.listen()
    except OSError as error:
        sock.close()
        if lock:
            lock.close()
        raise UsageError(
            f"Port {port} of this machine, for {goal}, cannot be listened on.", cause=str(error), remedy=OTHER
        ) from error
    return Listener(sock, lock)


def _claim(port: int, goal: str) -> TextIOWrapper:
    folder = make_folder(settings().cache / "forwards", "cache folder", "CARBON_CACHE")
    file = (folder / str(port)).open("a+", encoding="utf-8")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        file.truncate(0)
        file.write(goal)
        file.flush()
    except OSError:
        pass  # others hold it: what they wrote counts
    fcntl.flock(file, fcntl.LOCK_SH)
    file.seek(0)
    leads = file.read()
    if leads != goal:
        file.close()
        raise UsageError(
            f"Port {port} of this machine leads to {leads} for another process, and is wanted for {goal}.",
            remedy="End that process first: two clusters cannot share the port that their brokers advertise.",
        )
    return file
