"""From bytes a message, rates and retention to how many of each part there must be. Every formula stands once, here."""

from __future__ import annotations

import html
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from .._errors import UsageError
from .table import Part, Table

DAY = 86_400


@dataclass(frozen=True)
class Figures:
    """What one message takes, in bytes, as measured on a running platform.

    Args:
        raw: in the topic of raw prices, on the disk of one replica, compressed as it is there.
        enriched: the same for the topic of enriched prices.
        row: in the table of prices, in one copy.
    """

    raw: float
    enriched: float
    row: float


@dataclass(frozen=True)
class Claim:
    """What the platform is to carry.

    Args:
        average: messages a second over all hours of the retention; storage follows from it.
        peak: messages a second at the busiest; what must be alive follows from it.
        kafka_days: retention of the topics.
        doris_days: retention of the table of prices.
        copies: replication factor of topics, and copies of a row.
        headroom: growth that must fit without a change, as a share of the whole.
    """

    average: float
    peak: float
    kafka_days: float
    doris_days: float
    copies: int = 3
    headroom: float = 0.3

    def __post_init__(self) -> None:
        positive = (self.average, self.peak, self.kafka_days, self.doris_days, self.copies)
        if min(positive) <= 0 or self.headroom < 0:
            raise UsageError(
                f"{self} cannot be reckoned with.", remedy="Rates, days and copies are above zero, headroom not below."
            )

    def kafka_bytes(self, figures: Figures, days: float | None = None) -> float:
        """Bytes on the disks of all brokers after some days: average x bytes x seconds x copies x (1 + headroom).

        After the retention they stay the same: what is older is deleted.
        """
        kept = min(self.kafka_days, self.kafka_days if days is None else days)
        return self.average * (figures.raw + figures.enriched) * kept * DAY * self._factor

    def doris_bytes(self, figures: Figures, days: float | None = None) -> float:
        """Bytes on the disks of all backends after some days, by the same formula."""
        kept = min(self.doris_days, self.doris_days if days is None else days)
        return self.average * figures.row * kept * DAY * self._factor

    @property
    def _factor(self) -> float:
        return self.copies * (1 + self.headroom)


@dataclass(frozen=True)
class Need:
    """How many of a part there must be.

    Args:
        part: the row of the table.
        wanted: how many.
        because: what decides it: copies, storage, write rate or CPU.
    """

    part: Part
    wanted: int
    because: str

    @property
    def fits(self) -> bool:
        """Whether the overlay has as many, or adds them by itself."""
        return self.wanted <= (self.part.most if self.part.scales else self.part.replicas)


class Sizing:
    """What a claim needs, part by part, against what the overlay has; renders as a table."""

    def __init__(self, claim: Claim, figures: Figures, table: Table, needs: list[Need]) -> None:
        self.claim, self.figures, self.table, self.needs = claim, figures, table, needs

    def __iter__(self) -> Iterator[Need]:
        return iter(self.needs)

    @property
    def lacking(self) -> list[str]:
        """Parts of which the overlay has too few, as `title: wanted, has`."""
        return [f"{n.part.title}: {n.wanted}, has {n.part.replicas}" for n in self.needs if not n.fits]

    def frame(self) -> pd.DataFrame:
        """One row a part: wanted, what decides it, what the overlay has and scales to, whether it fits."""
        rows = [
            [n.part.title, n.wanted, n.because, n.part.replicas, n.part.most, "yes" if n.fits else "NO"]
            for n in self.needs
        ]
        return pd.DataFrame(rows, columns=["part", "wanted", "because of", "overlay has", "scales to", "fits"])

    def most_on_average(self) -> float:
        """Messages a second on average that the disks of the overlay carry for the whole retention."""
        one = replace(self.claim, average=1.0)
        brokers, backends = self.table.parts["broker"], self.table.parts["backend"]
        return min(
            brokers.replicas * brokers.storage * self.table.fill / one.kafka_bytes(self.figures),
            backends.replicas * backends.storage * self.table.fill / one.doris_bytes(self.figures),
        )

    def __repr__(self) -> str:
        return str(self.frame().to_string(index=False))

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, Any]:
        head = "".join(f"<th>{html.escape(str(c))}</th>" for c in self.frame().columns)
        body = "".join(
            f'<tr class="carbon-{"passed" if need.fits else "failed"}">'
            + "".join(f"<td>{html.escape(str(cell))}</td>" for cell in row)
            + "</tr>"
            for need, row in zip(self.needs, self.frame().itertuples(index=False), strict=True)
        )
        page = f'<table class="carbon-status"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'
        return {"text/plain": repr(self), "text/html": page}


def reckon(claim: Claim, figures: Figures, table: Table) -> Sizing:
    """How many brokers, TaskManagers and backends the claim needs; the other parts do not grow with the rate."""
    needs = [_brokers(claim, figures, table), _taskmanagers(claim, table), _backends(claim, figures, table)]
    return Sizing(claim, figures, table, needs)


def _brokers(claim: Claim, figures: Figures, table: Table) -> Need:
    part = table.parts["broker"]
    written = claim.peak * (figures.raw + figures.enriched) * claim.copies
    return _most(
        part,
        {
            "copies": claim.copies,
            "storage": claim.kafka_bytes(figures) / (part.storage * table.fill),
            "write rate": written / table.broker_write,
        },
    )


def _backends(claim: Claim, figures: Figures, table: Table) -> Need:
    part = table.parts["backend"]
    return _most(
        part,
        {
            "copies": claim.copies,
            "storage": claim.doris_bytes(figures) / (part.storage * table.fill),
            "write rate": claim.peak * claim.copies / table.backend_rows,
        },
    )


def _taskmanagers(claim: Claim, table: Table) -> Need:
    """Each job has TaskManagers of its own: at least one, and as many as its CPU time at the peak takes."""
    part = table.parts["taskmanager"]
    each = [math.ceil(claim.peak * cpu / (part.cores * table.utilisation)) for cpu in table.job_cpu.values()]
    wanted = sum(max(1, n) for n in each)
    return Need(part, wanted, "CPU" if wanted > len(each) else "one a job")


def _most(part: Part, reasons: dict[str, float]) -> Need:
    because = max(reasons, key=lambda name: math.ceil(reasons[name]))
    return Need(part, math.ceil(reasons[because]), because)
