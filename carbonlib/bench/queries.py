"""Latency of the use-case queries through the MySQL protocol, in an open loop, while prices are being loaded."""

from __future__ import annotations

import re
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pymysql

from .._errors import EngineError, TargetUnreachable, UsageError
from .._project import SQL
from .figures import over_time, percentile_curves
from .generator import START_AHEAD_NS, Generator, Orders
from .latency import CODES, own_codes
from .pipeline import load_pipeline
from .priority import favour_this_thread
from .samples import Latencies, Validity, load_average, percentiles

if TYPE_CHECKING:
    from ..platform import Platform

WORKERS = 4
_PARAMETER = re.compile(r"%\((\w+)\)s")


@dataclass(frozen=True)
class Query:
    """A query of a use case, its parameters filled in when it is sent."""

    name: str
    sql: str
    parameters: Mapping[str, Any]


def last_hours(hours: float) -> dict[str, datetime]:
    """The span up to now as the queries of the use cases name it: `from_time`, `to_time` (UTC)."""
    now = datetime.now(UTC).replace(tzinfo=None)
    return {"from_time": now - timedelta(hours=hours), "to_time": now}


def load_queries(values: Mapping[str, Any], folder: Path = SQL / "doris" / "queries") -> list[Query]:
    """The queries of the use cases, each with the values of its parameters.

    Args:
        values: value of each parameter that any of the queries names as `%(name)s`.
        folder: where the queries are.

    Raises:
        UsageError: when there are no queries, or a parameter has no value.
    """
    files = sorted(folder.glob("*.sql"))
    if not files:
        raise UsageError(f"There are no queries in {folder.name}.", remedy="Check out the folder sql/doris/queries.")
    return [_query(path, values) for path in files]


def _query(path: Path, values: Mapping[str, Any]) -> Query:
    sql = path.read_text(encoding="utf-8").strip().rstrip(";")
    names = set(_PARAMETER.findall(sql))
    if names - values.keys():
        missing = ", ".join(sorted(names - values.keys()))
        raise UsageError(f"The query {path.stem} needs a value for {missing}.", remedy="Add it to the values.")
    return Query(path.stem, sql, {name: values[name] for name in names})


@dataclass(frozen=True)
class QueryRun:
    """A run of queries.

    Args:
        qps: queries per second.
        all: latencies of all queries, from the moment due to the last row read.
        each: the same by query.
        rows: rows that each query gave at last.
        lag_ms: how far the generator fell behind its schedule at most, though a connection was free.
        achieved: share of the planned rate that was reached.
        load: load average of the machine.
    """

    qps: float
    all: Latencies
    each: Sequence[Latencies]
    rows: Mapping[str, int]
    lag_ms: float
    achieved: float
    load: float

    def validity(self) -> Validity:
        """Whether the figures can be trusted."""
        return Validity(self.lag_ms, self.achieved, len(self.all.ms), self.all.p99, self.load)

    def percentiles(self) -> pd.DataFrame:
        """Percentiles of all queries and of each, in milliseconds."""
        table = percentiles([self.all, *self.each])
        table["rows"] = ["" if name not in self.rows else str(self.rows[name]) for name in table["latency in ms"]]
        return table

    def plot(self) -> go.Figure:
        """Latency by percentile."""
        return percentile_curves([self.all, *self.each])

    def timeline(self) -> go.Figure:
        """Latency over time."""
        return over_time(self.each)

    def __repr__(self) -> str:
        return f"{len(self.all.ms)} queries at {self.qps:g}/s: p95 {self.all.p95:.1f} ms, max {self.all.max:.1f} ms"


