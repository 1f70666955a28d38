"""Typed doors to nbformat, which carries no types of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import nbformat
from nbformat import NotebookNode

from .._errors import UsageError

__all__ = ["NotebookNode", "code_cell", "dumps", "loads", "markdown_cell", "new_notebook", "read", "to_node"]


def read(path: Path) -> NotebookNode:
    """Read a notebook file.

    Raises:
        UsageError: the file is absent or is no notebook.
    """
    try:
        return loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, nbformat.ValidationError) as error:
        raise UsageError(
            f"{path}: cannot be read as a notebook", cause=str(error), remedy="Name an .ipynb file."
        ) from error


def loads(text: str) -> NotebookNode:
    """Read a notebook from its JSON text."""
    return cast(NotebookNode, nbformat.reads(text, as_version=4))


def dumps(notebook: NotebookNode) -> str:
    """The one text form of a notebook: sorted keys, one space, UTF-8 as it is, one newline at the end."""
    return str(nbformat.writes(notebook, indent=1, sort_keys=True, ensure_ascii=False)).rstrip("\n") + "\n"


def new_notebook(metadata: dict[str, Any]) -> NotebookNode:
    """An empty notebook."""
    return cast(NotebookNode, nbformat.v4.new_notebook(metadata=metadata))


def markdown_cell(source: str, metadata: dict[str, Any] | None = None) -> NotebookNode:
    """A cell of prose."""
    return cast(NotebookNode, nbformat.v4.new_markdown_cell(source, metadata=metadata or {}))


def code_cell(source: str, metadata: dict[str, Any] | None = None) -> NotebookNode:
    """A cell of code without outputs."""
    return cast(NotebookNode, nbformat.v4.new_code_cell(source, metadata=metadata or {}))


def to_node(value: Any) -> NotebookNode:
    """A deep copy of plain dictionaries and lists as notebook nodes."""
    return cast(NotebookNode, nbformat.from_dict(value))
