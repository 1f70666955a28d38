"""The MySQL protocol as clients use it: logins, types, listings, refusals."""

from __future__ import annotations

import datetime
import socket
import struct
from decimal import Decimal

import pymysql
import pytest
import sqlalchemy
from pymysql.cursors import DictCursor

from carbonlib.local.doris.commands import known_statements
from carbonlib.local.doris.infoschema import offered
from carbonlib.local.doris.testing import Endpoint

WHAT = "Doris-compatible endpoint on DuckDB (carbonlib local target), not Apache Doris"


def refused(endpoint: Endpoint, sql: str, *, user: str = "root", password: str = "") -> tuple[int, str]:
    with pytest.raises(pymysql.MySQLError) as error:
        endpoint.sql(sql, user=user, password=password)
    return error.value.args[0], error.value.args[1]


def test_it_says_what_it_is(endpoint: Endpoint) -> None:
    assert endpoint.sql("SELECT @@version_comment") == ((WHAT,),)
    assert endpoint.sql("SELECT VERSION()")[0][0].startswith("5.7.")
    assert WHAT in endpoint.sql("SELECT VERSION()")[0][0]


@pytest.mark.parametrize(
    "sql",
    [
        "FROBNICATE THE CUBE",
        "CREATE WORKLOAD GROUP g PROPERTIES('max_concurrency'='1')",
        "BEGIN",
        "LOCK TABLES a READ",
        "ADMIN SET FRONTEND CONFIG ('a'='b')",
        "SHOW TABLETS FROM t",
        "CREATE EXTERNAL TABLE t (a INT)",
        "ALTER TABLE nope ADD COLUMN a INT",
        "LOAD LABEL x",
        "EXPORT TABLE t",
        "BACKUP SNAPSHOT s",
        "SET GLOBAL query_timeout = 1",
        "CREATE CATALOG c",
        "SWITCH hive",
        "SET time_zone = 'Asia/Tokyo'",
        "",
    ],
)
def test_what_it_does_not_do_it_refuses(endpoint: Endpoint, sql: str) -> None:
    code, message = refused(endpoint, sql or ";")
    assert code in (1105, 1065, 1046, 1193)
    assert message.startswith("errCode = 2, detailMessage = ")


def test_every_statement_that_is_known_has_a_handler() -> None:
    known = known_statements()
    assert {"CREATE TABLE", "SHOW ROUTINE LOAD", "GRANT", "REFRESH MATERIALIZED VIEW", "INSERT INTO"} <= set(known)


def test_types_come_back_as_doris_sends_them(endpoint: Endpoint, database: str) -> None:
    endpoint.sql(
        f"CREATE TABLE {database}.t (k BIGINT, d DECIMAL(18,6), t0 DATETIME, t3 DATETIME(3), t6 DATETIME(6), day DATE, "
        "b BOOLEAN, x DOUBLE, s VARCHAR(20), a ARRAY<INT>) DUPLICATE KEY(k) DISTRIBUTED BY HASH(k) BUCKETS 1",
        f"INSERT INTO {database}.t VALUES (1, -36.98, '2026-01-02 03:04:05', '2026-01-02 03:04:05.5', "
        "'2026-01-02 03:04:05', '2026-01-02', true, 0.5, 'é \\' \"', ARRAY(1, 2)), "
        "(9223372036854775000, 0, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)",
    )
    first, second = endpoint.sql(f"SELECT * FROM {database}.t ORDER BY k")
    moment = datetime.datetime(2026, 1, 2, 3, 4, 5)
    assert first == (
        1, Decimal("-36.980000"), moment, moment.replace(microsecond=500_000), moment, datetime.date(2026, 1, 2), 1,
        0.5, "é ' \"", "[1, 2]",
    )  # fmt: skip
    assert second == (9223372036854775000, Decimal("0.000000"), *[None] * 8)
    total = endpoint.sql(f"SELECT SUM(k) - 9223372036854775000, SUM(d), COUNT(*) FROM {database}.t")[0]
    assert total == (1, Decimal("-36.980000"), 2)
    assert all(isinstance(n, int) for n in (total[0], total[2]))


