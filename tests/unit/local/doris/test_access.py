"""Users, roles and privileges are enforced, on queries as on loads."""

from __future__ import annotations

import pymysql
import pytest

from carbonlib.local.doris.access import hash_password
from carbonlib.local.doris.testing import Endpoint


def refusal(endpoint: Endpoint, sql: str, user: str) -> str:
    with pytest.raises(pymysql.MySQLError) as error:
        endpoint.sql(sql, user=user, password="pw")
    return str(error.value.args[1])


@pytest.fixture(scope="module")
def market(endpoint: Endpoint) -> str:
    endpoint.sql(
        "CREATE DATABASE access_market",
        "CREATE TABLE access_market.t (k INT, v INT) UNIQUE KEY(k) DISTRIBUTED BY HASH(k) BUCKETS 1",
        "CREATE TABLE access_market.hidden (k INT) DUPLICATE KEY(k) DISTRIBUTED BY HASH(k) BUCKETS 1",
        "INSERT INTO access_market.t VALUES (1, 1)",
        "CREATE ROLE a_loader", "GRANT LOAD_PRIV ON internal.access_market.* TO ROLE 'a_loader'",
        "CREATE USER 'a_load'@'%' IDENTIFIED BY 'pw' DEFAULT ROLE 'a_loader'",
        "CREATE USER a_read IDENTIFIED BY 'pw'", "GRANT SELECT_PRIV ON access_market.t TO 'a_read'@'%'",
        "CREATE USER a_nobody IDENTIFIED BY 'pw'",
    )  # fmt: skip
    return "access_market"


def test_a_reader_reads_and_nothing_else(endpoint: Endpoint, market: str) -> None:
    assert endpoint.sql(f"SELECT v FROM {market}.t", user="a_read", password="pw") == ((1,),)
    assert "does not have privilege" in refusal(endpoint, f"SELECT * FROM {market}.hidden", "a_read")
    for sql in (
        f"INSERT INTO {market}.t VALUES (2, 2)", f"DELETE FROM {market}.t WHERE k = 1", f"TRUNCATE TABLE {market}.t",
        f"DROP TABLE {market}.t", f"ALTER TABLE {market}.t ADD COLUMN z INT", "CREATE DATABASE mine", "SHOW FRONTENDS",
        "CREATE USER mine", "GRANT SELECT_PRIV ON *.* TO a_read", "SET PASSWORD FOR root = PASSWORD('x')", "SHOW ROLES",
        f"CREATE TABLE {market}.mine (k INT) DISTRIBUTED BY HASH(k) BUCKETS 1", "SHOW ALL GRANTS",
    ):  # fmt: skip
        assert "Access denied; you need" in refusal(endpoint, sql, "a_read")
    assert endpoint.sql(f"SELECT COUNT(*) FROM {market}.t") == ((1,),)


def test_listings_show_only_what_may_be_seen(endpoint: Endpoint, market: str) -> None:
    assert endpoint.sql(f"SHOW TABLES FROM {market}", user="a_read", password="pw") == (("t",),)
    assert (market,) not in endpoint.sql("SHOW DATABASES", user="a_nobody", password="pw")
    query = "SELECT table_name FROM information_schema.tables WHERE table_schema = 'access_market'"
    assert endpoint.sql(query, user="a_read", password="pw") == (("t",),)
    assert "does not have privilege" in refusal(endpoint, f"DESC {market}.t", "a_nobody")


def test_a_loader_loads_and_does_not_read(endpoint: Endpoint, market: str) -> None:
    path, headers = f"/api/{market}/t/_stream_load", {"format": "json", "read_json_by_line": "true"}
    body = '{"k": 7, "v": 7}'
    assert endpoint.put(path, body, user="a_load", password="pw", **headers)["Status"] == "Success"
    assert "does not have privilege" in refusal(endpoint, f"SELECT * FROM {market}.t", "a_load")
    for user, password in (("a_read", "pw"), ("a_load", "wrong"), ("nobody", "")):
        answer = endpoint.put(path, body, user=user, password=password, **headers)
        assert answer["Status"] == "Fail"
        assert "denied" in answer["Message"].lower()


def test_the_second_phase_needs_the_right_too(endpoint: Endpoint, market: str) -> None:
    answer = endpoint.load(market, "t", '{"k": 70, "v": 7}', two_phase_commit="true")
    path, headers = f"/api/{market}/_stream_load_2pc", {"txn_id": str(answer["TxnId"]), "txn_operation": "commit"}
    assert endpoint.put(path, b"", user="a_read", password="pw", **headers)["status"] == "ANALYSIS_ERROR"
    assert endpoint.sql(f"SELECT * FROM {market}.t WHERE k = 70") == ()
    assert endpoint.put(path, b"", user="a_load", password="pw", **headers)["status"] == "Success"


