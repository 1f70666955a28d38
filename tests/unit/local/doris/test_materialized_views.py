"""Asynchronous materialized views: built, refreshed, paused, listed."""

from __future__ import annotations

import pymysql
import pytest

from carbonlib.local.doris.testing import Endpoint
from carbonlib.waiting import wait_until


@pytest.fixture
def bars(endpoint: Endpoint, database: str) -> str:
    endpoint.sql(
        f"CREATE TABLE {database}.t (c VARCHAR(9), w DATETIME(3), o INT, v INT) UNIQUE KEY(c, w) "
        "DISTRIBUTED BY HASH(c) BUCKETS 1",
        f"INSERT INTO {database}.t VALUES ('CL', '2026-01-01 00:01:00', 1, 10), ('CL', '2026-01-01 00:04:00', 2, 5)",
    )
    return database


def create(endpoint: Endpoint, database: str, clauses: str, query: str = "") -> None:
    query = (
        query or f"SELECT c, minute_floor(w, 5) AS w, min_by(o, w) AS o, sum(v) AS v FROM {database}.t GROUP BY 1, 2"
    )
    endpoint.sql(f"CREATE MATERIALIZED VIEW {database}.m {clauses} AS {query}")


def content(endpoint: Endpoint, database: str) -> tuple[tuple[object, ...], ...]:
    return endpoint.sql(f"SELECT c, CAST(w AS STRING), o, v FROM {database}.m ORDER BY 1, 2")


def test_manual(endpoint: Endpoint, bars: str) -> None:
    create(endpoint, bars, "BUILD IMMEDIATE REFRESH AUTO ON MANUAL DUPLICATE KEY(c, w) DISTRIBUTED BY HASH(c)")
    assert content(endpoint, bars) == (("CL", "2026-01-01 00:00:00", 1, 15),)
    endpoint.sql(f"INSERT INTO {bars}.t VALUES ('CL', '2026-01-01 00:05:00', 3, 1)")
    assert len(content(endpoint, bars)) == 1
    infos = f'SELECT State, SyncWithBaseTables FROM mv_infos("database"="{bars}") WHERE Name = "m"'
    assert endpoint.sql(infos) == (("NORMAL", 0),)
    endpoint.sql(f"REFRESH MATERIALIZED VIEW {bars}.m COMPLETE")
    assert content(endpoint, bars)[1] == ("CL", "2026-01-01 00:05:00", 3, 1)
    assert endpoint.sql(infos) == (("NORMAL", 1),)
    tasks = endpoint.sql(f"""SELECT Status FROM tasks("type"="mv") WHERE MvDatabaseName = '{bars}'""")
    assert tasks == (("SUCCESS",), ("SUCCESS",))


def test_deferred(endpoint: Endpoint, bars: str) -> None:
    create(endpoint, bars, "BUILD DEFERRED REFRESH COMPLETE ON MANUAL DISTRIBUTED BY RANDOM BUCKETS 1")
    assert content(endpoint, bars) == ()


def test_on_commit_follows_its_base(endpoint: Endpoint, bars: str) -> None:
    create(endpoint, bars, "BUILD IMMEDIATE REFRESH AUTO ON COMMIT DISTRIBUTED BY RANDOM BUCKETS 1")
    endpoint.load(bars, "t", '{"c":"NG","w":"2026-01-01 00:00:00","o":7,"v":1}')
    wait_until(lambda: len(content(endpoint, bars)) == 2, what="A refresh after the load", timeout="15 s", every=0.1)


def test_scheduled(endpoint: Endpoint, bars: str) -> None:
    create(endpoint, bars, "BUILD DEFERRED REFRESH AUTO ON SCHEDULE EVERY 1 MINUTE DISTRIBUTED BY RANDOM BUCKETS 1")
    wait_until(lambda: len(content(endpoint, bars)) == 1, what="The first refresh", timeout="15 s", every=0.1)
    job = endpoint.sql(f"""SELECT RecurringStrategy, Status FROM jobs("type"="mv") WHERE MvDatabaseName = '{bars}'""")
    assert job == (("EVERY 1 MINUTE", "RUNNING"),)
    endpoint.sql(f"PAUSE MATERIALIZED VIEW JOB ON {bars}.m")
    job = endpoint.sql(f"""SELECT Status FROM jobs("type"="mv") WHERE MvDatabaseName = '{bars}'""")
    assert job == (("PAUSED",),)
    endpoint.sql(f"RESUME MATERIALIZED VIEW JOB ON {bars}.m")


def test_it_is_no_table_to_write_to(endpoint: Endpoint, bars: str) -> None:
    create(endpoint, bars, "BUILD DEFERRED REFRESH AUTO ON MANUAL DISTRIBUTED BY RANDOM BUCKETS 1")
    assert "is a materialized view" in endpoint.load(bars, "m", '{"c":"x"}')["Message"]
    for sql in (f"INSERT INTO {bars}.m VALUES (1)", f"TRUNCATE TABLE {bars}.m", f"DROP TABLE {bars}.m"):
        with pytest.raises(pymysql.MySQLError):
            endpoint.sql(sql)
    endpoint.sql(f"DROP MATERIALIZED VIEW {bars}.m")
    assert endpoint.sql(f"SHOW TABLES FROM {bars}") == (("t",),)


@pytest.mark.parametrize(
    ("clauses", "query", "part"),
    [
        ("", "SELECT 1", "a synchronous materialized view is not supported"),
        ("REFRESH AUTO ON SCHEDULE EVERY 5 SECOND DISTRIBUTED BY RANDOM", "SELECT 1", "unit can not be second"),
        ("REFRESH SOMETIMES", "SELECT 1", "expecting AUTO or COMPLETE"),
        ("REFRESH AUTO ON MANUAL", "SELECT nope", "nope"),
        ("REFRESH AUTO ON MANUAL", "SELECT * FROM information_schema.tables", "information_schema"),
        ("REFRESH AUTO ON MANUAL DUPLICATE KEY(z)", "SELECT 1 AS a", "Key column[z] doesn't exist"),
        ('REFRESH AUTO ON MANUAL PROPERTIES("shiny"="1")', "SELECT 1 AS a", "Unknown properties: {shiny}"),
    ],
)
def test_refused(endpoint: Endpoint, database: str, clauses: str, query: str, part: str) -> None:
    with pytest.raises(pymysql.MySQLError) as error:
        create(endpoint, database, clauses, query)
    assert part in error.value.args[1]
