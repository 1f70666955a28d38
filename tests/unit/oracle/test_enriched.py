from __future__ import annotations

from datetime import UTC, datetime

import pandas as pd

from carbonlib.oracle import expected_enriched, parse_raw

LOG = ["updated_at", "deleted", "position"]
DIMENSION = pd.DataFrame(
    [
        ["CL", "WTI Crude Oil", "ENERGY", "BBL", "USD", "NYMEX", "US", datetime(2024, 1, 1, tzinfo=UTC), False, 12],
        ["CL", "old name", "ENERGY", "BBL", "USD", "NYMEX", "US", datetime(2024, 1, 1, tzinfo=UTC), False, 11],
        ["CL", "unplaced", "ENERGY", "BBL", "USD", "NYMEX", "US", datetime(2024, 1, 1, tzinfo=UTC), False, None],
        ["CL", "older name", "ENERGY", "BBL", "USD", "NYMEX", "US", datetime(2023, 1, 1, tzinfo=UTC), False, 13],
        ["NG", "Henry Hub", "ENERGY", "MMBTU", "USD", "NYMEX", "US", datetime(2024, 1, 1, tzinfo=UTC), False, 20],
        ["NG", "Henry Hub", "ENERGY", "MMBTU", "USD", "NYMEX", "US", datetime(2024, 2, 1, tzinfo=UTC), True, 21],
    ],
    columns=["commodity_code", "name", "sector", "unit", "currency", "exchange", "region", *LOG],
    dtype=object,
)


def enriched(value: bytes) -> dict[str, object]:
    records = pd.DataFrame([[0, 0, 1_700_000_000_000, value]], columns=["partition", "offset", "timestamp", "value"])
    (row,) = expected_enriched(parse_raw(records, "raw").prices, DIMENSION).to_dict("records")
    return {str(k): v for k, v in row.items()}


def test_the_newest_row_counts_and_of_equal_times_the_highest_position() -> None:
    assert enriched(b'{"commodity_code":"CL","price":1}')["name"] == "WTI Crude Oil"


def test_a_deleted_commodity_and_an_unknown_one_pass_undescribed() -> None:
    for code in (b"NG", b"XX"):
        row = enriched(b'{"commodity_code":"' + code + b'","price":1,"currency":"EUR"}')
        assert (row["name"], row["sector"], row["currency"]) == (None, None, "EUR")


def test_the_message_says_its_currency_and_unit_where_it_can() -> None:
    assert enriched(b'{"commodity_code":"CL","price":1,"unit":"T"}')["unit"] == "T"
    assert enriched(b'{"commodity_code":"CL","price":1}')["currency"] == "USD"
