"""The figure of storage: how it grows over days at several rates, and what there is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import plotly.graph_objects as go

from ..bench.figures import framed
from .model import Claim, Figures
from .table import Table

POINTS = 120


def storage_over_days(
    claim: Claim, figures: Figures, table: Table, rates: Sequence[float] = (1_000, 10_000, 100_000)
) -> go.Figure:
    """Storage of all brokers and backends over the days of the retention, a pair of curves a rate, in GiB.

    A curve is flat where the retention deletes as much as comes in. The dotted lines are the disks of the overlay, as
    far as they may be filled.
    """
    figure = go.Figure()
    days = np.geomspace(0.1, max(claim.kafka_days, claim.doris_days) * 1.2, POINTS)
    for rate in rates:
        at_rate = replace(claim, average=rate)
        for name, grown, dash in (("Kafka", at_rate.kafka_bytes, "solid"), ("Doris", at_rate.doris_bytes, "dash")):
            figure.add_scatter(
                x=days.tolist(), y=[grown(figures, float(d)) / 1024**3 for d in days], mode="lines",
                line={"dash": dash}, name=f"{name}, {rate:,.0f}/s",
            )  # fmt: skip
    for part, name in ((table.parts["broker"], "brokers"), (table.parts["backend"], "backends")):
        usable = part.replicas * part.storage * table.fill / 1024**3
        figure.add_hline(y=usable, line_dash="dot", annotation_text=f"{part.replicas} {name}: {usable:,.0f} GiB")
    figure.update_xaxes(title="days", type="log")
    figure.update_yaxes(title="GiB, all copies and headroom", type="log")
    return framed(figure, "Storage over days")
