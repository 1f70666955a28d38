"""One price on its way: what each hop saw of it, and when."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pandas as pd
from confluent_kafka import Consumer, KafkaError, Message, TopicPartition

from .._errors import CarbonError, EngineError, UsageError
from ..clients.bootstrap import idempotent_producer
from ..clients.ranges import consumer, watermarks
from ..oracle.bars import minute_of
from ..oracle.prices import at
from ..waiting import seconds
from .hops import Followed, Hop
from .pipeline import Pipeline, load_pipeline
from .reading import AvroDecoder, decode_json, record_of

if TYPE_CHECKING:
    from ..platform import Platform

LOOK_EVERY = 0.02


def follow(
    platform: Platform,
    message: str,
    *,
    alert: bool = False,
    timeout: str | float = "30 s",
    pipeline: Pipeline | None = None,
) -> Followed:
    """Send one price and watch every place on its way at once.

    Args:
        platform: which one.
        message: the price as JSON text, sent to the letter; its commodity's code is the key.
        alert: whether it must cause an alert, so that the alerts are watched too.
        timeout: how long to wait for the slowest place.
        pipeline: names of topics and tables, where they are not the declared ones.

    Raises:
        UsageError: when the message names no commodity.
    """
    try:
        price = dict(json.loads(message))
        str(price["commodity_code"])
    except (ValueError, TypeError, KeyError) as error:
        raise UsageError(
            "Only a price can be followed.", cause=repr(error), remedy="Give a JSON object with a commodity_code."
        ) from error
    return _Follower(platform, pipeline or load_pipeline(), message, price, seconds(timeout)).run(alert)


class _Follower:
    def __init__(
        self, platform: Platform, pipeline: Pipeline, text: str, price: dict[str, Any], timeout: float
    ) -> None:
        self._platform = platform
        self._pipeline = pipeline
        self._text = text
        self._price = price
        self._timeout = timeout
        self._sent = 0.0
        self._event_id = ""
        self._arrived = 0

    def run(self, alert: bool) -> Followed:
        topics, bootstrap = self._pipeline, self._platform.kafka.bootstrap_servers
        watched = [topics.raw, topics.enriched, *([topics.alerts] if alert else [])]
        # Readers stand at the ends before the price is sent, so that none has to search for it.
        readers = [at_end(bootstrap, topic) for topic in watched]
        try:
            before = self._bar_count()
            sent = self._send()
            avro = AvroDecoder.of(self._platform)
            ways: list[Callable[[], Hop]] = [
                lambda: self._watch(readers[0], topics.raw, self._is_raw),
                lambda: self._watch(readers[1], topics.enriched, lambda m: self._is_mine(avro(m.value() or b""))),
                lambda: self._poll(topics.tables.prices, self._price_row),
                lambda: self._poll(topics.tables.bars, lambda: self._grown(before)),
            ]
            if alert:
                alerted = self._is_alert
                ways.append(lambda: self._watch(readers[2], topics.alerts, alerted))
                ways.append(lambda: self._poll(topics.tables.alerts, self._alert_row))
            with ThreadPoolExecutor(len(ways)) as pool:
                return Followed(self._event_id, [sent, *(f.result() for f in [pool.submit(w) for w in ways])])
        finally:
            for reader in readers:
                reader.close()

    def _send(self) -> Hop:
        producer = idempotent_producer(self._platform.kafka.bootstrap_servers, linger_ms=0)
        outcome: list[tuple[KafkaError | None, Message]] = []
        producer.list_topics(self._pipeline.raw, timeout=10)  # a producer that knows its leaders, as one at work does
        code = self._price["commodity_code"]
        self._sent = time.monotonic()
        producer.produce(self._pipeline.raw, self._text, code, on_delivery=lambda e, m: outcome.append((e, m)))
        producer.flush(self._timeout)
        taken = self._since_sent()
        if not outcome or outcome[0][0] is not None:
            cause = str(outcome[0][0]) if outcome else "not acknowledged in time"
            raise EngineError(f"Sending to {self._pipeline.raw} failed.", cause=cause, notebook="deploy-10")
        message = outcome[0][1]
        where = f"{message.topic()}-{message.partition()}-{message.offset()}"
        self._event_id = str(self._price.get("event_id") or where)
        self._arrived = int(message.timestamp()[1])
        return Hop("acknowledged by all replicas", taken, {"position": where})

    def _since_sent(self) -> float:
        return (time.monotonic() - self._sent) * 1000

    def _watch(self, reader: Consumer, topic: str, mine: Callable[[Message], Mapping[str, Any] | None]) -> Hop:
        deadline = self._sent + self._timeout
        while time.monotonic() < deadline:
            message = reader.poll(0.2)
            if message is None:
                continue
            seen = self._since_sent()
            if message.error() is None and (saw := mine(message)) is not None:
                return Hop(topic, seen, saw)
        return Hop(topic, None)

    def _poll(self, table: str, look: Callable[[], Mapping[str, Any] | None]) -> Hop:
        deadline = self._sent + self._timeout
        trouble = ""
        while time.monotonic() < deadline:
            try:
                saw = look()
            except CarbonError as error:  # an engine on its way back; the table says so where it never comes
                trouble = error.message
                saw = None
            if saw is not None:
                return Hop(table, self._since_sent(), saw)
            time.sleep(LOOK_EVERY)
        return Hop(table, None, trouble=trouble)

    # -- what each place shows of it ---------------------------------------------------------------------------------

    def _is_raw(self, message: Message) -> Mapping[str, Any] | None:
        row = record_of(message)
        if f"{self._pipeline.raw}-{row[0]}-{row[1]}" != self._event_id and not self._price.get("event_id"):
            return None
        text = (message.value() or b"").decode()
        return {"value": text} if json.loads(text).get("event_id") == self._price.get("event_id") else None

    def _is_mine(self, record: Mapping[str, Any]) -> Mapping[str, Any] | None:
        return record if record.get("event_id") == self._event_id else None

    def _is_alert(self, message: Message) -> Mapping[str, Any] | None:
        return self._is_mine(decode_json(message.value() or b""))

    def _row(self, sql: str, parameters: Sequence[Any]) -> Mapping[str, Any] | None:
        rows = self._platform.doris.query(sql, list(parameters)).to_dict("records")
        return {str(k): v for k, v in rows[0].items()} if rows else None

    def _price_row(self) -> Mapping[str, Any] | None:
        sql = f"SELECT * FROM {self._pipeline.tables.prices} WHERE commodity_code = %s AND event_id = %s"
        return self._row(sql, [self._price["commodity_code"], self._event_id])

    def _alert_row(self) -> Mapping[str, Any] | None:
        return self._row(f"SELECT * FROM {self._pipeline.tables.alerts} WHERE event_id = %s", [self._event_id])

    def _bars(self) -> list[Mapping[str, Any]]:
        table = self._pipeline.tables.bars
        sql = f"SELECT * FROM {table} WHERE commodity_code = %s ORDER BY window_start DESC LIMIT 20"
        return list(self._platform.doris.query(sql, [self._price["commodity_code"]]).to_dict("records"))

    def _bar_count(self) -> dict[Any, int]:
        return {bar["window_start"]: int(bar["trade_count"]) for bar in self._bars()}

    def _grown(self, before: Mapping[Any, int]) -> Mapping[str, Any] | None:
        """The bar of the price's minute, once it counts more trades than before the price was sent."""
        minute = pd.Timestamp(minute_of(at(self._arrived)))
        for bar in self._bars():
            start = bar["window_start"]
            if "event_time" not in self._price and pd.Timestamp(start) != minute:
                continue
            if int(bar["trade_count"]) > before.get(start, 0):
                return bar
        return None


def at_end(bootstrap_servers: str, topic: str) -> Consumer:
    """A reader of committed records that stands at the end of each partition of a topic."""
    reader = consumer(bootstrap_servers, **{"enable.partition.eof": False, "fetch.wait.max.ms": 20})
    try:
        ends = {p: end for p, (_, end) in watermarks(reader, topic).items()}
    except EngineError:
        reader.close()
        raise
    reader.assign([TopicPartition(topic, p, end) for p, end in ends.items()])
    return reader