def test_grants_are_shown_and_taken_back(endpoint: Endpoint, market: str) -> None:
    endpoint.sql("CREATE USER a_temp IDENTIFIED BY 'pw'", f"GRANT SELECT_PRIV, LOAD_PRIV ON {market}.* TO a_temp")
    shown = endpoint.sql("SHOW GRANTS FOR a_temp")[0]
    assert shown[0] == "'a_temp'@'%'"
    assert f"internal.{market}: Load_priv,Select_priv" in shown
    endpoint.sql(f"REVOKE SELECT_PRIV ON {market}.* FROM a_temp")
    assert "does not have privilege" in refusal(endpoint, f"SELECT * FROM {market}.t", "a_temp")
    endpoint.sql("GRANT 'a_loader' TO a_temp", "REVOKE 'a_loader' FROM a_temp", "DROP USER a_temp")
    with pytest.raises(pymysql.OperationalError):
        endpoint.connect("a_temp", "pw")


def test_a_view_stands_for_the_rows_it_shows(endpoint: Endpoint, market: str) -> None:
    endpoint.sql(
        f"CREATE VIEW {market}.w AS SELECT k FROM {market}.hidden", f"GRANT SELECT_PRIV ON {market}.w TO a_read"
    )
    assert endpoint.sql(f"SELECT COUNT(*) FROM {market}.w", user="a_read", password="pw") == ((0,),)
    assert "does not have privilege" in refusal(endpoint, f"SELECT * FROM {market}.hidden", "a_read")


def test_wrong_passwords_lock_an_account(endpoint: Endpoint) -> None:
    endpoint.sql("CREATE USER a_lock IDENTIFIED BY 'pw' FAILED_LOGIN_ATTEMPTS 3 PASSWORD_LOCK_TIME 1 HOUR")
    for _ in range(3):
        with pytest.raises(pymysql.OperationalError):
            endpoint.connect("a_lock", "guess")
    with pytest.raises(pymysql.OperationalError):
        endpoint.connect("a_lock", "pw")
    endpoint.sql("ALTER USER a_lock ACCOUNT_UNLOCK")
    endpoint.connect("a_lock", "pw").close()


def test_passwords_change(endpoint: Endpoint) -> None:
    endpoint.sql("CREATE USER a_pass IDENTIFIED BY 'old'", "SET PASSWORD FOR 'a_pass'@'%' = PASSWORD('new')")
    with pytest.raises(pymysql.OperationalError):
        endpoint.connect("a_pass", "old")
    endpoint.sql("SET PASSWORD = PASSWORD('newer')", user="a_pass", password="new")
    assert endpoint.sql("SELECT 1", user="a_pass", password="newer") == ((1,),)


def test_what_is_stored_is_a_hash() -> None:
    assert hash_password("") == ""
    assert hash_password("secret") == "14e65567abdb5135d0cfd9a70b3032c179a49ee7"


@pytest.mark.parametrize(
    ("sql", "part"),
    [
        ("GRANT FLY_PRIV ON *.* TO root", "Unknown privilege type"),
        ("GRANT SELECT_PRIV ON *.* TO nobody_at_all", "does not exist"),
        ("GRANT NODE_PRIV ON a.* TO root", "Can not grant/revoke NODE_PRIV"),
        ("GRANT SELECT_PRIV ON other.a.b TO root", "Unknown catalog 'other'"),
        ("CREATE USER 'x'@'10.0.0.1'", "user host '10.0.0.1' is not supported"),
        ("CREATE USER x PASSWORD_EXPIRE NEVER", "user option PASSWORD_EXPIRE is not supported"),
        ("CREATE USER x FAILED_LOGIN_ATTEMPTS 5 PASSWORD_LOCK_TIME 10 MINUTE", "expecting SECOND, HOUR or DAY"),
        ("ALTER USER root IDENTIFIED BY 'x' FAILED_LOGIN_ATTEMPTS 5", "one type of operation at one time"),
        ("ALTER USER root", "one type of operation at one time"),
        ("CREATE USER root", "already exist"),
        ("DROP USER root", "Can not drop root user"),
        ("DROP ROLE admin", "Can not drop role"),
        ("CREATE USER y DEFAULT ROLE 'no_such_role'", "does not exist"),
    ],
)
def test_refused(endpoint: Endpoint, sql: str, part: str) -> None:
    with pytest.raises(pymysql.MySQLError) as error:
        endpoint.sql(sql)
    assert part in error.value.args[1]
