"""Each supported function against a value worked out by hand from the Doris documentation."""

from __future__ import annotations

import datetime
from decimal import Decimal

import duckdb
import pytest

from carbonlib.local.doris.errors import DorisError
from carbonlib.local.doris.functions import supported_names
from carbonlib.local.doris.translate import SessionValues, Translator, render

T = "CAST('2026-11-21 05:06:07.123456' AS DATETIME(6))"
D = datetime.datetime

VALUES: dict[str, object] = {
    "1 / 3 > 0.33": True,
    "7 DIV 2": 3,
    "MOD(7, 4)": 3,
    "1 / 0": None,
    "1 <=> NULL": False,
    "5 & 3": 1,
    "BITAND(5, 3)": 1,
    "BITOR(5, 3)": 7,
    "ABS(-2)": 2,
    "CEIL(1.2)": 2,
    "FLOOR(1.8)": 1,
    "ROUND(1.256, 2)": Decimal("1.26"),
    "TRUNCATE(1.259, 2)": Decimal("1.25"),
    "POW(2, 3)": 8,
    "SQRT(9)": 3,
    "LOG10(100)": 2,
    "SIGN(-3)": -1,
    "GREATEST(1, 3, 2)": 3,
    "GREATEST(1, NULL)": None,
    "LEAST(3, 1)": 1,
    "COALESCE(NULL, 2)": 2,
    "IFNULL(NULL, 2)": 2,
    "NVL(NULL, 2)": 2,
    "NULLIF(1, 1)": None,
    "IF(1 > 2, 'y', 'n')": "n",
    "ISNULL(NULL)": True,
    "CASE WHEN 1 = 1 THEN 'a' END": "a",
    "CAST('1.5' AS DECIMAL(18,6))": Decimal("1.500000"),
    "CAST(5 AS STRING)": "5",
    "CONCAT('a', 'b')": "ab",
    "CONCAT('a', NULL)": None,
    "CONCAT_WS('-', 'a', 'b')": "a-b",
    "LENGTH('é')": 2,
    "CHAR_LENGTH('é')": 1,
    "UPPER('a')": "A",
    "LCASE('A')": "a",
    "TRIM(' a ')": "a",
    "SUBSTR('abc', 2, 1)": "b",
    "LEFT('abc', 2)": "ab",
    "STRLEFT('abc', 2)": "ab",
    "STRRIGHT('abc', 2)": "bc",
    "LPAD('7', 3, '0')": "007",
    "REPLACE('aXa', 'X', '-')": "a-a",
    "REVERSE('ab')": "ba",
    "INSTR('abc', 'c')": 3,
    "LOCATE('c', 'abc')": 3,
    "SPLIT_PART('a-b', '-', 2)": "b",
    "STARTS_WITH('abc', 'ab')": True,
    "'abc' LIKE 'a%'": True,
    "'abc' REGEXP '^a'": True,
    "REGEXP_EXTRACT('a12', '([0-9]+)', 1)": "12",
    "REGEXP_REPLACE('a1b2', '[0-9]', '')": "ab",
    "MD5('a')": "0cc175b9c0f1b6a831c399e269772661",
    "HEX(255)": "FF",
    "REPEAT('ab', 2)": "abab",
    "JSON_EXTRACT_STRING('{\"a\":\"b\"}', '$.a')": "b",
    "GET_JSON_STRING('{\"a\":\"b\"}', '$.a')": "b",
    "GET_JSON_INT('{\"a\":5}', '$.a')": 5,
    "GET_JSON_DOUBLE('{\"a\":5.5}', '$.a')": 5.5,
    f"YEAR({T})": 2026,
    f"MONTH({T})": 11,
    f"DAY({T})": 21,
    f"HOUR({T})": 5,
    f"MINUTE({T})": 6,
    f"SECOND({T})": 7,
    f"MICROSECOND({T})": 123456,
    f"QUARTER({T})": 4,
    f"DAYOFWEEK({T})": 7,
    f"WEEKDAY({T})": 5,
    f"DAYOFYEAR({T})": 325,
    f"DATE({T})": datetime.date(2026, 11, 21),
    f"DATE_TRUNC({T}, 'hour')": D(2026, 11, 21, 5),
    f"DATE_TRUNC({T}, 'month')": D(2026, 11, 1),
    f"MINUTE_FLOOR({T}, 5)": D(2026, 11, 21, 5, 5),
    f"MINUTE_FLOOR({T})": D(2026, 11, 21, 5, 6),
    f"MINUTE_CEIL({T}, 5)": D(2026, 11, 21, 5, 10),
    f"HOUR_FLOOR({T})": D(2026, 11, 21, 5),
    f"HOUR_CEIL({T})": D(2026, 11, 21, 6),
    f"DAY_FLOOR({T})": D(2026, 11, 21),
    f"SECOND_FLOOR({T}, 10)": D(2026, 11, 21, 5, 6),
    f"DATE_FLOOR({T}, INTERVAL 5 MINUTE)": D(2026, 11, 21, 5, 5),
    f"MONTH_FLOOR({T})": D(2026, 11, 1),
    f"DATE_FORMAT({T}, '%Y/%m/%d %H:%i:%s')": "2026/11/21 05:06:07",
    f"DATE_ADD({T}, INTERVAL 1 DAY)": D(2026, 11, 22, 5, 6, 7, 123456),
    f"DATE_SUB({T}, INTERVAL 5 MINUTE)": D(2026, 11, 21, 5, 1, 7, 123456),
    f"MINUTES_SUB({T}, 6)": D(2026, 11, 21, 5, 0, 7, 123456),
    f"HOURS_ADD({T}, 2)": D(2026, 11, 21, 7, 6, 7, 123456),
    f"DAYS_SUB({T}, 1)": D(2026, 11, 20, 5, 6, 7, 123456),
    f"MONTHS_SUB({T}, 1)": D(2026, 10, 21, 5, 6, 7, 123456),
    f"SECONDS_ADD({T}, 3)": D(2026, 11, 21, 5, 6, 10, 123456),
    f"WEEKS_SUB({T}, 1)": D(2026, 11, 14, 5, 6, 7, 123456),
    f"MILLISECONDS_ADD({T}, 1)": D(2026, 11, 21, 5, 6, 7, 124456),
    f"YEARS_SUB({T}, 1)": D(2025, 11, 21, 5, 6, 7, 123456),
    f"{T} - INTERVAL 1 HOUR": D(2026, 11, 21, 4, 6, 7, 123456),
    "DATEDIFF('2026-11-21', '2026-11-19')": 2,
    # Whole hours that have passed, not boundaries that were crossed.
    "TIMESTAMPDIFF(HOUR, '2026-01-01 00:59:00', '2026-01-01 01:01:00')": 0,
    "HOURS_DIFF('2026-01-01 02:00:00', '2026-01-01 00:30:00')": 1,
    "MINUTES_DIFF('2026-01-01 00:02:00', '2026-01-01 00:00:30')": 1,
    "MILLISECONDS_DIFF('2026-01-01 00:00:01', '2026-01-01 00:00:00')": 1000,
    f"UNIX_TIMESTAMP({T})": 1795237567,
    "FROM_UNIXTIME(0)": "1970-01-01 00:00:00",
    "FROM_UNIXTIME(0, '%Y')": "1970",
    f"MILLISECOND_TIMESTAMP({T})": 1795237567123,
    "FROM_MILLISECOND(1500)": D(1970, 1, 1, 0, 0, 1, 500000),
    "STR_TO_DATE('2026-01-02', '%Y-%m-%d')": datetime.date(2026, 1, 2),
    "STR_TO_DATE('2026-01-02 03:04:05', '%Y-%m-%d %H:%i:%s')": D(2026, 1, 2, 3, 4, 5),
    "SIZE(ARRAY(1, 2))": 2,
    "HOUR('2026-02-03 04:05:06')": 4,
    "DATE_TRUNC('2026-02-03 04:05:06', 'day')": D(2026, 2, 3),
    "DATE_SUB('2026-02-03', INTERVAL 1 DAY)": D(2026, 2, 2),
    "LAST_DAY('2026-02-03')": datetime.date(2026, 2, 28),
    "EXTRACT(HOUR FROM CAST('2026-01-01 09:00:00' AS DATETIME))": 9,
}

