"""Texts of one query in different writings, and queries that differ."""

from __future__ import annotations

import pytest

from carbonlib.clients.doris_queries import same_query

DECLARED = """SELECT b.code, -- the commodity
    MAX(b.high)  AS high FROM market.bars AS b WHERE b.unit = 'Bbl' GROUP BY b.code"""


@pytest.mark.parametrize(
    "live",
    [
        DECLARED,
        DECLARED.replace("\n    ", " ").replace("-- the commodity", ""),
        "select `b`.`code`, max(`b`.`high`) as `high` from `internal`.`market`.`bars` as `b` "
        "where `internal`.`market`.`b`.`unit` = \"Bbl\" group by `b`.`code`;",
    ],
)  # fmt: skip
def test_a_query_in_another_writing_is_the_same(live: str) -> None:
    assert same_query(DECLARED, live)


@pytest.mark.parametrize(
    ("part", "other"),
    [
        ("MAX", "MIN"),
        ("'Bbl'", "'bbl'"),
        ("b.high", "b.low"),
        ("market.bars", "stock.bars"),
        (" GROUP BY b.code", ""),
        ("b.code,", "b.code, b.unit,"),
    ],
)
def test_another_query_is_another(part: str, other: str) -> None:
    assert not same_query(DECLARED, DECLARED.replace(part, other))
