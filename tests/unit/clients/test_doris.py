"""The Doris client against the endpoint: plans that become empty, differences, errors with a way on."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from carbonlib._errors import ApplyError, EngineError, TargetUnreachable, UsageError, WaitTimeout
from carbonlib.clients.doris import Doris, load_objects
from carbonlib.clients.doris_objects import SqlObject, parse_object, split_statements
from carbonlib.clients.doris_plan import normal_type, privileges_on
from carbonlib.local.doris.testing import Endpoint

TABLE = """CREATE TABLE IF NOT EXISTS market.t (
    k INT NOT NULL COMMENT 'key; with a semicolon', v DECIMAL(18,6), {more}at DATETIME(3)
) UNIQUE KEY(k) DISTRIBUTED BY HASH(k) BUCKETS 1"""
OBJECTS = {
    "00_market.sql": "-- the database\nCREATE DATABASE IF NOT EXISTS market;",
    "10_t.sql": f"-- numbers\n{TABLE.format(more='')};",
    "20_m.sql": "CREATE MATERIALIZED VIEW IF NOT EXISTS market.m BUILD IMMEDIATE REFRESH AUTO ON MANUAL "
    "DISTRIBUTED BY RANDOM BUCKETS 1 AS SELECT COUNT(*) AS n FROM market.t",
    "30_role.sql": "CREATE ROLE IF NOT EXISTS desk;\nGRANT SELECT_PRIV, LOAD_PRIV ON internal.market.* TO ROLE 'desk';",
    "40_user.sql": "CREATE USER IF NOT EXISTS 'trader'@'%' IDENTIFIED BY '${secret.trader}' DEFAULT ROLE 'desk';",
    "50_load.sql": """CREATE ROUTINE LOAD market.job ON t PROPERTIES ("format"="json")
        FROM KAFKA ("kafka_broker_list"="${kafka.bootstrap_servers}", "kafka_topic"="prices",
        "property.kafka_default_offsets"="OFFSET_BEGINNING");""",
}
VALUES = {"secret.trader": "Its 1!", "kafka.bootstrap_servers": "127.0.0.1:1"}


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Endpoint]:
    with Endpoint(tmp_path_factory.mktemp("doris")) as running:
        yield running


@pytest.fixture(scope="module")
def root(endpoint: Endpoint) -> Iterator[Doris]:
    client = Doris("127.0.0.1", endpoint.query_port, endpoint.fe_url, "root", "root-1")
    client.secure_root("root-1").apply()
    yield client
    client.close()


def objects(folder: Path, files: dict[str, str] = OBJECTS, values: dict[str, str] = VALUES) -> list[SqlObject]:
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    return load_objects(folder, values)


@pytest.mark.parametrize("password", ["it's", 'so "called"', "back\\slash"])
def test_a_password_that_doris_would_store_as_another_is_refused(tmp_path: Path, root: Doris, password: str) -> None:
    with pytest.raises(UsageError, match="The secret trader holds a quotation mark or a backslash"):
        objects(tmp_path, values={**VALUES, "secret.trader": password, "secret.other": "isn't asked for"})
    with pytest.raises(UsageError, match="The secret doris_root"):
        root.secure_root(password)


def test_the_first_password(tmp_path: Path) -> None:
    with Endpoint(tmp_path) as fresh:
        client = Doris("127.0.0.1", fresh.query_port, fresh.fe_url, "root", "secret")
        assert client.reachable()
        assert not client.can_login("root", "secret")
        planned = client.secure_root("secret")
        assert [c.object for c in planned] == ["user/admin", "user/root"]
        assert "secret" not in repr(planned)
        planned.apply()
        assert len(client.secure_root("secret")) == 0
        assert client.open_doors({}) == []
        client.ping()


def test_plan_apply_plan(root: Doris, tmp_path: Path) -> None:
    declared = objects(tmp_path)
    assert [o.label for o in declared] == [
        "database/market", "table/market.t", "materialized-view/market.m", "role/desk",
        "grant/desk on internal.market.*", "user/trader", "routine-load/market.job",
    ]  # fmt: skip
    first = root.plan(declared)
    assert [c.action for c in first] == ["create"] * 7
    assert "Its 1!" not in repr(first) + str([c.as_dict() for c in first]) + repr(declared)
    first.apply()
    assert root.plan(declared).changes == []
    assert root.can_login("trader", "Its 1!")
    states = {row["name"]: (row["state"], row["ok"]) for row in root.summary(declared)}
    assert states["market.t"] == ("READABLE", True)
    assert states["market.job"] == ("NEED_SCHEDULE", False)
    assert list(root.routine_loads("market")["name"]) == ["job"]


def test_differences_are_found_and_mended(root: Doris, tmp_path: Path) -> None:
    root.plan(objects(tmp_path)).apply()
    more = {**OBJECTS, "10_t.sql": TABLE.format(more="note VARCHAR(9) DEFAULT 'x' COMMENT 'it''s', ")}
    brokers = {**VALUES, "secret.trader": "new-1", "kafka.bootstrap_servers": "127.0.0.1:2"}
    root.execute("REVOKE LOAD_PRIV ON market.* FROM ROLE 'desk'")
    declared = objects(tmp_path, more, brokers)
    plan = root.plan(declared)
    assert [(c.object, c.action, c.after) for c in plan] == [
        ("table/market.t", "update", {"columns": "note"}),
        ("grant/desk on internal.market.*", "create", {"privileges": "load_priv,select_priv"}),
        ("user/trader", "update", {"password": "set"}),
        ("routine-load/market.job", "update", {"brokers": "127.0.0.1:2", "strict": "false"}),
    ]
    plan.apply()
    assert root.plan(declared).changes == []
    (load,) = root.rows("SHOW ROUTINE LOAD FOR market.job")
    assert "OFFSET_BEGINNING" in load["CustomProperties"], "new partitions are still read from their start"
    more["50_load.sql"] = OBJECTS["50_load.sql"].replace('"format"="json"', '"format"="json", "strict_mode"="true"')
    declared = objects(tmp_path, more, brokers)
    assert [c.after for c in root.plan(declared)] == [{"brokers": "127.0.0.1:2", "strict": "true"}]
    root.plan(declared).apply()
    assert root.plan(declared).changes == []
    root.execute("PAUSE ROUTINE LOAD FOR market.job")
    assert [(c.object, c.action) for c in root.plan(declared)] == [("routine-load/market.job", "start")]
    root.plan(declared).apply()
    assert root.plan(declared).changes == []


@pytest.mark.parametrize(
    ("text", "part"),
    [
        (TABLE.format(more="").replace("v DECIMAL(18,6)", "v DOUBLE"), "column v is decimal(18,6), declared is double"),
        (TABLE.format(more="").replace("UNIQUE KEY(k)", "UNIQUE KEY(k, v)"), "the key is (k), declared is (k, v)"),
        (TABLE.format(more="").replace("UNIQUE", "DUPLICATE"), "the model is UNIQUE, declared is DUPLICATE"),
    ],
)
def test_what_cannot_be_changed_says_what_to_do(root: Doris, tmp_path: Path, text: str, part: str) -> None:
    root.plan(objects(tmp_path)).apply()
    with pytest.raises(ApplyError) as refused:
        root.plan(objects(tmp_path, {**OBJECTS, "10_t.sql": text}))
    assert part in refused.value.message
    assert "INSERT INTO … SELECT" in refused.value.remedy


def test_another_topic_is_no_silent_change(root: Doris, tmp_path: Path) -> None:
    root.plan(objects(tmp_path)).apply()
    other = {**OBJECTS, "50_load.sql": OBJECTS["50_load.sql"].replace('"prices"', '"trades"')}
    with pytest.raises(ApplyError, match=r"STOP ROUTINE LOAD FOR market\.job"):
        root.plan(objects(tmp_path, other))


def test_a_refused_object_is_named_without_its_secrets(root: Doris, tmp_path: Path) -> None:
    declared = objects(tmp_path, {"10_user.sql": "CREATE USER u IDENTIFIED BY 'hush-1' DEFAULT ROLE 'missing'"})
    with pytest.raises(ApplyError) as refused:
        root.plan(declared).apply()
    assert "user/u (10_user.sql) was refused" in refused.value.message
    assert "missing" in refused.value.cause
    with pytest.raises(EngineError) as direct:
        root.execute("CREATE USER u IDENTIFIED BY 'hush-1' DEFAULT ROLE 'missing'")
    assert "hush-1" not in str(refused.value) + str(direct.value)


def test_query_and_load(root: Doris, tmp_path: Path) -> None:
    root.plan(objects(tmp_path)).apply()
    moment = datetime.datetime(2026, 1, 2, 3, 4, 5, 678000, datetime.UTC)
    answer = root.stream_load("market", "t", [{"k": 1, "v": Decimal("-36.98"), "at": moment}, {"k": 2}], label="one")
    assert answer["NumberLoadedRows"] == 2
    frame = root.query("SELECT k, v, at FROM market.t WHERE k = %(k)s", {"k": 1})
    assert frame.to_dict("records") == [{"k": 1, "v": Decimal("-36.980000"), "at": moment.replace(tzinfo=None)}]
    assert list(root.query("SELECT k FROM market.t WHERE k > %s", [5]).columns) == ["k"]
    with pytest.raises(EngineError, match="Label Already Exists"):
        root.stream_load("market", "t", [{"k": 3}], label="one")
    with pytest.raises(EngineError, match="too many filtered rows") as failed:
        root.stream_load("market", "t", b'{"k":"x"}')
    assert "_load_error_log" in failed.value.remedy
    assert root.execute("DELETE FROM market.t WHERE k > 0") == 2
    assert "not Apache Doris" in root.version_comment()
    assert root.backends()


def test_a_closed_connection_is_opened_again(root: Doris) -> None:
    number = root.query("SELECT CONNECTION_ID() AS id")["id"][0]
    killer = Doris(root.host, root.query_port, root.http_url, "root", "root-1")
    killer.execute(f"KILL {number}")
    assert root.query("SELECT 1 AS one")["one"][0] == 1
    killer.close()


def test_open_doors_are_seen(root: Doris) -> None:
    root.execute("CREATE USER careless")
    root.execute("CREATE USER mighty IDENTIFIED BY 'pw' DEFAULT ROLE 'admin'")
    assert root.open_doors({"careless": "", "mighty": "pw"}) == [
        "careless logs in without a password", "mighty creates databases", "mighty creates users",
    ]  # fmt: skip
    root.execute("DROP USER careless")
    root.execute("DROP USER mighty")
    assert root.open_doors({}) == []


def test_errors_have_a_way_on(root: Doris) -> None:
    with pytest.raises(EngineError) as refused:
        root.query("SELECT * FROM nowhere.t")
    assert refused.value.cause == "errCode = 2, detailMessage = Unknown database 'nowhere'"
    stranger = Doris(root.host, root.query_port, root.http_url, "root", "wrong")
    with pytest.raises(TargetUnreachable, match="Access denied"):
        stranger.ping()
    assert stranger.reachable()
    nobody = Doris("127.0.0.1", 1, "http://127.0.0.1:1", "root", "")
    assert not nobody.reachable()
    with pytest.raises(TargetUnreachable, match="takes no connection"):
        nobody.ping()
    with pytest.raises(TargetUnreachable, match="does not answer"):
        nobody.backends()
    with pytest.raises(WaitTimeout):
        nobody.wait("300 ms")


@pytest.mark.parametrize(
    ("files", "part"),
    [
        ({}, "There are no SQL files"),
        ({"10_a.sql": "-- nothing"}, "10_a.sql holds no statement"),
        ({"10_a.sql": "SELECT 1"}, "10_a.sql is not valid for Doris"),
        ({"10_a.sql": "CREATE TABLE a.t (k DOUBLE) UNIQUE KEY(k) DISTRIBUTED BY HASH(k)"}, "Float or double"),
        ({"10_a.sql": "CREATE USER u IDENTIFIED BY '${secret.nobody}'"}, "stands for nothing"),
    ],
)
def test_wrong_files(tmp_path: Path, files: dict[str, str], part: str) -> None:
    with pytest.raises(UsageError) as refused:
        objects(tmp_path, files)
    assert part in str(refused.value)


def test_statements_are_split_at_their_ends_only() -> None:
    text = "-- a; b\nCREATE ROLE a; /* ; */ CREATE ROLE b COMMENT 'x;y';\n;"
    assert split_statements(text) == ["CREATE ROLE a", "CREATE ROLE b COMMENT 'x;y'"]
    assert parse_object("CREATE ROLE b", "f").label == "role/b"


def test_what_doris_versions_write_differently() -> None:
    assert normal_type("DECIMALV3(18, 6)") == normal_type("decimal(18,6)")
    assert normal_type("bigint(20)") == "bigint"
    assert normal_type("datetimev2(3)") == "datetime(3)"
    assert normal_type("string") == "text"
    levels = "internal.information_schema: Select_priv; internal.market: Select_priv, Load_priv"
    assert privileges_on(levels, "internal.market.*") == {"select_priv", "load_priv"}
    assert privileges_on("Node_priv,Admin_priv", "*.*") == {"node_priv", "admin_priv"}
    assert privileges_on(levels, "internal.other.*") == set()


def test_another_query_of_a_view_is_found_and_made_true(root: Doris, tmp_path: Path) -> None:
    root.plan(objects(tmp_path)).apply()
    root.execute("INSERT INTO market.t (k, v) VALUES (1, 5), (2, 7)")
    files = {**OBJECTS, "20_m.sql": OBJECTS["20_m.sql"].replace("COUNT(*) AS n", "SUM(x.v) AS total")}
    files["20_m.sql"] = files["20_m.sql"].replace("market.t", "market.t AS x")
    declared = objects(tmp_path, files)
    plan = root.plan(declared)
    assert [(c.object, c.action) for c in plan] == [("materialized-view/market.m", "update")]
    assert "COUNT(*)" in plan.changes[0].before["query"] and "SUM(x.v)" in plan.changes[0].after["query"]
    plan.apply()
    assert list(root.query("SELECT total FROM market.m")["total"]) == [Decimal(12)]
    assert root.plan(declared).changes == []


def test_a_query_that_is_refused_leaves_the_view_as_it_was(root: Doris, tmp_path: Path) -> None:
    root.plan(objects(tmp_path)).apply()
    wrong = {**OBJECTS, "20_m.sql": OBJECTS["20_m.sql"].replace("COUNT(*)", "SUM(nobody)")}
    with pytest.raises(ApplyError, match=r"materialized-view/market\.m .* was refused"):
        root.plan(objects(tmp_path, wrong)).apply()
    assert len(root.query("SELECT n FROM market.m")) == 1
    assert root.plan(objects(tmp_path)).changes == []