AGGREGATES: dict[str, object] = {
    "COUNT(*)": 4,
    "COUNT(DISTINCT s)": 3,
    "NDV(s)": 3,
    "APPROX_COUNT_DISTINCT(s)": 3,
    "SUM(v)": 10,
    "AVG(v)": 2.5,
    "MIN(v)": 1,
    "MAX(v)": 4,
    "MAX_BY(s, v)": "c",
    "MIN_BY(s, v)": "a",
    "GROUP_CONCAT(s, '-')": "a-b-b-c",
    "GROUP_CONCAT(s)": "a, b, b, c",
    "PERCENTILE(v, 0.5)": 2.5,
    "ROUND(PERCENTILE_APPROX(v, 0.5), 1)": 2.5,
    "STDDEV(v)": 1.118033988749895,
    "VARIANCE(v)": 1.25,
    "COLLECT_LIST(s)": ["a", "b", "b", "c"],
    "SIZE(COLLECT_SET(s))": 3,
    "ANY_VALUE(1)": 1,
    "SUM(IF(v > 2, 1, 0))": 2,
    "MULTI_DISTINCT_COUNT(s)": 3,
    "COUNT_IF(v > 2)": 2,
    "COUNT_IF(v > 9)": 0,
}


class Nothing:
    """A catalog without tables."""

    version = 0

    def table_or_view(self, database: str, name: str) -> object:
        raise AssertionError(name)


