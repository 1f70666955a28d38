"""Raw prices: which messages are prices, what each one says, and why the others are none."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any

import pandas as pd

EPOCH = datetime(1970, 1, 1)
AHEAD = timedelta(minutes=5)  # a price that knows the future is a wrong clock
SCALE = Decimal("0.000001")
LARGEST = Decimal(10) ** 12  # DECIMAL(18,6) keeps twelve digits before the point
LONGEST_TEXT = 1024

PRICE_COLUMNS = [
    "partition", "offset", "event_id", "commodity_code", "event_time", "price", "currency", "volume", "unit", "source",
    "as_of", "ingest_time",
]  # fmt: skip
POISON_COLUMNS = ["partition", "offset", "reason"]


class Poison(ValueError):
    """A message that is no price; the text is the reason."""


@dataclass(frozen=True)
class Parsed:
    """What a range of the raw topic holds.

    Args:
        prices: one row a price (`PRICE_COLUMNS`), in the order of partition and offset; times are UTC without a zone.
        poison: partition, offset and reason of each message that is no price.
    """

    prices: pd.DataFrame
    poison: pd.DataFrame


def parse_raw(records: pd.DataFrame, topic: str) -> Parsed:
    """Read the records of the raw topic as the platform's specification says.

    Args:
        records: partition, offset, timestamp (epoch ms) and value (bytes) of each record.
        topic: its name, which is part of the default event id.
    """
    prices: list[dict[str, Any]] = []
    poison: list[dict[str, Any]] = []
    columns = zip(records["partition"], records["offset"], records["timestamp"], records["value"], strict=True)
    for partition, offset, timestamp, value in sorted(columns, key=lambda c: (c[0], c[1])):
        try:
            price = parse_price(value, f"{topic}-{partition}-{offset}", int(timestamp))
        except Poison as reason:
            poison.append({"partition": int(partition), "offset": int(offset), "reason": str(reason)})
        else:
            prices.append({"partition": int(partition), "offset": int(offset), **price})
    return Parsed(
        pd.DataFrame(prices, columns=PRICE_COLUMNS, dtype=object),
        pd.DataFrame(poison, columns=POISON_COLUMNS, dtype=object),
    )


def parse_price(value: bytes | None, default_id: str, timestamp: int) -> dict[str, Any]:
    """One price.

    Args:
        value: the message.
        default_id: event id of a price that carries none.
        timestamp: the record's, in epoch milliseconds; the event time of a price that carries none.

    Raises:
        Poison: when the message is no price.
    """
    message = _object(value)
    arrived = at(timestamp)
    event_time = _time(message["event_time"]) if message.get("event_time") is not None else arrived
    if event_time > arrived + AHEAD:
        raise Poison("event_time is more than 5 minutes ahead")
    volume = Decimal(1) if message.get("volume") is None else _number(message, "volume")
    if volume < 0:
        raise Poison("volume is negative")
    return {
        "event_id": _text(message, "event_id") or default_id,
        "commodity_code": _required(message, "commodity_code"),
        "event_time": event_time,
        "price": _number(message, "price"),
        "currency": _text(message, "currency"),
        "volume": volume,
        "unit": _text(message, "unit"),
        "source": _text(message, "source"),
        "as_of": _text(message, "as_of"),
        "ingest_time": arrived,
    }


def at(milliseconds: int) -> datetime:
    """Epoch milliseconds as UTC without a zone."""
    return EPOCH + timedelta(milliseconds=milliseconds)


def _object(value: bytes | None) -> Mapping[str, Any]:
    if value is None:
        raise Poison("no value")
    try:
        message = json.loads(value.decode("utf-8"), parse_float=Decimal, parse_constant=_no_constant)
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise Poison("not JSON") from error
    if not isinstance(message, dict):
        raise Poison("not an object")
    return message


def _no_constant(name: str) -> Any:
    raise Poison(f"{name} is no finite number")


def _required(message: Mapping[str, Any], name: str) -> str:
    text = _text(message, name)
    if not text or not text.strip():
        raise Poison(f"{name} is missing")
    return text


def _text(message: Mapping[str, Any], name: str) -> str | None:
    value = message.get(name)
    if value is None:
        return None
    if isinstance(value, (dict, list)):
        raise Poison(f"{name} is no text")
    text = value if isinstance(value, str) else json.dumps(value, default=str)
    if len(text) > LONGEST_TEXT:
        raise Poison(f"{name} is longer than {LONGEST_TEXT} characters")
    return text


def _number(message: Mapping[str, Any], name: str) -> Decimal:
    value = message.get(name)
    if value is None:
        raise Poison(f"{name} is missing")
    if isinstance(value, bool) or not isinstance(value, (int, str, Decimal)):
        raise Poison(f"{name} is no number")
    try:
        number = Decimal(value)
    except InvalidOperation as error:
        raise Poison(f"{name} is no number") from error
    if not number.is_finite():
        raise Poison(f"{name} is no finite number")
    if abs(number) >= LARGEST:
        raise Poison(f"{name} is out of range")
    return number.quantize(SCALE, rounding=ROUND_HALF_UP)


def _time(value: Any) -> datetime:
    """ISO-8601 (UTC where no zone is given) or epoch milliseconds, cut to milliseconds."""
    try:
        if isinstance(value, int) and not isinstance(value, bool):
            return at(value)
        if isinstance(value, str):
            moment = datetime.fromisoformat(value)
            if moment.tzinfo:
                moment = moment.astimezone(UTC).replace(tzinfo=None)
            return moment.replace(microsecond=moment.microsecond // 1000 * 1000)
    except (ValueError, OverflowError) as error:
        raise Poison("event_time is no time") from error
    raise Poison("event_time is no time")
