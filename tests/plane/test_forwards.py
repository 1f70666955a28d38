"""Port-forwards through the real API server: to pods that come and go, through an API server that is lost."""

from __future__ import annotations

import hashlib
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median
from typing import Any

import httpx
import psutil
import pytest

from carbonlib._errors import EngineError, UsageError
from carbonlib.targets.kubernetes import tunnel
from carbonlib.targets.kubernetes.cluster import Cluster
from carbonlib.targets.kubernetes.forwards import Forwards, inside_cluster
from carbonlib.waiting import wait_until

from .control_plane import ControlPlane
from .far_ends import far_ends, plumbed, take

WHERE = "test-forwards"
WEB, ECHO, NOBODY = 8083, 9095, 9999
BUSY = 60.0  # seconds that an answer may take on a machine that is busy with other things


def pod(name: str, **labels: str) -> dict[str, Any]:
    container = {"name": "engine", "image": "engine", "ports": [{"name": "rest", "containerPort": WEB}]}
    return {
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": name, "namespace": WHERE, "labels": {"app": "engine", **labels}},
        "spec": {"containers": [container]},
    }  # fmt: skip


def service(name: str, **spec: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "namespace": WHERE}, "spec": spec}


def ready(cluster: Cluster, *names: str) -> None:
    def probe() -> bool:
        states = [(cluster.get("Pod", n, WHERE) or {}).get("status", {}).get("conditions") or [] for n in names]
        return all(any(c["type"] == "Ready" and c["status"] == "True" for c in s) for s in states)

    wait_until(probe, what=f"{names} being ready", timeout=BUSY)


