"""Port-forwards that last: a port of this machine that leads to a pod or a Service of the cluster.

Each connection goes to a pod that is ready at that moment, so the next connection after a pod's restart reaches the new
pod. What cannot be connected is closed with a reset, as by a server that is down, and the reason is kept for `problem`.

A far end that closes is passed on by a real kubelet; some do not, so whoever reads to the end of a connection needs a
time-out or a length, as over any network.
"""

from __future__ import annotations

import copy
import itertools
import logging
import os
import select
import selectors
import socket
import struct
import threading
from contextlib import closing
from types import TracebackType

from ..._errors import CarbonError, UsageError
from .backends import backends
from .cluster import Cluster
from .ports import HOST, Listener, listen

__all__ = ["HOST", "Forwards", "inside_cluster"]

LOG = logging.getLogger(__name__)
PATIENCE = 2.0  # seconds for which a lost API server is tried again: whoever connects has a time-out of his own
ENDED = 10.0  # seconds that a connection is given to end when everything is closed
BREATH = 0.1  # seconds until the next try to accept, after one that failed
_RESET = struct.pack("ii", 1, 0)  # SO_LINGER: on, no time: the client sees a reset, not a proper end


def inside_cluster() -> bool:
    """Whether this process runs in a pod: then Services have their own addresses, and nothing needs forwarding."""
    return bool(os.environ.get("KUBERNETES_SERVICE_HOST"))


class Forwards:
    """The forwards of a process; a context manager that closes them all.

    Args:
        cluster: where the pods are.
    """

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = copy.copy(cluster)
        self._cluster._patience = PATIENCE
        self._lock = threading.Lock()
        self._open: dict[tuple[str, str, int], _Forward] = {}

    def open(
        self,
        namespace: str,
        name: str,
        port: int,
        local_port: int = 0,
        *,
        ready: bool = True,
        shared: bool = False,
    ) -> int:
        """Listen on a port of this machine that leads to a pod or a Service; asked again, it is the same port.

        Args:
            name: `pod/NAME` or `service/NAME`.
            port: of the pod, or of the Service.
            local_port: 0 takes any that is free.
            ready: whether something must take connections now; otherwise each connection finds out by itself.
            shared: other processes may forward from the local port to the same place at the same time.

        Returns:
            The local port.

        Raises:
            EngineError: nothing takes connections; it names the pods and why not.
            UsageError: the local port is taken or leads elsewhere, or the name is of another form.
        """
        key = (namespace, name, port)
        if ready:
            backends(self._cluster, *key)
        with self._lock:
            forward = self._open.get(key)
            if forward is None:
                goal = f"{name}:{port} in {namespace} of {self._cluster}"
                forward = self._open[key] = _Forward(self._cluster, *key, listen(local_port, goal, shared=shared))
        if local_port not in (0, forward.port):
            raise UsageError(f"{name}:{port} is forwarded from port {forward.port} already.", remedy="Use that one.")
        return forward.port

    def problem(self, namespace: str, name: str, port: int) -> str:
        """Why the last connection failed; empty where it did not."""
        forward = self._open.get((namespace, name, port))
        return forward.problem if forward else ""

    def close(self) -> None:
        """End every connection and every listener."""
        with self._lock:
            forwards, self._open = list(self._open.values()), {}
        for forward in forwards:
            forward.stop()
        for forward in forwards:
            forward.join()

    def __enter__(self) -> Forwards:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


class _Forward:
    """A listener and its connections, a thread each."""

    def __init__(self, cluster: Cluster, namespace: str, name: str, port: int, listener: Listener) -> None:
        self._cluster = cluster
        self._goal = (namespace, name, port)
        self._listener = listener
        listener.socket.setblocking(False)
        self.port = listener.port
        self.problem = ""
        # Closing one end makes the other readable for every thread that waits.
        self._stop, self._wake = socket.socketpair()
        self._turns = itertools.count()
        self._connections: list[threading.Thread] = []
        self._acceptor = threading.Thread(target=self._accept, name=f"forward {name}:{port}", daemon=True)
        self._acceptor.start()

    def stop(self) -> None:
        """Tell every thread to end."""
        self._wake.close()

    def join(self) -> None:
        """Wait until they have."""
        self._acceptor.join(ENDED)
        for thread in self._connections:
            thread.join(ENDED)
        self._stop.close()

    def _accept(self) -> None:
        with closing(self._listener), selectors.DefaultSelector() as selector:
            selector.register(self._listener.socket, selectors.EVENT_READ)
            selector.register(self._stop, selectors.EVENT_READ)
            while self._stop not in {key.fileobj for key, _ in selector.select()}:
                try:
                    client, (_, peer) = self._listener.socket.accept()
                except OSError as error:  # the client has left the queue, or no descriptor is free
                    self._note(str(error))
                    select.select([self._stop], [], [], BREATH)
                    continue
                name = f"forward {self._goal[1]}:{self._goal[2]} for port {peer}"
                thread = threading.Thread(target=self._serve, args=(client,), name=name, daemon=True)
                thread.start()
                self._connections = [*filter(threading.Thread.is_alive, self._connections), thread]

    def _serve(self, client: socket.socket) -> None:
        with client:
            try:
                self._carry(client)
            except CarbonError as error:
                self._note(f"{error.message} {error.cause}".rstrip())
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)

    def _carry(self, client: socket.socket) -> None:
        from .tunnel import Pump, Tunnel  # the package `kubernetes` takes half a second to load

        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        ready = backends(self._cluster, *self._goal)
        chosen = ready[next(self._turns) % len(ready)]
        tunnel = Tunnel(self._cluster.api, chosen.namespace, chosen.pod, chosen.port)
        self.problem = ""
        try:
            Pump(client, tunnel, self._stop).run()
        finally:
            tunnel.close()

    def _note(self, reason: str) -> None:
        self.problem = reason
        LOG.warning("a connection to %s:%s in %s failed: %s", self._goal[1], self._goal[2], self._goal[0], reason)
