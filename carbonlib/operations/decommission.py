"""Doris backends that are to go: their tablets move to the others first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._errors import ApplyError, EngineError, UsageError, WaitTimeout
from ..changes import Change, Plan
from ..waiting import wait_until

if TYPE_CHECKING:
    from ..platform import Platform

EMPTIED = "60 min"


class Backends:
    """The backends of a Doris.

    Args:
        platform: whose.
    """

    def __init__(self, platform: Platform) -> None:
        self._platform = platform

    def _rows(self) -> list[dict[str, object]]:
        return [dict(row) for row in self._platform.doris_root.rows("SHOW BACKENDS")]

    def tablets(self) -> dict[str, int]:
        """Tablets by backend, `host:port` of its heartbeat."""
        return {_address(row): int(str(row["TabletNum"])) for row in self._rows()}

    def plan(self, count: int) -> Plan:
        """Backends to empty, so that `count` are left: the last ones, as a StatefulSet takes them away.

        Raises:
            UsageError: a table has more replicas than there would be backends.
        """
        rows = sorted(self._rows(), key=_ordinal)
        leaving = [_address(row) for row in rows[count:]]
        if not leaving:
            return Plan()
        replicas = int(self._platform.values().get("doris.replication_num", "1"))
        if count < replicas:
            raise UsageError(
                f"Tables have {replicas} replicas, and {count} backends would be left.",
                remedy="Keep at least as many backends as replicas.",
            )
        return Plan(Change(f"backend/{a}", "update", "serving", "decommissioned", lambda a=a: self._empty(a))  # type: ignore[misc]
                    for a in leaving)  # fmt: skip

    def _empty(self, address: str) -> None:
        """Decommission a backend, wait until it holds no tablet, and have the frontends forget it."""
        self._platform.doris_root.execute(f"ALTER SYSTEM DECOMMISSION BACKEND '{address}'")

        def probe() -> bool:
            left = self.tablets().get(address, 0)  # one that is empty is dropped by the frontend itself
            if left:
                raise EngineError(f"{left} tablets are left")
            return True

        try:
            wait_until(probe, what=f"Backend {address} empty", timeout=EMPTIED, every=2)
        except WaitTimeout as late:
            raise ApplyError(
                f"Backend {address} was not emptied.", cause=late.cause,
                remedy=f"Call it off with CANCEL DECOMMISSION BACKEND '{address}'.",
            ) from late  # fmt: skip


def _address(row: dict[str, object]) -> str:
    return f"{row['Host']}:{row['HeartbeatPort']}"


def _ordinal(row: dict[str, object]) -> tuple[int, str]:
    """By the number of the pod in the name of the host; without one, by the name."""
    name = str(row["Host"]).split(".")[0]
    number = name.rpartition("-")[2]
    return (int(number) if number.isdigit() else 0), str(row["Host"])
