"""The open-loop generator of prices: the process of `sending`, as its parent sees it.

Moments are nanoseconds of the machine's monotonic clock, which all processes share.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from types import TracebackType

import numpy as np
import numpy.typing as npt

from .._errors import EngineError, shorten
from .._project import ROOT
from ..clients.bootstrap import security_of

SEQUENCE = "carbon-sequence"  # header of each price: its number in the run, eight bytes
SENDER = "carbonlib.bench.sending"
START_AHEAD_NS = 200_000_000


@dataclass(frozen=True)
class Orders:
    """What to send.

    Args:
        bootstrap_servers, topic: where.
        rate: prices per second.
        count: prices in all.
        codes: commodity codes, taken in turn; give codes of the run's own.
        output: file for the moments of sending (`.npy`).
        security: what the brokers' listener needs of a client; taken from the servers by `Generator`.
    """

    bootstrap_servers: str
    topic: str
    rate: float
    count: int
    codes: Sequence[str]
    output: str
    security: Mapping[str, str] = field(default_factory=dict, repr=False)


class Generator:
    """The sender's process, as its parent sees it: a context that ends the process whatever happens."""

    def __init__(self, orders: Orders) -> None:
        self.orders = orders
        self.start = 0
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Generator:
        self._process = subprocess.Popen(
            [sys.executable, "-m", SENDER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True, cwd=ROOT,
        )  # fmt: skip
        security = dict(security_of(self.orders.bootstrap_servers))
        self._tell(json.dumps({**asdict(self.orders), "security": security}))
        self._expect("ready")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process is not None
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            if pipe is not None:
                pipe.close()

    def begin(self) -> int:
        """Start sending, and return the moment at which the first price is due."""
        self.start = time.monotonic_ns() + START_AHEAD_NS
        self._tell(str(self.start))
        return self.start

    def finished(self) -> npt.NDArray[np.int64]:
        """Wait for the end and return when each price was sent.

        Raises:
            EngineError: when a price was not acknowledged.
        """
        failed = json.loads(self._expect("{"))["failed"]
        if failed:
            raise EngineError("Prices of the run could not be sent.", cause=failed[0], notebook="deploy-10")
        return np.asarray(np.load(self.orders.output), dtype=np.int64)

    def _tell(self, line: str) -> None:
        assert self._process is not None and self._process.stdin is not None
        try:
            self._process.stdin.write(line + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            self._died()

    def _expect(self, beginning: str) -> str:
        assert self._process is not None and self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line.startswith(beginning):
            self._died()
        return line

    def _died(self) -> None:
        assert self._process is not None and self._process.stderr is not None
        self._process.kill()
        complaint = self._process.stderr.read()
        raise EngineError("The sender of prices ended early.", cause=shorten(complaint[-600:]), notebook="deploy-10")


def schedule(start: int, rate: float, count: int) -> npt.NDArray[np.int64]:
    """When each price was due."""
    return start + (np.arange(count) * (1e9 / rate)).astype(np.int64)
