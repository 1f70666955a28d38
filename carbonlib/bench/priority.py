"""Priority of the threads that measure: on a busy machine they must run when due, or they measure themselves."""

from __future__ import annotations

import os
from contextlib import suppress

MODEST_RATE = 2_000  # events a second; above it a thread that goes before all others takes from what it measures


def favour_this_thread(rate: float) -> None:
    """Let the calling thread run before all others, where the machine grants that and the thread mostly waits.

    Threads that it starts later inherit the favour, so none may be started that could keep a processor busy. Without
    the right to it the thread goes on as it is, and the lag that every run reports tells whether that mattered.

    Args:
        rate: how many events a second the thread handles.
    """
    if rate <= MODEST_RATE and hasattr(os, "sched_setscheduler"):  # Linux
        with suppress(PermissionError):
            os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
