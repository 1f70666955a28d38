"""How long prices take, in an open loop: each counts from the moment when it should have been sent.

A stall of the sender or of the platform so delays every price that was due meanwhile, and cannot hide in a lower rate.
"""

from __future__ import annotations

import tempfile
import threading
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
import plotly.graph_objects as go

from .._errors import UsageError
from ..waiting import seconds as as_seconds
from .figures import over_time, percentile_curves
from .follow import at_end
from .generator import SEQUENCE, Generator, Orders, schedule
from .pipeline import Pipeline, load_pipeline
from .priority import favour_this_thread
from .reading import AvroDecoder, record_of
from .samples import Latencies, Validity, load_average, percentiles

if TYPE_CHECKING:
    from ..platform import Platform

CODES = 10
Nanoseconds = npt.NDArray[np.int64]


class Listener:
    """A thread that reads a topic from its end on, `rate` records a second, and notes when each could be read."""

    def __init__(self, bootstrap_servers: str, topic: str, rate: float) -> None:
        self._rate = rate
        self._reader = at_end(bootstrap_servers, topic)
        self._over = threading.Event()
        self.arrivals: list[tuple[int, int, int, bytes, bytes]] = []
        self._thread = threading.Thread(target=self._listen, name=f"listen-{topic}", daemon=True)
        self._thread.start()

    def _listen(self) -> None:
        favour_this_thread(self._rate)
        while not self._over.is_set():
            first = self._reader.poll(0.1)
            if first is None:
                continue
            now = time.monotonic_ns()
            for message in (first, *self._reader.consume(2000, 0)):
                if message.error() is None:
                    partition, offset, _, _, value, headers = record_of(message)
                    self.arrivals.append((now, partition, offset, headers.get(SEQUENCE, b""), value or b""))

    def close(self) -> None:
        """End the thread and give the connection back."""
        self._over.set()
        self._thread.join()
        self._reader.close()


@dataclass(frozen=True)
class LatencyRun:
    """A run of prices through the platform.

    Args:
        rate: prices per second.
        sent: how many were sent, the warm-up included.
        lost, doubled: prices that the enriched topic did not show in time, or showed more than once.
        ingest: due → readable in the raw topic.
        ingest_from_send: sent → readable in the raw topic; what a closed loop would call its latency.
        processing: sent to the raw topic → committed by the enricher and readable. The producer's own wait is in it.
        whole: due → committed by the enricher and readable.
        lag_ms: how far the generator fell behind its schedule at most.
        achieved: share of the planned rate that was reached.
        load: load average of the machine.
    """

    rate: float
    sent: int
    lost: int
    doubled: int
    ingest: Latencies
    ingest_from_send: Latencies
    processing: Latencies
    whole: Latencies
    lag_ms: float
    achieved: float
    load: float

    def validity(self, leg: Literal["ingest", "processing"] = "ingest") -> Validity:
        """Whether a leg's figures can be trusted."""
        judged = self.ingest if leg == "ingest" else self.processing
        return Validity(self.lag_ms, self.achieved, len(judged.ms), judged.p99, self.load)

    @property
    def legs(self) -> list[Latencies]:
        """Every series of the run."""
        return [self.ingest, self.ingest_from_send, self.processing, self.whole]

    def percentiles(self) -> pd.DataFrame:
        """Percentiles of every leg, in milliseconds."""
        return percentiles(self.legs)

    def plot(self) -> go.Figure:
        """Latency by percentile."""
        return percentile_curves(self.legs)

    def timeline(self) -> go.Figure:
        """Latency over time."""
        return over_time([self.ingest, self.processing])

    def __repr__(self) -> str:
        return (
            f"{self.sent} prices at {self.rate:g}/s: {self.lost} lost, {self.doubled} doubled; "
            f"ingest p95 {self.ingest.p95:.1f} ms, processing p95 {self.processing.p95:.0f} ms"
        )


