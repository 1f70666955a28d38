"""An endpoint as a real process of its own, for tests of whatever talks to Doris.

```
with Endpoint(folder) as endpoint:
    connection = endpoint.connect()
```
"""

from __future__ import annotations

import base64
import signal
import socket
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Any

import httpx
import pymysql

from ..._errors import TargetUnreachable
from ...waiting import wait_until


class Endpoint:
    """One endpoint on free ports; kept over `kill` and `start`, so that a restart finds its data and its ports.

    Args:
        folder: for data and log.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.query_port, self.http_port, self.be_port = _free_ports(3)
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def fe_url(self) -> str:
        """Address of the frontend's HTTP interface."""
        return f"http://127.0.0.1:{self.http_port}"

    @property
    def be_url(self) -> str:
        """Address of the backend's HTTP interface."""
        return f"http://127.0.0.1:{self.be_port}"

    def start(self) -> Endpoint:
        """Start the process and wait until it answers."""
        self.folder.mkdir(parents=True, exist_ok=True)
        ports = ["--query-port", self.query_port, "--http-port", self.http_port, "--be-port", self.be_port]
        command = [sys.executable, "-m", "carbonlib.local.doris", "--data", self.folder / "data", *ports]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen([str(part) for part in command], stdout=log, stderr=log)
        wait_until(self._is_settled, what="An answer of the Doris endpoint", timeout="60 s", every=0.05)
        if self.process.poll() is not None:
            self.process = None
            raise TargetUnreachable("The endpoint ended.", cause=(self.folder / "log").read_text()[-2000:])
        return self

    def _is_settled(self) -> bool:
        """Whether it answers, or will never."""
        if self.process is None or self.process.poll() is not None:
            return True
        try:
            return httpx.get(f"{self.fe_url}/api/health", timeout=2).status_code == 200
        except httpx.TransportError:
            return False

    def kill(self) -> None:
        """kill -9."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """End it in order."""
        self._end(signal.SIGTERM)

    def _end(self, how: signal.Signals) -> None:
        if self.process is not None:
            self.process.send_signal(how)
            self.process.wait(timeout=30)
            self.process = None

    def connect(self, user: str = "root", password: str = "", database: str | None = None) -> pymysql.Connection[Any]:
        """A connection by the MySQL protocol."""
        return pymysql.connect(
            host="127.0.0.1", port=self.query_port, user=user, password=password, database=database, autocommit=True
        )

    def sql(self, *statements: str, user: str = "root", password: str = "") -> tuple[tuple[Any, ...], ...]:
        """Run statements on a new connection; the rows of the last one."""
        with self.connect(user, password) as connection, connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
            return tuple(cursor.fetchall())

    def load(self, database: str, table: str, body: bytes | str, *, user: str = "root", **headers: str) -> Any:
        """Stream load at the backend; the answer as data. JSON lines unless the headers say otherwise."""
        sent = {"format": "json", "read_json_by_line": "true", **headers}
        return self.put(f"/api/{database}/{table}/_stream_load", body, user=user, **sent)

    def finish(self, database: str, operation: str, **headers: str) -> Any:
        """The second phase: commit or abort by `txn_id` or `label`."""
        return self.put(f"/api/{database}/_stream_load_2pc", b"", txn_operation=operation, **headers)

    def put(self, path: str, body: bytes | str, *, user: str = "root", password: str = "", **headers: str) -> Any:
        """PUT at the backend."""
        token = base64.b64encode(f"{user}:{password}".encode()).decode()
        url, given = f"{self.be_url}{path}", {"Authorization": f"Basic {token}", **headers}
        return httpx.put(url, content=body, headers=given, timeout=60).json()

    def __enter__(self) -> Endpoint:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def _free_ports(count: int) -> list[int]:
    held = [socket.socket() for _ in range(count)]
    try:
        for each in held:
            each.bind(("127.0.0.1", 0))
        return [int(each.getsockname()[1]) for each in held]
    finally:
        for each in held:
            each.close()
