"""What every target can do, whatever it runs on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from ..changes import Change, Plan
from ..status import Component

if TYPE_CHECKING:
    from ..platform import Platform


class Layer(Protocol):
    """A part of the platform that is planned, applied, waited for and looked at as one."""

    name: str

    @property
    def plan(self) -> Callable[..., Plan]:
        """What must change so that the layer is as declared; some layers take options."""
        ...

    def wait(self, timeout: str | float) -> None:
        """Wait until the layer can be used."""
        ...

    def status(self) -> list[Component]:
        """What its components are doing."""
        ...


@dataclass(frozen=True)
class Member:
    """A member of a Kafka cluster, which is restarted by itself.

    Args:
        name: of its process or pod.
        node: its id in the cluster.
        votes, serves: whether it is a controller, and whether a broker; it may be both.
        revision: what it was started with, empty where it does not run.
        declared: what it would be started with now.
    """

    name: str
    node: int
    votes: bool
    serves: bool
    revision: str
    declared: str

    @property
    def outdated(self) -> bool:
        """Whether a restart would change what it runs with."""
        return self.revision != self.declared


class Target(Protocol):
    """A place where the platform runs."""

    name: str

    @property
    def secrets(self) -> Mapping[str, str]:
        """Values of secrets by name."""
        ...

    def endpoints(self) -> dict[str, Any]:
        """Addresses of the running systems; absent ones are left out."""
        ...

    def addresses(self) -> dict[str, Any]:
        """Addresses of all systems, running or not."""
        ...

    def values(self) -> dict[str, str]:
        """What the references in manifests and SQL stand for."""
        ...

    def options(self) -> set[str]:
        """Names of the options of a plan that this target understands."""
        ...

    def profile(self) -> dict[str, Any]:
        """The options as they hold now."""
        ...

    def assume(self, options: dict[str, Any]) -> Plan:
        """Take options as given from now on; the plan keeps those that are new."""
        ...

    def layers(self) -> Sequence[Layer]:
        """The layers that run processes, in the order of deployment."""
        ...

    def jobs(self, platform: Platform) -> Layer:
        """The layer of the Flink jobs."""
        ...

    def owns(self, change: Change) -> bool:
        """Whether a change is about what the target itself runs, and so is made before anything has settled."""
        ...

    def systems(self) -> set[str]:
        """The systems beside the core of the platform that are there: connectors that need others are left out."""
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

    def plan_down(self, *, purge: bool) -> Plan:
        """What a teardown would stop and remove."""
        ...

    def leftovers(self, *, purge: bool) -> list[str]:
        """What is still there after a teardown and should not be."""
        ...

    def kill(self, member: str) -> Callable[[], bool]:
        """End a member at once, without a word to it; the result tells whether another runs in its place."""
        ...

    def restart(self, member: str) -> Callable[[], bool]:
        """End a member in order and start it as it is declared now; the result tells whether it answers again."""
        ...

    def kafka_members(self) -> Sequence[Member]:
        """The members of the Kafka cluster under the current options."""
        ...

    def kafka_users(self) -> dict[str, str]:
        """Users of Kafka by the name of the secret that is their password, where it asks for one."""
        ...

    def homeless(self, layer: str) -> list[str]:
        """Members that a layer is to have more under the current options, and that would find no place, with why."""
        ...

    def preflight(self, **needs: float) -> Any:
        """Whether the target can carry the platform."""
        ...

    def log_lines(self, layer: str, words: Sequence[str], most: int) -> list[tuple[str, str]]:
        """Of the log of each process of a layer, the last lines that hold one of the words, with its name."""
        ...

    def diagnose(self) -> list[tuple[str, str]]:
        """Titles and texts that help after a failure: states and last log lines."""
        ...
