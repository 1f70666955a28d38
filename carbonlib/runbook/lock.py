"""One run at a time on a target: a lock file that says who holds it.

The kernel's `flock` is the lock, so it ends with its process however that dies; the content is there for the reader.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from .._errors import TargetLocked


@contextmanager
def target_lock(folder: Path, target: str, run_id: str) -> Iterator[None]:
    """Hold the target while the block runs.

    Raises:
        TargetLocked: another live process holds it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(folder / f"{target}.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            owner = os.read(descriptor, 4096).decode(errors="replace")
            raise TargetLocked(f"The target {target} is in use by another run.", cause=_describe(owner)) from None
        facts = {"pid": os.getpid(), "run_id": run_id, "since": datetime.now(UTC).isoformat(timespec="seconds")}
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, json.dumps(facts).encode(), 0)
        yield
        os.ftruncate(descriptor, 0)
    finally:
        os.close(descriptor)


def _describe(owner: str) -> str:
    try:
        facts = json.loads(owner)
        return f"run {facts['run_id']}, process {facts['pid']}, since {facts['since']}"
    except (ValueError, KeyError, TypeError):
        return "the other run has only just started"
