"""One TCP connection to a port of a pod, through the API server: a websocket, and the pump between it and a socket.

The `kubernetes` package has a `stream.portforward` of its own. It is not used, since it replaces a method of the shared
API client while it connects (another thread's plain request would go to the websocket), and since its thread dies of a
connection reset without a word to its reader. Only its `create_websocket` is: addresses, TLS and credentials are its.

The protocol (`v4.channel.k8s.io`): every binary frame begins with the number of a channel, 0 for data and 1 for an
error's text; the first frame of each carries the port. It knows no half-close, hence `LINGER`.
"""

from __future__ import annotations

import selectors
import socket
import ssl
import struct
import time

from kubernetes.client import ApiClient
from kubernetes.stream.ws_client import create_websocket, get_websocket_url
from websocket import ABNF, WebSocketBadStatusException, WebSocketConnectionClosedException, WebSocketException

from ..._errors import EngineError

PIECE = 64 * 1024  # bytes read at once
ROOM = 1024 * 1024  # bytes kept for a receiver that is slower than the sender; then the sender waits
LINGER = 1.0  # seconds without an answer, after the client has said that it will send no more, until both sides close
PING = (
    20.0  # seconds of silence before the far end is asked for a sign of life, also so that no proxy in between closes
)
DEAD = 65.0  # seconds of silence, pings unanswered, after which the far end is taken for lost
LATER = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


class TunnelClosed(Exception):
    """The far end is gone; `reason` says why where it was not by the far end's own wish."""

    def __init__(self, reason: str = "") -> None:
        super().__init__(reason)
        self.reason = reason


class Tunnel:
    """A connection to a pod's port; bytes in and out, without blocking.

    Args:
        api: the API client of the cluster.
        namespace, pod, port: where to connect to.

    Raises:
        EngineError: when the API server refuses, or cannot be reached.
    """

    def __init__(self, api: ApiClient, namespace: str, pod: str, port: int) -> None:
        self._name, self._port = pod, port
        self._greeted: set[int] = set()
        self._outgoing = bytearray()
        self.heard = time.monotonic()
        path = f"/api/v1/namespaces/{namespace}/pods/{pod}/portforward"
        headers: dict[str, str] = {}
        api.update_params_for_auth(headers, [], ["BearerToken"], path, "GET", None)
        url = get_websocket_url(api.configuration.host + path, [("ports", str(port))])
        try:
            self._websocket = create_websocket(api.configuration, url, headers)
        except WebSocketBadStatusException as error:
            raise EngineError(
                f"The API server refuses a port-forward to {pod}:{port}: {error.status_code}.",
                cause=(error.resp_body or b"").decode(errors="replace"),
                remedy="Read the cause; a refusal for lack of rights names the verb that is needed.",
            ) from error
        except (OSError, WebSocketException) as error:
            raise EngineError(
                f"The API server cannot be reached for a port-forward to {pod}:{port}.", cause=str(error)
            ) from error
        self._websocket.sock.setblocking(False)

    def __str__(self) -> str:
        return f"{self._name}:{self._port}"

    def fileno(self) -> int:
        """The descriptor to wait on."""
        return int(self._websocket.sock.fileno())

    def pending(self) -> bool:
        """Whether something can be received that waiting on the descriptor does not show: TLS has read ahead."""
        sock = self._websocket.sock
        return isinstance(sock, ssl.SSLSocket) and sock.pending() > 0

    @property
    def unsent(self) -> int:
        """Bytes that were queued and are not on their way yet."""
        return len(self._outgoing)

    def receive(self) -> bytes:
        """The next data of the far end; empty when there is none now.

        Raises:
            TunnelClosed: when the far end has closed, or reports an error.
        """
        try:
            frame = self._websocket.recv_frame()
        except LATER:
            return b""
        except WebSocketConnectionClosedException:
            raise TunnelClosed("the API server closed the connection") from None
        except (OSError, WebSocketException) as error:
            raise TunnelClosed(str(error)) from error
        self.heard = time.monotonic()
        return self._data_of(frame.opcode, bytes(frame.data))

    def _data_of(self, opcode: int, content: bytes) -> bytes:
        if opcode == ABNF.OPCODE_CLOSE:
            raise TunnelClosed
        if opcode == ABNF.OPCODE_PING:
            self._queue(ABNF.OPCODE_PONG, content)
        if opcode != ABNF.OPCODE_BINARY:
            return b""
        channel, data = content[0], content[1:]
        if channel not in self._greeted:
            self._greeted.add(channel)
            if data != struct.pack("<H", self._port):
                raise TunnelClosed(f"the far end speaks another protocol: its first frame is {content[:16]!r}")
            return b""
        if channel == 1:
            raise TunnelClosed(data.decode(errors="replace"))
        return data

    def send(self, data: bytes) -> None:
        """Queue data for the far end; `flush` sends it."""
        self._queue(ABNF.OPCODE_BINARY, b"\0" + data)

    def ping(self) -> None:
        """Ask for a sign of life."""
        self._queue(ABNF.OPCODE_PING, b"")

    def _queue(self, opcode: int, data: bytes) -> None:
        self._outgoing += ABNF.create_frame(data, opcode).format()

    def flush(self) -> None:
        """Send as much of what is queued as can be sent now.

        Raises:
            TunnelClosed: when the connection is gone.
        """
        try:
            while self._outgoing:
                sent = self._websocket.sock.send(bytes(self._outgoing[:PIECE]))
                del self._outgoing[:sent]
        except LATER:
            return
        except OSError as error:
            raise TunnelClosed(str(error)) from error

    def close(self) -> None:
        """Close the connection at once; the API server tells the pod."""
        self._websocket.shutdown()


