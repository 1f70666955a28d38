"""Messages that are no prices, of each kind that a producer may send by mistake or on purpose."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from .latency import own_codes
from .pipeline import load_pipeline

if TYPE_CHECKING:
    from ..platform import Platform

BIG_FIELD = 900_000  # characters; with its message still within what a broker takes


def poison_messages() -> dict[str, bytes]:
    """One message of each kind, by what is wrong with it."""
    ahead = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    price = {"commodity_code": "TEST-POISON", "price": 1.0, "currency": "USD"}
    return {
        "bytes": b"\x00\xff\xfe\x80\x81",
        "not JSON": b"CL 75.50 USD",
        "half a message": b'{"commodity_code":"TEST-POISON","price":75.',
        "not an object": b'["TEST-POISON", 75.5]',
        "no price": b'{"commodity_code":"TEST-POISON","currency":"USD"}',
        "no code": b'{"price":75.5}',
        "not a number": b'{"commodity_code":"TEST-POISON","price":NaN}',
        "infinite": b'{"commodity_code":"TEST-POISON","price":"Infinity"}',
        "out of range": b'{"commodity_code":"TEST-POISON","price":1e40}',
        "negative volume": json.dumps({**price, "volume": -1}).encode(),
        "from the future": json.dumps({**price, "event_time": ahead}).encode(),
        "a field of a megabyte": json.dumps({**price, "source": "x" * BIG_FIELD}).encode(),
        "markup for a price": b'{"commodity_code":"TEST-POISON","price":"<script>alert(1)</script>"}',
    }


@dataclass(frozen=True)
class Sent:
    """What was sent: the kinds of poison, and as many good prices among them."""

    poison: list[str]
    good: int

    def __repr__(self) -> str:
        return f"{len(self.poison)} poison messages ({', '.join(self.poison)}) with {self.good} good prices among them"


def send_poison(platform: Platform) -> Sent:
    """Send one message of each kind, a good price before each; the last good one carries markup, which is no fault."""
    (code,) = own_codes("TEST-GOOD", 1)
    kinds = poison_messages()
    good = [{"commodity_code": code, "price": 10.0, "currency": "USD", "source": "TEST"} for _ in kinds]
    good[-1]["source"] = "<script>alert(1)</script>"
    pairs = zip(good, kinds.values(), strict=True)
    messages = [m for price, poison in pairs for m in ((code, json.dumps(price).encode()), (code, poison))]
    platform.kafka.produce(load_pipeline().raw, messages)
    return Sent(list(kinds), len(good))
