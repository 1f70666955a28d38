"""Figures of latencies, bars and alerts, as plotly draws them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from .samples import Latencies

TICKS = {2: "50 %", 10: "90 %", 20: "95 %", 100: "99 %", 1000: "99.9 %", 10000: "99.99 %", 100000: "99.999 %"}
DRAWN = 2000  # points of a scatter: more only make the report heavy


def percentile_curves(latencies: Sequence[Latencies], limits_ms: Sequence[float] = ()) -> go.Figure:
    """Latency by percentile on a logarithmic axis of 1/(1-p), where the rare slow ones have room."""
    figure = go.Figure()
    for leg in latencies:
        beyond, ms = leg.curve()
        figure.add_scatter(x=beyond.tolist(), y=ms.tolist(), mode="lines", name=leg.name)
    for limit in limits_ms:
        figure.add_hline(y=limit, line_dash="dot", annotation_text=f"target {limit:g} ms")
    figure.update_xaxes(type="log", title="percentile", tickvals=list(TICKS), ticktext=list(TICKS.values()))
    figure.update_yaxes(title="latency in ms", type="log")
    return framed(figure, "Latency by percentile")


def over_time(latencies: Sequence[Latencies]) -> go.Figure:
    """Latency of each sample by the second of the run at which it was due."""
    figure = go.Figure()
    for leg in latencies:
        chosen = _thinned(len(leg.ms))
        figure.add_scatter(
            x=leg.at[chosen].tolist(), y=leg.ms[chosen].tolist(), mode="markers", name=leg.name, marker={"size": 4}
        )
    figure.update_xaxes(title="second of the run")
    figure.update_yaxes(title="latency in ms", type="log")
    return framed(figure, "Latency over time")


def bars(bar_table: pd.DataFrame, alerts: pd.DataFrame, code: str) -> go.Figure:
    """One-minute bars of a commodity as candlesticks, its alerts as marks on them.

    Args:
        bar_table: bars with the columns of the oracle's.
        alerts: alerts with the columns of the oracle's.
        code: which commodity.
    """
    own = bar_table[bar_table["commodity_code"] == code].sort_values("window_start")
    figure = go.Figure()
    prices = {f: [float(v) for v in own[f"{f}_price"]] for f in ("open", "high", "low", "close")}
    figure.add_candlestick(x=_times(own["window_start"]), **prices, name=f"{code}, one minute each")
    marks = alerts[alerts["commodity_code"] == code]
    for direction, symbol in (("UP", "triangle-up"), ("DOWN", "triangle-down")):
        chosen = marks[marks["direction"] == direction]
        figure.add_scatter(
            x=_times(chosen["event_time"]),
            y=[float(p) for p in chosen["price"]],
            text=[str(s) for s in chosen["severity"]],
            mode="markers",
            marker={"symbol": symbol, "size": 11},
            name=f"alert {direction.lower()}",
        )
    figure.update_layout(xaxis_rangeslider_visible=False)
    figure.update_xaxes(title="event time, UTC")
    figure.update_yaxes(title="price")
    return framed(figure, f"{code}: bars and alerts")


def framed(figure: go.Figure, title: str) -> go.Figure:
    """The figure in the look of all others."""
    figure.update_layout(
        title=title, template="plotly_white", height=420, margin={"l": 60, "r": 20, "t": 50, "b": 50},
        legend={"orientation": "h", "y": -0.25},
    )  # fmt: skip
    return figure


def _thinned(count: int) -> Any:
    return np.arange(count) if count <= DRAWN else np.linspace(0, count - 1, DRAWN).astype(int)


def _times(moments: pd.Series[Any]) -> list[str]:
    return [pd.Timestamp(m).isoformat() for m in moments]
