"""What the tests of the runner share: the small notebooks, a secret to hide, and reading a record."""

import json
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from carbonlib.runbook.model import NotebookResult, RunResult

INPUTS = Path(__file__).resolve().parents[2] / "notebooks" / "inputs"
SECRET = 'hunter2/"s3cret+väl'  # needs escaping in JSON, URLs and markup
FETCHING = {"src", "srcset", "href", "data", "action", "poster", "background"}  # attributes that fetch

Runner = Callable[..., tuple[RunResult, Path]]


def results(folder: Path) -> dict[str, Any]:
    """The record of a run as plain data."""
    return json.loads((folder / "results.json").read_text(encoding="utf-8"))


def named(run: RunResult) -> dict[str, NotebookResult]:
    """The results of the inputs by the last part of their ids."""
    return {n.id.removeprefix("input-"): n for n in run.notebooks}


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