def test_datetime_texts_have_the_digits_of_their_column(endpoint: Endpoint, database: str) -> None:
    endpoint.sql(
        f"CREATE TABLE {database}.t (k INT, t0 DATETIME, t3 DATETIME(3)) DUPLICATE KEY(k) "
        "DISTRIBUTED BY HASH(k) BUCKETS 1",
        f"INSERT INTO {database}.t VALUES (1, '2026-01-02 03:04:05', '2026-01-02 03:04:05')",
    )
    with pymysql.connect(host="127.0.0.1", port=endpoint.query_port, user="root", conv={}) as plain:
        cursor = plain.cursor()
        cursor.execute(f"SELECT t0, t3, MAX(t3) OVER () AS m, CAST(0 AS DECIMAL(20,12)) AS z FROM {database}.t")
        row = cursor.fetchone()
    assert row == ("2026-01-02 03:04:05", "2026-01-02 03:04:05.000", "2026-01-02 03:04:05.000", "0.000000000000")


def test_unnamed_columns_carry_their_text(endpoint: Endpoint) -> None:
    with endpoint.connect() as connection, connection.cursor(DictCursor) as cursor:
        cursor.execute("SELECT COUNT(*), 1 + 1")
        assert cursor.fetchall() == [{"COUNT(*)": 1, "1 + 1": 2}]


def test_parameters_and_quoting(endpoint: Endpoint) -> None:
    with endpoint.connect() as connection, connection.cursor() as cursor:
        for text in ("it's", 'a "quote"', "back\\slash", "line\nend", "%s", "-- no comment", "é€"):
            cursor.execute("SELECT %s", [text])
            assert cursor.fetchone() == (text,)


def test_wrong_passwords(endpoint: Endpoint) -> None:
    endpoint.sql("CREATE USER IF NOT EXISTS wrong IDENTIFIED BY 'right'")
    for user, password in (("wrong", "guess"), ("wrong", ""), ("nobody", "x"), ("nobody", "")):
        with pytest.raises(pymysql.OperationalError) as error:
            endpoint.connect(user, password)
        assert error.value.args[0] == 1045
        assert "Access denied for user" in error.value.args[1]
    assert endpoint.sql("SELECT 1", user="wrong", password="right") == ((1,),)


def test_a_refused_login_cannot_go_on(endpoint: Endpoint) -> None:
    """The protocol library goes on after a refusal; a client that ignores the refusal must get nothing."""
    connection = pymysql.connections.Connection(
        host="127.0.0.1", port=endpoint.query_port, user="root", password="wrong", defer_connect=True
    )
    with pytest.raises(pymysql.OperationalError):
        connection.connect()
    raw = socket.create_connection(("127.0.0.1", endpoint.query_port), timeout=5)
    with raw:
        raw.recv(1000)
        login = (
            struct.pack("<IIB23x", 0x0003A685, 1 << 24, 45)
            + b"root\0"
            + b"\x14"
            + b"x" * 20
            + b"mysql_native_password\0"
        )
        raw.sendall(struct.pack("<I", len(login) | 1 << 24) + login)
        answer = raw.recv(1000)
        assert answer[4] == 0xFF
        query = b"\x03SELECT 1"
        try:
            raw.sendall(struct.pack("<I", len(query)) + query)
            after = raw.recv(1000)
        except ConnectionError:
            after = b""
        assert after == b""


def test_unknown_database_at_login(endpoint: Endpoint) -> None:
    with pytest.raises(pymysql.MySQLError) as error:
        endpoint.connect(database="nowhere")
    assert error.value.args[0] == 1049


