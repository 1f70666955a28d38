"""Sending dead letters again, each once.

A letter is written to its reader's topic together with a marker, which names it, in the ledger's topic: one
transaction, so both are there or neither is. A second run skips what is marked. Two runs at once cannot both send: the
transactional id is that of the queue, so the run that starts later fences the other off before it reads the ledger,
and what the other had not committed by then never becomes visible.

Key, value and the record's time stay as they were: a price whose own time is the record's keeps it. A reader that died
may have reported a record twice; its letters have one identity, and one of them is sent.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from confluent_kafka import KafkaException, Producer

from .._errors import ApplyError
from ..clients.bootstrap import idempotent_producer
from ..clients.records import Record
from ..clients.streaming import stream_records
from .corrections import Corrector, Misfit
from .letters import ORIGIN, REPLAYED_FROM, Letter, letter_of, replayed
from .queues import Queue

TRANSACTION = 500  # letters: a transaction must end long before its time-out
TIMEOUT_SECONDS = 60.0
CONNECT_CONTEXT = "__connect.errors."  # what a worker says about a letter beside what is read here
SENT, HISTORY, MISFIT = "sent", "history", "left"


@dataclass(frozen=True)
class Order:
    """What to send again: letters of one queue by identity, and what to do to their values."""

    queue: Queue
    identities: frozenset[str]
    correction: str
    end: Mapping[int, int]  # letters that arrived later were not looked at when the order was given


@dataclass(frozen=True)
class Item:
    """One letter on its way: `outcome` is sent, history (its key has come again since) or left (no fit)."""

    letter: Letter
    record: Record
    outcome: str
    value: bytes | None
    why: str = ""


class Replay:
    """Carries out an order.

    Args:
        bootstrap_servers: of the cluster.
        ledger: topic of the markers.
        order: what to send.
        correct: makes the value that is sent.
    """

    def __init__(self, bootstrap_servers: str, ledger: str, order: Order, correct: Corrector) -> None:
        self._servers, self._ledger, self._order, self._correct = bootstrap_servers, ledger, order, correct

    def preview(self) -> Counter[str]:
        """How many letters would be sent, are history, or are left; nothing is sent."""
        return Counter(item.outcome for item in self._items(replayed(self._servers, self._ledger)))

    def run(self) -> Counter[str]:
        """Send, and return how many letters had which outcome.

        Raises:
            ApplyError: when the brokers refuse; what earlier transactions sent is marked, and the next run goes on.
        """
        try:
            return self._run()
        except KafkaException as error:
            raise ApplyError(
                f"Letters of {self._order.queue.topic} could not all be sent to {self._order.queue.sent_to}.",
                cause=error.args[0].str(), remedy="Run the notebook again: what was sent is not sent twice.",
                notebook="operate-10",
            ) from error  # fmt: skip

    def _run(self) -> Counter[str]:
        outcomes: Counter[str] = Counter()
        producer = self._producer()
        producer.init_transactions(TIMEOUT_SECONDS)  # before the ledger is read: see above
        batch: list[Item] = []
        for item in self._items(replayed(self._servers, self._ledger)):
            outcomes[item.outcome] += 1
            if item.outcome != MISFIT:
                batch.append(item)
            if len(batch) == TRANSACTION:
                self._send(producer, batch)
                batch = []
        self._send(producer, batch)
        return outcomes

    def _producer(self) -> Producer:
        name = f"carbon-replay-{self._order.queue.topic}"
        return idempotent_producer(
            self._servers, transactional_id=name, transaction_timeout_ms=60000, compression_type="lz4", linger_ms=5
        )  # fmt: skip

    def _items(self, done: Collection[str]) -> Iterator[Item]:
        queue, seen = self._order.queue, set(done)
        newest = _newest_by_key(self._servers, queue, self._order) if queue.newest_wins else {}
        for record in stream_records(self._servers, queue.topic, self._order.end):
            letter = letter_of(queue, record)
            if letter.identity in seen or letter.identity not in self._order.identities:
                continue
            seen.add(letter.identity)
            if newest.get((letter.origin.topic, letter.key), -1) > letter.origin.offset:
                yield Item(letter, record, HISTORY, None)
                continue
            try:
                yield Item(letter, record, SENT, self._correct(record.value))
            except Misfit as misfit:
                yield Item(letter, record, MISFIT, None, misfit.message)

    def _send(self, producer: Producer, batch: list[Item]) -> None:
        if not batch:
            return
        producer.begin_transaction()
        try:
            for item in batch:
                if item.outcome == SENT:
                    producer.produce(
                        self._order.queue.sent_to, item.value, item.record.key, timestamp=item.record.timestamp,
                        headers=self._headers(item),
                    )  # fmt: skip
                producer.produce(self._ledger, self._marker(item), item.letter.identity)
                producer.poll(0)
            producer.commit_transaction(TIMEOUT_SECONDS)
        except (KafkaException, BufferError):
            producer.abort_transaction(TIMEOUT_SECONDS)
            raise

    def _headers(self, item: Item) -> list[tuple[str, str | bytes | None]]:
        own = {*self._order.queue.headers.own(), ORIGIN, REPLAYED_FROM}
        kept: list[tuple[str, str | bytes | None]] = [
            (name, value)
            for name, value in item.record.headers.items()
            if name not in own and not name.startswith(CONNECT_CONTEXT)
        ]
        return [*kept, (REPLAYED_FROM, str(item.letter.at)), (ORIGIN, str(item.letter.origin))]

    def _marker(self, item: Item) -> bytes:
        marker = {
            "identity": item.letter.identity, "letter": str(item.letter.at), "outcome": item.outcome,
            "sent_to": self._order.queue.sent_to if item.outcome == SENT else None,
            "correction": self._order.correction, "at": datetime.now(UTC).isoformat(timespec="milliseconds"),
        }  # fmt: skip
        return json.dumps(marker).encode()


def _newest_by_key(bootstrap_servers: str, queue: Queue, order: Order) -> dict[tuple[str, bytes | None], int]:
    """The last offset of each key in the topics where the chosen letters stood first."""
    letters = [letter_of(queue, r) for r in stream_records(bootstrap_servers, queue.topic, order.end)]
    topics = {x.origin.topic for x in letters if x.identity in order.identities}
    return {(topic, r.key): r.offset for topic in sorted(topics) for r in stream_records(bootstrap_servers, topic)}
