"""A notebook as the body of a page: nbconvert with an own template, each output reduced to one safe piece of markup."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nbconvert import HTMLExporter
from nbconvert.filters.ansi import strip_ansi
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from nbconvert.preprocessors import Preprocessor

from ..kernel import ERROR_MIME
from ..nodes import NotebookNode
from . import sanitise

ASSETS = Path(__file__).resolve().parent.parent / "assets"
_HIDDEN = "carbon-hidden"
_NOTEBOOK_LINK = re.compile(r'href="(?:[^"]*/)?([^"/#]+\.ipynb)(#[^"]*)?"')


class OneSafeOutput(Preprocessor):
    """Replaces the data of every output by the one piece of markup that the page shows."""

    def preprocess_cell(self, cell: NotebookNode, resources: dict[str, Any], index: int) -> Any:
        """Treat the outputs of one cell."""
        for output in cell.get("outputs", []):
            if output.output_type in ("display_data", "execute_result"):
                output.data = NotebookNode({"text/html": safe_markup(output.data)})
        return cell, resources


class BodyExporter(HTMLExporter):
    """Exports the cells only; head and summary come from the page that they are put into."""

    def __init__(self, **options: Any) -> None:
        super().__init__(  # type: ignore[no-untyped-call]
            extra_template_basedirs=[str(ASSETS / "nbconvert")],
            template_name="carbon",
            preprocessors=[OneSafeOutput],
            **options,
        )
        self.register_filter("prose", prose)  # type: ignore[no-untyped-call]
        self.register_filter("plain_text", _plain_text)  # type: ignore[no-untyped-call]


def body(notebook: NotebookNode, pages: Mapping[str, str]) -> str:
    """The markup of all cells.

    Args:
        notebook: an executed notebook, already redacted and limited.
        pages: file name of a notebook → page of it, to turn links between notebooks into links between pages.
    """
    markup, _ = BodyExporter().from_notebook_node(notebook)

    def linked(match: re.Match[str]) -> str:
        page = pages.get(match[1])
        return f'href="{page}{match[2] or ""}"' if page else 'class="absent"'

    return _NOTEBOOK_LINK.sub(linked, markup)


def prose(source: str) -> str:
    """Markdown as safe markup."""
    return sanitise.clean_prose(_markdown(source))


def safe_markup(data: Mapping[str, Any]) -> str:
    """The richest of an output's representations that can be shown safely."""
    if ERROR_MIME in data:
        return f'<div class="{_HIDDEN}"></div>'  # the box at the top of the page shows it
    if sanitise.FIGURE_MIME in data:
        return sanitise.figure(data[sanitise.FIGURE_MIME])
    if "text/html" in data:
        return f'<div class="markup">{sanitise.clean_output(data["text/html"])}</div>'
    if "text/markdown" in data:
        return f'<div class="markup">{sanitise.clean_output(_markdown(data["text/markdown"]))}</div>'
    if "image/svg+xml" in data:
        return sanitise.picture(data["image/svg+xml"])
    for mime in ("image/png", "image/jpeg"):
        if mime in data:
            return sanitise.raster(mime, data[mime])
    if "text/plain" in data:
        return sanitise.plain(strip_ansi(data["text/plain"]))
    return sanitise.plain(f"[output of type {', '.join(sorted(data))} is not shown]")


def _plain_text(text: str) -> str:
    return html.escape(strip_ansi(text))


def _markdown(source: str) -> str:
    renderer = IPythonRenderer(escape=False, exclude_anchor_links=True)
    return str(MarkdownWithMath(renderer=renderer).render(source))
