"""The REST of one job's JobManager, in front of a session cluster that runs several: it shows its own job only."""

from __future__ import annotations

import http.server
import json
import threading
from typing import Any

import httpx

HOST = "127.0.0.1"
PREFIX = "/v1"
LISTS = ("/jobs/overview", "/jobs")
LOST_S = 30
HOP = ("connection", "transfer-encoding", "content-length", "content-encoding")


class RestFront:
    """A listener; what it shows is said by `show` and `show_failed`.

    Args:
        port: where it listens.
        url: REST of the session cluster.
    """

    def __init__(self, port: int, url: str) -> None:
        self.port = port
        self.url = url
        self.job_id = ""
        self._failed: dict[str, Any] = {}
        front = self

        class Handler(_Handler):
            owner = front

        self._server = http.server.ThreadingHTTPServer((HOST, port), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, name=f"front {port}", daemon=True).start()

    def show(self, job_id: str) -> None:
        """This job is the JobManager's own from now on."""
        self.job_id, self._failed = job_id, {}

    def show_failed(self, job_id: str, name: str, cause: str) -> None:
        """The program ended before it submitted a job: a JobManager then shows one that failed."""
        overview = {
            "jid": job_id, "name": name, "state": "FAILED", "start-time": 0, "end-time": 0, "duration": 0,
            "last-modification": 0, "tasks": dict.fromkeys(TASKS, 0),
        }  # fmt: skip
        entry = {
            "exceptionName": "",
            "stacktrace": cause,
            "timestamp": 0,
            "failureLabels": {},
            "concurrentExceptions": [],
        }
        self._failed = {
            "/jobs/overview": {"jobs": [overview]},
            "/jobs": {"jobs": [{"id": job_id, "status": "FAILED"}]},
            f"/jobs/{job_id}/exceptions": {"exceptionHistory": {"entries": [entry], "truncated": False}},
        }

    def stop(self) -> None:
        """End it: whoever connects is refused."""
        self._server.shutdown()
        self._server.server_close()

    def answer(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body of an answer."""
        plain = path.removeprefix(PREFIX).split("?")[0]
        if plain in self._failed:
            return 200, JSON, json.dumps(self._failed[plain]).encode()
        if plain in LISTS and not self.job_id:
            return 200, JSON, b'{"jobs":[]}'
        try:
            got = httpx.request(method, f"{self.url}{path}", content=body, headers=headers, timeout=LOST_S)
        except httpx.HTTPError as error:
            return 503, JSON, json.dumps({"errors": [str(error)]}).encode()
        content = self._own(got.json()) if plain in LISTS and got.is_success else got.content
        return got.status_code, {k: v for k, v in got.headers.items() if k.lower() not in HOP}, content

    def _own(self, answer: dict[str, Any]) -> bytes:
        own = [job for job in answer["jobs"] if self.job_id in (job.get("jid"), job.get("id"))]
        return json.dumps({"jobs": own}).encode()


TASKS = (
    "running", "canceling", "canceled", "total", "created", "scheduled", "deploying", "reconciling", "finished",
    "initializing", "failed",
)  # fmt: skip
JSON = {"Content-Type": "application/json; charset=UTF-8"}


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    owner: RestFront

    def _pass_on(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {k: v for k, v in self.headers.items() if k.lower() not in ("host", "connection", "accept-encoding")}
        status, answered, content = self.owner.answer(self.command, self.path, body, headers)
        self.send_response(status)
        for key, value in answered.items():
            self.send_header(key, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = _pass_on

    def log_message(self, *said: object) -> None:
        """Nothing: the operator asks every second."""
