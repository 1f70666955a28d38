"""Why a letter is one: causes of real reasons, positions from headers, bytes that cannot do anything when shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from carbonlib._errors import EngineError, UsageError
from carbonlib.clients.records import Record
from carbonlib.deadletters import load_queues, look
from carbonlib.deadletters.letters import Position, cause_of, letter_of, preview

from .conftest import Cluster

TRACE = (
    "org.apache.kafka.connect.errors.DataException: Converting byte[] to Kafka Connect data failed due to "
    "serialization error: \n\tat org.apache.kafka.connect.json.JsonConverter.toConnectData(JsonConverter.java:325)\n"
    "Caused by: com.fasterxml.jackson.core.JsonParseException: Unrecognized token 'CL': was expecting (JSON String)\n"
    ' at [Source: (byte[])"CL 75.50"; line: 1, column: 3]\n\t... 16 more\n'
)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("failed to parse field [price] of type [double] in document with id 'a-1'. Preview of field's value: 'x'",
         "failed to parse field [price] of type [double] in document with id 'b-27'. Preview of field's value: 'y'"),
        ("price 1e40 is out of range", "price 3.5E+41 is out of range"),
        ("no schema with id 4711 at 0x7f3a", "no schema with id 1 at 0x1b"),
        ("3f2504e0-4f89-11d3-9a0c-0305e82c3301 is too long", "7d444840-9dc0-11d1-b245-5ffdce74fad2 is too long"),
    ],
)  # fmt: skip
def test_letters_of_one_cause_are_alike(one: str, other: str) -> None:
    assert cause_of(one) == cause_of(other)


def test_causes_that_differ_stay_apart_and_long_ones_are_cut() -> None:
    assert cause_of("no price") != cause_of("no code")
    assert len(cause_of("word " * 500)) <= 161


def test_the_innermost_cause_of_a_workers_trace_is_the_reason() -> None:
    queue = load_queues().queues["search-alerts-dlq"]
    headers = {queue.headers.topic: b"t", queue.headers.partition: b"2", queue.headers.offset: b"17",
               queue.headers.trace: TRACE.encode(), queue.headers.stage: b"VALUE_CONVERTER"}  # fmt: skip
    letter = letter_of(queue, Record(0, 5, 1_700_000_000_000, b"CL", b"CL 75.50", headers))
    assert letter.reason.startswith("JsonParseException: Unrecognized token 'CL'")
    assert letter.cause == "JsonParseException: Unrecognized token '…': was expecting (JSON String)"
    assert (letter.source, letter.at) == (Position("t", 2, 17), Position(queue.topic, 0, 5))
    assert letter.when.isoformat() == "2023-11-14T22:13:20+00:00"


def test_the_enrichers_own_headers_are_read_and_missing_ones_leave_the_letters_own_place() -> None:
    queue = load_queues().queues["commodity-prices-raw-dlq"]
    headers = {"reason": b"no price", "source_topic": b"raw", "source_partition": b"1", "source_offset": b"9"}
    assert letter_of(queue, Record(0, 1, 0, None, b"{}", headers)).source == Position("raw", 1, 9)
    bare = letter_of(queue, Record(0, 1, 0, None, None, {}))
    assert (bare.source, bare.reason, bare.size) == (Position(queue.topic, 0, 1), "no reason given", -1)


def test_bytes_are_shown_as_text_and_cut() -> None:
    assert preview(b"\x00\xff\x1b[31m\n<script>") == "\\x00\\xff\\x1b[31m\\n<script>"
    assert preview(None) == "(no value)"
    assert len(preview(b"x" * 900_000)) == 81


def test_a_summary_counts_by_cause_and_shows_one_example(cluster: Cluster) -> None:
    for offset in range(3):
        cluster.die(f'{{"n":{offset}}}'.encode(), offset, f"value {offset} is too large")
    cluster.die(b"\x00\x01", 3, "not a number")
    letters = look(cluster.platform, declared=cluster.declared)
    assert len(letters) == 4 and letters.repeated == 0
    summary = letters.summary()
    assert list(summary["letters"]) == [3, 1] and list(summary.index) == [1, 2]
    assert summary.loc[1, "cause"] == "DataException: value N is too large"
    assert summary.loc[1, "for example"] == '{"n":2}'
    assert list(letters.table()["offset"]) == [0, 1, 2, 3]
    assert [bar.orientation for bar in letters.figure().data] == ["h"]
    assert "4 dead letters wait" in repr(letters)


def test_a_letter_that_was_reported_twice_is_one(cluster: Cluster) -> None:
    cluster.die(b"a", 7)
    cluster.die(b"a", 7)
    letters = look(cluster.platform, declared=cluster.declared)
    assert (len(letters), letters.repeated) == (1, 1)


def test_only_marked_letters_when_asked(cluster: Cluster) -> None:
    cluster.die(b'{"id":"TEST-1"}', 0)
    cluster.die(b"\xff", 1, key=b"TEST-2")
    cluster.die(b"{}", 2)
    assert len(look(cluster.platform, declared=cluster.declared, mark="TEST-")) == 2


def test_a_stranger_in_the_ledger_stops_everything(cluster: Cluster) -> None:
    cluster.send(cluster.ledger, b"hello")
    with pytest.raises(EngineError, match="no marker of a replay"):
        look(cluster.platform, declared=cluster.declared)


def test_names_that_are_not_declared_are_refused(cluster: Cluster) -> None:
    with pytest.raises(UsageError, match="no topic of dead letters other-dlq"):
        look(cluster.platform, f"{cluster.dlq}, other-dlq", declared=cluster.declared)
    with pytest.raises(UsageError, match="no correction 'magic'"):
        cluster.declared.correction("magic")


@pytest.mark.parametrize("text", ["queues: [", "ledger: x", "ledger: x\nqueues: {a: {headers: none}}\nheaders: {}\n"])
def test_a_broken_manifest_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "deadletters.yaml").write_text(text)
    with pytest.raises(UsageError, match=r"deadletters\.yaml does not declare"):
        load_queues(tmp_path / "deadletters.yaml")
