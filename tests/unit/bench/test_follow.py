from __future__ import annotations

import threading
from datetime import UTC, datetime
from decimal import Decimal

import pandas as pd
import pytest

from carbonlib._errors import UsageError
from carbonlib.bench.follow import at_end, follow
from carbonlib.bench.hops import Followed, Hop
from carbonlib.bench.pipeline import Pipeline
from carbonlib.oracle.bars import minute_of
from carbonlib.oracle.prices import at

from .conftest import FakePlatform, framed

MOCK_TIME = 1234  # what the mock cluster stamps every record with when it acknowledges it
SEED = '{"commodity_code":"CL","price":75.50,"currency":"USD"}'


def serve(platform: FakePlatform, pipeline: Pipeline, ready: threading.Event) -> None:
    """One price through a small platform: enriched topic, row and bar."""
    reader = at_end(platform.kafka.bootstrap_servers, pipeline.raw)
    ready.set()
    message = None
    while message is None:
        message = reader.poll(0.1)
    assert message.value() == SEED.encode()
    event_id = f"{pipeline.raw}-{message.partition()}-{message.offset()}"
    now = datetime.now(UTC)
    record = {"event_id": event_id, "commodity_code": "CL", "event_time": now, "price": Decimal("75.5")}
    platform.send(pipeline.enriched, framed({**record, "event_id": "another"}), framed(record))
    row = pd.DataFrame([record])
    bar = pd.DataFrame([[minute_of(at(MOCK_TIME)), 1]], columns=["window_start", "trade_count"])
    platform.tables["db.prices"], platform.tables["db.bars"] = lambda: row, lambda: bar
    reader.close()


def test_the_seed_message_is_seen_at_every_hop(platform: FakePlatform, pipeline: Pipeline) -> None:
    platform.tables["db.prices"] = pd.DataFrame
    platform.tables["db.bars"] = lambda: pd.DataFrame(columns=["window_start", "trade_count"])
    ready = threading.Event()
    worker = threading.Thread(target=serve, args=(platform, pipeline, ready))
    worker.start()
    ready.wait(10)
    followed = follow(platform, SEED, timeout="10 s", pipeline=pipeline)  # type: ignore[arg-type]
    worker.join()
    assert followed.missing == []
    assert [h.name for h in followed.hops][1:] == [pipeline.raw, pipeline.enriched, "db.prices", "db.bars"]
    assert followed.event_id.startswith(pipeline.raw)
    assert "75.50" in followed.table()["saw"][1]
    assert followed.ms(pipeline.enriched) > 0


def test_a_hop_that_never_comes_is_named(platform: FakePlatform, pipeline: Pipeline) -> None:
    platform.tables["db.prices"] = pd.DataFrame
    platform.tables["db.bars"] = lambda: pd.DataFrame(columns=["window_start", "trade_count"])
    followed = follow(platform, SEED, timeout="1 s", pipeline=pipeline)  # type: ignore[arg-type]
    assert followed.missing == [pipeline.enriched, "db.prices", "db.bars"]
    assert "not seen" in repr(followed)


def test_what_is_no_price_cannot_be_followed(platform: FakePlatform) -> None:
    for message in ("{", "[]", '{"price":1}'):
        with pytest.raises(UsageError, match="Only a price"):
            follow(platform, message)  # type: ignore[arg-type]


def test_markup_on_the_way_is_shown_and_not_run() -> None:
    page = Followed("<b>", [Hop("raw", 1.0, {"value": "<script>"})])._repr_mimebundle_()["text/html"]
    assert "<script>" not in page
    assert "<b>" not in page
