"""Records of a sink's topics against the rows of its table; the topics are a mock cluster's, the table is a list."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from decimal import Decimal
from types import SimpleNamespace

import pandas as pd
import pytest

from carbonlib._errors import UsageError
from carbonlib.bench import sinks as module
from carbonlib.bench.landed import Landed, landed
from carbonlib.clients.connectors import Connector

from .conftest import FakePlatform, framed

DAY = datetime(2026, 11, 20, 23, 59, tzinfo=UTC)
NEXT = datetime(2026, 11, 21, 0, 1, tzinfo=UTC)


class Stage:
    """A sink of two topics, and a table whose rows a test says."""

    def __init__(self, platform: FakePlatform, monkeypatch: pytest.MonkeyPatch) -> None:
        run = uuid.uuid4().hex[:8]
        self.platform = platform
        self.topic, self.retry, self.dlq = f"prices-{run}", f"again-{run}", f"letters-{run}"
        for topic in (self.topic, self.retry, self.dlq):
            platform._producer.list_topics(topic, timeout=10)
        self.rows: list[tuple[str, datetime]] = []
        config = {"topics": f"{self.topic},{self.retry}", "iceberg.tables": "m.prices"}
        config["errors.deadletterqueue.topic.name"] = self.dlq
        sink, source = Connector("sink", config), Connector("source", {"topics": "x"})
        monkeypatch.setattr(module, "Connectors", lambda _: SimpleNamespace(declared=lambda: [sink, source]))
        platform.iceberg = SimpleNamespace(rows=self._rows, snapshots=self._snapshots)

    def price(self, event_id: str, when: datetime = DAY, *, topic: str = "") -> None:
        record = {"event_id": event_id, "commodity_code": "CL", "event_time": when, "price": Decimal(1)}
        self.platform.send(topic or self.topic, framed(record), partition=0)

    def letter(self, offset: int) -> None:
        names = {"topic": self.topic, "partition": "0", "offset": str(offset)}
        headers = {f"__connect.errors.{name}": value.encode() for name, value in names.items()}
        self.platform.send(self.dlq, b"?", headers=headers)

    def compare(self) -> Landed:
        return landed(self.platform, "sink", timeout=0.1)  # type: ignore[arg-type]

    def _rows(self, table: str, columns: list[str]) -> pd.DataFrame:
        assert table == "m.prices"
        return pd.DataFrame(self.rows, columns=columns)

    def _snapshots(self, _: str) -> pd.DataFrame:
        total = len(self.rows)
        rows = [[pd.Timestamp(NEXT), total, 1, total, 1]] if total else []
        return pd.DataFrame(rows, columns=["committed_at", "rows_added", "files_added", "rows", "files"])


@pytest.fixture
def stage(platform: FakePlatform, monkeypatch: pytest.MonkeyPatch) -> Stage:
    return Stage(platform, monkeypatch)


def test_every_record_once_is_neither_missing_nor_doubled(stage: Stage) -> None:
    stage.price("a")
    stage.price("b", NEXT)
    stage.price("b", NEXT)  # sent twice by its producer: two records, two rows
    stage.price("r", topic=stage.retry)
    stage.rows = [("a", DAY), ("b", NEXT), ("b", NEXT), ("r", DAY)]
    found = stage.compare()
    assert (found.records, found.rows, found.missing, found.doubled) == (4, 4, [], [])
    assert found.days.to_numpy().tolist() == [[DAY.date(), 2, 2], [NEXT.date(), 2, 2]]
    assert len(found.by_day().data) == 2 and list(found.over_time().data[0].y) == [4]


def test_what_is_missing_and_what_is_there_twice_is_named(stage: Stage) -> None:
    for event_id in ("a", "b", "c"):
        stage.price(event_id)
    stage.rows = [("a", DAY), ("c", DAY), ("c", DAY)]
    found = stage.compare()
    assert (found.missing, found.doubled) == (["b"], ["c"])
    assert "carbon-failed" in found._repr_mimebundle_()["text/html"]


def test_a_dead_letter_is_accounted_for_and_other_bytes_are_not(stage: Stage) -> None:
    stage.price("a")
    stage.platform.send(stage.topic, b"no avro", b"\0\0\0\0\x07", partition=0)
    stage.letter(1)
    stage.rows = [("a", DAY)]
    found = stage.compare()
    assert (found.records, found.refused, found.missing) == (3, 1, [f"{stage.topic}-0@2"])


def test_an_empty_table_lacks_everything(stage: Stage) -> None:
    stage.price("a")
    assert stage.compare().missing == ["a"]


def test_only_a_declared_iceberg_sink_can_be_compared(stage: Stage) -> None:
    for name in ("source", "nobody"):
        with pytest.raises(UsageError, match=name):
            landed(stage.platform, name)  # type: ignore[arg-type]