def test_affected_rows(endpoint: Endpoint, database: str) -> None:
    endpoint.sql(f"CREATE TABLE {database}.t (k INT, v INT) UNIQUE KEY(k) DISTRIBUTED BY HASH(k) BUCKETS 1")
    with endpoint.connect(database=database) as connection, connection.cursor() as cursor:
        assert cursor.execute("INSERT INTO t VALUES (1, 1), (2, 2)") == 2
        assert cursor.execute("UPDATE t SET v = 5 WHERE k = 1") == 1
        assert cursor.execute("DELETE FROM t WHERE k > 0") == 2


def test_listings(endpoint: Endpoint, database: str) -> None:
    endpoint.sql(
        f"CREATE TABLE {database}.t (k INT NOT NULL COMMENT 'the key', v DECIMAL(18,6) DEFAULT '1.5', s STRING) "
        "UNIQUE KEY(k) COMMENT 'numbers' DISTRIBUTED BY HASH(k) BUCKETS 1",
        f"CREATE VIEW {database}.w AS SELECT k, v FROM {database}.t",
    )
    assert (database,) in endpoint.sql("SHOW DATABASES")
    assert endpoint.sql(f"SHOW TABLES FROM {database} LIKE 't%'") == (("t",),)
    assert endpoint.sql(f"SHOW FULL TABLES FROM {database}") == (("t", "BASE TABLE"), ("w", "VIEW"))
    assert endpoint.sql(f"DESC {database}.t") == (
        ("k", "int", "No", "true", None, ""),
        ("v", "decimal(18,6)", "Yes", "false", "1.5", "NONE"),
        ("s", "text", "Yes", "false", None, "NONE"),
    )
    assert endpoint.sql(f"SHOW FULL COLUMNS FROM {database}.t LIKE 'k'")[0][0:5] == ("k", "int", None, "NO", "UNI")
    shown = endpoint.sql(f"SHOW CREATE TABLE {database}.t")[0][1]
    assert "UNIQUE KEY(`k`)" in shown
    assert "DISTRIBUTED BY HASH(`k`) BUCKETS 1" in shown
    where = f"WHERE table_schema = '{database}' ORDER BY table_name"
    tables = endpoint.sql(f"SELECT table_name, table_type, table_comment FROM information_schema.tables {where}")
    assert tables == (("t", "BASE TABLE", "numbers"), ("w", "VIEW", "VIEW"))
    columns = endpoint.sql(
        "SELECT column_name, is_nullable, data_type, numeric_scale, column_comment FROM information_schema.columns "
        f"WHERE table_schema = '{database}' AND table_name = 't' ORDER BY ordinal_position"
    )
    assert columns == (
        ("k", "NO", "int", 0, "the key"), ("v", "YES", "decimal", 6, ""), ("s", "YES", "varchar", None, ""),
    )  # fmt: skip
    assert endpoint.sql(
        "SELECT COLUMN_NAME FROM INFORMATION_SCHEMA.KEY_COLUMN_USAGE WHERE CONSTRAINT_NAME = 'PRIMARY' "
        f"AND TABLE_SCHEMA = '{database}'"
    ) == (("k",),)


def test_every_table_of_information_schema_can_be_read(endpoint: Endpoint) -> None:
    for name in offered():
        endpoint.sql(f"SELECT * FROM information_schema.{name}")


def test_an_unknown_table_of_information_schema_is_an_error(endpoint: Endpoint) -> None:
    assert (
        "does not exist in database [information_schema]" in refused(endpoint, "SELECT * FROM information_schema.x")[1]
    )


