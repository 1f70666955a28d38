"""Measuring: what arrived, how fast, at what cost; always from outside, through the doors that users have."""

from __future__ import annotations

from .arrived import Arrived, archived, indexed, loaded, rows_left
from .audit import Audit
from .badtrial import BadRecords, bad_records
from .capture import CapturedChanges, follow_changes, topic_differences
from .copies import CopiedChanges, Table, copy_differences, follow_copy, wait_for_copy
from .cpu import CpuCost, cpu_seconds, paired
from .figures import bars as bar_figure
from .flow import Flow, audit, watch
from .follow import follow
from .hops import Followed
from .landed import Landed, landed
from .latency import LatencyRun, follow_prices
from .poison import send_poison
from .queries import QueryRun, last_hours, load_queries, query_latency
from .refresh import Refresh, dimension_refresh
from .samples import Latencies

__all__ = [
    "Arrived",
    "Audit",
    "BadRecords",
    "CapturedChanges",
    "CopiedChanges",
    "CpuCost",
    "Flow",
    "Followed",
    "Landed",
    "Latencies",
    "LatencyRun",
    "QueryRun",
    "Refresh",
    "Table",
    "archived",
    "audit",
    "bad_records",
    "bar_figure",
    "copy_differences",
    "cpu_seconds",
    "dimension_refresh",
    "follow",
    "follow_changes",
    "follow_copy",
    "follow_prices",
    "indexed",
    "landed",
    "last_hours",
    "load_queries",
    "loaded",
    "paired",
    "query_latency",
    "rows_left",
    "send_poison",
    "topic_differences",
    "wait_for_copy",
    "watch",
]
