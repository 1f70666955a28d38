"""Notebooks in percent form, for authors: one text file that becomes a notebook and back.

The form is that of Jupytext and VS Code: `# %% [markdown]` starts prose (each line behind `# `), `# %%` starts code,
`# %% tags=["parameters"]` starts a tagged cell. A first line `# carbon: {...}` holds the notebook's facts as JSON.
The `.ipynb` is what is committed; the percent text is only a way of writing it.
"""

from __future__ import annotations

import json
import re
from typing import Any

from .._errors import UsageError
from .nodes import NotebookNode, code_cell, markdown_cell, new_notebook

_CELL = re.compile(r"^# %%(?P<markdown> \[markdown\])?(?: tags=(?P<tags>\[.*\]))?\s*$")
_FACTS = "# carbon:"


def from_percent(text: str) -> NotebookNode:
    """Read a notebook from percent text.

    Raises:
        UsageError: the facts or tags are not JSON, or text stands before the first cell.
    """
    notebook = new_notebook({})
    cells: list[tuple[re.Match[str], list[str]]] = []
    for number, line in enumerate(text.splitlines(), 1):
        header = _CELL.match(line)
        if header:
            cells.append((header, []))
        elif cells:
            cells[-1][1].append(line)
        elif line.startswith(_FACTS):
            notebook.metadata["carbon"] = _json(line.removeprefix(_FACTS), number)
        elif line.strip():
            raise UsageError(f"line {number}: text before the first cell: {line}", remedy="Start it with `# %%`.")
    notebook.cells = [_cell(header, lines) for header, lines in cells]
    return notebook


def to_percent(notebook: NotebookNode) -> str:
    """Write a notebook as percent text."""
    parts = [f"{_FACTS} {json.dumps(notebook.metadata.get('carbon', {}), ensure_ascii=False)}"]
    for cell in notebook.cells:
        tags = cell.metadata.get("tags", [])
        header = "# %%" + (" [markdown]" if cell.cell_type == "markdown" else "")
        body = cell.source
        if cell.cell_type == "markdown":
            body = "\n".join(f"# {line}".rstrip() for line in body.splitlines())
        parts.append(f"{header}{f' tags={json.dumps(tags)}' if tags else ''}\n{body}")
    return "\n\n".join(parts) + "\n"


def _cell(header: re.Match[str], lines: list[str]) -> NotebookNode:
    metadata = {"tags": _json(header["tags"], 0)} if header["tags"] else {}
    if header["markdown"]:
        prose = [line.removeprefix("# ") if line.startswith("# ") else line.removeprefix("#") for line in lines]
        return markdown_cell("\n".join(prose).strip("\n"), metadata=metadata)
    return code_cell("\n".join(lines).strip("\n"), metadata=metadata)


def _json(text: str, line: int) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise UsageError(
            f"line {line}: not JSON: {text.strip()}", cause=str(error), remedy="Write it as JSON."
        ) from error
