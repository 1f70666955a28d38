"""Measuring: what arrived, how fast, at what cost; always from outside, through the doors that users have."""

from __future__ import annotations

from .audit import Audit
from .cpu import CpuCost, cpu_seconds, paired
from .figures import bars as bar_figure
from .flow import Flow, audit, watch
from .follow import follow
from .hops import Followed
from .latency import LatencyRun, follow_prices
from .poison import send_poison
from .queries import QueryRun, last_hours, load_queries, query_latency
from .samples import Latencies

__all__ = [
    "Audit",
    "CpuCost",
    "Flow",
    "Followed",
    "Latencies",
    "LatencyRun",
    "QueryRun",
    "audit",
    "bar_figure",
    "cpu_seconds",
    "follow",
    "follow_prices",
    "last_hours",
    "load_queries",
    "paired",
    "query_latency",
    "send_poison",
    "watch",
]
