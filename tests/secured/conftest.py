"""A whole platform on a Kafka as production secures it: each application has its password and its rights, no more."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

import carbonlib
from carbonlib.config import settings
from carbonlib.platform import OBJECT_LAYERS, Platform
from carbonlib.waiting import wait_until
from tests.manifests.secured import Secured, admitted, free_ports, password_of, running

from .applications import REGISTRY, WORKER, Guarded

PORT_BASE = 26000
START = "5 min"
USERS = ("carbon", "registry", "connect", "flink", "doris")
ENGINES = ("flink", "doris", "iceberg", "mariadb", "search", "objectstore", "apis", "feed")


@dataclass(frozen=True)
class Fortress:
    """The platform, and the Kafka that it uses."""

    platform: Platform
    target: Guarded
    kafka: Secured


def refused(kafka: Secured) -> list[str]:
    """What the authorizer of the broker or the controller denied, a line each."""
    lines = [line for role in ("broker", "controller") for line in kafka.log(role, lines=0).splitlines()]
    return sorted({line.partition("Principal = ")[2] for line in lines if " is Denied " in line})


@pytest.fixture(scope="session")
def fortress() -> Iterator[Fortress]:
    """Every layer deployed, as the notebooks do; the connectors and jobs run."""
    folder = Path(tempfile.mkdtemp(prefix="carbon-secured-"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CARBON_STATE", str(folder / "state"))
        patch.setenv("CARBON_PORT_BASE", str(PORT_BASE))
        (folder / "kafka").mkdir()
        with running(folder / "kafka", free_ports(6)) as kafka:
            admitted(kafka)
            target = Guarded(settings(), kafka, {f"kafka_{user}": password_of(user) for user in USERS}, free_ports(4))
            platform = Platform(target)
            try:
                _deploy(platform, target)
                yield Fortress(platform, target, kafka)
            finally:
                for name in (REGISTRY, WORKER):
                    print(f"-- {name}\n{target.log(name)}")
                print("-- refused\n" + "\n".join(refused(kafka)))
                target.stop()
                platform.down(purge=True)
                shutil.rmtree(folder, ignore_errors=True)


def _deploy(platform: Platform, target: Guarded) -> None:
    platform.apply(platform.plan("prerequisites", *ENGINES))
    target.start_registry()
    target.start_worker()
    platform.wait(*ENGINES, timeout=START)
    for name, answers in ((REGISTRY, platform.registry.reachable), (WORKER, platform.connect.reachable)):
        wait_until(answers, what=f"{name} answering", timeout=START, every=1, remedy="Read its log.")
    # Buckets first: the warehouse lies in one, which in production somebody else has made.
    for layer in ("buckets", *(kind.name for kind in OBJECT_LAYERS), "jobs"):
        platform.apply(platform.plan(layer), on_change=lambda c: print(f"  {c.action} {c.object}", flush=True))
        platform.wait(layer, timeout=START)
        if layer == "connectors":
            carbonlib.dimension.wait_for_dimension(platform, timeout=START)
