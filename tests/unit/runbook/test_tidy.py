"""The committed form of notebooks, and the percent form for authors."""

from pathlib import Path

import nbformat
import pytest

from carbonlib._errors import UsageError
from carbonlib.runbook import tidy
from carbonlib.runbook.percent import from_percent, to_percent

TEXT = """# carbon: {"id": "deploy-20", "needs": ["deploy-10"]}

# %% [markdown]
# # deploy-20 Title
#
# Purpose – with a dash.

# %% tags=["parameters"]
target: str = "local"  # where

# %%
print(1)

# %%
print(1)
"""


def test_percent_round_trip() -> None:
    notebook = from_percent(TEXT)
    assert notebook.metadata.carbon == {"id": "deploy-20", "needs": ["deploy-10"]}
    assert [c.cell_type for c in notebook.cells] == ["markdown", "code", "code", "code"]
    assert notebook.cells[0].source == "# deploy-20 Title\n\nPurpose – with a dash."
    assert notebook.cells[1].metadata.tags == ["parameters"]
    assert to_percent(notebook) == TEXT


@pytest.mark.parametrize("text", ["print(1)\n# %%\n", '# carbon: {"id"\n', "# %% tags=[parameters]\nx = 1\n"])
def test_percent_refuses_what_it_cannot_read(text: str) -> None:
    with pytest.raises(UsageError):
        from_percent(text)


def test_from_percent_writes_a_tidy_notebook_with_stable_ids(tmp_path: Path) -> None:
    source, first, second = tmp_path / "a.py", tmp_path / "x" / "a.ipynb", tmp_path / "b.ipynb"
    source.write_text(TEXT)
    assert tidy.main(["--from-percent", str(source), str(first)]) == 0
    assert tidy.main(["--from-percent", str(source), str(second)]) == 0
    assert first.read_text() == second.read_text()
    assert tidy.main(["--check", str(tmp_path)]) == 0
    notebook = nbformat.read(first, as_version=4)
    nbformat.validate(notebook)
    assert len({c.id for c in notebook.cells}) == 4


def test_tidy_strips_outputs_counts_and_foreign_metadata(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    notebook = from_percent(TEXT)
    notebook.metadata["papermill"] = {"parameters": {"password": "x"}}
    notebook.metadata["kernelspec"] = {"name": "carbon", "display_name": "IDE"}
    notebook.cells[2].outputs = [nbformat.v4.new_output("stream", text="1\n")]
    notebook.cells[2].execution_count = 7
    notebook.cells[2].metadata["execution"] = {"iopub.execute_input": "now"}
    kept = notebook.cells[2].id
    path = tmp_path / "n.ipynb"
    nbformat.write(notebook, path)
    assert tidy.main(["--check", str(path)]) == 1
    assert "untidy" in capsys.readouterr().out
    assert tidy.main([str(path)]) == 0
    clean = nbformat.read(path, as_version=4)
    assert "papermill" not in clean.metadata and clean.metadata.kernelspec.name == "python3"
    assert clean.cells[2].outputs == [] and clean.cells[2].execution_count is None
    assert clean.cells[2].metadata == {} and clean.cells[2].id == kept
    assert tidy.main(["--check", str(path)]) == 0


def test_a_missing_path_is_a_usage_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert tidy.main([str(tmp_path / "none")]) == 2
    assert "Next:" in capsys.readouterr().err