def query_latency(
    platform: Platform,
    queries: Sequence[Query],
    *,
    qps: float = 20,
    seconds: float = 20,
    warmup: float = 3,
    load_rate: float = 200,
) -> QueryRun:
    """Send the queries in turn at a fixed rate while prices are sent too, and time each from the moment it was due.

    Args:
        platform: which one.
        queries: from `load_queries`.
        qps: queries per second, over all queries.
        seconds: length of the measured part.
        warmup: seconds before it that do not count.
        load_rate: prices per second that are sent meanwhile; 0 for none.
    """
    count = int(qps * (warmup + seconds))
    schedule = _Schedule(queries, count, qps)
    with ExitStack() as stack:
        generator = stack.enter_context(_load(platform, load_rate, warmup + seconds, stack))
        connections = [stack.enter_context(_connect(platform)) for _ in range(WORKERS)]
        start = generator.begin() if generator else time.monotonic_ns() + START_AHEAD_NS
        threads = [threading.Thread(target=schedule.work, args=(c, start), daemon=True) for c in connections]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        load = load_average()
        if generator:
            generator.finished()
    return schedule.judge(int(qps * warmup), load)


def _load(
    platform: Platform, rate: float, seconds: float, stack: ExitStack
) -> AbstractContextManager[Generator | None]:
    if not rate:
        return nullcontext(None)
    folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="carbon-load-"))
    orders = Orders(
        platform.kafka.bootstrap_servers, load_pipeline().raw, rate, int(rate * seconds), own_codes("TEST-QRY", CODES),
        str(Path(folder) / "sent.npy"),
    )  # fmt: skip
    return Generator(orders)


def _connect(platform: Platform) -> pymysql.Connection[Any]:
    where = platform.endpoints()["doris"]
    password = platform.secrets[where["secret"]]
    try:
        return pymysql.connect(
            host=where["host"], port=where["query_port"], user=where["user"], password=password, autocommit=True,
            connect_timeout=10, read_timeout=60,
        )  # fmt: skip
    except pymysql.MySQLError as error:
        raise TargetUnreachable("Doris takes no connection.", cause=str(error), notebook="deploy-40") from error


@dataclass
class _Schedule:
    """The queries in turn, each due at its moment; whichever connection is free takes the next."""

    queries: Sequence[Query]
    count: int
    qps: float
    next: int = 0
    lag: int = 0
    rows: dict[str, int] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        if not self.queries or self.qps <= 0:
            raise UsageError("A run needs queries and a rate above zero.", remedy="Give for example qps=20.")
        self.done = np.zeros(self.count, dtype=np.int64)
        self.due = np.zeros(self.count, dtype=np.int64)

    def work(self, connection: pymysql.Connection[Any], start: int) -> None:
        """Send queries over one connection until none is left."""
        favour_this_thread(self.qps)
        while True:
            with self.lock:
                number, self.next = self.next, self.next + 1
            if number >= self.count or self.errors:
                return
            due = start + int(number / self.qps * 1e9)
            self.due[number] = due
            ahead = due - time.monotonic_ns()
            if ahead > 0:
                time.sleep(ahead / 1e9)
                # Only a worker that was free and still came late shows the generator's own lag.
                self.lag = max(self.lag, time.monotonic_ns() - due)
            self._ask(connection, self.queries[number % len(self.queries)])
            self.done[number] = time.monotonic_ns()

    def _ask(self, connection: pymysql.Connection[Any], query: Query) -> None:
        try:
            with connection.cursor() as cursor:
                cursor.execute(query.sql, dict(query.parameters) or None)
                self.rows[query.name] = len(cursor.fetchall())
        except pymysql.MySQLError as error:
            self.errors.append(f"{query.name}: {error}")

    def judge(self, warm: int, load: float) -> QueryRun:
        """The figures, less the first `warm` queries.

        Raises:
            EngineError: when a query failed.
        """
        if self.errors:
            raise EngineError("A query failed.", cause=self.errors[0], notebook="deploy-40")
        numbers = np.arange(self.count)

        def leg(name: str, chosen: Any) -> Latencies:
            took = (self.done[chosen] - self.due[chosen]) / 1e6
            return Latencies(name, took, (self.due[chosen] - self.due[0]) / 1e9)

        counted = numbers >= warm
        each = [leg(query.name, counted & (numbers % len(self.queries) == i)) for i, query in enumerate(self.queries)]
        took = (self.done.max() - self.due[0]) / 1e9
        achieved = min(1.0, self.count / self.qps / took)
        return QueryRun(self.qps, leg("all queries", counted), each, self.rows, self.lag / 1e6, achieved, load)
