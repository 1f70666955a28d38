"""The flow of prices through the platform, read from its topics and tables, and judged by the oracle.

A `Flow` remembers what it has read, so that looking again costs only what is new. Every judgement waits for the
platform to catch up with what was in the raw topic when it was asked for, and at its deadline tells what it then sees.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Hashable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from .. import oracle
from ..oracle.alerts import ALERT_COLUMNS, ALERT_KEYS
from ..oracle.bars import BAR_COLUMNS, BAR_KEYS, MINUTE, minute_of
from ..oracle.compare import Comparison, compare, plain
from ..oracle.enriched import ENRICHED_COLUMNS
from ..oracle.prices import EPOCH, POISON_COLUMNS, PRICE_COLUMNS
from ..waiting import wait_until
from .audit import Audit, Place, place, repeated
from .hops import Followed, Hop
from .log import EVERY, Log, Row, frame_of, header, moment, position, records, shown, until, without
from .pipeline import Pipeline, load_pipeline
from .reading import RECORD_COLUMNS, AvroDecoder, TopicReader, decode_json

if TYPE_CHECKING:
    from ..platform import Platform

Where = Literal["topic", "table"]
# A quotient and a percentage are kept with six decimals: all else must be equal to the last digit.
BAR_TOLERANCES = {"vwap": 1e-6}
ALERT_TOLERANCES = {"change_pct": 1e-6}


def watch(platform: Platform, *, since: datetime | None = None, pipeline: Pipeline | None = None) -> Flow:
    """Watch the flow of prices.

    Args:
        platform: which one.
        since: leave out what was sent before this moment (with its zone); default: nothing that the topics still hold.
        pipeline: names of topics and tables, where they are not the declared ones.
    """
    return Flow(platform, since, pipeline or load_pipeline())


def audit(platform: Platform, *, since: datetime | None = None, timeout: str | float = "60 s") -> Audit:
    """Count what was lost and what is there twice, from the raw topic to the table of prices."""
    flow = watch(platform, since=since)
    try:
        return flow.audit(timeout)
    finally:
        flow.close()


class Flow:
    """See `watch`."""

    def __init__(self, platform: Platform, since: datetime | None, pipeline: Pipeline) -> None:
        self._platform = platform
        self.pipeline = pipeline

        def reader(topic: str) -> TopicReader:
            return TopicReader(platform.kafka.bootstrap_servers, topic, since=since)

        self._raw = Log(reader(pipeline.raw))
        self._enriched = Log(reader(pipeline.enriched), AvroDecoder.of(platform))
        self._late = Log(reader(pipeline.late), decode_json)
        self._alerts = Log(reader(pipeline.alerts), decode_json)
        self._dlq = Log(reader(pipeline.dlq))
        self._whole = since is None and not any(self._raw.reader.begin.values())
        self._prices: list[Row] = []
        self._poison: list[Row] = []

    def close(self) -> None:
        """Give the connections back."""
        for log in (self._raw, self._enriched, self._late, self._alerts, self._dlq):
            log.reader.close()

    # -- what was sent ----------------------------------------------------------------------------------------------

    def _read_raw(self) -> list[Row]:
        """Parse what is new in the raw topic, keep it, and return the new prices."""
        parsed = oracle.parse_raw(frame_of(self._raw.update(), RECORD_COLUMNS), self.pipeline.raw)
        new = records(parsed.prices)
        self._prices += new
        self._poison += records(parsed.poison)
        return new

    def prices(self) -> pd.DataFrame:
        """Every price that the raw topic holds, as the oracle reads it."""
        self._read_raw()
        return frame_of(self._prices, PRICE_COLUMNS)

    def poison(self) -> pd.DataFrame:
        """Position and reason of every message in the raw topic that is no price."""
        self._read_raw()
        return frame_of(self._poison, POISON_COLUMNS)

    def wait_for_prices(
        self,
        *,
        source: str | None = None,
        commodity_code: str | None = None,
        as_of: str | None = None,
        least: int = 1,
        timeout: str | float = "60 s",
    ) -> pd.DataFrame:
        """Wait until the raw topic holds that many prices of a source, a commodity, a day, and return them.

        Args:
            as_of: ISO date that the prices refer to.

        Raises:
            WaitTimeout: when they do not come in time.
        """
        wanted = {
            "source": source,
            "commodity_code": commodity_code,
            "as_of": None if as_of is None else datetime.fromisoformat(as_of),
        }
        asked = {name: value for name, value in wanted.items() if value is not None}

        def found() -> list[Row] | None:
            self._read_raw()
            rows = [p for p in self._prices if all(p[name] == value for name, value in asked.items())]
            return rows if len(rows) >= least else None

        what = f"At least {least} prices with {', '.join(f'{k} {v}' for k, v in asked.items()) or 'any content'}"
        rows = wait_until(found, what=what, timeout=timeout, every=EVERY, notebook="deploy-60")
        return frame_of(rows, PRICE_COLUMNS)

    def trace(self, event_id: str, timeout: str | float = "30 s") -> Followed:
        """What each place holds of a price, by the times that the platform itself wrote down."""
        self._read_raw()

        def look() -> Followed:
            for log in (self._enriched, self._late, self._alerts):
                log.update()
            return self._trace(event_id)

        return until(look, lambda way: not way.missing, timeout)

    def _trace(self, event_id: str) -> Followed:
        topics, tables = self.pipeline, self.pipeline.tables
        raw = next((p for p in self._prices if p["event_id"] == event_id), None)
        if raw is None:
            return Followed(event_id, [Hop(topics.raw, None)])
        code, minute = raw["commodity_code"], minute_of(raw["event_time"])
        row = self._one(tables.prices, "commodity_code = %s AND event_id = %s", [code, event_id])
        bar = self._one(tables.bars, "commodity_code = %s AND window_start = %s", [code, minute])
        enriched = next((r for r in self._enriched.rows if r["event_id"] == event_id), {})
        late = next((r for r in self._late.rows if r["event_id"] == event_id), None)
        hops = [
            Hop(topics.raw, 0, raw),
            Hop(topics.enriched, _after(raw, enriched.get("enriched_at")), enriched),
            Hop(tables.prices, _after(raw, row.get("enriched_at")), row),
            # What came too late for its bar was put aside, and that is where its way ends.
            Hop(tables.bars, None, bar) if late is None else Hop(topics.late, None, late),
        ]
        alerts = [a for a in self._alerts.rows if a["event_id"] == event_id]
        return Followed(event_id, [*hops, *(Hop(topics.alerts, _after(raw, a["detected_at"]), a) for a in alerts)])

    def _one(self, table: str, where: str, parameters: list[Any]) -> Row:
        rows = records(self._platform.doris.query(f"SELECT * FROM {table} WHERE {where}", parameters))
        return rows[0] if rows else {}

    # -- nothing lost, nothing twice --------------------------------------------------------------------------------

    def audit(self, timeout: str | float = "60 s") -> Audit:
        """Each price against the enriched topic and the table of prices, all else against the dead letters."""
        self._read_raw()
        prices, poison = list(self._prices), list(self._poison)
        ids = [p["event_id"] for p in prices]
        since = min((p["event_time"] for p in prices), default=EPOCH)
        started = time.monotonic()

        def look() -> list[Place]:
            self._enriched.update()
            self._dlq.update()
            # In this order: what is in a later place must have been in the raw topic before.
            seen = Counter(self._enriched.column("event_id")), self._stored(since), self._buried()
            self._read_raw()
            return self._places(ids, poison, seen)

        places = until(look, lambda found: not any(p.lost for p in found), timeout)
        return Audit(len(prices), len(poison), repeated(ids), places, time.monotonic() - started)

    def _places(self, ids: list[str], poison: list[Row], seen: tuple[Mapping[Any, int], ...]) -> list[Place]:
        sent: set[Hashable] | None = {p["event_id"] for p in self._prices} if self._whole else None
        dead: set[Hashable] | None = {_at(p) for p in self._poison} if self._whole else None
        topics, tables = self.pipeline, self.pipeline.tables
        return [
            place(topics.enriched, Counter(ids), seen[0], known=sent),
            # A repeated event id stays one row: that is what the key of the table is for.
            place(tables.prices, dict.fromkeys(ids, 1), seen[1], known=sent),
            place(topics.dlq, Counter(map(_at, poison)), seen[2], known=dead),
        ]

    def _stored(self, since: datetime) -> dict[str, int]:
        """Rows of each event id in the table of prices."""
        table = self.pipeline.tables.prices
        sql = f"SELECT event_id, COUNT(*) AS times FROM {table} WHERE event_time >= %s GROUP BY event_id"
        found = self._platform.doris.query(sql, [since])
        return {str(i): int(n) for i, n in zip(found["event_id"], found["times"], strict=True)}

    def _buried(self) -> Counter[tuple[int, int]]:
        """Dead letters of each position in the raw topic."""
        names = self.pipeline.dlq_headers
        return Counter(position(h, names.partition, names.offset) for h in self._dlq.column("headers"))

    def dead_letters(self) -> pd.DataFrame:
        """The dead letters: reason, position in the raw topic, and the first bytes of the message."""
        self._dlq.update()
        names = self.pipeline.dlq_headers
        rows = [
            [header(row["headers"], names.reason), *position(row["headers"], names.partition, names.offset),
             shown(row["value"])]
            for row in self._dlq.rows
        ]  # fmt: skip
        return pd.DataFrame(rows, columns=["reason", "partition", "offset", "message"], dtype=object)

    # -- rows as the oracle has them --------------------------------------------------------------------------------

    def enriched(self, timeout: str | float = "60 s") -> Comparison:
        """The rows of the enriched topic against the join that the oracle makes with the dimension as it is now."""
        self._read_raw()
        dimension = self._platform.iceberg.rows(self.pipeline.dimension)
        wanted = oracle.expected_enriched(frame_of(self._prices, PRICE_COLUMNS), dimension)
        unique = wanted.drop_duplicates("event_id", keep="last")
        ids = set(unique["event_id"])
        settled = _settled(dimension)

        def look() -> Comparison:
            self._enriched.update()
            rows = {r["event_id"]: r for r in self._enriched.rows if r["event_id"] in ids}
            older = {i for i, r in rows.items() if plain(r["enriched_at"]) < settled.get(r["commodity_code"], EPOCH)}
            judged = frame_of([r for i, r in rows.items() if i not in older], ENRICHED_COLUMNS)
            left_out = {"repeated event ids": len(wanted) - len(unique), "before the dimension changed": len(older)}
            expected = unique[~unique["event_id"].isin(older)]
            return compare(expected, judged, ["event_id"], name="enriched prices", left_out=left_out)

        return until(look, _equal, timeout)

    def bars(self, timeout: str | float = "90 s") -> Comparison:
        """The one-minute bars in the table against the oracle's.

        Late prices, which the aggregator put aside, are left out of the oracle's bars; and so is a bar whose commodity
        got another price of that minute since, as it is still growing.
        """
        self._read_raw()
        prices = list(self._prices)
        first = self._first_whole_minute()
        growing: set[tuple[Any, ...]] = set()

        def look() -> Comparison:
            found = self.bar_table(first)
            growing.update((p["commodity_code"], minute_of(p["event_time"])) for p in self._read_raw())
            self._late.update()
            kept = without(prices, self._late.column("event_id"))
            wanted = oracle.expected_bars(frame_of(kept, PRICE_COLUMNS))
            whole = wanted[wanted["window_start"] >= first]
            settled = _unlike(whole, growing)
            left_out = {
                "late prices": len(prices) - len(kept),
                "still growing": len(whole) - len(settled),
                "begun before": len(wanted) - len(whole),
            }
            return compare(settled, _unlike(found, growing), BAR_KEYS, BAR_TOLERANCES, name="bars", left_out=left_out)

        return until(look, _equal, timeout)

    def bar_table(self, since: datetime = EPOCH) -> pd.DataFrame:
        """The bars that the table holds, from a minute on."""
        sql = f"SELECT {', '.join(BAR_COLUMNS)} FROM {self.pipeline.tables.bars} WHERE window_start >= %s"
        return self._platform.doris.query(sql, [since])

    def _first_whole_minute(self) -> datetime:
        """The first minute of which the raw topic still holds everything."""
        if self._whole or not self._prices:
            return EPOCH
        heads: dict[int, datetime] = {}
        for price in self._prices:
            heads.setdefault(price["partition"], price["ingest_time"])
        return minute_of(max(heads.values())) + MINUTE

    def alerts(self, where: Where = "topic", timeout: str | float = "60 s") -> Comparison:
        """The alerts in the topic, or in the table, against those that the oracle finds in the enriched topic.

        Those of prices that came later than the detector remembers are left out on both sides: it promises none.
        """
        self._enriched.update()
        times = ("event_time", "enriched_at")
        enriched = [{**row, **{name: plain(row[name]) for name in times}} for row in self._enriched.rows]
        frame = pd.DataFrame(enriched, dtype=object)
        late = oracle.uncertain_alerts(frame)
        expected = oracle.expected_alerts(frame)
        wanted = expected[~expected["event_id"].isin(late)]
        known = {row["event_id"] for row in enriched}
        newer: set[str] = set()

        def look() -> Comparison:
            found = self.alert_rows(where)
            newer.update(row["event_id"] for row in self._enriched.update())
            certain = found[~found["event_id"].isin(late)]
            settled = certain[~certain["event_id"].isin(newer - known)]
            left_out = {
                "of newer prices": len(certain) - len(settled),
                "of late prices": max(len(found) - len(certain), len(expected) - len(wanted)),
            }
            name = f"alerts in the {where}"
            return compare(wanted, settled, ALERT_KEYS, ALERT_TOLERANCES, name=name, left_out=left_out)

        return until(look, _equal, timeout)

    def alert_rows(self, where: Where = "topic") -> pd.DataFrame:
        """The alerts that the topic, or the table, holds now."""
        columns = ["alert_id", *ALERT_COLUMNS]
        if where == "table":
            return self._platform.doris.query(f"SELECT {', '.join(columns)} FROM {self.pipeline.tables.alerts}")
        self._alerts.update()
        return frame_of([{**row, "event_time": moment(row["event_time"])} for row in self._alerts.rows], columns)


def _after(raw: Row, stamp: Any) -> float | None:
    """Milliseconds from the record's time in the raw topic to a time that a later place wrote down."""
    return None if stamp is None else float((moment(stamp) - raw["ingest_time"]).total_seconds() * 1000)


def _at(record: Row) -> Hashable:
    return record["partition"], record["offset"]


def _settled(dimension: pd.DataFrame) -> dict[str, datetime]:
    """When prices must show the newest row of each commodity that was changed: a minute after the change."""
    changes = [r for r in records(dimension) if r["updated_at"] is not None]
    times = Counter(r["commodity_code"] for r in changes)
    return {
        code: max(plain(r["updated_at"]) for r in changes if r["commodity_code"] == code) + MINUTE
        for code, count in times.items()
        if count > 1
    }


def _equal(comparison: Comparison) -> bool:
    return not comparison.differing


def _unlike(bars: pd.DataFrame, keys: set[tuple[Any, ...]]) -> pd.DataFrame:
    """The bars whose key is not among the given."""
    found = zip(bars["commodity_code"], bars["window_start"], strict=True)
    return bars[np.array([(code, plain(start)) not in keys for code, start in found], dtype=bool)]
