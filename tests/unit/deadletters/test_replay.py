"""Replays against a mock cluster: original bytes, each once however often it is run, corrected where asked."""

from __future__ import annotations

import io
import json
from decimal import Decimal
from typing import Any

import fastavro
import pytest

from carbonlib._errors import CarbonError, UsageError
from carbonlib.clients.avro import AvroMisfit, decode, encode, schema_id_of
from carbonlib.deadletters import Correction, look, plan_replay
from carbonlib.deadletters.corrections import Corrector, Misfit

from .conftest import Cluster

SCHEMA = {"type": "record", "name": "Price", "fields": [
    {"name": "code", "type": "string"},
    {"name": "price", "type": {"type": "bytes", "logicalType": "decimal", "precision": 18, "scale": 6}},
    {"name": "event_time", "type": {"type": "long", "logicalType": "timestamp-millis"}},
    {"name": "unit", "type": ["null", "string"], "default": None},
]}  # fmt: skip


def replay(cluster: Cluster, causes: str = "all", correction: str = "none") -> Any:
    letters = look(cluster.platform, declared=cluster.declared)
    return plan_replay(cluster.platform, letters, causes=causes, correction=correction, declared=cluster.declared)


def test_letters_come_again_as_they_were_and_once(cluster: Cluster) -> None:
    cluster.die(b"\x00\xff", 4, key=b"CL", timestamp=1_700_000_000_123, headers={"trace_id": "abc"})
    cluster.die(b"\x00\xff", 4, key=b"CL", timestamp=1_700_000_000_123)  # the reader died and reported it again
    cluster.die(None, 5, key=None)
    plan = replay(cluster)
    assert cluster.records(cluster.retry) == []
    (change,) = plan
    assert change.after == {"send": 2, "to": cluster.retry, "history": 0, "left": 0}
    assert len(plan.apply()) == 1
    empty, again = sorted(cluster.records(cluster.retry), key=lambda r: r.key or b"")
    assert (again.key, again.value, again.timestamp) == (b"CL", b"\x00\xff", 1_700_000_000_123)
    assert again.headers == {
        "trace_id": b"abc", "replayed_from": f"{cluster.dlq}-0-0".encode(), "origin": f"{cluster.main}-0-4".encode(),
    }  # fmt: skip
    assert (empty.key, empty.value) == (None, None)
    assert len(replay(cluster)) == 0
    assert plan.apply().changes == []  # an old plan, applied again: the ledger knows
    assert len(cluster.records(cluster.retry)) == 2
    assert look(cluster.platform, declared=cluster.declared).settled == 2


def test_only_the_chosen_causes_move(cluster: Cluster) -> None:
    for offset in range(2):
        cluster.die(b"a", offset, "table missing")
    cluster.die(b"b", 2, "not a number")
    assert len(replay(cluster, "none")) == 0
    replay(cluster, "2").apply()
    assert [r.value for r in cluster.records(cluster.retry)] == [b"b"]
    assert len(look(cluster.platform, declared=cluster.declared)) == 2
    with pytest.raises(UsageError, match="does not choose causes"):
        replay(cluster, "7")


def test_letters_that_came_after_the_look_are_not_sent(cluster: Cluster) -> None:
    cluster.die(b"seen", 0)
    plan = replay(cluster)
    cluster.die(b"later", 1)
    plan.apply()
    assert [r.value for r in cluster.records(cluster.retry)] == [b"seen"]


def test_a_letter_that_died_again_is_a_new_one_with_its_first_origin(cluster: Cluster) -> None:
    cluster.die(b"a", 3)
    replay(cluster).apply()
    (first,) = cluster.records(cluster.retry)
    cluster.die(b"a", 0, topic=cluster.retry, headers=dict(first.headers))
    (letter,) = look(cluster.platform, declared=cluster.declared).waiting
    assert (str(letter.source), str(letter.origin)) == (f"{cluster.retry}-0-0", f"{cluster.main}-0-3")
    replay(cluster).apply()
    assert [r.headers["origin"] for r in cluster.records(cluster.retry)] == [f"{cluster.main}-0-3".encode()] * 2


