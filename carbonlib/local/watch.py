"""`python -m carbonlib.local.watch`: restart the local processes that run and answer no more, as a kubelet would.

A process of the stack like the others: supervisord restarts what has ended, this one ends what hangs, and has failed
connectors started again.
"""

from __future__ import annotations

import argparse
import logging
import sys
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

from .._errors import CarbonError
from ..clients.connect import Connect
from ..config import Settings, settings
from . import manifest
from .liveness import Judge, Rule, rule_of
from .probes import silence
from .restarts import Restarts, keep_restarting
from .restarts import Rule as RestartRule

LATE_SECONDS = 1.0  # later than this, and the machine was too busy for an answer to mean anything
log = logging.getLogger("watch")


class Supervision(Protocol):
    """What the watch needs of the supervisor."""

    def states(self) -> Mapping[str, Mapping[str, Any]]:
        """State of every program, by name."""
        ...

    def signal(self, name: str, signal: str) -> None:
        """Send a signal to a running process."""
        ...


class Watch:
    """Asks every process that has a rule, once a round.

    Args:
        where: of the stack.
        supervision: names the running processes, and sends them signals.
        timeout: seconds that a process has to answer.
    """

    def __init__(self, where: Settings, supervision: Supervision, timeout: float) -> None:
        self._where, self._supervision, self._timeout = where, supervision, timeout
        self._judge = Judge()

    def round(self) -> None:
        """Ask all at once; an outcome counts only where a clock beside the questions was on time."""
        states = self._supervision.states()
        asked = [(name, s, rule) for name, s in states.items() if (rule := self._rule(name, s)) is not None]
        with ThreadPoolExecutor(len(asked) + 1) as pool:
            clock = pool.submit(_lateness, self._timeout)
            reasons = list(pool.map(lambda each: silence(each[2].probe, self._timeout), asked))
            late = clock.result()
        if late > LATE_SECONDS:
            log.warning("this machine was %.1f s late: what was not answered in that time does not count", late)
            return
        for (name, state, rule), reason in zip(asked, reasons, strict=True):
            self._act(name, state, rule, reason)

    def _rule(self, name: str, state: Mapping[str, Any]) -> Rule | None:
        return rule_of(self._where, name) if state["statename"] == "RUNNING" else None

    def _act(self, name: str, state: Mapping[str, Any], rule: Rule, reason: str) -> None:
        action = self._judge.hear(name, state["pid"], state["now"] - state["start"], reason, rule)
        if action is None:
            return
        signal = rule.stop_signal if action == "stop" else "KILL"
        log.warning(
            "%s (pid %s) answers no more: %s. It gets %s and is started anew.", name, state["pid"], reason, signal
        )
        try:
            self._supervision.signal(name, signal)
        except CarbonError as error:  # it ended by itself a moment ago, or the stack is being taken down
            log.warning("%s could not be signalled: %s", name, error.cause or error.message)


def _lateness(seconds: float) -> float:
    began = time.monotonic()
    time.sleep(seconds)
    return time.monotonic() - began - seconds


def watch(where: Settings, supervision: Supervision, pulse: Path, goes_on: Callable[[], bool]) -> None:
    """Ask for as long as `goes_on` holds; each round leaves its sign in the file `pulse`."""
    rules = manifest.declared()["liveness"]
    watched = Watch(where, supervision, float(rules["timeout_s"]))
    due = time.monotonic()
    while goes_on():
        if time.monotonic() - due < LATE_SECONDS:
            try:
                watched.round()
            except CarbonError as error:
                log.warning("no look at the processes was possible: %s", error.cause or error.message)
        pulse.touch()
        due = max(due + float(rules["period_s"]), time.monotonic())
        time.sleep(max(0.0, due - time.monotonic()))


def main(argv: list[str] | None = None) -> int:
    """Watch the stack of a state folder until ended, or until the restarts of connectors have: then both begin anew."""
    from .supervision import Supervisor

    parser = argparse.ArgumentParser(prog="python -m carbonlib.local.watch", description=__doc__)
    parser.add_argument("--state", type=Path, required=True, help="state folder of the stack")
    parser.add_argument("--port-base", type=int, required=True, help="first port of the stack")
    parser.add_argument("--pulse", type=Path, required=True, help="file that is touched in every round")
    args = parser.parse_args(argv)
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(message)s", stream=sys.stdout)
    where = replace(settings(), state=args.state, port_base=args.port_base)
    rules = manifest.declared()["connector_restarts"]
    workers = Connect(f"http://127.0.0.1:{manifest.port(where, 'connect')}")
    restarts = Restarts(workers, RestartRule(**{k: v for k, v in rules.items() if k != "period_s"}))
    beside = threading.Thread(target=keep_restarting, args=(restarts, float(rules["period_s"])), daemon=True)
    beside.start()
    watch(where, Supervisor(where), args.pulse, beside.is_alive)
    return 1  # an error that nobody foresaw; supervisord starts this process again


if __name__ == "__main__":
    sys.exit(main())
