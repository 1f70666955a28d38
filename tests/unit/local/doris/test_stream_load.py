"""Stream load and its two phases, with the words that the Flink sink looks for."""

from __future__ import annotations

import gzip
import re
import threading

import httpx
import pytest

from carbonlib.local.doris.testing import Endpoint

# Of flink-doris-connector 25.0.0: what it makes of our messages.
LABEL_USED = re.compile(r"Label \[(.*)\] has already been used, relate to txn \[(\d+)\]")
ALREADY = re.compile(r"transaction \[(\d+)\] is already (COMMITTED|VISIBLE), not pre-committed\.", re.IGNORECASE)
ABORTED = re.compile(r"transaction \[(\d+)\] is already|transaction \[(\d+)\] not found")


@pytest.fixture
def table(endpoint: Endpoint, database: str) -> str:
    endpoint.sql(
        f"CREATE TABLE {database}.t (k INT NOT NULL, s VARCHAR(5), v DECIMAL(18,6), t DATETIME(3), "
        """n BIGINT DEFAULT '7')
        UNIQUE KEY(k) DISTRIBUTED BY HASH(k) BUCKETS 1 PROPERTIES ("function_column.sequence_col" = "n")"""
    )
    return database


def rows(endpoint: Endpoint, database: str, columns: str = "k, s") -> list[tuple[object, ...]]:
    return list(endpoint.sql(f"SELECT {columns} FROM {database}.t ORDER BY k"))


def test_json_lines(endpoint: Endpoint, table: str) -> None:
    answer = endpoint.load(
        table,
        "t",
        '{"k":1,"s":"a","v":-36.98,"t":"2020-04-20 18:30:00.123"}\n{"k":2,"v":"75.50","extra":[1]}\n',
        label="l",
    )
    assert answer["Status"] == "Success"
    assert (answer["Label"], answer["NumberTotalRows"], answer["NumberLoadedRows"]) == ("l", 2, 2)
    assert answer["TxnId"] > 0
    found = endpoint.sql(f"SELECT CAST(v AS STRING), CAST(t AS STRING), n FROM {table}.t ORDER BY k")
    assert found == (("-36.980000", "2020-04-20 18:30:00.123", 7), ("75.500000", None, 7))


@pytest.mark.parametrize(
    ("body", "headers", "expected"),
    [
        ('[{"k":1,"s":"a"},{"k":2}]', {"strip_outer_array": "true"}, [(1, "a"), (2, None)]),
        ("1\ta\t1\t\\N\t1\n2\t\\N\t\\N\t\\N\t1\n", {"format": "csv"}, [(1, "a"), (2, None)]),
        ("1,a\n2,b\n", {"format": "csv", "column_separator": ",", "columns": "k,s"}, [(1, "a"), (2, "b")]),
        ("k|s\n1|a\n", {"format": "csv_with_names", "column_separator": "|", "columns": "k,s"}, [(1, "a")]),
        ('1,"a,b"\n', {"format": "csv", "column_separator": ",", "columns": "k,s", "enclose": '"'}, [(1, "a,b")]),
        ('{"a":{"b":1},"c":["x"]}', {"jsonpaths": '["$.a.b","$.c[0]"]', "columns": "k,s"}, [(1, "x")]),
        ('{"id":1,"w":"a"}', {"jsonpaths": '["$.id","$.w"]', "columns": "k,s"}, [(1, "a")]),
        ('{"d":[{"k":1},{"k":2}]}', {"json_root": "$.d", "strip_outer_array": "true"}, [(1, None), (2, None)]),
        ("1|x\n2|y\n", {"format": "csv", "column_separator": "|", "columns": "a,b,k=a*10,s=upper(b)", "where": "k>10"},
         [(20, "Y")]),
        ('{"k":1,"s":"a"}\n{"k":2,"s":"b"}', {"where": "s = 'b'"}, [(2, "b")]),
    ],
)  # fmt: skip
def test_formats(
    endpoint: Endpoint, table: str, body: str, headers: dict[str, str], expected: list[tuple[object, ...]]
) -> None:
    answer = endpoint.load(table, "t", body, **headers)
    assert answer["Status"] == "Success", answer
    assert rows(endpoint, table) == expected


