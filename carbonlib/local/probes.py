"""Questions that a process can be asked from outside, and whether it answers them.

`{"http": url}` wants a page without an error, `{"tcp": port}` somebody who listens, `{"tcp": port, "ask": "hex bytes"}`
an answer to the smallest question of the process's own protocol: the system takes connections for a process that hangs,
so listening proves nothing. An empty question waits for a server that speaks first. `{"fresh": path}` wants a file that
was written a moment ago. Of several, each must be answered.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Mapping
from pathlib import Path

import httpx

FRESH_SECONDS = 20.0


def silence(probe: Mapping[str, str], timeout: float) -> str:
    """Why the process gives no answer; empty where it does."""
    try:
        if "fresh" in probe and (reason := _fresh(Path(probe["fresh"]))):
            return reason
        if "tcp" in probe and (reason := _tcp(int(probe["tcp"]), probe.get("ask"), timeout)):
            return reason
        return _http(probe["http"], timeout) if "http" in probe else ""
    except httpx.TimeoutException:
        return f"no answer within {timeout:g} s"
    except (OSError, httpx.HTTPError) as error:
        return str(error) or type(error).__name__


def _http(url: str, timeout: float) -> str:
    # The loopback address is never reached through a proxy, whatever the environment says of proxies.
    with httpx.Client(timeout=timeout, trust_env=False, verify=False) as client:
        answer = client.get(url)
    return "" if answer.is_success else f"{answer.status_code} {answer.reason_phrase}"


def _tcp(port: int, question: str | None, timeout: float) -> str:
    with socket.create_connection(("127.0.0.1", port), timeout=timeout) as connection:
        if question is None:
            return ""
        connection.sendall(bytes.fromhex(question))
        return "" if connection.recv(1) else "the connection was closed without an answer"


def _fresh(path: Path) -> str:
    age = time.time() - path.stat().st_mtime
    return "" if age < FRESH_SECONDS else f"no sign for {age:.0f} s"
