"""Operations: what is done to a platform that runs, each with a plan, a guard that refuses, and a way back."""

from __future__ import annotations

from . import backup
from .brokers import BrokerCount
from .contents import Contents, contents
from .health import reasons
from .prober import Prober
from .roll import Roll
from .rotation import Certificate, Password
from .sizes import Sizes

__all__ = [
    "BrokerCount",
    "Certificate",
    "Contents",
    "Password",
    "Prober",
    "Roll",
    "Sizes",
    "backup",
    "contents",
    "reasons",
]