def follow_prices(
    platform: Platform,
    *,
    rate: float = 200,
    seconds: float = 20,
    warmup: float = 5,
    timeout: str | float = "30 s",
    pipeline: Pipeline | None = None,
) -> LatencyRun:
    """Send prices at a fixed rate and note when each can be read from the raw and from the enriched topic.

    Args:
        platform: which one.
        rate: prices per second.
        seconds: length of the measured part.
        warmup: seconds before it that do not count.
        timeout: how long to wait for the last price.
        pipeline: names of topics, where they are not the declared ones.
    """
    if rate <= 0 or seconds <= 0 or warmup < 0:
        raise UsageError("A run needs a rate and a length above zero.", remedy="Give for example rate=200, seconds=20.")
    count = int(rate * (warmup + seconds))
    topics, bootstrap = pipeline or load_pipeline(), platform.kafka.bootstrap_servers
    avro = AvroDecoder.of(platform)
    with tempfile.TemporaryDirectory(prefix="carbon-latency-") as folder:
        codes = own_codes("TEST-LAT", CODES)
        orders = Orders(bootstrap, topics.raw, rate, count, codes, str(Path(folder) / "sent.npy"))
        listeners = [Listener(bootstrap, topic, rate) for topic in (topics.raw, topics.enriched)]
        try:
            with Generator(orders) as generator:
                start = generator.begin()
                sent = generator.finished()
                load = load_average()
            collected = _Collected(listeners[0], listeners[1], topics.raw, avro, count)
            collected.wait(as_seconds(timeout))
        finally:
            for listener in listeners:
                listener.close()
    return _judge(collected, schedule(start, rate, count), sent, rate, warmup, load)


def own_codes(prefix: str, count: int) -> list[str]:
    """Commodity codes that no one trades, new ones for each run."""
    run = uuid.uuid4().hex[:6].upper()
    return [f"{prefix}-{run}-{i}" for i in range(count)]


class _Collected:
    """Arrivals of the run's prices, by their number."""

    def __init__(self, raw: Listener, enriched: Listener, topic: str, avro: AvroDecoder, count: int) -> None:
        self._raw, self._enriched = raw, enriched
        self._topic, self._avro = topic, avro
        self._read = [0, 0]
        self._number_of: dict[str, int] = {}
        self.raw_at: Nanoseconds = np.zeros(count, dtype=np.int64)
        self.enriched_at: Nanoseconds = np.zeros(count, dtype=np.int64)
        self.times: npt.NDArray[np.int64] = np.zeros(count, dtype=np.int64)
        self._waiting: list[tuple[int, str]] = []

    def wait(self, timeout: float) -> None:
        """Take arrivals in until every price has come through, or time is up."""
        deadline = time.monotonic() + timeout
        while True:
            self._take()
            if self.times.all() or time.monotonic() >= deadline:
                return
            time.sleep(0.1)

    def _take(self) -> None:
        for now, partition, offset, header, _ in self._new(0, self._raw):
            if header:
                number = int.from_bytes(header, "big")
                self.raw_at[number] = now
                self._number_of[f"{self._topic}-{partition}-{offset}"] = number
        self._waiting += [(now, self._avro(value)["event_id"]) for now, _, _, _, value in self._new(1, self._enriched)]
        # An enriched price may be read here before its raw one was: it waits for the next round.
        unknown = []
        for now, event_id in self._waiting:
            if event_id in self._number_of:
                number = self._number_of[event_id]
                self.enriched_at[number] = self.enriched_at[number] or now
                self.times[number] += 1
            else:
                unknown.append((now, event_id))
        self._waiting = unknown

    def _new(self, which: int, listener: Listener) -> Sequence[tuple[int, int, int, bytes, bytes]]:
        end = len(listener.arrivals)
        new = listener.arrivals[self._read[which] : end]
        self._read[which] = end
        return new


def _judge(
    collected: _Collected, due: Nanoseconds, sent: Nanoseconds, rate: float, warmup: float, load: float
) -> LatencyRun:
    counted = np.arange(len(due)) >= rate * warmup

    def leg(name: str, begin: Nanoseconds, end: Nanoseconds) -> Latencies:
        chosen = counted & (end > 0)
        return Latencies(name, (end[chosen] - begin[chosen]) / 1e6, (due[chosen] - due[0]) / 1e9)

    took = (sent[-1] - sent[0]) / 1e9
    return LatencyRun(
        rate=rate,
        sent=len(sent),
        lost=int((collected.times == 0).sum()),
        doubled=int((collected.times > 1).sum()),
        ingest=leg("ingest, from the moment due", due, collected.raw_at),
        ingest_from_send=leg("ingest, from the sending", sent, collected.raw_at),
        processing=leg("processing, from the sending", sent, collected.enriched_at),
        whole=leg("the whole way, from the moment due", due, collected.enriched_at),
        lag_ms=float((sent - due)[counted].max()) / 1e6,
        achieved=min(1.0, (len(sent) - 1) / rate / took) if took else 1.0,
        load=load,
    )
