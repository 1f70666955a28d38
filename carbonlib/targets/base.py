"""What every target can do, whatever it runs on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from ..changes import Plan
from ..status import Component


class Layer(Protocol):
    """A part of the platform that is planned, applied, waited for and looked at as one."""

    name: str

    def plan(self, **options: Any) -> Plan:
        """What must change so that the layer is as declared."""
        ...

    def wait(self, timeout: str | float) -> None:
        """Wait until the layer can be used."""
        ...

    def status(self) -> list[Component]:
        """What its components are doing."""
        ...


class Target(Protocol):
    """A place where the platform runs."""

    name: str
    secrets: Mapping[str, str]

    def endpoints(self) -> dict[str, Any]:
        """Addresses of the running systems; absent ones are left out."""
        ...

    def addresses(self) -> dict[str, Any]:
        """Addresses of all systems, running or not."""
        ...

    def values(self) -> dict[str, str]:
        """What the references in manifests and SQL stand for."""
        ...

    def layers(self) -> Sequence[Layer]:
        """The layers that run processes, in the order of deployment."""
        ...

    def job_references(self, name: str, text: str) -> str:
        """Keep the references of a Flink job where its JobManager can read them, and return their path."""
        ...

    def settle(self) -> None:
        """Wait until everything that was started answers; called before anything that needs it."""
        ...

    def down(self, *, purge: bool, on_step: Callable[[str], None]) -> None:
        """Take down exactly what was created."""
        ...

    def diagnose(self) -> list[tuple[str, str]]:
        """Titles and texts that help after a failure: states and last log lines."""
        ...