def test_gzip(endpoint: Endpoint, table: str) -> None:
    assert endpoint.load(table, "t", gzip.compress(b'{"k":1}'), compress_type="gz")["NumberLoadedRows"] == 1
    assert "not gzip" in endpoint.load(table, "t", b'{"k":1}', compress_type="gz")["Message"]


def test_the_newest_row_of_a_key_stays(endpoint: Endpoint, table: str) -> None:
    endpoint.load(table, "t", '{"k":1,"s":"b","n":9}\n{"k":1,"s":"c","n":8}')
    assert rows(endpoint, table) == [(1, "b")]
    endpoint.load(table, "t", '{"k":1,"s":"old","n":3}')
    assert rows(endpoint, table) == [(1, "b")]
    endpoint.load(table, "t", '{"k":1,"s":"x","n":9}\n{"k":1,"s":"y","n":9}')
    assert rows(endpoint, table) == [(1, "y")]


def test_partial_columns_and_deletes(endpoint: Endpoint, table: str) -> None:
    endpoint.load(table, "t", '{"k":1,"s":"a","v":1}\n{"k":2,"s":"b"}')
    endpoint.load(table, "t", '{"k":1,"s":"z"}', partial_columns="true", columns="k,s")
    assert rows(endpoint, table, "k, s, CAST(v AS STRING)") == [(1, "z", "1.000000"), (2, "b", None)]
    sign = "__DORIS_DELETE_SIGN__"
    endpoint.load(table, "t", f'{{"k":1,"{sign}":"1"}}\n{{"k":3,"s":"c","{sign}":"0"}}', hidden_columns=sign)
    assert rows(endpoint, table) == [(2, "b"), (3, "c")]


def test_rows_that_do_not_fit_are_counted_and_named(endpoint: Endpoint, table: str) -> None:
    body = (
        '{"k":1,"s":"too long"}\n{"s":"no key"}\nnot json\n{"k":"x"}\n[1]\n{"k":2,"v":NaN}\n{"k":3,"v":"abc","s":"ok"}'
    )
    strict = endpoint.load(table, "t", body)
    assert (strict["Status"], strict["Message"]) == ("Fail", "[DATA_QUALITY_ERROR]too many filtered rows")
    assert (strict["NumberTotalRows"], strict["NumberFilteredRows"], strict["NumberLoadedRows"]) == (7, 6, 0)
    reasons = httpx.get(strict["ErrorURL"]).text
    assert "Parse json data failed" in reasons
    assert "too long" in reasons
    assert rows(endpoint, table) == []
    lenient = endpoint.load(table, "t", body, max_filter_ratio="0.9")
    assert (lenient["Status"], lenient["NumberLoadedRows"], lenient["NumberFilteredRows"]) == ("Success", 1, 6)
    # Not strict: a value of another type becomes NULL; strict: its row is filtered.
    assert rows(endpoint, table, "k, v") == [(3, None)]
    exact = endpoint.load(table, "t", '{"k":4,"v":"abc"}', strict_mode="true")
    assert exact["NumberFilteredRows"] == 1


@pytest.mark.parametrize(
    ("headers", "part"),
    [
        ({"format": "orc"}, "unknown data format: orc"),
        ({"max_filter_ratio": "2"}, "max_filter_ratio must be between 0 and 1"),
        ({"jsonpaths": "k"}, "Invalid json path"),
        ({"merge_type": "MERGE"}, "merge_type other than APPEND is not supported"),
        ({"group_commit": "async_mode"}, "group_commit is not supported"),
        ({"columns": "k,nope=k+1"}, "Unknown column 'nope'"),
        ({"columns": "k,s=frobnicate(k)"}, "Can not found function 'frobnicate'"),
        ({"jsonpaths": '["$.a"]', "columns": "k,s"}, "jsonpaths has 1 paths, but there are 2 columns"),
    ],
)
def test_refused_loads(endpoint: Endpoint, table: str, headers: dict[str, str], part: str) -> None:
    answer = endpoint.load(table, "t", '{"k":1}', **headers)
    assert answer["Status"] == "Fail"
    assert part in answer["Message"]
    assert rows(endpoint, table) == []