def test_where_one_row_a_key_is_kept_history_does_not_come_back(cluster: Cluster) -> None:
    cluster.declare(newest_wins=True)
    for key in (b"old", b"new", b"old"):  # the first two died
        cluster.send(cluster.main, b"v", key)
    cluster.die(b"v0", 0, key=b"old")
    cluster.die(b"v1", 1, key=b"new")
    plan = replay(cluster)
    assert next(iter(plan)).after == {"send": 1, "to": cluster.retry, "history": 1, "left": 0}
    plan.apply()
    assert [r.value for r in cluster.records(cluster.retry)] == [b"v1"]
    outcomes = [json.loads(r.value)["outcome"] for r in cluster.records(cluster.ledger)]
    assert sorted(outcomes) == ["history", "sent"]  # over partitions there is no order
    assert len(replay(cluster)) == 0


def test_a_correction_mends_what_it_fits_and_leaves_the_rest(cluster: Cluster) -> None:
    cluster.die('{"code":"CL","price":"75,50","at":"Zürich"}'.encode(), 0)
    cluster.die(b"\xff\xfe", 1)
    plan = replay(cluster, correction="decimal-comma")
    assert next(iter(plan)).after == {"send": 1, "to": cluster.retry, "history": 0, "left": 1}
    plan.apply()
    assert [r.value for r in cluster.records(cluster.retry)] == ['{"code":"CL","price":75.50,"at":"Zürich"}'.encode()]
    assert len(look(cluster.platform, declared=cluster.declared)) == 1
    assert len(replay(cluster, correction="decimal-comma")) == 0


def test_json_on_an_avro_topic_becomes_avro_of_the_newest_schema(cluster: Cluster) -> None:
    cluster.declare(schema="prices-value")
    cluster.schemas["prices-value"] = (53, SCHEMA)
    cluster.die(b'{"code":"CL","price":-36.98,"event_time":"2020-04-20T18:30:00Z"}', 0)
    cluster.die(b'{"code":"CL"}', 1)
    replay(cluster, correction="as-avro").apply()
    (record,) = cluster.records(cluster.retry)
    assert schema_id_of(record.value) == 53
    row = decode(record.value, SCHEMA)
    assert (row["price"], row["unit"], row["event_time"].isoformat()) == (
        Decimal("-36.980000"), None, "2020-04-20T18:30:00+00:00",
    )  # fmt: skip


def test_a_correction_that_cannot_be_for_this_topic_is_refused(cluster: Cluster) -> None:
    cluster.die(b"{}", 0)
    with pytest.raises(CarbonError, match="are JSON objects"):
        replay(cluster, correction="as-avro")


@pytest.mark.parametrize(
    ("correction", "value", "expected"),
    [
        (Correction("c", numbers=["p"]), b'{"p":"1e3"}', b'{"p":1000}'),
        (Correction("c", numbers=["p"]), b'{"p":2.50}', b'{"p":2.50}'),
        (Correction("c", rename={"px": "price"}), b'{"px":1}', b'{"price":1}'),
        (Correction("c", values={"currency": "USD"}), b'{"a":[1.10]}', b'{"a":[1.10],"currency":"USD"}'),
    ],
)
def test_corrections_keep_every_digit(cluster: Cluster, correction: Correction, value: bytes, expected: bytes) -> None:
    assert Corrector(correction, cluster.queue, cluster.platform.registry)(value) == expected


@pytest.mark.parametrize("value", [b"", None, b"[1]", b'{"p":"1,000,000"}', b'{"p":"NaN"}'])
def test_what_cannot_be_corrected_says_so(cluster: Cluster, value: bytes | None) -> None:
    with pytest.raises(Misfit):
        Corrector(Correction("c", numbers=["p"]), cluster.queue, cluster.platform.registry)(value)


def test_avro_that_does_not_fit_says_which_record_and_why() -> None:
    with pytest.raises(AvroMisfit, match="schema Price"):
        encode(1, SCHEMA, {"code": "CL", "price": "many", "event_time": 0})
    body = io.BytesIO()
    fastavro.schemaless_writer(body, fastavro.parse_schema({"type": "record", "name": "Price", "fields": []}), {})
    with pytest.raises(AvroMisfit):
        decode(b"\0\0\0\0\1" + body.getvalue(), SCHEMA)
    assert schema_id_of(b"{}") is None
