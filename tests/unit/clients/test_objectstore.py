"""The object store's client: declared buckets, archived lines, errors. `tests/platform` has the real server."""

from __future__ import annotations

import gzip
import json
from decimal import Decimal
from pathlib import Path

import pytest
from pyarrow import fs

from carbonlib._errors import EngineError, TargetUnreachable, UsageError
from carbonlib.clients.objectstore import ObjectStore, load_buckets, rows_of

ORIGIN = {"topic": "prices", "partition": 1, "offset": 7, "timestamp": 1, "key": "CL"}


class FolderStore(ObjectStore):
    """A double: a folder stands for the server, the rest is the client's own."""

    def __init__(self, folder: Path) -> None:
        super().__init__("http://127.0.0.1:1", "user", "canary-secret", "us-east-1")
        self.__dict__["_files"] = fs.SubTreeFileSystem(str(folder), fs.LocalFileSystem())


def packed(*lines: object) -> bytes:
    return gzip.compress("".join(json.dumps(line) + "\n" for line in lines).encode())


def put(folder: Path, name: str, content: bytes) -> None:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(content)


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path)


def test_missing_buckets_are_created_and_others_left_alone(store: FolderStore, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    plan = store.plan(["archive"])
    assert [(c.object, c.action) for c in plan] == [("bucket/archive", "create")]
    assert store.buckets() == ["other"]
    plan.apply()
    assert store.buckets() == ["archive", "other"]
    assert len(store.plan(["archive"])) == 0


def test_lines_come_back_with_exact_numbers_their_origin_and_their_object(store: FolderStore, tmp_path: Path) -> None:
    name = "topics/prices/year=2020/prices+1+0000000007.json.gz"
    line = b'{"price": -36.980000, "unit": null, "_kafka": ' + json.dumps(ORIGIN).encode() + b"}\n"
    put(tmp_path, f"archive/{name}", gzip.compress(line))
    put(tmp_path, "archive/topics/_archived/prices+1.json", b'{"next_offset": 8}')
    frame = store.read_lines("archive", "topics")
    assert len(frame) == 1
    assert str(frame.price[0]) == "-36.980000" and frame.price[0] == Decimal("-36.98")
    assert [frame.kafka_topic[0], frame.kafka_offset[0], frame.kafka_key[0], frame.object[0]] == [
        "prices",
        7,
        "CL",
        name,
    ]


def test_the_sinks_notes_are_objects_but_no_records(store: FolderStore, tmp_path: Path) -> None:
    put(tmp_path, "archive/topics/_archived/prices+1.json", b"{}")
    put(tmp_path, "archive/topics/prices/a.json.gz", packed({"_kafka": ORIGIN}))
    assert [o.name for o in store.objects("archive")] == ["topics/_archived/prices+1.json", "topics/prices/a.json.gz"]
    assert store.status(["archive", "absent"]) == [
        {"bucket": "archive", "objects": 1},
        {"bucket": "absent", "objects": None},
    ]


def test_a_folder_that_is_not_there_holds_nothing(store: FolderStore, tmp_path: Path) -> None:
    (tmp_path / "archive").mkdir()
    assert store.objects("archive", "topics/none") == []
    assert store.read_lines("archive", "topics/none").empty


@pytest.mark.parametrize(
    "content",
    [b"no gzip", gzip.compress(b"no json\n"), packed({"price": 1}), packed([1])],
    ids=["no gzip", "no JSON", "no list", "no record"],
)
def test_an_object_that_holds_something_else_is_named(content: bytes) -> None:
    with pytest.raises(EngineError, match=r"The object x\.json\.gz does not hold archived records"):
        rows_of("x.json.gz", content)


def test_an_object_that_is_not_there_is_an_error(store: FolderStore, tmp_path: Path) -> None:
    (tmp_path / "archive").mkdir()
    with pytest.raises(EngineError, match="refused to read archive/nothing"):
        store.read("archive", "nothing")


def test_a_server_that_does_not_answer_is_unreachable() -> None:
    store = ObjectStore("http://127.0.0.1:1", "user", "canary-secret", "us-east-1")
    with pytest.raises(TargetUnreachable, match="does not answer") as told:
        store.buckets()
    assert "canary" not in str(told.value)
    assert not store.reachable()


def test_buckets_are_declared_by_name(tmp_path: Path) -> None:
    path = tmp_path / "buckets.yaml"
    path.write_text("buckets:\n  archive:\n  other:\n")
    assert load_buckets(path) == ["archive", "other"]
    path.write_text("- archive\n")
    with pytest.raises(UsageError, match="does not declare buckets"):
        load_buckets(path)
