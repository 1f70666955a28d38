"""Any one engine dies while prices flow: the platform heals by itself, and nothing is lost or doubled."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from confluent_kafka import Producer

from carbonlib import bench
from carbonlib.waiting import wait_until

ENGINES = [
    "kafka-2",
    "registry",
    "connect-1",
    "zookeeper",
    "jobmanager-1",
    "jobmanager-2",
    "taskmanager-1",
    "doris",
    "postgres",
    "apis",
]
RATE = 50  # prices a second while an engine is down


@contextmanager
def flowing(platform: Any) -> Iterator[None]:
    """Prices under a commodity code of their own, sent at a steady rate until the block ends."""
    stop, failed = threading.Event(), []
    code = f"TEST-{uuid.uuid4().hex[:6]}"
    producer = Producer(
        {"bootstrap.servers": platform.endpoints()["kafka"]["bootstrap_servers"], "enable.idempotence": True,
         "acks": "all", "log_level": 0}
    )  # fmt: skip

    def send() -> None:
        number = 0
        while not stop.wait(1 / RATE):
            number += 1
            value = json.dumps({"commodity_code": code, "price": 50 + number % 3, "event_id": f"{code}-{number}"})
            producer.produce(
                "commodity-prices-raw", value, code, on_delivery=lambda e, _: failed.append(e) if e else None
            )
            producer.poll(0)

    thread = threading.Thread(target=send)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
        assert producer.flush(60) == 0 and not failed, failed[:3]


@pytest.mark.timeout(300)
@pytest.mark.parametrize("engine", ENGINES)
def test_a_killed_engine_heals_and_nothing_is_lost_or_doubled(platform: Any, engine: str, record_property: Any) -> None:
    since = datetime.now(UTC)
    states = platform.target.stack.supervisor.states
    with flowing(platform):
        pid = states()[engine]["pid"]
        began = time.monotonic()
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: states()[engine]["pid"] not in (0, pid), what=f"a new {engine}", timeout=60)
        wait_until(
            lambda: platform.status().ok, what=f"a healthy platform after {engine} was killed", timeout=150, every=1
        )
        healed = time.monotonic() - began
    record_property("seconds_to_heal", round(healed, 1))
    print(f"{engine}: healed in {healed:.1f} s")
    audit = bench.audit(platform, since=since, timeout="120 s")
    assert (audit.lost, audit.duplicated) == (0, 0), repr(audit)
