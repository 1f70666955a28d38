"""When the dimension shows what its source holds, and what is said when it does not."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest

from carbonlib._errors import WaitTimeout
from carbonlib._project import MANIFESTS
from carbonlib.clients.iceberg_tables import load_tables
from carbonlib.dimension import dimension_differences, wait_for_dimension

SPEC = next(s for s in load_tables(MANIFESTS / "iceberg" / "catalog.yaml").values() if s.source)
CL = {"commodity_code": "CL", "name": "Crude", "sector": "ENERGY", "unit": "BBL", "currency": "USD", "region": None}
NG = {**CL, "commodity_code": "NG", "name": "Gas"}


def platform(source: list[dict[str, Any]], dimension: list[dict[str, Any]]) -> Any:
    """One whose tables hold these rows; each side adds columns of its own, which are not compared."""
    asked: list[str] = []

    def query(sql: str) -> pd.DataFrame:
        asked.append(sql)
        return pd.DataFrame([{**row, "updated_at": 1} for row in source], dtype=object)

    live = pd.DataFrame([{**row, "updated_at": 2, "position": 3, "deleted": False} for row in dimension], dtype=object)
    iceberg = SimpleNamespace(tables={SPEC.name: SPEC}, newest=lambda _: live)
    return SimpleNamespace(postgres=SimpleNamespace(query=query), iceberg=iceberg, asked=asked)


def test_equal_rows_in_any_order_are_no_difference() -> None:
    equal = platform([CL, NG], [NG, {**CL, "region": float("nan")}])
    assert dimension_differences(equal).empty and equal.asked == [f"SELECT * FROM {SPEC.source}"]
    assert len(wait_for_dimension(equal, timeout=1)) == 2


def test_each_difference_is_named_on_its_side() -> None:
    found = dimension_differences(platform([CL, NG], [{**CL, "name": "Oil"}, {**CL, "commodity_code": "XX"}]))
    assert found.drop(columns="table").to_numpy().tolist() == [
        ["CL", "name", "Crude", "Oil"],
        ["NG", "(row)", "there", "missing"],
        ["XX", "(row)", "missing", "there"],
    ]
    assert set(found["table"]) == {SPEC.name}


def test_a_dimension_that_stays_behind_is_said_with_its_rows() -> None:
    with pytest.raises(WaitTimeout, match=r"1 rows differ.*NG \(row\): there in PostgreSQL, missing here") as late:
        wait_for_dimension(platform([CL, NG], [CL]), timeout=0)
    assert "dead letters" in late.value.remedy


def test_an_empty_side_is_compared_too() -> None:
    assert list(dimension_differences(platform([CL], []))["column"]) == ["(row)"]
