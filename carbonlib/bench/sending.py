"""The process that sends prices in an open loop: what is due is sent, however the platform fares.

`python -m carbonlib.bench.sending` reads its orders as one line of JSON, says `ready` once it knows the topic's
leaders, reads the moment to start, and says at the end what failed. `generator` is its parent's side.
"""

from __future__ import annotations

import gc
import json
import sys
import time
from array import array
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from confluent_kafka import KafkaError, Message

from ..clients.bootstrap import BootstrapServers, idempotent_producer
from .generator import SEQUENCE, Orders
from .priority import favour_this_thread

TICK_NS = 1_000_000
FINE_RATE = 1000  # up to this rate each price has its own moment; above it, ticks send what is due
# A callback for each price costs more than its sending; above this rate one in ten has to do. A price that is lost all
# the same is missed by the readers.
CALLBACK_RATE = 20_000
POOL = 500
FLUSH_SECONDS = 30


def payloads(codes: Sequence[str]) -> list[tuple[str, bytes]]:
    """Keys and ready-made prices: within 1 % of each other, so that a run raises no alarm."""
    pool = []
    for i in range(max(POOL, len(codes))):
        code = codes[i % len(codes)]
        amount = round(100 + (i * 7 % 100) / 100, 2)
        price = {"commodity_code": code, "price": amount, "currency": "USD", "source": "TEST"}
        pool.append((code, json.dumps(price, separators=(",", ":")).encode()))
    return pool


class Sender:
    """Sends a run's prices and remembers when.

    Attributes:
        failed: why prices were not acknowledged, empty when all were.
    """

    def __init__(self, orders: Orders) -> None:
        self._orders = orders
        self._sent = array("q")
        self._sample = 1 if orders.rate <= CALLBACK_RATE else 10
        self.failed: list[str] = []
        servers = BootstrapServers(orders.bootstrap_servers, orders.security)
        self._producer = idempotent_producer(
            servers, linger_ms=2, compression_type="lz4", queue_buffering_max_messages=1_000_000
        )
        self._producer.list_topics(orders.topic, timeout=10)

    def run(self, start: int) -> None:
        """Send every price at the first tick at which it is due."""
        interval, count = 1e9 / self._orders.rate, self._orders.count
        pool = payloads(self._orders.codes)
        sequence = 0
        while sequence < count:
            now = time.monotonic_ns()
            due = min(count, int((now - start) / interval) + 1) if now >= start else 0
            for number in range(sequence, due):
                key, value = pool[number % len(pool)]
                self._send(number, key, value)
            sequence = max(sequence, due)
            self._producer.poll(0)
            ahead = start + int(sequence * interval) - time.monotonic_ns()
            if ahead > 0:
                time.sleep((ahead if self._orders.rate <= FINE_RATE else max(ahead, TICK_NS)) / 1e9)
        waiting = self._producer.flush(FLUSH_SECONDS)
        if waiting:
            self.failed.append(f"{waiting} prices were not acknowledged within {FLUSH_SECONDS} s")

    def _send(self, number: int, key: str, value: bytes) -> None:
        headers: list[tuple[str, str | bytes | None]] = [(SEQUENCE, number.to_bytes(8, "big"))]
        callback = self._delivered if number % self._sample == 0 else None
        while True:
            try:
                self._producer.produce(self._orders.topic, value, key, headers=headers, on_delivery=callback)
            except BufferError:  # the brokers do not keep up: the schedule slips, and the lag will tell
                self._producer.poll(0.001)
            else:
                self._sent.append(time.monotonic_ns())
                return

    def _delivered(self, error: KafkaError | None, _: Message) -> None:
        if error is not None:
            self.failed.append(error.str())

    def moments(self) -> npt.NDArray[np.int64]:
        """When each price was sent."""
        return np.frombuffer(self._sent, dtype=np.int64)


def main() -> None:
    """Obey the orders on standard input."""
    gc.disable()  # a collection would hold back what is due
    orders: dict[str, Any] = json.loads(sys.stdin.readline())
    sender = Sender(Orders(**orders))
    # Only after the producer has started its threads: those wait for brokers on the same machine, which must go first.
    favour_this_thread(orders["rate"])
    print("ready", flush=True)
    sender.run(int(sys.stdin.readline()))
    np.save(orders["output"], sender.moments())
    print(json.dumps({"failed": sender.failed[:10]}), flush=True)


if __name__ == "__main__":
    main()
