"""The report in a real browser, from disk: figures are drawn, payloads stay dead, nothing is fetched from outside."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from screenshot import browser, chromium, shoot, visit

from carbonlib.runbook.model import RunResult
from carbonlib.runbook.runner import Options, Setup, run

INPUTS = Path(__file__).resolve().parents[1] / "notebooks" / "inputs"
FIGURES = {"input-plotly": 3, "input-hostile": 1, "input-checks": 0, "input-changes": 0}

pytestmark = pytest.mark.skipif(
    chromium() is None, reason="no Chromium: apt-get install --no-install-recommends chromium fonts-dejavu-core"
)


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("browser")
    setup = Setup(
        root=folder,
        notebooks=INPUTS,
        reports=folder / "reports",
        state=folder / "state",
        secrets=lambda target: {},
    )
    result: RunResult = run(Options(list(FIGURES)), setup)
    assert {n.id for n in result.notebooks if n.verdict == "failed"} == {"input-hostile"}
    return folder / "reports" / result.run_id


@pytest.fixture(scope="module")
def opened() -> Iterator[Any]:
    with browser() as found:
        yield found


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("name", ["index", "../index", *FIGURES])
def test_pages_draw_and_do_nothing_else(report: Path, opened: Any, name: str, dark: bool) -> None:
    page, seen = visit(opened, report / f"{name}.html", dark=dark)
    try:
        assert page.locator(".js-plotly-plot").count() == FIGURES.get(name, 0)
        assert (seen.outside, seen.dialogs, seen.errors) == ([], [], [])
        assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    finally:
        page.close()


def test_figures_have_lines_in_them(report: Path, opened: Any) -> None:
    page, _ = visit(opened, report / "input-plotly.html")
    try:
        assert page.locator(".js-plotly-plot").first.locator(".scatterlayer path.js-line").count() == 2
        assert page.locator(".js-plotly-plot").nth(1).locator(".bars path").count() > 20
    finally:
        page.close()


def test_every_link_between_pages_leads_somewhere(report: Path, opened: Any) -> None:
    page, _ = visit(opened, report / "index.html")
    try:
        links = page.eval_on_selector_all("a[href]", "links => links.map(a => a.href)")
        page.get_by_role("link", name="input-plotly").first.click()
        assert page.title() == "passed: input-plotly Plotly"
    finally:
        page.close()
    assert len(links) > len(FIGURES)
    assert [link for link in links if not Path(link.removeprefix("file://").split("#")[0]).exists()] == []


def test_a_script_that_slips_in_is_stopped_by_the_policy(report: Path, opened: Any, tmp_path: Path) -> None:
    text = (report / "input-plotly.html").read_text(encoding="utf-8")
    evil = "<script>alert(1)</script><img src=x onerror=alert(2)><img src='http://127.0.0.1:9/x.png'>"
    (report / "tampered.html").write_text(text.replace("<main>", f"<main>{evil}"), encoding="utf-8")
    page, seen = visit(opened, report / "tampered.html")
    try:
        assert seen.dialogs == [] and any("Content Security Policy" in error for error in seen.errors)
    finally:
        page.close()


def test_the_picture_for_the_readme(report: Path, opened: Any, tmp_path: Path) -> None:
    shoot(opened, report, tmp_path / "docs" / "report.png")
    assert (tmp_path / "docs" / "report.png").read_bytes().startswith(b"\x89PNG")
