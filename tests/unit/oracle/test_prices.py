from __future__ import annotations

import json
from datetime import datetime
from decimal import Decimal
from typing import Any

import pandas as pd
import pytest

from carbonlib.oracle.prices import Poison, at, parse_price, parse_raw

NOW = 1_700_000_000_000
SEED = b'{"commodity_code":"CL","price":75.50,"currency":"USD"}'


def read(**fields: Any) -> dict[str, Any]:
    return parse_price(json.dumps({"commodity_code": "CL", "price": 1, **fields}).encode(), "raw-0-7", NOW)


def test_the_seed_message_works_as_it_stands() -> None:
    assert parse_price(SEED, "raw-2-5", NOW) == {
        "event_id": "raw-2-5", "commodity_code": "CL", "event_time": at(NOW), "price": Decimal("75.50"),
        "currency": "USD", "volume": Decimal(1), "unit": None, "source": None, "as_of": None, "ingest_time": at(NOW),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        (-36.98, "-36.98"), (0, "0"), ("75.5", "75.5"), (1e3, "1000"),
        (0.0000005, "0.000001"), (-0.0000015, "-0.000002"),
    ],
)  # fmt: skip
def test_prices_are_decimals_of_any_sign(given: Any, wanted: str) -> None:
    assert read(price=given)["price"] == Decimal(wanted)


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ("2020-04-20T18:30:00.123456Z", datetime(2020, 4, 20, 18, 30, 0, 123000)),
        ("2020-04-20T20:30:00+02:00", datetime(2020, 4, 20, 18, 30)),
        ("2020-04-20 18:30:00", datetime(2020, 4, 20, 18, 30)),
        (1587407400000, datetime(2020, 4, 20, 18, 30)),
        (None, at(NOW)),
    ],
)
def test_event_time_is_iso_or_epoch_milliseconds(given: Any, wanted: datetime) -> None:
    assert read(event_time=given)["event_time"] == wanted


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, "no value"),
        (b"\xff\xfe\x00", "not JSON"),
        (b"12 monkeys", "not JSON"),
        (b"[1]", "not an object"),
        (b'{"price":1}', "commodity_code is missing"),
        (b'{"commodity_code":"  ","price":1}', "empty"),
        (b'{"commodity_code":"CL"}', "price is missing"),
        (b'{"commodity_code":"CL","price":NaN}', "no finite number"),
        (b'{"commodity_code":"CL","price":"Infinity"}', "no finite number"),
        (b'{"commodity_code":"CL","price":"1_000"}', "no finite number"),
        (b'{"commodity_code":"CL","price":' + b"9" * 5000 + b"}", "out of range"),
        (b'{"commodity_code":"CL","price":999999999999.9999999}', "out of range"),
        (b'{"commodity_code":7,"price":1}', "no text"),
        (b'{"commodity_code":"CL","price":1,"as_of":"soon"}', "no time"),
        (b'{"commodity_code":"CL","price":1} {}', "not JSON"),
        (b" " * 70_000, "bytes"),
        (b'{"commodity_code":"CL","price":true}', "no number"),
        (b'{"commodity_code":"CL","price":"<script>"}', "no finite number"),
        (b'{"commodity_code":"CL","price":1e12}', "out of range"),
        (b'{"commodity_code":"CL","price":1,"volume":-1}', "negative"),
        (b'{"commodity_code":"CL","price":1,"event_time":"soon"}', "no time"),
        (b'{"commodity_code":"CL","price":1,"source":"' + b"x" * 5000 + b'"}', "longer"),
        (json.dumps({"commodity_code": "CL", "price": 1, "event_time": NOW + 300_001}).encode(), "ahead"),
    ],
)
def test_what_is_no_price_has_a_reason(value: bytes | None, reason: str) -> None:
    with pytest.raises(Poison, match=reason):
        parse_price(value, "raw-0-0", NOW)


@pytest.mark.parametrize(
    ("given", "wanted"),
    [("2020", (2020, 1, 1)), ("2020-04", (2020, 4, 1)), ("2020-04-20", (2020, 4, 20)), (None, None)],
)
def test_what_a_price_refers_to_may_be_a_year_a_month_or_a_day(given: Any, wanted: tuple[int, int, int] | None) -> None:
    assert read(as_of=given)["as_of"] == (datetime(*wanted) if wanted else None)


def test_event_ids_may_be_numbers_and_fields_that_nobody_knows_are_no_matter() -> None:
    assert read(event_id=17)["event_id"] == "17"
    assert parse_price(b'{"commodity_code":"CL","price":1,"x":NaN,"y":[{}]}', "raw-0-1", NOW)["event_id"] == "raw-0-1"


def test_five_minutes_ahead_is_still_a_price() -> None:
    assert read(event_time=NOW + 300_000)["event_time"] == at(NOW + 300_000)


def test_poison_keeps_its_position_and_good_prices_pass() -> None:
    records = pd.DataFrame(
        [[1, 4, NOW, b"?"], [0, 9, NOW, SEED], [0, 8, NOW, SEED]], columns=["partition", "offset", "timestamp", "value"]
    )
    parsed = parse_raw(records, "raw")
    assert list(parsed.prices["event_id"]) == ["raw-0-8", "raw-0-9"]
    assert parsed.poison.values.tolist() == [[1, 4, "not JSON"]]
