"""The schema of the project, unchanged: created, filled as the jobs fill it, and queried as the desk does."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pymysql
import pytest

from carbonlib.clients.doris import Doris, load_objects
from carbonlib.local.doris.testing import Endpoint

SQL = Path(__file__).parents[4] / "sql" / "doris"
VALUES = {
    "doris.replication_num": "1", "kafka.bootstrap_servers": "127.0.0.1:1", "secret.doris_loader": "loader-1",
    "secret.doris_reader": "reader-1", "secret.doris_admin": "admin-1", "kafka.security_protocol": "PLAINTEXT",
    "kafka.sasl_mechanism": "SCRAM-SHA-512", "kafka.doris_password": "", "kafka.doris_ca": "",
}  # fmt: skip
KEYS = {
    "energy_prices_rt": ["commodity_code", "event_time", "event_id"],
    "price_1min_agg": ["commodity_code", "window_start"],
    "market_alerts": ["alert_id", "event_time"],
    "weather_events_rt": ["station_id", "event_time"],
    "weather_events_sink": ["station_id", "event_time"],
    "trading_signals": ["signal_id", "signal_time"],
}


@pytest.fixture(scope="module")
def market(endpoint: Endpoint) -> Iterator[Doris]:
    client = Doris("127.0.0.1", endpoint.query_port, endpoint.fe_url, "root", "")
    client.plan(load_objects(SQL, VALUES)).apply()
    yield client
    for job in client.routine_loads("commodity_realtime")["name"]:
        client.execute(f"STOP ROUTINE LOAD FOR commodity_realtime.{job}")
    client.close()


def reader(endpoint: Endpoint) -> Doris:
    return Doris("127.0.0.1", endpoint.query_port, endpoint.fe_url, "rt_reader", "reader-1")


def loader(endpoint: Endpoint) -> Doris:
    return Doris("127.0.0.1", endpoint.query_port, endpoint.fe_url, "rt_loader", "loader-1")


def test_the_tables_have_the_keys_of_the_platform() -> None:
    tables = {o.name: o.table for o in load_objects(SQL, VALUES) if o.table}
    assert {name: table.keys for name, table in tables.items()} == KEYS
    assert {table.model for table in tables.values()} == {"UNIQUE"}
    assert all(c.comment for table in tables.values() for c in table.columns)


def test_each_file_says_what_its_object_is() -> None:
    for path in SQL.rglob("*.sql"):
        assert path.read_text(encoding="utf-8").startswith("-- "), path.name


def test_a_second_plan_is_empty(market: Doris) -> None:
    assert len(market.plan(load_objects(SQL, VALUES))) == 0


def test_bars_and_their_roll_ups(endpoint: Endpoint, market: Doris) -> None:
    start = datetime.datetime(2026, 1, 5, 9, 58)
    bars = [
        {
            "commodity_code": "T1", "window_start": start + datetime.timedelta(minutes=n),
            "window_end": start + datetime.timedelta(minutes=n + 1), "open_price": 10 + n, "high_price": 20 + n,
            "low_price": 5 - n, "close_price": 11 + n, "volume": n, "vwap": 10 + n, "trade_count": 2,
        }
        for n in range(4)
    ]  # fmt: skip
    loader(endpoint).stream_load("commodity_realtime", "price_1min_agg", bars)
    # A state of the bar that is older and arrives again does not replace a newer one.
    older = {**bars[0], "close_price": 1, "trade_count": 1}
    loader(endpoint).stream_load("commodity_realtime", "price_1min_agg", [older])
    for name in ("price_5min_agg", "price_1h_agg", "price_1d_agg"):
        market.execute(f"REFRESH MATERIALIZED VIEW commodity_realtime.{name} COMPLETE")
    columns = "window_start, window_end, open_price, high_price, low_price, close_price, volume, vwap, trade_count"
    query = "SELECT {} FROM commodity_realtime.{} WHERE commodity_code = 'T1' ORDER BY window_start"
    found = reader(endpoint).query(query.format(columns, "price_5min_agg")).values.tolist()
    at = [datetime.datetime(2026, 1, 5, 9, 55), datetime.datetime(2026, 1, 5, 10), datetime.datetime(2026, 1, 5, 10, 5)]
    d = Decimal
    assert found[0][2:] == [d(10), d(21), d(4), d(12), d(1), d(11), 4]
    assert found[1][2:] == [d(12), d(23), d(2), d(14), d(5), d("12.6"), 4]
    assert [row[0].to_pydatetime() for row in found] == at[:2]
    assert [row[1].to_pydatetime() for row in found] == at[1:]
    assert len(reader(endpoint).query(query.format("*", "price_1h_agg"))) == 2
    day = reader(endpoint).query(query.format(columns, "price_1d_agg"))
    assert day.loc[0, "trade_count"] == 8
    assert day.loc[0, "window_end"] == datetime.datetime(2026, 1, 6)


def test_the_queries_of_the_desk(endpoint: Endpoint, market: Doris) -> None:
    now = datetime.datetime.now(datetime.UTC).replace(tzinfo=None, second=0, microsecond=0)
    span = {"from_time": now - datetime.timedelta(minutes=30), "to_time": now + datetime.timedelta(minutes=5)}
    load = loader(endpoint).stream_load
    minutes = [
        (code, n, price) for code, prices in (("Q1", (50, 60)), ("Q2", (10, 9))) for n, price in enumerate(prices)
    ]
    load("commodity_realtime", "price_1min_agg", [
        {"commodity_code": c, "window_start": now - datetime.timedelta(minutes=1 - n), "open_price": p,
         "close_price": p, "high_price": p, "low_price": p, "volume": n + 1, "vwap": p, "trade_count": 1}
        for c, n, p in minutes
    ])  # fmt: skip
    load("commodity_realtime", "market_alerts", [
        {"alert_id": f"a{n}", "event_time": now, "commodity_code": "Q1", "severity": s}
        for n, s in enumerate(("MEDIUM", "CRITICAL"))
    ])  # fmt: skip
    load("commodity_realtime", "trading_signals", [
        {"signal_id": f"s{n}", "signal_time": now - datetime.timedelta(minutes=n), "commodity_code": "Q1",
         "action": a, "strength": 0.5} for n, a in enumerate(("BUY", "HOLD"))
    ])  # fmt: skip
    desk = reader(endpoint)

    def ask(name: str) -> list[list[object]]:
        found = desk.query((SQL / "queries" / f"{name}.sql").read_text(encoding="utf-8").rstrip().rstrip(";"), span)
        return [row for row in found.values.tolist() if "Q1" in row or "Q2" in row]

    assert [row[:3] for row in ask("latest_price")] == [["Q1", Decimal(60), Decimal(0)], ["Q2", Decimal(9), Decimal(0)]]
    assert [row[:2] for row in ask("vwap")] == [["Q1", Decimal("56.666667")], ["Q2", Decimal("9.333333")]]
    assert [(row[0], row[5]) for row in ask("top_movers")] == [("Q1", 20.0), ("Q2", -10.0)]
    assert [row[1:] for row in ask("alert_heatmap")] == [["Q1", 2, 1, 3]]
    assert [(row[0], row[2]) for row in ask("signals_board")] == [("Q1", "BUY")]


def test_the_reader_cannot_write_and_the_loader_cannot_change(endpoint: Endpoint, market: Doris) -> None:
    table = "commodity_realtime.trading_signals"
    with pytest.raises(pymysql.MySQLError, match="LOAD"):
        endpoint.sql(f"DELETE FROM {table} WHERE price = 1", user="rt_reader", password="reader-1")
    with pytest.raises(pymysql.MySQLError, match="DROP"):
        endpoint.sql(f"DROP TABLE {table}", user="rt_loader", password="loader-1")
    endpoint.sql(f"ALTER TABLE {table} ADD COLUMN note STRING", user="rt_admin", password="admin-1")
    with pytest.raises(pymysql.MySQLError, match="GRANT"):
        endpoint.sql("CREATE USER more", user="rt_admin", password="admin-1")
