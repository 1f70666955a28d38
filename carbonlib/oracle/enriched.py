"""Enriched prices: each price with what the dimension said about its commodity."""

from __future__ import annotations

from typing import Any

import pandas as pd

DESCRIBED = ["name", "sector", "exchange", "region"]
COMMON = ["event_id", "commodity_code", "event_time", "price", "volume", "as_of", "source", "ingest_time"]
ENRICHED_COLUMNS = [*COMMON, "currency", "unit", *DESCRIBED]


def expected_enriched(prices: pd.DataFrame, dimension: pd.DataFrame) -> pd.DataFrame:
    """Join prices with the newest row of each commodity that is not deleted; an unknown commodity stays, undescribed.

    Currency and unit are those of the message; where it is silent, those of the dimension.
    """
    known = newest(dimension)
    rows = [_describe(price, known.get(price["commodity_code"], {})) for price in prices.to_dict("records")]
    return pd.DataFrame(rows, columns=ENRICHED_COLUMNS, dtype=object)


def newest(dimension: pd.DataFrame) -> dict[str, dict[str, Any]]:
    """The row that counts for each code of a log of changes: the newest, and of equal times the highest position."""
    current: dict[str, dict[str, Any]] = {}
    for row in dimension.to_dict("records"):
        held = current.get(row["commodity_code"])
        if held is None or _order(row) >= _order(held):
            current[row["commodity_code"]] = {str(k): v for k, v in row.items()}
    return {code: row for code, row in current.items() if not row["deleted"]}


def _order(row: dict[Any, Any]) -> tuple[Any, int]:
    """Rows without a position are those that were written before there was one."""
    return row["updated_at"], -1 if pd.isna(row["position"]) else int(row["position"])


def _describe(price: dict[Any, Any], row: dict[str, Any]) -> dict[str, Any]:
    return {
        **{name: price[name] for name in COMMON},
        **{name: price[name] if price[name] is not None else row.get(name) for name in ("currency", "unit")},
        **{name: row.get(name) for name in DESCRIBED},
    }
