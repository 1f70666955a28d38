"""A small HTTP server that answers as a test says, for the mapping of answers to errors; contract/ has real engines."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

Answer = tuple[int, Any]


class Rested:
    """What was asked, and what is answered: by `METHOD path` without the query, or by a function of the body."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, Any]] = []
        self.answers: dict[str, Answer | list[Answer] | Callable[[Any], Answer]] = {}
        self.url = ""

    def answer(self, method: str, path: str, body: Any) -> Answer:
        self.asked.append((f"{method} {path}", body))
        known = self.answers.get(f"{method} {path.split('?')[0]}", (404, {"error_code": 40401, "message": "not found"}))
        if callable(known):
            return known(body)
        if isinstance(known, list):
            return known.pop(0) if len(known) > 1 else known[0]
        return known

    def mutations(self) -> list[str]:
        return [what for what, _ in self.asked if not what.startswith("GET")]


@pytest.fixture
def rested() -> Iterator[Rested]:
    """The server; `rested.url` is its address."""
    state = Rested()

    class Handler(BaseHTTPRequestHandler):
        def _reply(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            status, data = state.answer(self.command, self.path, body)
            payload = data if isinstance(data, bytes) else b"" if data is None else json.dumps(data).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(payload)))
            self.end_headers()
            self.wfile.write(payload)

        do_GET = do_PUT = do_POST = do_PATCH = do_DELETE = _reply

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing on the terminal."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    state.url = f"http://127.0.0.1:{server.server_port}"
    yield state
    server.shutdown()
    server.server_close()
    thread.join()
