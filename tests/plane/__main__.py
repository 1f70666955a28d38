"""`python -m tests.plane up|down|status|build`: a real Kubernetes control plane on this machine, by hand."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from carbonlib._errors import CarbonError
from carbonlib._project import ROOT

from . import binary
from .binary import Progress
from .stage import Stage

STATE = ROOT / ".carbon" / "plane"
PORT_BASE = 29100  # behind the ports of the local platform


def build(stage: Stage, progress: Progress, options: list[str]) -> int:
    """Build its program where it is missing, which takes minutes, and start nothing."""
    binary.build(progress)
    return 0


def up(stage: Stage, progress: Progress, options: list[str]) -> int:
    """Start what does not run, and say how to use it."""
    stage.up(progress, *options)
    print(stage.use())
    return 0


def down(stage: Stage, progress: Progress, options: list[str]) -> int:
    """Stop all of it."""
    progress("all of it is stopped" if stage.down(progress) else "nothing runs here")
    return 0


def status(stage: Stage, progress: Progress, options: list[str]) -> int:
    """What runs and how much memory it takes; exit 1 when not all of it does."""
    memory = stage.plane.memory_mib()
    for program in stage.plane.programs:
        print(f"{program.name:26}{f'{memory[program.name]:6.0f} MiB' if program.name in memory else '   down'}")
    return 0 if len(memory) == len(stage.plane.programs) else 1


def main() -> int:
    """Carry out the command; returns the exit code."""
    verbs = {"build": build, "up": up, "down": down, "status": status}
    parser = argparse.ArgumentParser(prog="python -m tests.plane", description=__doc__)
    parser.add_argument("verb", choices=verbs)
    parser.add_argument("options", nargs="*", help="sizes of the engines, as workers=2 (up --engines)")
    parser.add_argument("--state", type=Path, default=STATE, help="folder of everything it keeps")
    parser.add_argument("--port-base", type=int, default=PORT_BASE, help="first of its ports, all on 127.0.0.1")
    parser.add_argument("--engines", action=argparse.BooleanOptionalAction, help="real engines behind the pods")
    chosen = parser.parse_intermixed_args()
    began = time.monotonic()

    def progress(line: str) -> None:
        print(f"[{time.monotonic() - began:5.1f} s] {line}", flush=True)

    try:
        stage = Stage(chosen.state, chosen.port_base, engines=bool(chosen.engines))
        return verbs[chosen.verb](stage, progress, chosen.options)
    except CarbonError as error:
        print(error, file=sys.stderr)
        return error.exit_code


if __name__ == "__main__":
    sys.exit(main())
