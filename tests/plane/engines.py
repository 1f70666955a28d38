"""The engines behind the pods: the processes of the local target in a folder and on ports of their own.

Only processes: topics, tables, connectors and jobs are what a deployment on the target `kubernetes` brings.
`python -m tests.plane.engines up|down [NAME=VALUE …]` does it for the folder and the ports that the environment names.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

import carbonlib
from carbonlib._errors import CarbonError, EngineError
from carbonlib._project import ROOT
from carbonlib.config import Settings, settings
from carbonlib.local.addresses import references
from carbonlib.secrets import Secrets
from carbonlib.targets.local import LAYERS, Local

START = "5 min"


class Engines:
    """The engines of one control plane.

    Args:
        state: their folder.
        port_base: first of their ports.
    """

    def __init__(self, state: Path, port_base: int) -> None:
        self.settings = Settings(state.resolve(), port_base, settings().cache)

    @property
    def environment(self) -> dict[str, str]:
        """Where they are, for a process that is to ask or change them."""
        return {"CARBON_STATE": str(self.settings.state), "CARBON_PORT_BASE": str(self.settings.port_base)}

    def exist(self) -> bool:
        """Whether they were ever started here."""
        return (self.settings.state / "supervisor").is_dir()

    def run(self, verb: str, *options: str) -> None:
        """Start or stop them, in a process of its own, whose environment says where they are.

        Raises:
            EngineError: it failed; its own words stand above.
        """
        command = [sys.executable, "-m", "tests.plane.engines", verb, *options]
        done = subprocess.run(command, env={**os.environ, **self.environment}, cwd=ROOT)
        if done.returncode:
            raise EngineError(f"The engines did not go {verb}.", remedy="Read the lines above.")

    def options(self) -> Mapping[str, Any]:
        """The options under which they run."""
        return Local(self.settings).profile()

    def references(self) -> dict[str, str]:
        """What the references in manifests and SQL stand for on their ports."""
        return references(self.settings, dict(self.options()))

    def flink_urls(self) -> list[str]:
        """REST of their session cluster's JobManagers."""
        urls: list[str] = Local(self.settings).addresses()["flink"]["urls"]
        return urls

    def pids(self) -> dict[str, int]:
        """Their processes by name."""
        return {name: state["pid"] for name, state in Local(self.settings).stack.supervisor.states().items()}

    def secrets(self) -> Secrets:
        """The values that they are started with."""
        return Local(self.settings).secrets


def main() -> int:
    """Carry out the command; returns the exit code."""
    verb, *pairs = sys.argv[1:]
    options = {name: yaml.safe_load(value) for name, value in (pair.split("=", 1) for pair in pairs)}

    try:
        platform = carbonlib.connect("local")
        if verb == "down":
            platform.down(purge=True)
            return 0
        layers = ("prerequisites", *LAYERS)
        platform.apply(
            platform.plan(*layers, **options), on_change=lambda c: print(f"  {c.action} {c.object}", flush=True)
        )
        platform.wait(*layers, timeout=START)
    except CarbonError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
