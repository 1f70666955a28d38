"""JSON over HTTP with a system of the platform: answers as data, refusals as errors of this library."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import httpx

from .._errors import EngineError, TargetUnreachable, shorten


@cache
def _client() -> httpx.Client:
    """One for all calls: making one costs 50 ms. No kept connections: the other side may have been restarted since."""
    return httpx.Client(limits=httpx.Limits(max_keepalive_connections=0))


class Refused(EngineError):
    """The system answered, and the answer is a refusal.

    Args:
        status: the HTTP status.
        code: the system's own error code, 0 where it gives none.
    """

    def __init__(self, message: str, *, status: int, code: int, cause: str, notebook: str | None) -> None:
        super().__init__(message, cause=cause, notebook=notebook)
        self.status = status
        self.code = code


@dataclass(frozen=True)
class Rest:
    """One REST address.

    Args:
        url: without a slash at the end.
        system: what the reader calls it.
        notebook: the runbook that brings it up.
        timeout: seconds for one answer.
    """

    url: str
    system: str
    notebook: str
    timeout: float = 30.0

    def call(self, method: str, path: str, body: Any = None, *, timeout: float | None = None) -> Any:
        """Send a request and return the answer's JSON, None for an empty one.

        Raises:
            TargetUnreachable: nothing answers.
            Refused: the system answers with an error.
            EngineError: the answer is not JSON.
        """
        try:
            answer = _client().request(method, f"{self.url}{path}", json=body, timeout=timeout or self.timeout)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            cause = f"{type(error).__name__}: {error}"
            raise TargetUnreachable(
                f"{self.system} at {self.url} does not answer.", cause=cause, notebook=self.notebook
            ) from error
        data = self._data(answer)
        if answer.is_error:
            fields = data if isinstance(data, dict) else {}
            cause = str(fields.get("message") or shorten(answer.text, 300) or answer.reason_phrase)
            code = fields.get("error_code", 0)
            raise Refused(
                f"{self.system} refused {method} {path.split('?')[0]} (HTTP {answer.status_code}).",
                status=answer.status_code,
                code=code if isinstance(code, int) else 0,
                cause=cause,
                notebook=self.notebook,
            )
        return data

    def _data(self, answer: httpx.Response) -> Any:
        if not answer.content:
            return None
        try:
            return answer.json()
        except ValueError as error:
            if answer.is_error:
                return None
            raise EngineError(
                f"{self.system} at {self.url} answered something that is not JSON.",
                cause=shorten(answer.text, 200),
                remedy="Check that the address is that of the system, and not of a proxy or another service.",
                notebook=self.notebook,
            ) from error

    def get_or_none(self, path: str) -> Any:
        """GET, or None where the system says that there is no such thing (404)."""
        try:
            return self.call("GET", path)
        except Refused as refusal:
            if refusal.status == 404:
                return None
            raise

    def answers(self, path: str) -> bool:
        """Whether the system answers this at once."""
        try:
            self.call("GET", path, timeout=3)
        except EngineError:
            return False
        except TargetUnreachable:
            return False
        return True
