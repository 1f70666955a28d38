"""kill -9 loses nothing that was acknowledged."""

from __future__ import annotations

import threading
import time

import httpx
import pymysql
import pytest

from carbonlib.local.doris.testing import Endpoint


def test_everything_that_was_said_to_be_there_is_there_after_a_kill(own_endpoint: Endpoint) -> None:
    own = own_endpoint
    own.sql(
        "CREATE DATABASE d",
        "CREATE TABLE d.t (k INT NOT NULL, s VARCHAR(9)) UNIQUE KEY(k) DISTRIBUTED BY HASH(k) BUCKETS 1",
        "CREATE VIEW d.w AS SELECT k FROM d.t",
        "CREATE MATERIALIZED VIEW d.m BUILD IMMEDIATE REFRESH AUTO ON MANUAL DISTRIBUTED BY RANDOM AS "
        "SELECT COUNT(*) AS n FROM d.t",
        "CREATE ROLE r",
        "GRANT SELECT_PRIV ON d.* TO ROLE 'r'",
        "CREATE USER u IDENTIFIED BY 'pw' DEFAULT ROLE 'r'",
    )
    own.load("d", "t", '{"k":1,"s":"a"}', label="plain")
    waiting = own.load("d", "t", '{"k":2,"s":"b"}', label="first", two_phase_commit="true")
    done = own.load("d", "t", '{"k":3,"s":"c"}', label="both", two_phase_commit="true")
    own.finish("d", "commit", txn_id=str(done["TxnId"]))
    own.kill()
    began = time.monotonic()
    own.start()
    assert time.monotonic() - began < 20
    assert own.sql("SELECT k, s FROM d.t ORDER BY k", user="u", password="pw") == ((1, "a"), (3, "c"))
    assert own.sql("SELECT COUNT(*) FROM d.w") == ((2,),)
    assert own.sql("SELECT n FROM d.m") == ((0,),)
    assert own.load("d", "t", '{"k":9}', label="plain")["Status"] == "Label Already Exists"
    again = own.load("d", "t", '{"k":9}', label="first", two_phase_commit="true")
    assert again["ExistingJobStatus"] == "PRECOMMITTED"
    assert "is already VISIBLE, not pre-committed." in own.finish("d", "commit", txn_id=str(done["TxnId"]))["msg"]
    assert own.finish("d", "commit", txn_id=str(waiting["TxnId"]))["status"] == "Success"
    assert own.sql("SELECT k FROM d.t ORDER BY k") == ((1,), (2,), (3,))
    newer = own.load("d", "t", '{"k":4}', label="newer")
    assert newer["TxnId"] > max(waiting["TxnId"], done["TxnId"])


def test_a_kill_in_the_middle_of_loads(own_endpoint: Endpoint) -> None:
    own = own_endpoint
    own.sql("CREATE DATABASE d", "CREATE TABLE d.t (k INT, v INT) DUPLICATE KEY(k) DISTRIBUTED BY HASH(k) BUCKETS 1")
    acknowledged: list[int] = []
    stop = threading.Event()

    def load(worker: int) -> None:
        number = 0
        while not stop.is_set():
            batch = worker * 1_000_000 + number
            body = "\n".join(f'{{"k":{batch},"v":{i}}}' for i in range(200))
            try:
                answer = own.load("d", "t", body, label=f"b{batch}")
            except httpx.HTTPError:
                return
            if answer["Status"] == "Success":
                acknowledged.append(batch)
            number += 1

    threads = [threading.Thread(target=load, args=(n,)) for n in range(3)]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + 30
    while len(acknowledged) < 15 and time.monotonic() < deadline:
        time.sleep(0.02)
    own.kill()
    stop.set()
    for thread in threads:
        thread.join()
    own.start()
    found = dict(own.sql("SELECT k, COUNT(*) FROM d.t GROUP BY k"))
    assert len(acknowledged) >= 15
    assert set(acknowledged) <= set(found)
    # A batch whose answer was lost is there whole or not at all.
    assert set(found.values()) == {200}


def test_a_port_that_is_taken_and_data_in_use(own_endpoint: Endpoint) -> None:
    second = Endpoint(own_endpoint.folder)
    with pytest.raises(Exception, match="cannot be opened"):
        second.start()
    third = Endpoint(own_endpoint.folder.parent / "third")
    third.query_port = own_endpoint.query_port
    with pytest.raises(Exception, match="cannot listen"):
        third.start()
    assert own_endpoint.sql("SELECT 1") == ((1,),)


def test_a_stop_in_order_keeps_everything(own_endpoint: Endpoint) -> None:
    own_endpoint.sql("CREATE DATABASE d")
    own_endpoint.stop()
    with pytest.raises(pymysql.OperationalError):
        own_endpoint.connect()
    own_endpoint.start()
    assert ("d",) in own_endpoint.sql("SHOW DATABASES")
