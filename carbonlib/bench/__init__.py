"""Measuring: what arrived, how fast, at what cost; always from outside, through the doors that users have."""

from __future__ import annotations

from .audit import Audit
from .cpu import CpuCost, cpu_seconds, paired
from .flow import Flow, audit, watch
from .follow import Followed, follow
from .latency import LatencyRun, follow_prices
from .queries import QueryRun, load_queries, query_latency
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
    "cpu_seconds",
    "follow",
    "follow_prices",
    "load_queries",
    "paired",
    "query_latency",
    "watch",
]
