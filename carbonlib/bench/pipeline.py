"""The topics and tables of the pipeline, by the part that each plays."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import yaml

from .._project import MANIFESTS


@dataclass(frozen=True)
class Tables:
    """Tables of Doris, with their database: enriched prices, one-minute bars, alerts."""

    prices: str
    bars: str
    alerts: str


@dataclass(frozen=True)
class DlqHeaders:
    """Names of the headers in which the dead-letter topic says why, and where the message stood."""

    reason: str
    partition: str
    offset: str


@dataclass(frozen=True)
class Pipeline:
    """Topics of the pipeline, its tables, the headers of its dead letters, and the Iceberg table of the dimension."""

    raw: str
    dlq: str
    enriched: str
    late: str
    alerts: str
    tables: Tables
    dlq_headers: DlqHeaders
    dimension: str


def load_pipeline(path: Path = MANIFESTS / "pipeline.yaml") -> Pipeline:
    """The pipeline that the manifest names."""
    data = yaml.safe_load(path.read_text(encoding="utf-8"))
    return Pipeline(
        **data["topics"],
        tables=Tables(**data["tables"]),
        dlq_headers=DlqHeaders(**data["dlq_headers"]),
        dimension=data["dimension"],
    )
