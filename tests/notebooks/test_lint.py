"""Every committed notebook has the form that the design asks for: prose first, short actions, no hidden code."""

import ast
import re
from pathlib import Path

import pytest

from carbonlib.runbook import nodes, tidy
from carbonlib.runbook.catalogue import load_catalogue
from carbonlib.runbook.nodes import NotebookNode
from carbonlib.runbook.parameters import inspect, looks_secret

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").rglob("*.ipynb"))
FACTS = {"id", "needs", "provides", "mutates", "targets", "timeout_s"}
MOST_LINES = 12
# Names that put markup, code or waiting into a cell, all of which belong into carbonlib.
FORBIDDEN = {
    "HTML",
    "Markdown",
    "Javascript",
    "to_html",
    "system",
    "popen",
    "Popen",
    "eval",
    "exec",
    "sleep",
    "get_ipython",
}
ADDRESS = re.compile(r"https?://|wss?://|jdbc:|\blocalhost\b|\b\d{1,3}(\.\d{1,3}){3}\b|:\d{4,5}\b", re.IGNORECASE)
CONTROL = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)

pytestmark = pytest.mark.skipif(not NOTEBOOKS, reason="there are no notebooks yet")


@pytest.fixture(params=NOTEBOOKS, ids=lambda p: p.relative_to(ROOT / "notebooks").as_posix())
def path(request: pytest.FixtureRequest) -> Path:
    return Path(request.param)


@pytest.fixture
def notebook(path: Path) -> NotebookNode:
    return nodes.read(path)


def code(notebook: NotebookNode) -> list[str]:
    return [c.source for c in notebook.cells if c.cell_type == "code"]


def problems_of(source: str) -> list[str]:
    """What a code cell must not hold."""
    lines = source.splitlines()
    found = [f"{len(lines)} lines"] if len(lines) > MOST_LINES else []
    found += [f"magic or shell: {line}" for line in lines if re.match(r"\s*[%!?]", line) or line.rstrip().endswith("?")]
    if found and any("magic" in f for f in found):
        return found
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, CONTROL):
            found.append(type(node).__name__)
        name = node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""
        found += [f"uses {name}"] if name in FORBIDDEN else []
    return found + [f"address: {m.group()}" for m in ADDRESS.finditer(source)]


def test_the_catalogue_holds_together() -> None:
    catalogue = load_catalogue(ROOT / "notebooks")
    assert len(catalogue) == len(NOTEBOOKS)


def test_metadata_is_complete(path: Path, notebook: NotebookNode) -> None:
    facts = notebook.metadata["carbon"]
    assert set(facts) == FACTS
    number = path.stem.split("_")[0]
    assert notebook.metadata.kernelspec.name == "python3"
    if number.isdigit():
        assert facts["id"] == f"{path.parent.name}-{number}"


def test_it_is_tidy(path: Path) -> None:
    assert list(tidy.untidy([path])) == []


def test_the_first_cell_tells_what_to_expect(notebook: NotebookNode) -> None:
    first = notebook.cells[0]
    assert first.cell_type == "markdown"
    assert [w for w in ("**Changes**", "**takes**") if w.lower() not in first.source.lower()] == []
    if notebook.metadata.carbon.mutates:
        assert "**undone by**" in first.source.lower()


def test_parameters_come_second_and_explain_themselves(path: Path, notebook: NotebookNode) -> None:
    cell = notebook.cells[1]
    assert cell.cell_type == "code" and cell.metadata.get("tags") == ["parameters"]
    found = inspect(cell.source, path.name)
    assert found and [p.name for p in found if not p.help] == []
    assert ":" in cell.source and all(isinstance(s, ast.AnnAssign) for s in ast.parse(cell.source).body)
    secrets = [p.name for p in found if looks_secret(p.name) and not re.fullmatch(r"[a-z_]*", str(p.default or ""))]
    assert secrets == [], "a parameter carries the name of a secret"


def test_what_changes_the_target_can_be_planned(path: Path, notebook: NotebookNode) -> None:
    names = {p.name for p in inspect(notebook.cells[1].source, path.name)}
    assert "target" in names
    if notebook.metadata.carbon.mutates and not notebook.metadata.carbon.id.endswith("-99"):
        assert "plan" in names


def test_prose_stands_above_every_cell(notebook: NotebookNode) -> None:
    bare = [
        cell.source
        for above, cell in zip(notebook.cells[1:], notebook.cells[2:], strict=False)
        if cell.cell_type == "code" and (above.cell_type != "markdown" or not above.source.startswith("## "))
    ]
    assert bare == []


def test_headings_come_with_a_sentence(notebook: NotebookNode) -> None:
    bare = [c.source for c in notebook.cells if c.cell_type == "markdown" and len(c.source.strip().splitlines()) < 2]
    assert bare == []


def test_cells_only_call_the_library(notebook: NotebookNode) -> None:
    assert [p for source in code(notebook) for p in problems_of(source)] == []


def test_no_address_in_the_prose(notebook: NotebookNode) -> None:
    text = "\n".join(c.source for c in notebook.cells if c.cell_type == "markdown")
    assert re.findall(r"\blocalhost\b|\b127\.0\.0\.1\b|:\d{5}\b", text) == []


@pytest.mark.parametrize(
    "source",
    [
        "def f():\n    pass",
        "!ls",
        "%timeit x",
        "x?",
        "HTML('<b>')",
        "time.sleep(3)",
        "f = lambda: 1",
        "url = 'http://x'",
        "h = '127.0.0.1'",
        "a = 'broker:9092'",
        "\n".join(f"x{i} = {i}" for i in range(13)),
        "frame.to_html(escape=False)",
    ],
)
def test_the_lint_itself_finds(source: str) -> None:
    assert problems_of(source)


def test_the_lint_lets_plain_calls_pass() -> None:
    assert problems_of('platform = carbonlib.connect(target)\nplatform.status("registry")') == []
