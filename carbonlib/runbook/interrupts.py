"""Signals that ask a run to stop: raised while a notebook runs, only remembered while a report is written."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupts:
    """What has been asked: `requested` names the first signal, or is empty."""

    def __init__(self) -> None:
        self.requested = ""
        self._armed = False

    @contextmanager
    def armed(self) -> Iterator[None]:
        """Let the first signal raise `KeyboardInterrupt` inside the block."""
        self._armed = True
        try:
            yield
        finally:
            self._armed = False

    def handle(self, number: int, frame: FrameType | None) -> None:
        """The signal handler; signals after the first are ignored, since the run is already ending in order."""
        self.requested = self.requested or signal.Signals(number).name
        if self._armed:
            self._armed = False
            raise KeyboardInterrupt


@contextmanager
def interrupts() -> Iterator[Interrupts]:
    """Handle signals inside the block, and restore the former handlers after it."""
    state = Interrupts()
    if threading.current_thread() is not threading.main_thread():
        yield state  # only the main thread can have signal handlers
        return
    before = {number: signal.signal(number, state.handle) for number in _SIGNALS}
    try:
        yield state
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
