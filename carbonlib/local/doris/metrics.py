"""Counters of the endpoint under the names that Doris uses, in Prometheus text."""

from __future__ import annotations

import threading
from bisect import insort
from collections import deque

QUANTILES = (0.75, 0.95, 0.98, 0.99, 0.999)
_WINDOW = 2000  # queries over which the latency quantiles are taken


class Metrics:
    """Numbers that only grow, and the latency of the last queries."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counters: dict[tuple[str, tuple[tuple[str, str], ...]], float] = {}
        self._recent: deque[float] = deque()
        self._sorted: list[float] = []
        self._latency_sum = 0.0
        self._latency_count = 0
        for kind in ("begin", "success", "failed", "reject"):
            self.add("doris_fe_txn_counter", 0, type=kind)
        for kind in ("begin", "commit", "rollback"):
            self.add("doris_be_stream_load_txn_request", 0, type=kind)
        for kind in ("load_rows", "receive_bytes"):
            self.add("doris_be_stream_load", 0, type=kind)
        for name in ("doris_fe_query_total", "doris_fe_query_err",
                     "doris_fe_routine_load_rows", "doris_fe_routine_load_error_rows",
                     "doris_fe_routine_load_receive_bytes", "doris_fe_routine_load_abort_task_num"):  # fmt: skip
            self.add(name, 0)

    def add(self, name: str, amount: float = 1, **labels: str) -> None:
        """Let a counter grow."""
        key = (name, tuple(sorted(labels.items())))
        with self._lock:
            self._counters[key] = self._counters.get(key, 0) + amount

    def query(self, milliseconds: float, failed: bool) -> None:
        """Note one query."""
        self.add("doris_fe_query_total")
        if failed:
            self.add("doris_fe_query_err")
        with self._lock:
            self._latency_sum += milliseconds
            self._latency_count += 1
            self._recent.append(milliseconds)
            insort(self._sorted, milliseconds)
            if len(self._recent) > _WINDOW:
                self._sorted.remove(self._recent.popleft())

    def quantile(self, share: float) -> float:
        """Latency in milliseconds below which that share of the last queries stayed."""
        with self._lock:
            return self._sorted[min(len(self._sorted) - 1, int(len(self._sorted) * share))] if self._sorted else 0.0

    def counters(self, prefix: str) -> list[str]:
        """The counters whose name starts so, as lines."""
        with self._lock:
            found = sorted((k, v) for k, v in self._counters.items() if k[0].startswith(prefix))
        lines, last = [], ""
        for (name, labels), value in found:
            if name != last:
                lines.append(f"# TYPE {name} counter")
                last = name
            lines.append(sample(name, value, **dict(labels)))
        return lines

    def latency(self) -> list[str]:
        """The query latency as a summary."""
        name = "doris_fe_query_latency_ms"
        lines = [f"# TYPE {name} summary"]
        lines += [sample(name, self.quantile(q), quantile=str(q)) for q in QUANTILES]
        return [*lines, sample(f"{name}_sum", self._latency_sum), sample(f"{name}_count", self._latency_count)]


def sample(name: str, value: float, **labels: str) -> str:
    """One line of Prometheus text."""
    inside = ",".join(f'{k}="{v}"' for k, v in labels.items())
    number = f"{value:.6g}" if isinstance(value, float) and not value.is_integer() else str(int(value))
    return f"{name}{{{inside}}} {number}" if inside else f"{name} {number}"
