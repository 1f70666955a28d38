"""Make what a notebook shows safe to publish: an allow-list for markup, limits for size, no outside references.

Payloads of the platform are written by strangers. Markup in an output keeps its tables and text and loses scripts,
handlers, styles, pictures and links; a picture in SVG becomes an `<img>`, in which scripts never run.
"""

from __future__ import annotations

import base64
import html
import json
import re
from typing import Any

import nh3

from ..nodes import NotebookNode

FIGURE_MIME = "application/vnd.plotly.v1+json"
TEXT_LIMIT = 20_000
MARKUP_LIMIT = 300_000
FIGURE_LIMIT = 4_000_000
OUTPUTS_LIMIT = 150

_TAGS = {
    *("table", "caption", "colgroup", "col", "thead", "tbody", "tfoot", "tr", "th", "td"),
    *("p", "div", "span", "br", "hr", "pre", "code", "kbd", "samp", "blockquote", "details", "summary"),
    *("h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "li", "dl", "dt", "dd"),
    *("b", "strong", "i", "em", "u", "s", "del", "sub", "sup", "small", "mark", "time", "abbr", "figure", "figcaption"),
}
_ATTRIBUTES = {"*": {"class", "title"}, "th": {"colspan", "rowspan", "scope"}, "td": {"colspan", "rowspan"}}
_HEADINGS = {f"h{level}": {"id"} for level in range(1, 7)}
_LINK = re.compile(r"(?i)</?a\b[^<>]*>")  # as plotly splits its texts; linear in a hostile text


def clean_output(markup: str) -> str:
    """Markup from an output: no link, no picture, no style."""
    return nh3.clean(markup, tags=_TAGS, attributes=_ATTRIBUTES, url_schemes=set(), link_rel=None)


def clean_prose(markup: str) -> str:
    """Markup from the author's prose: as an output, but links are kept."""
    attributes = {**_ATTRIBUTES, **_HEADINGS, "a": {"href"}}
    return nh3.clean(markup, tags=_TAGS | {"a"}, attributes=attributes, url_schemes={"https", "http"})


def picture(svg: str) -> str:
    """An SVG document as a picture element."""
    data = base64.b64encode(svg.encode()).decode()
    return f'<img class="picture" alt="drawing" src="data:image/svg+xml;base64,{data}">'


def raster(mime: str, data: str) -> str:
    """A PNG or JPEG as a picture element."""
    return f'<img class="picture" alt="picture" src="data:{mime};base64,{re.sub(r"[^A-Za-z0-9+/=]", "", data)}">'


def figure(value: dict[str, Any]) -> str:
    """A plotly figure as inert data, which `figures.js` draws; links in its texts and outside pictures are removed."""
    shown = {"data": _unlinked(value.get("data", [])), "layout": _unlinked(value.get("layout", {}))}
    shown["layout"]["images"] = [
        i for i in shown["layout"].get("images", []) if str(i.get("source", "")).startswith("data:image/")
    ]
    data = json.dumps(shown).replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
    height = shown["layout"].get("height")
    size = f' data-height="{float(height):g}"' if isinstance(height, (int, float)) else ""
    return (
        f'<script type="application/json" class="carbon-figure"{size}>{data}</script>'
        "<noscript><p>This figure needs JavaScript.</p></noscript>"
    )


def shorten_text(text: str, limit: int = TEXT_LIMIT) -> str:
    """Head and tail of a long text, with a line that says what is left out."""
    if len(text) <= limit:
        return text
    head, tail = text[: limit * 3 // 4], text[-limit // 4 :]
    left_out = text[len(head) : len(text) - len(tail)]
    return f"{head}\n[… {len(left_out):,} characters in {left_out.count(chr(10)):,} lines left out …]\n{tail}"


def limit_outputs(notebook: NotebookNode) -> None:
    """Cut what a notebook shows down to the limits, in place; must come after redaction."""
    for cell in notebook.cells:
        outputs = cell.get("outputs", [])
        if len(outputs) > OUTPUTS_LIMIT:
            note = f"[… {len(outputs) - OUTPUTS_LIMIT} more outputs left out …]\n"
            cell.outputs = [*outputs[:OUTPUTS_LIMIT], NotebookNode(output_type="stream", name="stdout", text=note)]
        for output in cell.get("outputs", []):
            if output.output_type == "stream":
                output.text = shorten_text(output.text)
            elif output.output_type == "error":
                output.evalue = shorten_text(output.evalue)
                output.traceback = [shorten_text(line) for line in output.traceback]
            else:
                output.data = NotebookNode({mime: _limited(mime, data) for mime, data in output.data.items()})


def _limited(mime: str, data: Any) -> Any:
    if mime == FIGURE_MIME:
        size = len(json.dumps(data))
        if size <= FIGURE_LIMIT:
            return data
        note = f"Figure of {size:,} characters left out: more than {FIGURE_LIMIT:,}"
        return {"data": [], "layout": {"title": {"text": note}}}
    if not isinstance(data, str):
        return data
    if mime == "text/html" and len(data) > MARKUP_LIMIT:
        return f"<p>Output of {len(data):,} characters left out: more than {MARKUP_LIMIT:,}.</p>"
    if mime.startswith("image/"):
        return data if len(data) <= FIGURE_LIMIT else ""
    return data if mime == "text/html" else shorten_text(data)


def _unlinked(value: Any) -> Any:
    if isinstance(value, str):
        # Plotly draws a small markup of its own in texts, `<a href>` included.
        return _LINK.sub("", value)
    if isinstance(value, dict):
        return {key: _unlinked(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_unlinked(item) for item in value]
    return value


def plain(text: str) -> str:
    """Text as escaped preformatted markup."""
    return f"<pre>{html.escape(text)}</pre>"