@pytest.mark.parametrize(
    ("sql", "part"),
    [
        ("SELECT * FROM {db}.nope", "Table [nope] does not exist in database"),
        ("SELECT nope FROM {db}.t", 'Unknown column "nope"'),
        ("SELECT FROBNICATE(k) FROM {db}.t", "Can not found function 'frobnicate'"),
        ("SELEKT 1", "unsupported or unknown statement"),
        ("SELECT * FROM nowhere.t", "Unknown database 'nowhere'"),
        ("SELECT * FROM `/etc/passwd`", "No database selected"),
        ("SELECT * FROM {db}.`/etc/passwd`", "does not exist"),
        ("CREATE TABLE {db}.t (k INT) DISTRIBUTED BY HASH(k)", "Table 't' already exists"),
        ("INSERT INTO {db}.t (nope) VALUES (1)", "Unknown column 'nope' in target table"),
        ("INSERT INTO {db}.t VALUES ('x')", "Could not convert"),
        ("UPDATE {db}.t SET k = 1 WHERE k = 2", "Only value columns of unique table could be updated"),
        ("DELETE FROM {db}.t", "Where clause is not set"),
        ("DROP TABLE {db}.nope", "Unknown table 'nope'"),
    ],
)
def test_refusals_name_what_is_wrong(endpoint: Endpoint, database: str, sql: str, part: str) -> None:
    endpoint.sql(f"CREATE TABLE {database}.t (k INT) DUPLICATE KEY(k) DISTRIBUTED BY HASH(k) BUCKETS 1")
    assert part in refused(endpoint, sql.format(db=database))[1]


def test_alter_table(endpoint: Endpoint, database: str) -> None:
    table = f"{database}.t"
    endpoint.sql(
        f"CREATE TABLE {table} (k INT, v VARCHAR(3)) UNIQUE KEY(k) DISTRIBUTED BY HASH(k) BUCKETS 1",
        f"INSERT INTO {table} VALUES (1, 'a')",
        f"ALTER TABLE {table} ADD COLUMN n INT NOT NULL DEFAULT '7' COMMENT 'seven'",
        f"ALTER TABLE {table} ADD COLUMN (x DOUBLE, y DATE)",
        f"ALTER TABLE {table} MODIFY COLUMN v VARCHAR(30)",
        f"ALTER TABLE {table} DROP COLUMN y",
        f'ALTER TABLE {table} SET ("partition.retention_count" = "3")',
        f"INSERT INTO {table} (k, v) VALUES (2, 'longer than three')",
    )
    assert endpoint.sql(f"SELECT k, v, n, x FROM {table} ORDER BY k") == (
        (1, "a", 7, None),
        (2, "longer than three", 7, None),
    )
    assert "can not drop key column" in refused(endpoint, f"ALTER TABLE {table} DROP COLUMN k")[1].lower()
    assert "already exists" in refused(endpoint, f"ALTER TABLE {table} ADD COLUMN n INT")[1]
    assert "Unknown properties" in refused(endpoint, f'ALTER TABLE {table} SET ("a" = "b")')[1]
    assert "has no default" in refused(endpoint, f"ALTER TABLE {table} ADD COLUMN z INT NOT NULL")[1]


def test_partitions_follow_the_rows(endpoint: Endpoint, database: str) -> None:
    endpoint.sql(
        f"CREATE TABLE {database}.a (k INT, d DATETIME NOT NULL) UNIQUE KEY(k, d) "
        "AUTO PARTITION BY RANGE (date_trunc(d, 'day')) () DISTRIBUTED BY HASH(k) BUCKETS 1",
        f"INSERT INTO {database}.a VALUES (1, '2020-04-20 18:30:00'), (2, '2020-04-20 19:00:00'), (3, '2026-01-01')",
        f"CREATE TABLE {database}.b (k INT, d DATETIME) DUPLICATE KEY(k) PARTITION BY RANGE(d) () "
        """DISTRIBUTED BY HASH(k) BUCKETS 1 PROPERTIES
        ("dynamic_partition.enable"="true", "dynamic_partition.time_unit"="DAY",
        "dynamic_partition.start"="-2", "dynamic_partition.end"="1", "dynamic_partition.prefix"="p")""",
    )
    shown = endpoint.sql(f"SHOW PARTITIONS FROM {database}.a")
    assert [(row[1], row[8]) for row in shown] == [("p20200420000000", "2"), ("p20260101000000", "1")]
    assert len(endpoint.sql(f"SHOW PARTITIONS FROM {database}.b")) == 4


