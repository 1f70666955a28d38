from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal

import numpy as np
import pytest
from confluent_kafka import Producer

from carbonlib._errors import EngineError, UsageError
from carbonlib.bench.follow import at_end
from carbonlib.bench.generator import Generator, Orders, schedule
from carbonlib.bench.latency import follow_prices
from carbonlib.bench.pipeline import Pipeline
from carbonlib.bench.reading import read_topic
from carbonlib.bench.sending import payloads

from .conftest import FakePlatform, framed


def test_prices_of_a_run_raise_no_alarm() -> None:
    prices = [json.loads(value)["price"] for _, value in payloads(["A", "B"])]
    assert max(prices) / min(prices) < 1.02
    assert {key for key, _ in payloads(["A", "B"])} == {"A", "B"}


def test_the_generator_keeps_its_schedule_and_sends_each_price_once(brokers: str, pipeline: Pipeline, tmp_path) -> None:  # type: ignore[no-untyped-def]
    orders = Orders(brokers, pipeline.raw, 500, 300, ["A"], str(tmp_path / "sent.npy"))
    with Generator(orders) as generator:
        start = generator.begin()
        sent = generator.finished()
    lag = sent - schedule(start, 500, 300)
    assert (lag >= 0).all()
    assert np.median(lag) < 50e6
    numbers = [int.from_bytes(h["carbon-sequence"], "big") for h in read_topic(brokers, pipeline.raw)["headers"]]
    assert sorted(numbers) == list(range(300))


def test_a_generator_that_dies_says_why(brokers: str, pipeline: Pipeline) -> None:
    without_codes = Orders(brokers, pipeline.raw, 10, 1, [], "unused")
    with pytest.raises(EngineError, match="ended early") as caught, Generator(without_codes) as generator:
        generator.begin()
        generator.finished()
    assert "ZeroDivisionError" in caught.value.cause


@contextmanager
def enricher(platform: FakePlatform, pipeline: Pipeline, *, drop: int = -1, double: int = -1) -> Iterator[None]:
    """Hands raw prices on as the enricher does, but for one that it loses and one that it gives twice."""
    reader = at_end(platform.kafka.bootstrap_servers, pipeline.raw)
    producer = Producer({"bootstrap.servers": platform.kafka.bootstrap_servers, "linger.ms": 0, "log_level": 0})
    over = threading.Event()

    def work() -> None:
        while not over.is_set():
            message = reader.poll(0.05)
            if message is None or message.error() is not None:
                continue
            number = int.from_bytes(dict(message.headers())["carbon-sequence"], "big")
            event_id = f"{pipeline.raw}-{message.partition()}-{message.offset()}"
            record = {"event_id": event_id, "commodity_code": "x", "event_time": datetime.now(UTC), "price": Decimal(1)}
            for _ in range(0 if number == drop else 2 if number == double else 1):
                producer.produce(pipeline.enriched, framed(record))
            producer.poll(0)

    thread = threading.Thread(target=work)
    thread.start()
    yield
    over.set()
    thread.join()
    producer.flush(5)
    reader.close()


def test_a_run_follows_every_price_through_both_hops(platform: FakePlatform, pipeline: Pipeline) -> None:
    with enricher(platform, pipeline):
        run = follow_prices(platform, rate=200, seconds=1.5, warmup=0.5, pipeline=pipeline)  # type: ignore[arg-type]
    assert (run.sent, run.lost, run.doubled) == (400, 0, 0)
    assert len(run.ingest.ms) == len(run.processing.ms) == 300
    assert 0 < run.ingest_from_send.p50 <= run.ingest.p50 <= run.whole.p50
    assert run.percentiles()["samples"].tolist() == [300] * 4
    assert len(run.plot().data) == 4
    assert run.validity("processing").samples == 300


def test_a_run_counts_what_is_lost_and_what_is_doubled(platform: FakePlatform, pipeline: Pipeline) -> None:
    with enricher(platform, pipeline, drop=5, double=9):
        run = follow_prices(
            platform,
            rate=100,
            seconds=0.5,
            warmup=0,
            timeout="1 s",
            pipeline=pipeline,  # type: ignore[arg-type]
        )
    assert (run.lost, run.doubled) == (1, 1)
    assert len(run.processing.ms) == 49
    assert not run.validity().ok


def test_a_run_needs_a_rate(platform: FakePlatform, pipeline: Pipeline) -> None:
    with pytest.raises(UsageError):
        follow_prices(platform, rate=0, pipeline=pipeline)  # type: ignore[arg-type]
