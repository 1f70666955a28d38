"""Servers that stand for engines behind a pod's port, and KWOK told to lead pod ports to them."""

from __future__ import annotations

import contextlib
import hashlib
import http.server
import socket
import socketserver
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import yaml

from carbonlib._project import ROOT

from .control_plane import ControlPlane

PIECE = 64 * 1024


class Far(http.server.BaseHTTPRequestHandler):
    """`GET /N` answers N bytes; `POST` answers the digest of what was sent."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        self._answer(b"x" * int(self.path[1:]))

    def do_POST(self) -> None:
        left, digest = int(self.headers["Content-Length"]), hashlib.sha256()
        while left:
            piece = self.rfile.read(min(PIECE, left))
            left -= len(piece)
            digest.update(piece)
        self._answer(digest.hexdigest().encode())

    def _answer(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *said: object) -> None:
        """Nothing: the tests look at the answers."""


def take(connection: socket.socket, length: int) -> bytes:
    """So many bytes; fewer only where the connection has ended."""
    got = bytearray()
    while len(got) < length and (piece := connection.recv(min(PIECE, length - len(got)))):
        got += piece
    return bytes(got)


def duplex(connection: socket.socket) -> None:
    """As a broker does: sends all the time, whatever comes in, and at the end says what came in; then single bytes."""
    length = int.from_bytes(take(connection, 8), "big")
    sender = threading.Thread(target=connection.sendall, args=(bytes(length),))
    sender.start()
    digest = hashlib.sha256(take(connection, length)).digest()
    sender.join()
    connection.sendall(digest)
    while connection.recv(PIECE):
        connection.sendall(b"!")


class Duplex(socketserver.BaseRequestHandler):
    """A connection of the duplex protocol."""

    def handle(self) -> None:
        # KWOK, unlike a kubelet, does not tell the far end that the client has gone.
        self.request.settimeout(300)
        with contextlib.suppress(TimeoutError, ConnectionError):
            duplex(self.request)


@contextmanager
def far_ends() -> Iterator[tuple[int, int]]:
    """The HTTP and the duplex server in a process of their own; gives their ports."""
    command = [sys.executable, "-m", "tests.plane.far_ends"]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdin
        web, stream = process.stdout.readline().split()
        yield int(web), int(stream)
        process.stdin.close()


def main() -> None:
    """Serve until standard input ends."""
    socketserver.ThreadingTCPServer.daemon_threads = True
    servers = [
        http.server.ThreadingHTTPServer(("127.0.0.1", 0), Far),
        socketserver.ThreadingTCPServer(("127.0.0.1", 0), Duplex),
    ]
    for server in servers:
        threading.Thread(target=server.serve_forever, daemon=True).start()
    print(*(server.server_address[1] for server in servers), flush=True)
    sys.stdin.read()


@contextmanager
def plumbed(plane: ControlPlane, folder: Path, ports: dict[int, int], namespace: str) -> Iterator[None]:
    """Let KWOK lead ports of every pod of a namespace to ports of this machine; it is started anew for that, twice."""
    forwards = [{"ports": [pod], "target": {"address": "127.0.0.1", "port": here}} for pod, here in ports.items()]
    plumbing = {
        "apiVersion": "kwok.x-k8s.io/v1alpha1", "kind": "ClusterPortForward", "metadata": {"name": "far-ends"},
        "spec": {"selector": {"matchNamespaces": [namespace]}, "forwards": forwards},
    }  # fmt: skip
    path = folder / "plumbing.yaml"
    path.write_text(yaml.safe_dump(plumbing), encoding="utf-8")
    plane.processes.stop("kwok")
    ControlPlane(plane.state, plane.port_base, [path]).restart("kwok")
    try:
        yield
    finally:
        plane.processes.stop("kwok")
        plane.restart("kwok")


if __name__ == "__main__":
    main()
