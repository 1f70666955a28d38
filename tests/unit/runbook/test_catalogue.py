"""Reading, checking, selecting and ordering notebooks."""

from pathlib import Path
from typing import Any

import pytest

from carbonlib._errors import UsageError
from carbonlib.runbook import nodes
from carbonlib.runbook.catalogue import Catalogue, Entry, load_catalogue
from carbonlib.runbook.tidy import tidy

INPUTS = Path(__file__).resolve().parents[2] / "notebooks" / "inputs"


def entry(name: str, *needs: str, **facts: Any) -> Entry:
    return Entry(id=name, path=Path(f"{name}.ipynb"), group=name.split("-")[0], title=name, needs=needs, **facts)


def write(folder: Path, facts: dict[str, Any], title: str = "# deploy-10 Kafka") -> Path:
    notebook = nodes.new_notebook({"carbon": facts})
    notebook.cells = [nodes.markdown_cell(title), nodes.code_cell("x: int = 1  # n", {"tags": ["parameters"]})]
    path = folder / "deploy" / "10_kafka.ipynb"
    path.parent.mkdir(exist_ok=True)
    path.write_text(nodes.dumps(tidy(notebook)))
    return path


def ids(entries: list[Entry]) -> list[str]:
    return [e.id for e in entries]


def test_reads_facts_title_and_parameters() -> None:
    ok = load_catalogue(INPUTS)["input-ok"]
    assert (ok.title, ok.group, ok.timeout_s, ok.mutates) == ("Ok", "input", 60, False)
    assert [p.name for p in ok.parameters] == ["target", "count", "rate", "names", "limit"]
    assert ok.as_dict()["parameters"][1] == {"name": "count", "type": "int", "default": 1, "help": "how many"}


def test_order_follows_needs_then_group_then_id() -> None:
    catalogue = Catalogue([entry("verify-10"), entry("deploy-20"), entry("deploy-10", "deploy-30"), entry("deploy-30")])
    assert list(catalogue) == ["deploy-20", "deploy-30", "deploy-10", "verify-10"]


def test_needs_may_name_what_another_provides() -> None:
    catalogue = Catalogue([entry("deploy-10", "kafka"), entry("deploy-20", provides=("kafka",))])
    assert list(catalogue) == ["deploy-20", "deploy-10"]
    assert catalogue.needed_by(catalogue["deploy-10"]) == {"deploy-20"}


def test_selection_adds_nothing_that_was_not_named() -> None:
    catalogue = Catalogue([entry("deploy-10"), entry("deploy-20", "deploy-10"), entry("verify-10", "deploy-20")])
    assert ids(catalogue.select(["verify-10", "deploy-10"])) == ["deploy-10", "verify-10"]
    assert ids(catalogue.select(["verify", "deploy-20"])) == ["deploy-20", "verify-10"]


def test_teardown_runs_only_when_named() -> None:
    catalogue = Catalogue([entry("deploy-10"), entry("deploy-99")])
    assert ids(catalogue.select(["deploy"])) == ["deploy-10"]
    assert ids(catalogue.select(["deploy-99"])) == ["deploy-99"]


def test_unknown_name_suggests_the_nearest() -> None:
    with pytest.raises(UsageError, match=r"Did you mean deploy-10\?"):
        Catalogue([entry("deploy-10")]).select(["deploy-1"])


@pytest.mark.parametrize(
    ("entries", "words"),
    [
        ([entry("deploy-10", "deploy-11")], "needs 'deploy-11'"),
        ([entry("deploy-10", "deploy-20"), entry("deploy-20", "deploy-10")], "need each other"),
        ([entry("deploy-10"), entry("deploy-10")], "both have the id"),
    ],
)
def test_facts_that_do_not_fit_together_are_refused(entries: list[Entry], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        Catalogue(entries)


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({}, "id must be"),
        ({"id": "deploy-10", "need": []}, "need is not known"),
        ({"id": "deploy-10", "needs": "deploy-00"}, "needs must be a list"),
        ({"id": "deploy-10", "targets": ["cloud"]}, "not cloud"),
        ({"id": "deploy-10", "mutates": "yes"}, "true or false"),
        ({"id": "deploy-10", "timeout_s": 0}, "timeout_s"),
    ],
)
def test_bad_facts_name_the_file_and_the_field(tmp_path: Path, facts: dict[str, Any], words: str) -> None:
    write(tmp_path, facts)
    with pytest.raises(UsageError, match=words) as caught:
        load_catalogue(tmp_path)
    assert "10_kafka.ipynb" in str(caught.value)


def test_first_cell_must_carry_id_and_title(tmp_path: Path) -> None:
    write(tmp_path, {"id": "deploy-10"}, title="# Kafka")
    with pytest.raises(UsageError, match="must begin with `# deploy-10 <Title>`"):
        load_catalogue(tmp_path)


def test_a_file_that_is_no_notebook_is_named(tmp_path: Path) -> None:
    write(tmp_path, {"id": "deploy-10"}).write_text("{}")
    with pytest.raises(UsageError, match=r"10_kafka\.ipynb"):
        load_catalogue(tmp_path)


def test_a_missing_folder_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no folder of notebooks"):
        load_catalogue(tmp_path / "none")
