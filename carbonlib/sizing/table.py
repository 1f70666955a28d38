"""The resource table of the production overlay: what each part has, and what one of it can take."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from kubernetes.utils.quantity import parse_quantity

from .._files import read_mapping
from .._project import MANIFESTS

PATH = MANIFESTS / "kubernetes" / "resource-table.yaml"


@dataclass(frozen=True)
class Part:
    """One row.

    Args:
        title: as the table shows it.
        replicas, most: how many there are, and up to how many the runbooks or an autoscaler go.
        scales: whether more are added without anybody's doing.
        cores: CPU of one.
        storage: bytes of the volume of one, 0 where it has none.
    """

    title: str
    replicas: int
    most: int
    scales: bool
    cores: float
    storage: int


@dataclass(frozen=True)
class Table:
    """Rows by their short name, and capacities.

    Args:
        parts: the rows.
        broker_write: bytes a second that one broker takes, replication included.
        backend_rows: rows a second that one backend takes, copies included.
        fill: share of a disk that may be used.
        utilisation: share of a core that a job may use.
        job_cpu: CPU seconds a message, by job.
        sources: where each capacity comes from, in words.
    """

    parts: Mapping[str, Part]
    broker_write: float
    backend_rows: float
    fill: float
    utilisation: float
    job_cpu: Mapping[str, float]
    sources: Mapping[str, str]

    def capacities(self) -> pd.DataFrame:
        """What one of each can take, with its source."""
        rows = [[name.replace("_", " "), *text.split(": ", 1)] for name, text in self.sources.items()]
        return pd.DataFrame(rows, columns=["what", "value", "source"])


def load_table(path: Path = PATH) -> Table:
    """Read the table.

    Raises:
        UsageError: it is no YAML, or lacks one of its halves.
    """
    data = read_mapping(path, needs=("parts", "capacity"))
    capacity: dict[str, dict[str, Any]] = data["capacity"]
    value = {name: spec["value"] for name, spec in capacity.items()}
    return Table(
        parts={name: _part(row) for name, row in data["parts"].items()},
        broker_write=float(value["broker_write"]) * 1024**2,
        backend_rows=float(value["backend_rows"]),
        fill=float(value["fill"]),
        utilisation=float(value["utilisation"]),
        job_cpu={job: float(us) / 1e6 for job, us in value["job_cpu"].items()},
        sources={name: f"{_text(spec['value'])} {spec['unit']}: {spec['source']}" for name, spec in capacity.items()},
    )


def _text(value: Any) -> str:
    return ", ".join(f"{k} {v}" for k, v in value.items()) if isinstance(value, Mapping) else str(value)


def _part(row: Mapping[str, Any]) -> Part:
    return Part(
        title=row["title"], replicas=int(row["replicas"]), most=int(row["most"]), scales=bool(row.get("scales")),
        cores=float(parse_quantity(row["cpu"])), storage=int(parse_quantity(row.get("storage", 0))),
    )  # fmt: skip
