"""The pages: no live markup, no outside reference, no secret, bounded, and they say what happened."""

import base64
import html
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import quote
from xml.etree import ElementTree

import pytest
from runbook_inputs import SECRET

from carbonlib.runbook import ledger, nodes
from carbonlib.runbook.model import RunResult
from carbonlib.runbook.redaction import Redactor
from carbonlib.runbook.report import sanitise
from carbonlib.runbook.report.exporter import body, prose
from carbonlib.runbook.report.site import PLOTLY, rebuild
from carbonlib.runbook.report.timeline import timeline

EVIL = "<script>alert(1)</script><img src=x onerror=alert(1)><a href='javascript:alert(2)'>k</a><b onclick=x>bold</b>"
FETCHING = {"src", "srcset", "href", "data", "action", "poster", "background"}


class Seen(HTMLParser):
    """What a browser would act on."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.references: list[str] = []
        self.handlers: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.handlers += [name for name, _ in attributes if name.startswith("on")]
        self.references += [value or "" for name, value in attributes if name in FETCHING]


@pytest.mark.parametrize("clean", [sanitise.clean_output, prose])
def test_markup_loses_what_acts_and_keeps_what_says(clean: object) -> None:
    seen = Seen(clean(EVIL))  # type: ignore[operator]
    assert "script" not in seen.tags and "img" not in seen.tags and not seen.handlers
    assert not any("javascript" in r for r in seen.references) and "b" in seen.tags


def test_tables_survive() -> None:
    head, body = '<thead><tr><th colspan="2">a</th></tr></thead>', "<tbody><tr><td>1</td></tr></tbody>"
    table = f'<table class="dataframe">{head}{body}</table>'
    assert sanitise.clean_output(table) == table


def test_outputs_lose_links_and_prose_keeps_them() -> None:
    assert Seen(sanitise.clean_output('<a href="https://example.org/">x</a>')).references == []
    assert Seen(prose("[x](https://example.org/)")).references == ["https://example.org/"]


def test_svg_becomes_a_picture_in_which_scripts_do_not_run() -> None:
    seen = Seen(sanitise.picture("<svg><script>alert(1)</script></svg>"))
    assert seen.tags == ["img"] and seen.references[0].startswith("data:image/svg+xml;base64,")


def test_a_figure_is_inert_data_without_links_and_outside_pictures() -> None:
    figure = {
        "data": [{"name": EVIL, "text": ["<A HREF='http://x/'>t</A>"]}],
        "layout": {"images": [{"source": "http://x/i.png"}, {"source": "data:image/png;base64,AA=="}], "height": 300},
    }
    markup = sanitise.figure(figure)
    data = json.loads(markup.split(">", 1)[1].split("</script>", 1)[0])
    assert markup.count("<script") == 1 and 'type="application/json"' in markup and 'data-height="300"' in markup
    assert data["data"][0]["text"] == ["t"] and "<a" not in data["data"][0]["name"]
    assert data["layout"]["images"] == [{"source": "data:image/png;base64,AA=="}]


def test_links_between_notebooks_become_links_between_pages() -> None:
    notebook = nodes.new_notebook({})
    notebook.cells = [nodes.markdown_cell("[a](../deploy/10_kafka.ipynb#x) [b](20_gone.ipynb) [c](https://e.org/)")]
    markup = body(notebook, {"10_kafka.ipynb": "deploy-10.html"})
    assert Seen(markup).references == ["deploy-10.html#x", "https://e.org/"]


def test_long_texts_are_cut_with_a_note() -> None:
    short = sanitise.shorten_text("a\n" * 50_000)
    assert len(short) < sanitise.TEXT_LIMIT + 100 and "characters in 40,000 lines left out" in short
    assert sanitise.shorten_text("abc") == "abc"


def test_hostile_lengths_take_no_time() -> None:
    for text in ("<a " * 200_000, "<" * 400_000, "x" * 1_000_000):
        sanitise.figure({"data": [{"name": text}], "layout": {}})
        sanitise.clean_output(text[: sanitise.MARKUP_LIMIT])


def test_every_page_is_closed_to_the_outside(broken_run: tuple[RunResult, Path]) -> None:
    pages = [*broken_run[1].glob("*.html"), broken_run[1].parent / "index.html"]
    assert len(pages) > 15
    for page in pages:
        text = page.read_text(encoding="utf-8")
        seen = Seen(text)
        outside = [r for r in seen.references if re.match(r"(?i)(https?:|//|javascript:)", r)]
        assert not outside and not seen.handlers, page.name
        assert "default-src 'none'" in html.unescape(text) and "iframe" not in seen.tags
        local = [r for r in seen.references if not r.startswith(("data:", "#"))]
        assert all((page.parent / r).exists() for r in local), (page.name, local)


def test_scripts_are_those_of_the_report_only(broken_run: tuple[RunResult, Path]) -> None:
    text = (broken_run[1] / "input-hostile.html").read_text(encoding="utf-8")
    scripts = re.findall(r"<script([^>]*)>", text)
    assert [s.strip() for s in scripts if "application/json" not in s] == ['src="plotly.min.js"', ""]
    plain = (broken_run[1] / "input-ok.html").read_text(encoding="utf-8")
    assert "<script" not in plain and "script-src 'none'" in html.unescape(plain)


def test_no_form_of_the_secret_is_anywhere(broken_run: tuple[RunResult, Path]) -> None:
    forms = [SECRET, json.dumps(SECRET)[1:-1], quote(SECRET, safe=""), html.escape(SECRET), repr(SECRET)[1:-1]]
    forms += [
        base64.b64encode(SECRET.encode()).decode()[:-2],
        base64.b64encode(f"user:{SECRET}".encode()).decode()[8:-2],
    ]
    files = [f for f in broken_run[1].rglob("*") if f.is_file() and f.name != PLOTLY]
    assert len(files) > 30
    found = [(f.name, form) for f in files for form in forms if form in f.read_text(encoding="utf-8")]
    assert found == []
    assert "••••••" in (broken_run[1] / "input-secret.html").read_text(encoding="utf-8")


def test_sizes_are_bounded(broken_run: tuple[RunResult, Path]) -> None:
    for name in ("input-big.html", "input-big.ipynb"):
        assert (broken_run[1] / name).stat().st_size < 100_000
    assert "left out" in (broken_run[1] / "input-big.html").read_text(encoding="utf-8")
    assert len(list(broken_run[1].glob("plotly*.js"))) == 1


def test_the_summary_says_verdict_claims_and_errors_first(broken_run: tuple[RunResult, Path]) -> None:
    text = (broken_run[1] / "index.html").read_text(encoding="utf-8")
    order = [
        text.index(word) for word in ('<div class="banner failed">', "<h2>Claims</h2>", "<h2>Steps</h2>", "Versions")
    ]
    assert order == sorted(order)
    assert "Start the third broker." in text and "ingest_latency_p95_ms" in text and "user/&lt;b&gt;x" in text
    assert '<svg class="timeline"' in text and 'href="input-raises.html"' in text


def test_junit_counts_notebooks_and_checks(broken_run: tuple[RunResult, Path]) -> None:
    root = ElementTree.parse(broken_run[1] / "junit.xml").getroot()
    suites = {s.get("name"): s for s in root}
    assert suites["input-checks"].get("tests") == "6" and suites["input-checks"].get("failures") == "0"
    assert suites["input-check-failed"].get("failures") == "2" and suites["input-needs-raises"].get("skipped") == "1"


def test_rebuilding_gives_the_same_pages(broken_run: tuple[RunResult, Path]) -> None:
    folder = broken_run[1]
    before = {f.name: f.read_text(encoding="utf-8") for f in folder.glob("*.html")}
    rebuild(folder, Redactor([SECRET]))
    after = {f.name: f.read_text(encoding="utf-8") for f in folder.glob("*.html")}
    assert after == before


def test_a_single_file_page_carries_its_library(broken_run: tuple[RunResult, Path], tmp_path: Path) -> None:
    folder = tmp_path / "reports" / "r"
    folder.mkdir(parents=True)
    for name in ("results.json", "input-plotly.ipynb"):
        (folder / name).write_bytes((broken_run[1] / name).read_bytes())
    rebuild(folder, Redactor(), single_file=True)
    page = (folder / "input-plotly.html").read_text(encoding="utf-8")
    assert not (folder / PLOTLY).exists() and len(page) > 1_000_000
    assert all(r.startswith("data:") or r.endswith((".html", ".ipynb")) for r in Seen(page).references)
    assert ledger.folders(folder.parent) == [folder]


def test_the_timeline_needs_something_that_ran() -> None:
    assert timeline([], "2026-11-21T07:00:00+00:00") == ""