@pytest.fixture(scope="module", autouse=True)
def engines(plane: ControlPlane, cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Two ready pods and their Services; pod ports lead to servers of this machine."""
    cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": WHERE}})
    account = "ServiceAccount"
    wait_until(lambda: cluster.get(account, "default", WHERE), what="the default account", timeout=BUSY)
    folder = tmp_path_factory.mktemp("plumbing")
    with far_ends() as (web, stream), plumbed(plane, folder, {WEB: web, ECHO: stream}, WHERE):
        for name in ("engine-0", "engine-1"):
            cluster.apply(pod(name))
        ports = [{"port": 80, "targetPort": "rest"}]
        cluster.apply(service("engine", selector={"app": "engine"}, ports=ports))
        cluster.apply(service("alias", type="ExternalName", externalName=f"engine.{WHERE}.svc.cluster.local"))
        ready(cluster, "engine-0", "engine-1")
        yield
        cluster.delete("Namespace", WHERE)


@pytest.fixture
def forwards(cluster: Cluster) -> Iterator[Forwards]:
    with Forwards(cluster) as opened:
        yield opened


def get(port: int, path: str = "/5") -> bytes:
    return httpx.get(f"http://127.0.0.1:{port}{path}", timeout=BUSY, trust_env=False).content


@contextmanager
def connected(port: int) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", port), timeout=BUSY) as client:
        yield client


def greet(client: socket.socket, length: int = 0) -> None:
    """The first words of the duplex protocol: so many bytes each way at once."""
    sent = os.urandom(length)
    client.sendall(length.to_bytes(8, "big"))
    sender = threading.Thread(target=client.sendall, args=(sent,))
    sender.start()
    assert take(client, length) == bytes(length)
    sender.join()
    assert take(client, 32) == hashlib.sha256(sent).digest()


def test_a_pod_a_service_and_an_alias_are_reached_and_measured(forwards: Forwards) -> None:
    ports = [
        forwards.open(WHERE, "pod/engine-0", WEB),
        forwards.open(WHERE, "service/engine", 80),
        forwards.open(WHERE, "service/alias", 80),
    ]
    assert [get(port) for port in ports] == [b"xxxxx"] * 3
    assert forwards.open(WHERE, "service/engine", 80) == ports[1], "asked again, it is the same port"
    began = time.perf_counter()
    get(ports[1])
    fresh = time.perf_counter() - began
    with httpx.Client(base_url=f"http://127.0.0.1:{ports[0]}", timeout=BUSY, trust_env=False) as client:
        kept = median(_seconds(lambda: client.get("/5")) for _ in range(50))
        size = 16 << 20
        down = _seconds(lambda: client.get(f"/{size}"))
        body = os.urandom(size)
        began = time.perf_counter()
        assert client.post("/", content=body).text == hashlib.sha256(body).hexdigest()
        up = time.perf_counter() - began
    print(
        f"\nforward: {kept * 1e3:.1f} ms a small request, {fresh * 1e3:.0f} ms with a new connection, "
        f"{16 / down:.0f} MB/s from the pod, {16 / up:.0f} MB/s to it"
    )


def _seconds(call: Any) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def test_both_directions_flow_at_once_and_an_idle_connection_stays(
    forwards: Forwards, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tunnel, "PING", 0.1)
    monkeypatch.setattr(tunnel, "LINGER", 0.1)
    pings = []
    asked = tunnel.Tunnel.ping
    monkeypatch.setattr(tunnel.Tunnel, "ping", lambda self: (pings.append(1), asked(self)))
    with connected(forwards.open(WHERE, "pod/engine-0", ECHO)) as client:
        greet(client, 8 << 20)
        wait_until(lambda: len(pings) >= 5, what="five pings answered on an idle connection", timeout=BUSY)
        client.sendall(b"?")
        assert client.recv(1) == b"!"


def test_a_far_end_that_answers_no_pings_is_given_up(
    plane: ControlPlane, forwards: Forwards, monkeypatch: pytest.MonkeyPatch
) -> None:
    with connected(forwards.open(WHERE, "pod/engine-0", ECHO)) as client:
        greet(client)
        monkeypatch.setattr(tunnel, "PING", 0.2)
        monkeypatch.setattr(tunnel, "DEAD", 2.0)
        server = plane.processes.running("kube-apiserver")
        assert server
        server.suspend()
        try:
            with pytest.raises(ConnectionResetError):
                client.recv(1)
        finally:
            server.resume()
    assert "nothing was heard" in forwards.problem(WHERE, "pod/engine-0", ECHO)


def test_the_next_connection_goes_to_the_new_pod(cluster: Cluster, forwards: Forwards) -> None:
    port = forwards.open(WHERE, "pod/engine-1", WEB)
    assert get(port) == b"xxxxx"
    cluster.delete("Pod", "engine-1", WHERE, propagation="Background")
    wait_until(lambda: cluster.get("Pod", "engine-1", WHERE) is None, what="the pod being gone", timeout=BUSY)
    with pytest.raises(httpx.TransportError):
        get(port)
    assert "Nothing takes connections for pod engine-1" in forwards.problem(WHERE, "pod/engine-1", WEB)
    cluster.apply(pod("engine-1"))
    ready(cluster, "engine-1")
    assert get(port) == b"xxxxx"
    assert forwards.problem(WHERE, "pod/engine-1", WEB) == ""


def test_a_service_leaves_out_pods_that_are_not_ready(cluster: Cluster, forwards: Forwards) -> None:
    cluster.apply(pod("lame", role="lame", **{"carbon.test/fault": "crash-loop"}))
    ports = [{"port": 80, "targetPort": "rest"}]
    cluster.apply(service("lame", selector={"role": "lame"}, ports=ports))
    cluster.apply(service("nobody", selector={"role": "nobody"}, ports=ports))
    wait_until(lambda: _restarts(cluster, "lame") > 1, what="the pod crashing", timeout=BUSY)
    port = forwards.open(WHERE, "service/engine", 80)
    assert {get(port) for _ in range(6)} == {b"xxxxx"}, "lame carries the Service's label too"
    with pytest.raises(EngineError, match=r"Service lame(.|\n)*lame: engine CrashLoopBackOff(.|\n)*OOMKilled \(137\)"):
        forwards.open(WHERE, "service/lame", 80)
    with pytest.raises(EngineError, match=r"Service nobody(.|\n)*there is no such pod"):
        forwards.open(WHERE, "service/nobody", 80)
    with pytest.raises(EngineError, match="has no port 81"):
        forwards.open(WHERE, "service/engine", 81)
    with pytest.raises(EngineError, match="no Service missing"):
        forwards.open(WHERE, "service/missing", 80)
    with pytest.raises(UsageError, match="neither a pod nor a Service"):
        forwards.open(WHERE, "engine-0", 80)
    later = forwards.open(WHERE, "service/lame", 80, ready=False)
    with pytest.raises(httpx.TransportError):
        get(later)
    cluster.delete("Pod", "lame", WHERE, propagation="Background")


def _restarts(cluster: Cluster, name: str) -> int:
    statuses = (cluster.get("Pod", name, WHERE) or {}).get("status", {}).get("containerStatuses") or [{}]
    return int(statuses[0].get("restartCount", 0))


def test_a_lost_api_server_closes_connections_and_the_next_ones_work(plane: ControlPlane, forwards: Forwards) -> None:
    port, stream = forwards.open(WHERE, "service/engine", 80), forwards.open(WHERE, "pod/engine-0", ECHO)
    with connected(stream) as client:
        greet(client)
        plane.processes.stop("kube-apiserver")
        try:
            with pytest.raises(ConnectionResetError):
                client.recv(1)
            with pytest.raises(httpx.TransportError):
                get(port)
            assert "no answer from the API server" in forwards.problem(WHERE, "service/engine", 80)
        finally:
            plane.restart("kube-apiserver")
    assert get(port) == b"xxxxx"


def test_the_end_of_a_connection_is_passed_on(forwards: Forwards) -> None:
    """A client that sends no more still gets its answer; a port where nobody listens is reset, not ended."""
    with connected(forwards.open(WHERE, "pod/engine-0", WEB)) as client:
        client.sendall(b"GET /7 HTTP/1.1\r\nHost: engine\r\n\r\n")
        client.shutdown(socket.SHUT_WR)
        answer = b"".join(iter(lambda: client.recv(65536), b""))
    assert answer.endswith(b"\r\n\r\nxxxxxxx")
    with connected(forwards.open(WHERE, "pod/engine-0", NOBODY)) as client, pytest.raises(ConnectionResetError):
        client.recv(1)
    assert "9999" in forwards.problem(WHERE, "pod/engine-0", NOBODY)


def test_nothing_is_left_of_a_closed_forward(cluster: Cluster) -> None:
    me = psutil.Process()
    use(cluster)
    # The API client keeps connections of its own for the next call; only what comes on top of them would be a leak.
    before = me.num_fds()
    for _ in range(3):
        port = use(cluster)
    assert me.num_fds() <= before + 1
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=1)


def use(cluster: Cluster) -> int:
    """Open two forwards, use both, close them while connections are open; returns a port that is closed now."""
    with Forwards(cluster) as forwards:
        port, stream = forwards.open(WHERE, "service/engine", 80), forwards.open(WHERE, "pod/engine-0", ECHO)
        for _ in range(5):
            get(port)
        held = [socket.create_connection(("127.0.0.1", stream), timeout=BUSY) for _ in range(5)]
        for client in held:
            greet(client)
        wait_until(lambda: len(_ours()) <= 7, what="ended connections ending their threads", timeout=BUSY)
        assert len(_ours()) == 7, "two listeners, five connections"
    assert _ours() == []
    for client in held:
        with client:
            assert client.recv(1) == b""
    return port


def _ours() -> list[str]:
    return [t.name for t in threading.enumerate() if t.name.startswith("forward ")]


def test_a_taken_port_is_told(forwards: Forwards) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other, pytest.raises(UsageError, match="cannot be listened on"):
        forwards.open(WHERE, "pod/engine-0", WEB, other.getsockname()[1])
    assert forwards.open(WHERE, "pod/engine-0", WEB) > 0


def test_processes_share_a_port_that_leads_to_the_same_place(cluster: Cluster, forwards: Forwards) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = int(free.getsockname()[1])
    assert forwards.open(WHERE, "pod/engine-0", WEB, port, shared=True) == port
    with Forwards(cluster) as second:  # a lock counts for each time that a file is opened, as between processes
        assert second.open(WHERE, "pod/engine-0", WEB, port, shared=True) == port
        assert {get(port) for _ in range(4)} == {b"xxxxx"}
        with Forwards(cluster) as third:
            with pytest.raises(UsageError, match=rf"Port {port}(.|\n)*leads to pod/engine-0:{WEB}(.|\n)*pod/engine-1"):
                third.open(WHERE, "pod/engine-1", WEB, port, shared=True)
            with pytest.raises(UsageError, match="cannot be listened on"):
                third.open(WHERE, "pod/engine-1", WEB, port)
    assert get(port) == b"xxxxx"
    forwards.close()
    with Forwards(cluster) as later:
        assert later.open(WHERE, "pod/engine-1", WEB, port, shared=True) == port
        assert get(port) == b"xxxxx"


def test_a_pod_knows_that_it_is_in_the_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    assert not inside_cluster()
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.96.0.1")
    assert inside_cluster()
