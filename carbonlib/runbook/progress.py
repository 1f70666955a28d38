"""What the terminal shows of a run: one line a notebook, and on a real terminal a live line below it."""

from __future__ import annotations

import time
from typing import Protocol

from rich.console import Console
from rich.live import Live
from rich.markup import escape
from rich.text import Text

from .engine import CellRecord
from .model import NotebookResult

LIVE_AFTER = 2.0
PLAIN_CELL_AFTER = 10.0
_STYLES = {"passed": "green", "resumed": "green", "skipped": "yellow", "failed": "bold red", "interrupted": "bold red"}


class Listener(Protocol):
    """What a run tells about itself."""

    def start(self, number: int, total: int, label: str) -> None:
        """A notebook begins."""

    def cell(self, record: CellRecord, total: int) -> None:
        """A cell has begun or ended."""

    def line(self, text: str) -> None:
        """A cell has printed a line."""

    def end(self, number: int, total: int, result: NotebookResult) -> None:
        """A notebook has ended, or was left out."""


class Silent:
    """Shows nothing."""

    def start(self, number: int, total: int, label: str) -> None:
        """Ignore it."""

    def cell(self, record: CellRecord, total: int) -> None:
        """Ignore it."""

    def line(self, text: str) -> None:
        """Ignore it."""

    def end(self, number: int, total: int, result: NotebookResult) -> None:
        """Ignore it."""


class Terminal:
    """Prints on a rich console; what it is given must already be free of secrets."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live: Live | None = None
        self._label, self._step, self._text = "", "", ""
        self._began = 0.0
        self._index = 0

    def start(self, number: int, total: int, label: str) -> None:
        """Begin a live line where the console is a terminal."""
        self._label, self._step, self._text = f"{_counter(number, total)} {label}", "", ""
        self._began, self._index = time.monotonic(), 0
        if self._console.is_terminal:
            self._live = Live(get_renderable=self._render, console=self._console, refresh_per_second=4, transient=True)
            self._live.start()

    def cell(self, record: CellRecord, total: int) -> None:
        """Show the step; without a terminal, only a step that took long, once it has ended."""
        if record.status == "running":
            self._index += 1
            self._step, self._text = f"step {self._index}/{total} {record.title}", ""
        elif self._live is None and record.seconds >= PLAIN_CELL_AFTER:
            step = f"         step {self._index}/{total} {record.title}: {record.seconds:.1f} s"
            self._console.print(escape(step), highlight=False, soft_wrap=True)

    def line(self, text: str) -> None:
        """Show the last line that a cell printed."""
        self._text = text.strip()

    def end(self, number: int, total: int, result: NotebookResult) -> None:
        """Print the line that stays, and below it the error with its remedy."""
        if self._live is not None:
            self._live.stop()
            self._live = None
        style = _STYLES[result.verdict]
        head = f"{_counter(number, total)} {escape(result.id)} {escape(result.title)} … "
        tail = f"  {escape(_counts(result))}" if result.verdict not in ("skipped",) else ""
        took = f"{result.seconds:.1f} s " if result.verdict not in ("skipped", "resumed") else ""
        self._print(f"{head}{took}[{style}]{result.verdict}[/{style}]{tail}")
        if result.note:
            self._print(f"         {escape(result.note)}")
        if result.error:
            self._print(f"         {escape(result.error.message)}")
            runbook = f" (notebook {result.error.notebook})" if result.error.notebook else ""
            for name, text in (("Cause", result.error.cause), ("Next", result.error.remedy + runbook)):
                if text:
                    self._print(f"         {name}: {escape(text)}")

    def _print(self, text: str) -> None:
        self._console.print(text, highlight=False, soft_wrap=True)

    def _render(self) -> Text:
        elapsed = time.monotonic() - self._began
        parts = [self._label]
        if elapsed >= LIVE_AFTER:
            parts += [self._step, f"{elapsed:.0f} s", self._text]
        text = " · ".join(part for part in parts if part)
        return Text(text, no_wrap=True, overflow="ellipsis", style="dim")


def _counter(number: int, total: int) -> str:
    width = len(str(total))
    return f"[{number:{width}}/{total}]"


def _counts(result: NotebookResult) -> str:
    changes, planned, checks = len(result.changes), len(result.planned), len(result.checks)
    words = [f"{changes} change{'s' * (changes != 1)}"] if changes or not planned else []
    words += [f"{planned} planned"] if planned and not changes else []
    words += [f"{checks} check{'s' * (checks != 1)}"] if checks else []
    words += [f"{len(result.missed)} missed or invalid"] if result.missed else []
    return ", ".join(words)