class Pump:
    """Carries bytes between a client's socket and a tunnel until one of them closes, or `stop` becomes readable."""

    def __init__(self, client: socket.socket, tunnel: Tunnel, stop: socket.socket) -> None:
        self._client, self._tunnel, self._stop = client, tunnel, stop
        self._incoming = bytearray()
        self._client_sends = True
        self._moved = self._asked = time.monotonic()
        client.setblocking(False)

    def run(self) -> None:
        """Carry bytes until the end.

        Raises:
            EngineError: the far end was lost, which the client must not take for a proper end.
        """
        with selectors.DefaultSelector() as selector:
            selector.register(self._stop, selectors.EVENT_READ)
            try:
                while self._turn(selector):
                    pass
            except ConnectionError:  # the client has gone: nobody to tell
                return
            except TunnelClosed as closed:
                raise EngineError(f"The connection to {self._tunnel} was lost.", cause=closed.reason) from closed

    def _turn(self, selector: selectors.BaseSelector) -> bool:
        self._wish(selector, self._client, self._client_sends and self._tunnel.unsent < ROOM, bool(self._incoming))
        room = len(self._incoming) < ROOM
        self._wish(selector, self._tunnel, room, bool(self._tunnel.unsent))
        ahead = room and self._tunnel.pending()
        ready = {key.fileobj: mask for key, mask in selector.select(0 if ahead else LINGER)}
        if self._stop in ready:
            return False
        if self._client in ready or self._tunnel in ready or ahead:
            self._moved = time.monotonic()
        if ready.get(self._client, 0) & selectors.EVENT_READ:
            self._from_client()
        if (ahead or ready.get(self._tunnel, 0) & selectors.EVENT_READ) and not self._from_pod():
            return False
        self._to_client()
        self._tunnel.flush()
        return self._alive()

    def _wish(self, selector: selectors.BaseSelector, what: socket.socket | Tunnel, read: bool, write: bool) -> None:
        wished = (selectors.EVENT_READ if read else 0) | (selectors.EVENT_WRITE if write else 0)
        known = selector.get_map().get(what)
        if known is not None and known.events == wished:
            return
        if known is not None:
            selector.unregister(what)
        if wished:
            selector.register(what, wished)

    def _from_client(self) -> None:
        try:
            data = self._client.recv(PIECE)
        except LATER:
            return
        if data:
            self._tunnel.send(data)
        else:
            self._client_sends = False

    def _from_pod(self) -> bool:
        try:
            self._incoming += self._tunnel.receive()
        except TunnelClosed as closed:
            if closed.reason:
                raise
            self._deliver()
            return False
        return True

    def _to_client(self) -> None:
        try:
            while self._incoming:
                sent = self._client.send(self._incoming[:PIECE])
                del self._incoming[:sent]
        except LATER:
            return

    def _deliver(self) -> None:
        """Give the client what is left after a proper end."""
        self._client.settimeout(DEAD)
        self._client.sendall(self._incoming)

    def _alive(self) -> bool:
        now = time.monotonic()
        if not self._client_sends and not self._tunnel.unsent and now - self._moved >= LINGER:
            return False
        silent = now - self._tunnel.heard
        if silent >= DEAD:
            raise TunnelClosed(f"nothing was heard of the far end for {silent:.0f} s")
        if silent >= PING and now - self._asked >= PING:
            self._asked = now
            self._tunnel.ping()
        return True
