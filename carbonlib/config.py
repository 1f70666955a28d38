"""Settings of this checkout: where state lives, which ports are ours, how large the local platform is."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from ._errors import UsageError
from ._project import ROOT

DEFAULT_PORT_BASE = 29000
PORT_SPAN = 100


@dataclass(frozen=True)
class Settings:
    """What the environment says about this checkout.

    Args:
        state: folder of data, logs, secrets and the ledger (`CARBON_STATE`, default `.carbon` in the checkout).
        port_base: first of the ports that are ours (`CARBON_PORT_BASE`).
        cache: folder of unpacked engines, shared by checkouts (`CARBON_CACHE`).
    """

    state: Path
    port_base: int
    cache: Path

    @property
    def tag(self) -> str:
        """A short name of this state folder, to tell its processes from those of another checkout."""
        return hashlib.sha256(str(self.state).encode()).hexdigest()[:10]


def settings() -> Settings:
    """Read the settings from the environment.

    Raises:
        UsageError: when `CARBON_PORT_BASE` is not a usable port number.
    """
    raw = os.environ.get("CARBON_PORT_BASE", str(DEFAULT_PORT_BASE))
    if not raw.isdigit() or not 1024 <= int(raw) <= 65535 - PORT_SPAN:
        raise UsageError(
            f"CARBON_PORT_BASE={raw!r} is not a usable port.",
            remedy=f"Set a number from 1024 to {65535 - PORT_SPAN}, for example {DEFAULT_PORT_BASE}.",
        )
    state = Path(os.environ.get("CARBON_STATE", ROOT / ".carbon")).resolve()
    return Settings(state=state, port_base=int(raw), cache=_cache())


def _cache() -> Path:
    if "CARBON_CACHE" in os.environ:
        return Path(os.environ["CARBON_CACHE"]).resolve()
    if os.geteuid() == 0:
        # Databases refuse to run as root and run as another user here, who cannot look into root's home.
        return Path("/var/cache/carbon")
    return Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "carbon"
