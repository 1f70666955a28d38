"""One record a second, from a producer to a consumer: how long a topic could not be used while something was done."""

from __future__ import annotations

import html
import threading
import time
import uuid
from collections import Counter
from dataclasses import dataclass, field
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import plotly.graph_objects as go
from confluent_kafka import KafkaError, KafkaException, Message, TopicPartition

from .._errors import EngineError
from ..clients.bootstrap import idempotent_producer
from ..clients.ranges import consumer
from ..waiting import seconds, wait_until

if TYPE_CHECKING:
    from ..platform import Platform

EVERY = 1.0
UNAVAILABLE = 1.0  # seconds without an acknowledgement from which on a topic counts as not to be used
LAST_WORDS = "60 s"
POLL = 0.1


@dataclass
class _Sent:
    at: float
    acknowledged: float | None = None
    reads: int = 0
    read: float | None = None


@dataclass
class Prober:
    """Sends and reads marked records of a topic while the block runs.

    Args:
        platform: whose Kafka.
        topic: which takes the records.
    """

    platform: Platform
    topic: str
    _sent: list[_Sent] = field(default_factory=list, init=False, repr=False)
    _failures: Counter[str] = field(default_factory=Counter, init=False, repr=False)

    def __enter__(self) -> Self:
        servers = self.platform.kafka.bootstrap_servers
        self._mark = uuid.uuid4().hex[:10]
        self._stop, self._reading_ends = threading.Event(), threading.Event()
        self._began = time.monotonic()
        self._producer = idempotent_producer(servers, linger_ms=0)
        self._consumer = consumer(servers, **{"reconnect.backoff.max.ms": 1000})
        ends = self.platform.kafka.end_offsets(self.topic)
        self._consumer.assign([TopicPartition(self.topic, p, offset) for p, offset in ends.items()])
        self._threads = [threading.Thread(target=t, daemon=True) for t in (self._write, self._read)]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._stop.set()
        self._threads[0].join()
        self._producer.flush(seconds(LAST_WORDS))
        try:
            if error is None and self._sent:
                what = "Every record that was acknowledged read back"
                wait_until(lambda: not self.lost, what=what, timeout=LAST_WORDS)
        finally:
            self._reading_ends.set()
            self._threads[1].join()
            self._consumer.close()

    # -- what came of it --------------------------------------------------------------------------------------------

    @property
    def sent(self) -> int:
        """Records sent."""
        return len(self._sent)

    @property
    def lost(self) -> int:
        """Records that were acknowledged, or refused, and were never read."""
        return sum(not s.reads for s in self._sent)

    @property
    def twice(self) -> int:
        """Records that were read more than once."""
        return sum(s.reads > 1 for s in self._sent)

    @property
    def worst_s(self) -> float:
        """Seconds that the slowest record waited for its acknowledgement."""
        now = time.monotonic()
        return round(max((((s.acknowledged or now) - s.at) for s in self._sent), default=0.0), 3)

    @property
    def unavailable_s(self) -> float:
        """Seconds in which a record had been waiting for longer than a second, taken together."""
        now, total, until = time.monotonic(), 0.0, 0.0
        for sent in self._sent:
            began, ended = max(sent.at + UNAVAILABLE, until), sent.acknowledged or now
            if ended > began:
                total, until = total + ended - began, ended
        return round(total, 3)

    def figure(self) -> go.Figure:
        """Seconds from sending to acknowledgement and to the reader, over time."""
        figure = go.Figure()
        for name, of in (("acknowledged", "acknowledged"), ("read back", "read")):
            points = [(s.at - self._began, getattr(s, of) - s.at) for s in self._sent if getattr(s, of)]
            figure.add_scatter(x=[x for x, _ in points], y=[y for _, y in points], name=name, mode="lines+markers")
        figure.update_layout(
            title=f"One record a second through {self.topic}", xaxis_title="seconds", yaxis_title="seconds", height=320
        )
        return figure

    def __repr__(self) -> str:
        failures = "".join(f"; {n} × {reason}" for reason, n in self._failures.items())
        return (
            f"{self.sent} records, {self.lost} lost, {self.twice} twice; slowest {self.worst_s} s, "
            f"not to be used for {self.unavailable_s} s in all{failures}"
        )

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, Any]:
        return {"text/plain": repr(self), "text/html": f"<p>{html.escape(repr(self))}</p>"}

    # -- threads ----------------------------------------------------------------------------------------------------

    def _write(self) -> None:
        due = time.monotonic()
        while not self._stop.is_set():
            number, sent = len(self._sent), _Sent(time.monotonic())
            self._sent.append(sent)
            self._producer.produce(self.topic, str(number), self._mark, on_delivery=partial(self._delivered, sent))
            due += EVERY
            while not self._stop.is_set() and time.monotonic() < due:
                self._producer.poll(POLL)

    def _delivered(self, sent: _Sent, error: KafkaError | None, _: Message) -> None:
        if error is None:
            sent.acknowledged = time.monotonic()
        else:
            self._failures[error.str()] += 1

    def _read(self) -> None:
        while not self._reading_ends.is_set():
            try:
                message = self._consumer.poll(POLL)
            except KafkaException as error:
                self._failures[str(error)] += 1
                continue
            if message is not None:
                self._note(message)

    def _note(self, message: Message) -> None:
        if message.error() or message.key() != self._mark.encode():
            return
        number = int(message.value() or b"-1")
        if not 0 <= number < len(self._sent):
            raise EngineError(f"Record {number} was read and never sent.")
        sent = self._sent[number]
        sent.reads += 1
        sent.read = sent.read or time.monotonic()
