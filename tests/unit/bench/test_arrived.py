"""Records of a sink's topics against an archive, an index and a table; the topics are a mock cluster's."""

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
from carbonlib.bench import sinks as module
from carbonlib.bench.arrived import Arrived, archived, indexed, loaded
from carbonlib.clients.connectors import Connector

from .conftest import FakePlatform, framed

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


class Stage:
    """A sink of two topics, whose store holds what a test says."""

    def __init__(self, platform: FakePlatform, monkeypatch: pytest.MonkeyPatch) -> None:
        run = uuid.uuid4().hex[:8]
        self.platform: Any = platform
        self.topic, self.retry, self.dlq = f"main-{run}", f"again-{run}", f"letters-{run}"
        for topic in (self.topic, self.retry, self.dlq):
            platform._producer.list_topics(topic, timeout=10)
        self.config = {"topics": f"{self.topic},{self.retry}", "errors.deadletterqueue.topic.name": self.dlq}
        sink = Connector("sink", self.config)
        monkeypatch.setattr(module, "Connectors", lambda _: SimpleNamespace(declared=lambda: [sink]))

    def send(self, value: bytes, topic: str = "") -> None:
        self.platform.send(topic or self.topic, value, partition=0)

    def refuse(self, offset: int) -> None:
        names = {"topic": self.topic, "partition": "0", "offset": str(offset)}
        headers = {f"__connect.errors.{name}": value.encode() for name, value in names.items()}
        self.platform.send(self.dlq, b"?", headers=headers)

    def archive(self, *places: tuple[str, int]) -> Arrived:
        """Compare with an archive that holds the records of these topics and offsets."""
        self.config |= {"s3.bucket.name": "b", "topics.dir": "d"}
        rows = [[topic, 0, offset] for topic, offset in places]
        lines = pd.DataFrame(rows, columns=["kafka_topic", "kafka_partition", "kafka_offset"])
        self.platform.objectstore = SimpleNamespace(read_lines=lambda bucket, folder: lines)
        return archived(self.platform, "sink", timeout=0.1)

    def index(self, *ids: str) -> Arrived:
        """Compare with an index that holds these documents."""
        self.config |= {"document.id.field": "alert_id", "index": "i"}
        missing = lambda _, wanted: [i for i in wanted if i not in ids]  # noqa: E731
        self.platform.search = SimpleNamespace(refresh=lambda _: None, missing=missing)
        return indexed(self.platform, "sink", timeout=0.1)

    def table(self, *rows: tuple[str, str, int]) -> Arrived:
        """Compare with a table that has these keys so often."""
        self.config |= {"doris.database": "db", "doris.topic2table.map": f"{self.topic}:t,{self.retry}:t"}
        self.platform.tables["db.t"] = lambda: pd.DataFrame(rows, columns=["station", "time", "n"])
        return loaded(self.platform, "sink", ["station", "time"], timeout=0.1)


@pytest.fixture
def stage(platform: FakePlatform, monkeypatch: pytest.MonkeyPatch) -> Stage:
    return Stage(platform, monkeypatch)


def price() -> bytes:
    return framed({"event_id": "a", "commodity_code": "CL", "event_time": NOON, "price": Decimal(1)})


def test_an_archive_has_each_place_of_both_topics_once(stage: Stage) -> None:
    stage.send(price())
    stage.send(price())
    stage.send(price(), stage.retry)
    found = stage.archive((stage.topic, 0), (stage.topic, 1), (stage.retry, 0))
    assert (found.records, found.refused, found.missing, found.doubled) == (3, 0, [], [])
    assert "carbon-passed" in found._repr_mimebundle_()["text/html"]


def test_a_place_in_no_object_and_one_in_two_are_named(stage: Stage) -> None:
    stage.send(price())
    stage.send(price())
    found = stage.archive((stage.topic, 1), (stage.topic, 1))
    assert (found.missing, found.doubled) == ([str((stage.topic, 0, 0))], [str((stage.topic, 0, 1))])
    assert "carbon-failed" in found._repr_mimebundle_()["text/html"] and "1 missing" in repr(found)


def test_bytes_that_nobody_refused_are_missing(stage: Stage) -> None:
    for value in (price(), b"no avro", b"none either"):
        stage.send(value)
    stage.refuse(1)
    found = stage.archive((stage.topic, 0))
    assert (found.records, found.refused, found.missing) == (3, 1, [f"{stage.topic}-0@2"])


def test_an_index_has_a_document_for_each_alert_of_the_first_topic(stage: Stage) -> None:
    for alert in ("x", "x", "y"):
        stage.send(json.dumps({"alert_id": alert}).encode())
    stage.send(b'{"alert_id": "removed after a trial"}', stage.retry)
    assert stage.index("x", "y").missing == []
    found = stage.index("x")
    assert (found.records, found.missing, found.doubled) == (3, ["y"], [])


def test_a_table_has_a_row_for_each_key_however_its_time_is_written(stage: Stage) -> None:
    for time in ("2026-11-20 00:00:00.000", "2026-11-20 00:00:00.000", "2026-11-21 00:00:00.500"):
        stage.send(json.dumps({"station": "S", "time": time}).encode())
    first, second = ("S", "2026-11-20 00:00:00", 1), ("S", "2026-11-21 00:00:00.500000", 1)
    found = stage.table(first, second)
    assert (found.records, found.missing, found.doubled) == (3, [], [])
    assert stage.table(first).missing == [str(("S", "2026-11-21 00:00:00.5"))]
    assert stage.table(first, (*second[:2], 2)).doubled == [str(("S", "2026-11-21 00:00:00.5"))]


def test_only_a_declared_sink_of_the_kind_can_be_compared(stage: Stage) -> None:
    with pytest.raises(UsageError, match="nobody"):
        archived(stage.platform, "nobody")
    with pytest.raises(UsageError, match=r"document\.id\.field"):
        indexed(stage.platform, "sink")