def test_drivers_may_say_what_they_say(endpoint: Endpoint) -> None:
    endpoint.sql(
        "/* mysql-connector-j-8.4.0 */SELECT @@session.auto_increment_increment AS auto_increment_increment, "
        "@@character_set_client AS character_set_client, @@init_connect AS init_connect, @@license AS license, "
        "@@lower_case_table_names AS lower_case_table_names, @@max_allowed_packet AS max_allowed_packet, "
        "@@net_write_timeout AS net_write_timeout, @@performance_schema AS performance_schema, @@sql_mode AS sql_mode, "
        "@@system_time_zone AS system_time_zone, @@time_zone AS time_zone, @@transaction_isolation AS tx, "
        "@@wait_timeout AS wait_timeout",
        "SET character_set_results = NULL", "SET NAMES utf8mb4 COLLATE utf8mb4_general_ci", "SET autocommit=0",
        "SET SESSION TRANSACTION READ ONLY", "SET sql_mode=CONCAT(@@sql_mode,',STRICT_TRANS_TABLES')", "COMMIT",
        "ROLLBACK", "SHOW WARNINGS", "SHOW VARIABLES LIKE 'lower_case_%'", "SHOW COLLATION", "SHOW ENGINES",
        "SHOW PLUGINS", "SHOW SESSION STATUS LIKE 'x'", "SET @@session.query_timeout = 60", "SHOW PROCESSLIST",
        "SHOW FRONTENDS", "SHOW BACKENDS", "SHOW PROC '/backends'", "SHOW CATALOGS", "SWITCH internal", "SHOW GRANTS",
        "EXPLAIN SELECT 1", "SHOW TRIGGERS", "SHOW PROCEDURE STATUS WHERE db = 'x'", "/*!40101 SET NAMES utf8 */",
    )  # fmt: skip


def test_prepared_statements_of_the_server(endpoint: Endpoint) -> None:
    """COM_STMT_PREPARE and COM_STMT_EXECUTE without parameters, by hand: the binary protocol of Connector/J."""
    connection = endpoint.connect()
    connection._execute_command(0x16, "SELECT 5, 'abc', CAST(1.50 AS DECIMAL(18,6))")
    prepared = connection._read_packet()
    statement = struct.unpack("<I", prepared._data[1:5])[0]
    connection._execute_command(0x17, struct.pack("<IBI", statement, 0, 1))
    columns = connection._read_packet()._data[0]
    for _ in range(columns):
        connection._read_packet()
    end = connection._read_packet()
    row = connection._read_packet() if end._data[:1] == b"\xfe" else end
    assert row._data.endswith(b"\x03abc\x081.500000")
    connection.close()


def test_sqlalchemy_reads_and_reflects(endpoint: Endpoint, database: str) -> None:
    endpoint.sql(
        f"CREATE TABLE {database}.t (k INT, v DECIMAL(18,6)) UNIQUE KEY(k) DISTRIBUTED BY HASH(k) BUCKETS 1",
        f"INSERT INTO {database}.t VALUES (1, 2.5)",
    )
    engine = sqlalchemy.create_engine(f"mysql+pymysql://root@127.0.0.1:{endpoint.query_port}/{database}")
    try:
        with engine.connect() as connection:
            rows = connection.execute(sqlalchemy.text("SELECT k, v FROM t WHERE v > :least"), {"least": 1}).all()
            assert [tuple(r) for r in rows] == [(1, Decimal("2.500000"))]
        assert sqlalchemy.inspect(engine).get_table_names() == ["t"]
    finally:
        engine.dispose()
