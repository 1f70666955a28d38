"""What a sink has landed in an Iceberg table: each record of its topics, by its event id, against the table's rows."""

from __future__ import annotations

import html
from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

import pandas as pd
import plotly.graph_objects as go

from .._errors import shorten
from .figures import framed
from .reading import AvroDecoder
from .sinks import Given, Place, compare, sink_config

if TYPE_CHECKING:
    from ..platform import Platform

TABLES = "iceberg.tables"


@dataclass(frozen=True)
class Landed:
    """What became of the records of a sink's topics.

    Args:
        table: name of the table.
        records: in the topics when the comparison began.
        refused: those that are dead letters.
        missing: event ids, or places of records without one, that are neither in the table nor dead letters.
        doubled: event ids that the table has more often than the topics.
        days: per day of event time the records of the topics, and the rows of the table.
        commits: the table's commits, as `Iceberg.snapshots` has them.
        seconds: how long the sink took to land the last of them.
    """

    table: str
    records: int
    refused: int
    missing: Sequence[str]
    doubled: Sequence[str]
    days: pd.DataFrame
    commits: pd.DataFrame
    seconds: float

    @property
    def rows(self) -> int:
        """Rows of the table."""
        return int(self.days["rows"].sum())

    def by_day(self) -> go.Figure:
        """Rows of each day's partition; a partition that lacks rows of its topic has a gap between the bars."""
        days = [str(day) for day in self.days["day"]]
        figure = go.Figure()
        figure.add_bar(x=days, y=self.days["records"].tolist(), name="records of the topics")
        figure.add_bar(x=days, y=self.days["rows"].tolist(), name="rows of the table")
        figure.update_xaxes(title="day of event time, UTC", type="category")
        figure.update_yaxes(title="rows", type="log")
        return framed(figure, f"{self.table} by day")

    def over_time(self) -> go.Figure:
        """Rows of the table after each commit: a step a commit interval while prices flow."""
        times = [moment.isoformat() for moment in self.commits["committed_at"]]
        figure = go.Figure()
        figure.add_scatter(x=times, y=self.commits["rows"].tolist(), mode="lines+markers", line_shape="hv", name="rows")
        figure.update_xaxes(title="time of the commit, UTC")
        figure.update_yaxes(title="rows of the table")
        return framed(figure, f"{self.table} over time")

    def __repr__(self) -> str:
        lines = [
            f"{self.records} records, {self.refused} of them refused; {self.rows} rows in {self.table}",
            f"missing {len(self.missing)} {shorten(', '.join(self.missing[:5]), 200)}",
            f"there too often {len(self.doubled)} {shorten(', '.join(self.doubled[:5]), 200)}",
            f"{self.seconds:.1f} s until the last one was there",
        ]
        return "\n".join(lines)

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, Any]:
        verdict = "failed" if self.missing or self.doubled else "passed"
        text = html.escape(repr(self)).replace("\n", "<br>")
        return {"text/plain": repr(self), "text/html": f'<p class="carbon-{verdict}">{text}</p>'}


def landed(platform: Platform, connector: str, *, timeout: str | float = "2 min") -> Landed:
    """Wait until a sink has landed what its topics hold now, and compare the two.

    Args:
        platform: which one.
        connector: name of the declared sink; its config names the topics, the table and the dead-letter topic.
        timeout: longest wait; what is missing then is missing.

    Raises:
        UsageError: when no such Iceberg sink is declared.
    """
    config = sink_config(platform, connector, TABLES)
    comparison = _Comparison(platform, config)
    try:
        return comparison.run(timeout)
    finally:
        comparison.close()


class _Comparison:
    def __init__(self, platform: Platform, config: Mapping[str, str]) -> None:
        self._iceberg = platform.iceberg
        self._table = config[TABLES]
        self._days: dict[Place, date] = {}
        decode = AvroDecoder.of(platform)
        self._given = Given(platform.kafka.bootstrap_servers, config, decode, self._identify)
        self._rows = pd.DataFrame(columns=["event_id", "event_time"])
        self._commits = self._iceberg.snapshots(self._table).head(0)

    def close(self) -> None:
        self._given.close()

    def _identify(self, place: Place, record: Mapping[str, Any]) -> str:
        self._days[place] = record["event_time"].date()
        return str(record["event_id"])

    def run(self, timeout: str | float) -> Landed:
        seen = compare(self._given, self._look_at_table, timeout)
        return Landed(
            self._table, len(seen.asked), seen.refused, seen.missing, seen.doubled, self._by_day(seen.asked),
            self._commits, seen.seconds,
        )  # fmt: skip

    def _look_at_table(self, _: Mapping[Hashable, int]) -> Counter[str]:
        """How often each id is in the table, which is read where it has a new commit."""
        commits = self._iceberg.snapshots(self._table)
        if len(commits) and not commits.equals(self._commits):
            self._rows = self._iceberg.rows(self._table, ["event_id", "event_time"])
            self._commits = commits
        return Counter(self._rows["event_id"].tolist())

    def _by_day(self, records: Mapping[Place, Hashable]) -> pd.DataFrame:
        refused = self._given.refused
        sent = Counter(self._days[place] for place in records if place in self._days and place not in refused)
        there = Counter(moment.date() for moment in self._rows["event_time"])
        table = [[day, sent.get(day, 0), there.get(day, 0)] for day in sorted({*sent, *there})]
        return pd.DataFrame(table, columns=["day", "records", "rows"])
