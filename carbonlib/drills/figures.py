"""Figures that drills have in common."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go


def durations(title: str, names: Sequence[str], seconds: Mapping[str, Sequence[float]]) -> go.Figure:
    """Horizontal bars in seconds: a group for each name, in it a bar for each measure."""
    figure = go.Figure()
    for measure, values in seconds.items():
        figure.add_bar(y=names, x=values, name=measure, orientation="h")
    figure.update_layout(
        title=title, xaxis_title="seconds", barmode="group", height=140 + 50 * len(names),
        yaxis={"autorange": "reversed"},
    )  # fmt: skip
    return figure
