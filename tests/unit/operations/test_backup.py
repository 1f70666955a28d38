"""A backup in a folder: what makes it whole, what it refuses to restore, and that what was lost comes back."""

from __future__ import annotations

import stat
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from carbonlib._errors import ApplyError, UsageError
from carbonlib.operations import backup
from carbonlib.operations.backup import MANIFEST, Backup, parts, stores
from carbonlib.operations.backup.parts import Entries, Files, Schemas

SECRET = "hidden-1"


class Shelf:
    """A part whose objects are the entries of a dictionary."""

    kind, ignores = "thing", ()

    def __init__(self, name: str, live: Entries) -> None:
        self.name, self.live = name, live

    def take(self, platform: Any, only: list[str] | None = None) -> tuple[Entries, Files]:
        found = {name: value for name, value in self.live.items() if only is None or name in only}
        return found, {f"{self.name}/more.bin": b"bytes of " + self.name.encode()}

    def put(self, platform: Any, name: str, value: Any, live: Any, file: Callable[[str], bytes]) -> None:
        assert live == self.live.get(name)
        self.live[name] = value


@pytest.fixture
def live(monkeypatch: pytest.MonkeyPatch) -> Entries:
    shelf = Shelf("things", {"a": {"x": 1}, "b": {"x": 2}})
    monkeypatch.setattr(backup, "parts", lambda database, tables, new_ids=False: {"things": shelf})
    monkeypatch.setattr(backup, "require", lambda cluster, doing: None)
    monkeypatch.setattr(backup, "cluster_of", lambda platform: None)
    return shelf.live


@pytest.fixture
def platform() -> Any:
    return SimpleNamespace(objectstore=None, target=SimpleNamespace(name="local"), secrets={"some_password": SECRET})


@pytest.fixture
def taken(platform: Any, live: Entries, tmp_path: Path) -> Backup:
    return backup.take(platform, str(tmp_path), database="d")


def folder(tmp_path: Path) -> Path:
    (found,) = tmp_path.iterdir()
    return found


def test_a_backup_is_whole_and_only_its_owner_reads_it(taken: Backup, tmp_path: Path) -> None:
    assert taken.broken() == [] and taken.secrets() == []
    assert taken.table().to_dict("records") == [
        {"part": "things", "objects": 2, "files": 2, "bytes": taken.table()["bytes"][0]}
    ]
    for path in folder(tmp_path).rglob("*"):
        assert not path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO)


@pytest.mark.parametrize(
    ("harm", "word"),
    [
        (lambda p: (p / "things" / "more.bin").write_bytes(b"other"), "things/more.bin is not what was written"),
        (lambda p: (p / "things.json").unlink(), "things.json is missing"),
    ],
)
def test_a_file_that_is_gone_or_changed_is_named(
    taken: Backup, tmp_path: Path, harm: Callable[[Path], object], word: str
) -> None:
    harm(folder(tmp_path))
    assert taken.broken() == [word]


def test_without_a_manifest_there_is_no_backup(taken: Backup, platform: Any, tmp_path: Path) -> None:
    (folder(tmp_path) / MANIFEST).unlink()
    with pytest.raises(UsageError, match="There is no backup at"):
        Backup(platform, str(folder(tmp_path)))


def test_what_is_lost_comes_back_and_then_nothing_is_left_to_do(taken: Backup, live: Entries) -> None:
    del live["a"]
    assert taken.differing({"things": ["a", "b"]}) == ["thing/a"]
    plan = taken.plan_restore({"things": ["a", "b"]})
    assert [(c.object, c.action) for c in plan] == [("thing/a", "create")]
    plan.apply()
    assert live == {"a": {"x": 1}, "b": {"x": 2}}
    assert len(taken.plan_restore({"things": ["a", "b"]})) == 0


def test_what_is_live_and_has_changed_is_replaced_only_by_permission(taken: Backup, live: Entries) -> None:
    live["b"] = {"x": 3}
    with pytest.raises(UsageError, match="its present state would be lost"):
        taken.plan_restore({"things": ["b"]})
    taken.plan_restore({"things": ["b"]}, allow_destroy=True).apply()
    assert live["b"] == {"x": 2}


def test_an_object_that_was_not_there_cannot_be_restored(taken: Backup) -> None:
    with pytest.raises(UsageError, match="holds no thing 'c'"):
        taken.plan_restore({"things": ["c"]})


def test_a_secret_in_a_file_is_found(platform: Any, live: Entries, tmp_path: Path) -> None:
    live["a"] = {"password": SECRET}
    assert backup.take(platform, str(tmp_path), database="d").secrets() == ["things.json: some_password"]


def test_topics_and_schemas_come_before_the_connectors_that_need_them() -> None:
    assert list(parts("d", ["t"])) == ["topics", "schemas", "groups", "rows", "lake", "connectors"]


@pytest.mark.parametrize("place", ["s3://bucket", "s3://bucket/"])
def test_a_bucket_needs_a_prefix(place: str) -> None:
    store: Any = None
    with pytest.raises(UsageError, match="names no prefix"):
        stores.store_at(place, store)


class Registry:
    """Gives ids as it likes."""

    def __init__(self, first: int) -> None:
        self.next = first
        self.registered: list[Any] = []

    def register(self, subject: str, schema: Any) -> int:
        self.registered.append(schema)
        self.next += 1
        return self.next - 1

    def set_compatibility(self, subject: str, level: str) -> None:
        self.level = level


def versions(*ids: int) -> dict[str, Any]:
    return {"compatibility": "FULL", "schemas": [{"type": "int", "doc": str(i)} for i in ids], "ids": list(ids)}


def no_file(name: str) -> bytes:
    raise AssertionError(name)


def test_schemas_get_the_ids_that_values_carry_or_it_is_said() -> None:
    good, other = Registry(7), Registry(90)
    world: Any = SimpleNamespace(registry=good)
    Schemas().put(world, "s", versions(7, 8), None, no_file)
    assert good.registered == versions(7, 8)["schemas"]
    assert good.level == "FULL"
    world.registry = other
    with pytest.raises(ApplyError, match="the id 90, and values carry 7"):
        Schemas().put(world, "s", versions(7), None, no_file)
    Schemas(new_ids=True).put(world, "s", versions(7), None, no_file)


def test_a_subject_with_other_schemas_is_not_written_over() -> None:
    world: Any = SimpleNamespace(registry=Registry(9))
    with pytest.raises(ApplyError, match="Other schemas are registered"):
        Schemas().put(world, "s", versions(7, 8), versions(6), no_file)
    assert world.registry.registered == []
