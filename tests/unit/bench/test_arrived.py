"""Records of a sink against an archive, an index and a table; the topics are a mock cluster, the stores are lists."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest

from carbonlib._errors import UsageError
from carbonlib.bench import archived, indexed, loaded, sinks
from carbonlib.clients.connectors import Connector

from .conftest import FakePlatform, framed

WHEN = datetime(2026, 11, 21, 0, 1, tzinfo=UTC)
KEY = ["station_id", "event_time"]


class Stage:
    """A sink of a topic and its retry topic, and stores whose content a test says."""

    def __init__(self, platform: FakePlatform, monkeypatch: pytest.MonkeyPatch) -> None:
        run = uuid.uuid4().hex[:8]
        self.platform = platform
        self.topic, self.retry, self.dlq = f"given-{run}", f"again-{run}", f"letters-{run}"
        for topic in (self.topic, self.retry, self.dlq):
            platform._producer.list_topics(topic, timeout=10)
        config = {
            "topics": f"{self.topic},{self.retry}",
            "errors.deadletterqueue.topic.name": self.dlq,
            "s3.bucket.name": "archive",
            "topics.dir": "topics",
            "document.id.field": "alert_id",
            "index": "alerts",
            "doris.database": "d",
            "doris.topic2table.map": f"{self.topic}:weather,{self.retry}:weather",
        }
        declared = [Connector("sink", config), Connector("source", {"topics": "x"})]
        monkeypatch.setattr(sinks, "Connectors", lambda _: SimpleNamespace(declared=lambda: declared))
        self.lines: list[tuple[str, int, int]] = []
        self.documents: set[str] = set()
        self.rows: list[tuple[Any, ...]] = []
        platform.objectstore = SimpleNamespace(read_lines=self._read_lines)
        platform.search = SimpleNamespace(refresh=lambda _: None, missing=self._missing)
        platform.doris = SimpleNamespace(query=lambda _: pd.DataFrame(self.rows))

    def _read_lines(self, bucket: str, folder: str) -> pd.DataFrame:
        assert (bucket, folder) == ("archive", "topics")
        return pd.DataFrame(self.lines, columns=["kafka_topic", "kafka_partition", "kafka_offset"])

    def _missing(self, index: str, ids: Any) -> list[str]:
        assert index == "alerts"
        return [i for i in ids if i not in self.documents]

    def price(self) -> None:
        record = {"event_id": "e", "commodity_code": "CL", "event_time": WHEN, "price": Decimal(1)}
        self.platform.send(self.topic, framed(record), partition=0)

    def send(self, value: dict[str, Any] | bytes, topic: str = "") -> None:
        body = value if isinstance(value, bytes) else json.dumps(value).encode()
        self.platform.send(topic or self.topic, body, partition=0)

    def letter(self, offset: int) -> None:
        names = {"topic": self.topic, "partition": "0", "offset": str(offset)}
        headers = {f"__connect.errors.{name}": value.encode() for name, value in names.items()}
        self.platform.send(self.dlq, b"?", headers=headers)


@pytest.fixture
def stage(platform: FakePlatform, monkeypatch: pytest.MonkeyPatch) -> Stage:
    return Stage(platform, monkeypatch)


def test_each_record_in_one_object_is_neither_missing_nor_doubled(stage: Stage) -> None:
    stage.price()
    stage.price()
    stage.lines = [(stage.topic, 0, 0), (stage.topic, 0, 1)]
    found = archived(stage.platform, "sink", timeout=0.1)  # type: ignore[arg-type]
    assert (found.records, found.missing, found.doubled) == (2, [], [])


def test_a_record_in_no_object_or_in_two_is_named(stage: Stage) -> None:
    stage.price()
    stage.price()
    stage.lines = [(stage.topic, 0, 1), (stage.topic, 0, 1)]
    found = archived(stage.platform, "sink", timeout=0.1)  # type: ignore[arg-type]
    assert found.missing == [str((stage.topic, 0, 0))] and found.doubled == [str((stage.topic, 0, 1))]
    assert "1 missing" in repr(found) and "carbon-failed" in found._repr_mimebundle_()["text/html"]


def test_an_alert_without_a_document_is_missing_and_a_repeated_one_is_not(stage: Stage) -> None:
    for alert in ("a", "a", "b"):
        stage.send({"alert_id": alert})
    stage.documents = {"a"}
    found = indexed(stage.platform, "sink", timeout=0.1)  # type: ignore[arg-type]
    assert (found.records, found.missing) == (3, ["b"])


def test_bytes_must_be_a_dead_letter(stage: Stage) -> None:
    stage.send(b"\x01")
    stage.send(b"\x02")
    stage.letter(0)
    found = indexed(stage.platform, "sink", timeout=0.1)  # type: ignore[arg-type]
    assert (found.refused, found.missing) == (1, [f"{stage.topic}-0@1"])


def test_what_is_sent_again_is_not_asked_for_in_index_and_table(stage: Stage) -> None:
    stage.send({"alert_id": "trial"}, stage.retry)
    assert indexed(stage.platform, "sink", timeout=0.1).records == 0  # type: ignore[arg-type]


def test_a_row_is_found_whatever_the_zeros_of_its_time(stage: Stage) -> None:
    stage.send({"station_id": "S", "event_time": "2026-11-21 00:00:00.000"})
    stage.send({"station_id": "T", "event_time": "2026-11-21 00:00:00.500"})
    stage.rows = [("S", "2026-11-21 00:00:00", 1)]
    found = loaded(stage.platform, "sink", KEY, timeout=0.1)  # type: ignore[arg-type]
    assert found.missing == [str(("T", "2026-11-21 00:00:00.5"))]


def test_a_key_with_two_rows_is_doubled(stage: Stage) -> None:
    stage.send({"station_id": "S", "event_time": "2026-11-21 00:00:00"})
    stage.rows = [("S", "2026-11-21 00:00:00", 2)]
    found = loaded(stage.platform, "sink", KEY, timeout=0.1)  # type: ignore[arg-type]
    assert len(found.doubled) == 1


def test_only_a_declared_sink_of_that_kind_can_be_compared(stage: Stage) -> None:
    with pytest.raises(UsageError, match="no sink 'source'"):
        indexed(stage.platform, "source", timeout=0.1)  # type: ignore[arg-type]