def test_an_unknown_table(endpoint: Endpoint, database: str) -> None:
    assert "unknown table, tableName=nope" in endpoint.load(database, "nope", "{}")["Message"]


def test_a_label_loads_once(endpoint: Endpoint, table: str) -> None:
    first = endpoint.load(table, "t", '{"k":1}', label="once")
    again = endpoint.load(table, "t", '{"k":2}', label="once")
    assert (again["Status"], again["ExistingJobStatus"]) == ("Label Already Exists", "FINISHED")
    used = LABEL_USED.search(again["Message"])
    assert used is not None
    assert used.groups() == ("once", str(first["TxnId"]))
    assert rows(endpoint, table) == [(1, None)]
    state = httpx.get(f"{endpoint.fe_url}/api/{table}/get_load_state?label=once", auth=("root", "")).json()
    assert state["data"] == "VISIBLE"


def test_a_failed_load_leaves_its_label_free(endpoint: Endpoint, table: str) -> None:
    assert endpoint.load(table, "t", "bad", label="again")["Status"] == "Fail"
    assert endpoint.load(table, "t", '{"k":1}', label="again")["Status"] == "Success"


def test_of_two_loads_with_one_label_one_wins(endpoint: Endpoint, table: str) -> None:
    answers: list[str] = []

    def load(number: int) -> None:
        answers.append(endpoint.load(table, "t", f'{{"k":{number}}}', label="race")["Status"])

    threads = [threading.Thread(target=load, args=(n,)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == ["Label Already Exists"] * 5 + ["Success"]
    assert len(rows(endpoint, table)) == 1


def test_two_phases(endpoint: Endpoint, table: str) -> None:
    answer = endpoint.load(table, "t", '{"k":1,"s":"a"}', label="p", two_phase_commit="true")
    assert (answer["Status"], answer["TwoPhaseCommit"]) == ("Success", "true")
    assert rows(endpoint, table) == []
    waiting = endpoint.load(table, "t", '{"k":1}', label="p", two_phase_commit="true")
    assert (waiting["Status"], waiting["ExistingJobStatus"]) == ("Label Already Exists", "PRECOMMITTED")
    txn = str(answer["TxnId"])
    assert endpoint.sql(f"SHOW TRANSACTION FROM {table} WHERE label = 'p'")[0][:4] == (
        txn,
        "p",
        "BE: 127.0.0.1",
        "PRECOMMITTED",
    )
    done = endpoint.finish(table, "commit", txn_id=txn)
    assert done == {"status": "Success", "msg": f"transaction [{txn}] commit successfully."}
    assert rows(endpoint, table) == [(1, "a")]
    replayed = endpoint.finish(table, "commit", txn_id=txn)
    assert replayed["status"] != "Success"
    assert ALREADY.search(replayed["msg"])
    assert ABORTED.search(endpoint.finish(table, "abort", txn_id=txn)["msg"])
    assert rows(endpoint, table) == [(1, "a")]


def test_an_aborted_load_is_gone_and_its_label_free(endpoint: Endpoint, table: str) -> None:
    answer = endpoint.load(table, "t", '{"k":1}', label="q", two_phase_commit="true")
    assert endpoint.finish(table, "abort", label="q")["status"] == "Success"
    assert ABORTED.search(endpoint.finish(table, "abort", txn_id=str(answer["TxnId"]))["msg"])
    assert ABORTED.search(endpoint.finish(table, "abort", txn_id="999999")["msg"])
    assert endpoint.load(table, "t", '{"k":2}', label="q", two_phase_commit="true")["Status"] == "Success"
    assert rows(endpoint, table) == []


def test_an_empty_first_phase(endpoint: Endpoint, table: str) -> None:
    """The Flink sink begins with one, to learn whether its label is free."""
    answer = endpoint.load(table, "t", b"", label="empty", two_phase_commit="true")
    assert (answer["Status"], answer["NumberTotalRows"]) == ("Success", 0)
    assert endpoint.finish(table, "abort", txn_id=str(answer["TxnId"]))["status"] == "Success"


@pytest.mark.parametrize(
    ("operation", "headers", "part"),
    [
        ("commit", {}, "both empty"),
        ("merge", {"txn_id": "1"}, "should be 'commit' or 'abort'"),
        ("commit", {"txn_id": "x"}, "invalid transaction id"),
        ("commit", {"txn_id": "424242"}, "transaction [424242] not found"),
    ],
)
def test_malformed_second_phases(
    endpoint: Endpoint, table: str, operation: str, headers: dict[str, str], part: str
) -> None:
    answer = endpoint.finish(table, operation, **headers)
    assert answer["status"] == "ANALYSIS_ERROR"
    assert part in answer["msg"]


def test_the_frontend_redirects_before_the_body(endpoint: Endpoint, table: str) -> None:
    url = f"{endpoint.fe_url}/api/{table}/t/_stream_load"
    with httpx.Client() as client:
        answer = client.put(url, content=b"{}", headers={"Expect": "100-continue"})
    assert answer.status_code == 307
    assert answer.headers["location"] == f"{endpoint.be_url}/api/{table}/t/_stream_load"


def test_what_the_flink_sink_asks_first(endpoint: Endpoint, table: str) -> None:
    root = ("root", "")
    assert httpx.get(f"{endpoint.fe_url}/").status_code == 200
    backends = httpx.get(f"{endpoint.fe_url}/api/backends?is_alive=true", auth=root).json()
    assert backends["data"]["backends"] == [{"ip": "127.0.0.1", "http_port": endpoint.be_port, "is_alive": True}]
    answer = httpx.get(f"{endpoint.fe_url}/api/{table}/t/_schema", auth=root)
    assert " " not in answer.text
    assert answer.json()["data"]["keysType"] == "UNIQUE_KEYS"
    types = [(p["name"], p["type"], p["aggregation_type"]) for p in answer.json()["data"]["properties"]]
    assert types == [
        ("k", "INT", ""), ("s", "VARCHAR", "REPLACE"), ("v", "DECIMAL64", "REPLACE"), ("t", "DATETIMEV2", "REPLACE"),
        ("n", "BIGINT", "REPLACE"),
    ]  # fmt: skip
    assert httpx.get(f"{endpoint.fe_url}/api/backends", auth=("root", "wrong")).status_code == 401


def test_aggregate_tables_combine(endpoint: Endpoint, database: str) -> None:
    endpoint.sql(
        f"CREATE TABLE {database}.t (k INT, d DATE, total BIGINT SUM DEFAULT '0', top DOUBLE MAX, low INT MIN, "
        "last VARCHAR(9) REPLACE, kept INT REPLACE_IF_NOT_NULL) AGGREGATE KEY(k, d) DISTRIBUTED BY HASH(k) BUCKETS 1"
    )
    body = (
        '{"k":1,"d":"2026-01-01","total":5,"top":1.5,"low":3,"last":"a","kept":1}\n'
        '{"k":1,"d":"2026-01-01","total":2,"top":0.5,"low":2,"last":"b"}\n{"k":1,"total":1}'
    )
    for _ in range(2):
        assert endpoint.load(database, "t", body)["Status"] == "Success"
    found = endpoint.sql(f"SELECT d IS NULL, total, top, low, last, kept FROM {database}.t ORDER BY 1")
    assert found == ((0, 14, 1.5, 2, "b", 1), (1, 2, None, None, None, None))


def test_duplicate_tables_keep_every_row(endpoint: Endpoint, database: str) -> None:
    endpoint.sql(f"CREATE TABLE {database}.t (k INT, s STRING) DUPLICATE KEY(k) DISTRIBUTED BY HASH(k) BUCKETS 1")
    for _ in range(2):
        endpoint.load(database, "t", '{"k":1,"s":"a"}\n{"k":1,"s":"a"}')
    assert rows(endpoint, database) == [(1, "a")] * 4


def test_metrics_have_the_names_of_doris(endpoint: Endpoint, table: str) -> None:
    endpoint.load(table, "t", '{"k":1}')
    front = httpx.get(f"{endpoint.fe_url}/metrics").text
    for name in (
        'doris_fe_query_latency_ms{quantile="0.95"}', "doris_fe_query_latency_ms_count", "doris_fe_query_total",
        "doris_fe_query_err", 'doris_fe_txn_counter{type="failed"}', 'doris_fe_txn_counter{type="success"}',
        "doris_fe_routine_load_rows", "doris_fe_routine_load_error_rows", "doris_fe_routine_load_lag",
        'doris_fe_job{job="load",type="ROUTINE_LOAD",state="ABNORMAL_PAUSED"}', "doris_fe_connection_total",
        'node_info{type="be_node_num",state="alive"} 1', 'node_info{type="be_node_num",state="total"} 1',
        'node_info{type="is_master"} 1', "doris_fe_max_tablet_compaction_score", "doris_fe_max_journal_id",
    ):  # fmt: skip
        assert name in front, name
    back = httpx.get(f"{endpoint.be_url}/metrics").text
    for name in (
        "doris_be_disks_avail_capacity{", "doris_be_disks_total_capacity{", "doris_be_disks_local_used_capacity{",
        "doris_be_disks_state{", 'doris_be_stream_load{type="load_rows"}', 'doris_be_stream_load{type="receive_bytes"}',
        'doris_be_stream_load_txn_request{type="rollback"}',
    ):  # fmt: skip
        assert name in back, name


def test_health_and_query_over_http(endpoint: Endpoint) -> None:
    assert httpx.get(f"{endpoint.fe_url}/api/health").json()["data"] == {
        "online_backend_num": 1,
        "total_backend_num": 1,
    }
    assert httpx.get(f"{endpoint.be_url}/api/health").json()["status"] == "OK"
    assert httpx.get(f"{endpoint.fe_url}/api/bootstrap").json()["data"]["queryPort"] == endpoint.query_port
    url, body = f"{endpoint.fe_url}/api/query/internal/information_schema", {"stmt": "SELECT 1 AS one, 'x' AS x"}
    assert httpx.post(url, json=body, auth=("root", "")).json()["data"]["data"] == [["1", "x"]]
    assert httpx.post(url, json={"stmt": "NOPE"}, auth=("root", "")).json()["code"] == 1


def test_a_database_that_goes_takes_only_its_own_staged_loads(endpoint: Endpoint, table: str) -> None:
    endpoint.sql("CREATE DATABASE leaving")
    endpoint.sql("CREATE TABLE leaving.t (k INT) DUPLICATE KEY(k) DISTRIBUTED BY HASH(k) BUCKETS 1")
    waits = endpoint.load(table, "t", '{"k":1}', two_phase_commit="true")["TxnId"]
    goes = endpoint.load("leaving", "t", '{"k":1}', two_phase_commit="true")["TxnId"]
    staging = endpoint.folder / "data" / "staged"
    about_to_be_stored = staging / "of-a-load-that-no-transaction-names-yet.parquet"
    about_to_be_stored.touch()
    endpoint.sql("DROP DATABASE leaving FORCE")
    assert {path.name for path in staging.iterdir()} >= {f"{waits}.parquet", about_to_be_stored.name}
    assert not (staging / f"{goes}.parquet").exists()
    about_to_be_stored.unlink()
