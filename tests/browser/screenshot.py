"""Open pages of a report in Chromium, as the tests and the README's picture need it.

    python tests/browser/screenshot.py reports/latest docs/report.png

The browser is the system's (`apt-get install --no-install-recommends chromium fonts-dejavu-core`), or the one that
`CARBON_CHROMIUM` names.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

WIDTH, HEIGHT = 1200, 900
FLAGS = [
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
]


@dataclass
class Seen:
    """What a page did while it was open."""

    outside: list[str] = field(default_factory=list)
    dialogs: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


def chromium() -> str | None:
    """The browser's executable, None where the machine has none."""
    named = os.environ.get("CARBON_CHROMIUM")
    return named or shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@contextmanager
def browser() -> Iterator[Any]:
    """A headless browser.

    Raises:
        RuntimeError: there is none on this machine.
    """
    from playwright.sync_api import sync_playwright

    executable = chromium()
    if executable is None:
        raise RuntimeError("No Chromium here: apt-get install --no-install-recommends chromium fonts-dejavu-core")
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=executable, args=FLAGS)
        try:
            yield opened
        finally:
            opened.close()


def visit(opened: Any, file: Path, *, dark: bool = False) -> tuple[Any, Seen]:
    """Open a page from disk and wait until its figures are drawn."""
    seen = Seen()
    page = opened.new_page(viewport={"width": WIDTH, "height": HEIGHT}, color_scheme="dark" if dark else "light")
    page.on("request", lambda r: None if r.url.startswith(("file:", "data:", "blob:")) else seen.outside.append(r.url))
    page.on("console", lambda m: seen.errors.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda e: seen.errors.append(str(e)))
    page.on("dialog", lambda d: (seen.dialogs.append(d.message), d.dismiss()))
    page.goto(file.resolve().as_uri())
    page.wait_for_function(
        "document.querySelectorAll('script.carbon-figure').length"
        " === document.querySelectorAll('.js-plotly-plot .main-svg:first-child').length",
        timeout=20_000,
    )
    return page, seen


def shoot(opened: Any, run: Path, picture: Path) -> None:
    """Take the top of a run's summary as a picture, at most `2 * HEIGHT` high."""
    page, _ = visit(opened, run / "index.html")
    height = min(page.evaluate("document.documentElement.scrollHeight"), 2 * HEIGHT)
    picture.parent.mkdir(parents=True, exist_ok=True)
    page.set_viewport_size({"width": WIDTH, "height": height})
    page.screenshot(path=str(picture))
    page.close()


if __name__ == "__main__":
    with browser() as found:
        shoot(found, Path(sys.argv[1]), Path(sys.argv[2]))
