"""The pages: no live markup, no outside reference, no secret, bounded, and they say what happened."""

import json

import pytest
from runbook_inputs import Seen

from carbonlib.runbook import nodes
from carbonlib.runbook.report import sanitise
from carbonlib.runbook.report.exporter import body, prose
from carbonlib.runbook.report.timeline import timeline

EVIL = "<script>alert(1)</script><img src=x onerror=alert(1)><a href='javascript:alert(2)'>k</a><b onclick=x>bold</b>"


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


def test_the_timeline_needs_something_that_ran() -> None:
    assert timeline([], "2026-11-21T07:00:00+00:00") == ""
