"""Raw prices: which messages are prices, what each one says, and why the others are none."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import pandas as pd

EPOCH = datetime(1970, 1, 1)
AHEAD = timedelta(minutes=5)  # a price that knows the future is a wrong clock
SCALE = Decimal("0.000001")
LARGEST = Decimal(10) ** 12  # DECIMAL(18,6) keeps twelve digits before the point
LONGEST_MESSAGE = 65_536  # bytes
LONGEST_NUMBER = 64  # characters
# Bytes of UTF-8 that the columns of the platform take.
LONGEST = {"commodity_code": 32, "currency": 8, "unit": 32, "source": 64, "event_id": 128, "as_of": 64}
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)

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

    Whether a price is ahead of its time is judged by the clock of its record, so that reading it again a day later
    gives the same.

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
    event_time = arrived if message.get("event_time") is None else _moment("event_time", message["event_time"])
    if event_time > arrived + AHEAD:
        raise Poison("event_time is more than 5 minutes ahead")
    volume = Decimal(1) if message.get("volume") is None else _number(message, "volume")
    if volume < 0:
        raise Poison("volume is negative")
    code = _identifier(message, "commodity_code")
    if code is None:
        raise Poison("commodity_code is missing")
    return {
        "event_id": _identifier(message, "event_id") or default_id,
        "commodity_code": code,
        "event_time": event_time,
        "price": _number(message, "price"),
        "currency": _text(message, "currency"),
        "volume": volume,
        "unit": _text(message, "unit"),
        "source": _text(message, "source"),
        "as_of": _period(message),
        "ingest_time": arrived,
    }


def at(milliseconds: int) -> datetime:
    """Epoch milliseconds as UTC without a zone."""
    return EPOCH + timedelta(milliseconds=milliseconds)


def _object(value: bytes | None) -> Mapping[str, Any]:
    if not value:
        raise Poison("no value")
    if len(value) > LONGEST_MESSAGE:
        raise Poison(f"more than {LONGEST_MESSAGE} bytes")
    try:
        message = json.loads(value.decode("utf-8"), parse_float=Decimal, parse_int=_integer)
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise Poison("not JSON") from error
    if not isinstance(message, dict):
        raise Poison("not an object")
    return message


def _integer(text: str) -> int | Decimal:
    """Python refuses integers of thousands of digits; as a decimal such a one is merely out of range."""
    return int(text) if len(text) <= LONGEST_NUMBER else Decimal(text)


def _identifier(message: Mapping[str, Any], name: str) -> str | None:
    value = message.get(name)
    if name == "event_id" and isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    text = _text({name: value}, name)
    if text is not None and (not text.strip() or any(c < " " for c in text)):
        raise Poison(f"{name} is empty or holds control characters")
    return text


def _text(message: Mapping[str, Any], name: str) -> str | None:
    value = message.get(name)
    if value is None:
        return None
    if not isinstance(value, str):
        raise Poison(f"{name} is no text")
    if len(value.encode("utf-8", "replace")) > LONGEST[name]:
        raise Poison(f"{name} is longer than {LONGEST[name]} bytes")
    return value


def _number(message: Mapping[str, Any], name: str) -> Decimal:
    value: Any = message.get(name)
    if value is None:
        raise Poison(f"{name} is missing")
    if isinstance(value, str):
        text = value.strip()
        if len(text) > LONGEST_NUMBER or not NUMBER.fullmatch(text):
            raise Poison(f"{name} is no finite number")
        value = Decimal(text)
    if isinstance(value, float):  # the only floats that are left are NaN and the infinities
        raise Poison(f"{name} is no finite number")
    if isinstance(value, bool) or not isinstance(value, (int, Decimal)):
        raise Poison(f"{name} is no number")
    if abs(Decimal(value)) >= LARGEST:
        raise Poison(f"{name} is out of range")
    number = Decimal(value).quantize(SCALE, rounding=ROUND_HALF_UP)
    if abs(number) >= LARGEST:
        raise Poison(f"{name} is out of range")
    return number


def _period(message: Mapping[str, Any]) -> datetime | None:
    """The date or time that a price refers to; a year or a month stands for its first day."""
    text = _text(message, "as_of")
    if text is None:
        return None
    return _moment("as_of", text + {4: "-01-01", 7: "-01"}.get(len(text), ""))


def _moment(name: str, value: Any) -> datetime:
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
        raise Poison(f"{name} is no time") from error
    raise Poison(f"{name} is no time")