@pytest.fixture(scope="module")
def duck() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    return connection


def run(duck: duckdb.DuckDBPyConnection, sql: str) -> object:
    session = SessionValues(user="desk", database="market", version="5.7", connection=7, variables={"a": 1, "b": "x"})
    translated = Translator(Nothing()).query(sql, session)  # type: ignore[arg-type]
    row = duck.execute(render(translated.sql, session)).fetchone()
    assert row is not None
    return row[0]


@pytest.mark.parametrize("expression", VALUES)
def test_value(duck: duckdb.DuckDBPyConnection, expression: str) -> None:
    assert run(duck, f"SELECT {expression}") == VALUES[expression]


@pytest.mark.parametrize("expression", AGGREGATES)
def test_aggregate(duck: duckdb.DuckDBPyConnection, expression: str) -> None:
    rows = "SELECT 'a' AS s, 1 AS v UNION ALL SELECT 'b', 2 UNION ALL SELECT 'b', 3 UNION ALL SELECT 'c', 4"
    assert run(duck, f"SELECT {expression} FROM ({rows}) AS r") == AGGREGATES[expression]


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("ROW_NUMBER() OVER (ORDER BY v DESC)", [3, 2, 1]),
        ("RANK() OVER (ORDER BY v)", [1, 2, 3]),
        ("LAG(v, 1, 0) OVER (ORDER BY v)", [0, 1, 2]),
        ("LEAD(v) OVER (ORDER BY v)", [2, 3, None]),
        ("SUM(v) OVER (ORDER BY v ROWS BETWEEN 1 PRECEDING AND CURRENT ROW)", [1, 3, 5]),
        ("FIRST_VALUE(v) OVER (ORDER BY v)", [1, 1, 1]),
    ],
)
def test_window(duck: duckdb.DuckDBPyConnection, expression: str, expected: list[object]) -> None:
    rows = "SELECT 1 AS v UNION ALL SELECT 2 UNION ALL SELECT 3"
    translated = Translator(Nothing()).query(  # type: ignore[arg-type]
        f"SELECT {expression} AS w FROM ({rows}) AS r ORDER BY v", SessionValues()
    )
    assert [row[0] for row in duck.execute(translated.sql).fetchall()] == expected


def test_the_session_speaks(duck: duckdb.DuckDBPyConnection) -> None:
    assert run(duck, "SELECT USER()") == "desk@127.0.0.1"
    assert run(duck, "SELECT CURRENT_USER()") == "desk@%"
    assert run(duck, "SELECT DATABASE()") == "market"
    assert run(duck, "SELECT CONNECTION_ID()") == "7"
    assert run(duck, "SELECT @@a + 1") == 2
    assert run(duck, "SELECT @@b") == "x"


def test_now_is_now_in_utc_and_in_whole_seconds(duck: duckdb.DuckDBPyConnection) -> None:
    before = datetime.datetime.now(datetime.UTC).replace(tzinfo=None)
    moment = run(duck, "SELECT NOW()")
    assert isinstance(moment, datetime.datetime)
    assert moment.microsecond == 0
    assert abs((moment - before).total_seconds()) < 5
    assert isinstance(run(duck, "SELECT CURDATE()"), datetime.date)
    fine = run(duck, "SELECT NOW(3)")
    assert isinstance(fine, datetime.datetime)
    assert fine.microsecond % 1000 == 0


@pytest.mark.parametrize("call", ["FOO(1)", "WINDOW_FUNNEL(1, 'd', 1)", "WEEK(NOW())", "READ_CSV('x')", "TOPN(1, 2)"])
def test_unknown_functions_are_refused(duck: duckdb.DuckDBPyConnection, call: str) -> None:
    with pytest.raises(DorisError, match="Can not found function"):
        run(duck, f"SELECT {call}")


def test_files_cannot_be_read(duck: duckdb.DuckDBPyConnection) -> None:
    for source in ("read_text('/etc/hostname')", "duckdb_tables()", "read_csv('/etc/hostname')"):
        with pytest.raises(DorisError, match="Can not found table function"):
            run(duck, f"SELECT * FROM {source}")


@pytest.mark.parametrize("sql", ["SELECT 1; SELECT 2", "SELECT FROM", "SELECT @x", "SELECT @@nothing"])
def test_malformed(duck: duckdb.DuckDBPyConnection, sql: str) -> None:
    with pytest.raises(DorisError):
        run(duck, sql)


def test_the_list_of_functions_taken_by_name_is_known() -> None:
    names = supported_names()
    assert len(names) > 80
    assert {"minutes_sub", "minute_floor", "percentile_approx", "ndv", "unix_timestamp", "group_concat"} <= set(names)
