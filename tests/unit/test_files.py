"""Files of the project that are broken: what is wrong is said by name, with what to do next."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from carbonlib import _project
from carbonlib._errors import CarbonError, PreflightError
from carbonlib._files import make_folder, read_mapping
from carbonlib._project import MANIFESTS
from carbonlib.clients.connectors import load_connectors
from carbonlib.clients.kafka import load_topics
from carbonlib.config import Settings
from carbonlib.local import manifest
from carbonlib.targets.local import Local


@pytest.fixture(autouse=True)
def afresh() -> Iterator[None]:
    """What is read once a process is read again, before and after."""
    manifest.declared.cache_clear()
    _project.versions.cache_clear()
    yield
    manifest.declared.cache_clear()
    _project.versions.cache_clear()


def refused(read: Callable[[], object], *words: str) -> CarbonError:
    with pytest.raises(CarbonError) as caught:
        read()
    assert all(word in str(caught.value) for word in words), str(caught.value)
    assert caught.value.remedy and "Traceback" not in str(caught.value)
    return caught.value


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("a.json", '{"a": 1', ["a.json is not JSON", "line 1"]),
        ("a.toml", "a = \n", ["a.toml is not TOML", "line 1"]),
        ("a.yaml", "a: [1\nb: 2", ["a.yaml is not YAML", "line 2"]),
        ("a.yaml", "- a", ["a.yaml does not hold names and values"]),
        ("a.yaml", "b: 1", ["a.yaml lacks a"]),
        ("a.json", '{"b": "\udcff"}', ["a.json is not JSON"]),
    ],
)
def test_a_broken_file_is_named_with_the_place(tmp_path: Path, name: str, text: str, words: list[str]) -> None:
    (tmp_path / name).write_bytes(text.encode("utf-8", "surrogateescape"))
    error = refused(lambda: read_mapping(tmp_path / name, needs=["a"]), *words)
    assert error.exit_code == 2


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    refused(lambda: read_mapping(tmp_path / "gone.yaml"), "gone.yaml", "No such file")


PROCESSES = (MANIFESTS / "local" / "processes.yaml").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (PROCESSES.replace("processes:\n", "processes: [\n", 1), ["processes.yaml is not YAML"]),
        (PROCESSES.replace("\nports:", "\nharbours:", 1), ["processes.yaml lacks ports"]),
        (PROCESSES.replace("    listens: [connect", "    lists: [connect", 1), ["process connect", "lacks listens"]),
        (PROCESSES.replace("listens: [postgres]", "listens: [postgrse]", 1), ["process postgres", "lacks postgrse"]),
        (PROCESSES + "\n  nothing:\n", ["process nothing", "does not hold"]),
    ],
)
def test_broken_processes_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, words: list[str]
) -> None:
    assert text != PROCESSES
    (tmp_path / "processes.yaml").write_text(text, encoding="utf-8")
    monkeypatch.setattr(manifest, "LOCAL", tmp_path)
    refused(manifest.declared, "processes.yaml", *words)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("defaults: {", ["topics.yaml is not YAML"]),
        ("topics: {}", ["topics.yaml lacks defaults"]),
        ("defaults: {partitions: 3}\ntopics: {}", ["topics.yaml: defaults lacks replication, config"]),
        ("defaults: {partitions: 3, replication: 3, config: {}}\ntopics: {prices: 3}", ["topic prices"]),
    ],
)
def test_broken_topics_are_named(tmp_path: Path, text: str, words: list[str]) -> None:
    (tmp_path / "topics.yaml").write_text(text, encoding="utf-8")
    refused(lambda: load_topics(tmp_path / "topics.yaml", {}), *words)


@pytest.mark.parametrize("text", ["[java\n", "[java]\nruntime = 21"])
def test_a_broken_table_of_versions_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    (tmp_path / "versions.toml").write_text(text, encoding="utf-8")
    monkeypatch.setattr(_project, "ROOT", tmp_path)
    refused(_project.versions, "versions.toml")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", ["prices.json is not JSON"]),
        ("[]", ["prices.json does not declare a connector", "Write {"]),
        ('{"name": "other", "config": {}}', ["prices.json does not declare"]),
        ('{"name": "prices", "config": {"tasks.max": 1}}', ["prices.json does not declare", "every value a text"]),
        ('{"name": "prices", "config": {"a": "b"}, "enable": false}', ["prices.json does not declare"]),
    ],
)
def test_a_broken_connector_is_named(tmp_path: Path, text: str, words: list[str]) -> None:
    (tmp_path / "prices.json").write_text(text, encoding="utf-8")
    refused(lambda: load_connectors(tmp_path, {}), *words)


# -- what a stack keeps ---------------------------------------------------------------------------------------------


@pytest.fixture
def where(tmp_path: Path) -> Settings:
    return Settings(state=tmp_path / "state", port_base=40000, cache=tmp_path / "cache")


@pytest.mark.parametrize("text", ["{", "[]", '{"brokers": "many"}', '{"brokers": 2}', '{"apis_pace": "fast"}'])
def test_broken_sizes_are_named_and_may_be_removed(where: Settings, text: str) -> None:
    where.state.mkdir()
    (where.state / "profile.json").write_text(text, encoding="utf-8")
    error = refused(Local(where).profile, "profile.json")
    assert "Remove the file" in error.remedy


def test_sizes_that_were_kept_are_read_back(where: Settings) -> None:
    Local(where).assume({"brokers": 1, "apis_pace": 2}).apply()
    assert {k: Local(where).profile()[k] for k in ("brokers", "apis_pace")} == {"brokers": 1, "apis_pace": 2}
    assert not list(where.state.glob("*.tmp"))


def test_broken_secrets_are_named(where: Settings) -> None:
    where.state.mkdir()
    (where.state / "secrets.json").write_text("{", encoding="utf-8")
    refused(lambda: Local(where), "secrets.json", "Restore the file")


def test_a_note_of_a_start_that_was_cut_short_counts_as_none(where: Settings) -> None:
    target = Local(where)
    (where.state / "run").mkdir()
    (where.state / "run" / "kafka-1.json").write_text('{"fingerpr', encoding="utf-8")
    kafka = next(p for p in target.processes("kafka") if p.name == "kafka-1")
    assert [c.action for c in target.stack.plan([kafka], {"kafka"})] == ["start"]
    refused(lambda: target.stack.wait_named("kafka-1"), "kafka-1 was never started")


def test_a_folder_that_cannot_be_written_is_named_with_its_variable(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    error = refused(lambda: make_folder(tmp_path / "file" / "cache", "cache folder", "CARBON_CACHE"), "cache folder")
    assert isinstance(error, PreflightError) and "CARBON_CACHE=" in error.remedy
    with pytest.raises(PreflightError, match="state folder"):
        Local(Settings(tmp_path / "file" / "state", 40000, tmp_path))
