"""A change of the dimension followed into the prices; the enricher and the databases are a thread and a dict."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest

from carbonlib._errors import UsageError, WaitTimeout
from carbonlib._project import MANIFESTS
from carbonlib.bench import refresh as module
from carbonlib.bench.follow import at_end
from carbonlib.bench.pipeline import Pipeline
from carbonlib.bench.reading import AvroDecoder
from carbonlib.bench.refresh import Step, dimension_refresh
from carbonlib.clients.iceberg_tables import load_tables

from .conftest import FakePlatform, framed

SPEC = next(s for s in load_tables(MANIFESTS / "iceberg" / "catalog.yaml").values() if s.source)


class Small:
    """A platform that enriches each price from its table; `deaf` to one kind of change, where a test says so."""

    def __init__(self, platform: FakePlatform, pipeline: Pipeline, deaf: str = "") -> None:
        self.platform, self.pipeline, self.deaf = platform, pipeline, deaf
        self.rows: dict[str, dict[str, Any]] = {}
        self.changes: list[str] = []
        self.ended = threading.Event()
        platform.postgres = SimpleNamespace(upsert=self.upsert, delete=self.delete)  # type: ignore[attr-defined]
        platform.iceberg = SimpleNamespace(tables={pipeline.dimension: SPEC}, newest=self.newest)

    def upsert(self, table: str, rows: list[dict[str, Any]]) -> datetime:
        (row,) = rows
        kind = "update" if row["commodity_code"] in self.rows else "insert"
        self.changes.append(f"{kind} {table}")
        if kind != self.deaf:
            self.rows[row["commodity_code"]] = row
        return datetime.now(UTC)

    def delete(self, table: str, key: dict[str, Any]) -> datetime:
        self.changes.append(f"delete {table}")
        self.rows.pop(key["commodity_code"], None)
        return datetime.now(UTC)

    def newest(self, name: str) -> pd.DataFrame:
        assert name == SPEC.name
        return pd.DataFrame([*self.rows.values()], columns=[f.name for f in SPEC.fields])

    def enrich(self) -> None:
        reader = at_end(self.platform.kafka.bootstrap_servers, self.pipeline.raw)
        while not self.ended.is_set():
            message = reader.poll(0.05)
            if message is None or message.error() is not None:
                continue
            code = json.loads(message.value() or b"")["commodity_code"]
            name = self.rows.get(code, {}).get("name") or ""
            # Of the fields that the small schema has, the event id carries what a real price says in its name.
            record = {"event_id": name, "commodity_code": code, "event_time": datetime.now(UTC), "price": Decimal(10)}
            self.platform._producer.produce(self.pipeline.enriched, framed(record), code)
            self.platform._producer.flush(10)
        reader.close()


@pytest.fixture
def small(platform: FakePlatform, pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch) -> Iterator[Small]:
    stage = Small(platform, pipeline)

    def decoder(platform: Any) -> Any:
        decode = AvroDecoder.of(platform)

        def described(value: bytes) -> dict[str, Any]:
            name = decode(value)["event_id"] or None
            return {"name": name, "sector": None if name is None else "TEST"}

        return described

    monkeypatch.setattr(module, "AvroDecoder", SimpleNamespace(of=decoder))
    monkeypatch.setattr(module, "TABLE_SECONDS", 0.05)
    worker = threading.Thread(target=stage.enrich)
    worker.start()
    yield stage
    stage.ended.set()
    worker.join()


def test_each_change_is_followed_into_the_prices_and_the_row_is_gone(small: Small) -> None:
    began = time.monotonic()
    found = dimension_refresh(small.platform, rate=50, timeout="20 s", pipeline=small.pipeline)  # type: ignore[arg-type]
    assert [s.change for s in found.steps] == ["insert", "update", "delete"]
    assert all(0 < s.price_s < time.monotonic() - began and s.table_s <= s.price_s and s.prices for s in found.steps)
    assert small.rows == {}
    assert small.changes == [f"{kind} {SPEC.source}" for kind in ("insert", "update", "delete", "delete")]
    assert found.worst_s == max(s.price_s for s in found.steps) and "insert" in found.note
    assert list(found.table()["change"]) == ["insert", "update", "delete"] and len(found.plot().data) == 2


def test_a_change_that_never_shows_says_how_far_it_came_and_the_row_is_gone(small: Small) -> None:
    small.deaf = "update"
    with pytest.raises(WaitTimeout, match=r"(?s)update of TEST-DIMENSION.*not even the table") as late:
        dimension_refresh(small.platform, rate=50, timeout="6 s", pipeline=small.pipeline)  # type: ignore[arg-type]
    assert late.value.notebook == "deploy-60" and small.rows == {}


def test_a_table_that_follows_nothing_cannot_be_measured(platform: FakePlatform, pipeline: Pipeline) -> None:
    platform.iceberg = SimpleNamespace(tables={})
    with pytest.raises(UsageError, match="follows no table"):
        dimension_refresh(platform, pipeline=pipeline)  # type: ignore[arg-type]


def test_a_step_not_yet_seen_has_no_figure() -> None:
    step = Step("insert", {})
    assert step.table_s != step.table_s and step.price_s != step.price_s
