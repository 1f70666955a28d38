"""Write the pages: one a notebook, the summary of the run, and the history of all runs."""

from __future__ import annotations

import base64
import hashlib
import json
from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from ..._errors import CarbonError, UsageError
from .. import ledger, nodes
from ..model import NotebookResult, RunResult
from ..nodes import NotebookNode
from ..redaction import Redactor
from .exporter import ASSETS, body
from .junit import junit
from .sanitise import limit_outputs
from .timeline import timeline

PLOTLY = "plotly.min.js"
_FIGURE_MARK = 'class="carbon-figure"'


def publish_notebook(
    folder: Path,
    notebook: NotebookNode,
    result: NotebookResult,
    redactor: Redactor,
    pages: Mapping[str, str],
    single_file: bool = False,
) -> None:
    """Write `<id>.ipynb` and `<id>.html`, redacted first and then limited in size.

    Args:
        folder: of the run.
        notebook: as executed.
        result: what happened to it.
        redactor: removes the secrets.
        pages: file name of a notebook → its page, for links.
        single_file: put plotly into each page, for mailing, in place of one file beside them.
    """
    clean = nodes.to_node(redactor.data(notebook))
    limit_outputs(clean)
    text = redactor.text(nodes.dumps(clean))
    ledger.write_text(folder / f"{result.id}.ipynb", text)
    result.page = True
    write_page(folder, nodes.loads(text), result, redactor, pages, single_file)


def write_page(
    folder: Path,
    notebook: NotebookNode,
    result: NotebookResult,
    redactor: Redactor,
    pages: Mapping[str, str],
    single_file: bool = False,
) -> None:
    """Write the page of a published notebook."""
    cells = body(notebook, pages)
    figures = _FIGURE_MARK in cells
    plotly = _plotly() if figures and single_file else ""
    script = (ASSETS / "figures.js").read_text(encoding="utf-8")
    if figures and not single_file and not (folder / PLOTLY).exists():
        ledger.write_text(folder / PLOTLY, _plotly())
    text = _render(
        "notebook.html.j2",
        scripts=[script, plotly] if figures else [],
        result=result,
        rows=_rows([result]),
        order=[Path(page).stem for page in pages.values()],
        figures=figures,
        plotly=plotly,
        script=script,
        body=cells,
    )
    # The library itself is left out of the search for secrets: it holds none, and is 5 MB long.
    kept = text.replace(plotly, "\0plotly\0") if plotly else text
    ledger.write_text(folder / f"{result.id}.html", redactor.text(kept).replace("\0plotly\0", plotly))


def write_index(folder: Path, run: RunResult, redactor: Redactor) -> None:
    """Write `index.html` and `junit.xml` of a run."""
    run = RunResult.from_dict(redactor.data(run.as_dict()))
    text = _render(
        "index.html.j2",
        run=run,
        headline=_headline(run),
        tiles=_tiles(run),
        troubled=[n for n in run.notebooks if n.error],
        rows=_rows(run.notebooks),
        timeline=timeline(run.notebooks, run.started_at),
        circumstances=_circumstances(run),
        pages=[n.id for n in run.notebooks if n.page],
    )
    ledger.write_text(folder / "index.html", redactor.text(text))
    ledger.write_text(folder / "junit.xml", redactor.text(junit(run)))


def write_history(reports: Path) -> None:
    """Write `index.html` over all runs; a folder without a readable record is left out."""
    runs = []
    for folder in ledger.folders(reports):
        try:
            run = ledger.load(folder)
        except UsageError:
            continue
        verdicts = Counter(c["verdict"] for n in run.notebooks for c in n.checks)
        counts = {
            "changes": sum(len(n.changes) for n in run.notebooks),
            "checks": verdicts.total(),
            "passed": verdicts["passed"],
            "missed": verdicts["missed"] + verdicts["invalid"],
        }
        runs.append((folder.name, run, counts))
    ledger.write_text(reports / "index.html", _render("history.html.j2", runs=runs))


def rebuild(folder: Path, redactor: Redactor, single_file: bool = False) -> None:
    """Write all pages of a run anew from its notebooks and its record.

    Raises:
        UsageError: the folder holds no readable run.
    """
    run = ledger.load(folder)
    pages = {n.source: f"{n.id}.html" for n in run.notebooks if n.source}
    for result in run.notebooks:
        file = folder / f"{result.id}.ipynb"
        if not file.is_file():
            continue
        try:
            write_page(folder, nodes.read(file), result, redactor, pages, single_file)
        except CarbonError as error:
            raise UsageError(f"{file.name} of run {folder.name} cannot be read.", cause=error.cause) from error
    write_index(folder, run, redactor)
    write_history(folder.parent)


def _rows(notebooks: list[NotebookResult]) -> dict[str, list[tuple[str, dict[str, Any]]]]:
    return {
        "checks": [(n.id, c) for n in notebooks for c in n.checks],
        "changes": [(n.id, c) for n in notebooks for c in n.changes],
        "planned": [(n.id, c) for n in notebooks for c in n.planned],
    }


def _headline(run: RunResult) -> str:
    counts = Counter(n.verdict for n in run.notebooks)
    parts = [f"{number} {word}" for word, number in counts.items()]
    return f"{', '.join(parts)} of {len(run.order)} notebooks · {_seconds(run.seconds)} · {_moment(run.started_at)}"


def _tiles(run: RunResult) -> list[tuple[str, str]]:
    verdicts = Counter(c["verdict"] for n in run.notebooks for c in n.checks)
    good = sum(n.verdict in ("passed", "resumed") for n in run.notebooks)
    return [
        (f"{good} of {len(run.order)}", "notebooks passed"),
        (f"{verdicts['passed']} of {verdicts.total()}", "checks passed"),
        (str(verdicts["missed"] + verdicts["invalid"]), "targets missed or invalid"),
        (str(sum(len(n.changes) for n in run.notebooks)), "changes made"),
        (_seconds(run.seconds), "in all"),
    ]


def _circumstances(run: RunResult) -> dict[str, Any]:
    machine = run.machine
    return {
        "run": run.run_id,
        "machine": f"{machine.get('cores')} cores, {machine.get('memory_gib')} GiB, {machine.get('system', '')}",
        "load (1 min)": f"{machine.get('load')} at the start, {machine.get('load_max', '–')} at most",
        "revision": run.git_revision,
        **({"resumed from": run.resumed_from} if run.resumed_from else {}),
        **({"started at": run.first} if run.first else {}),
    }


def _policy(scripts: list[str]) -> str:
    digests = [base64.b64encode(hashlib.sha256(s.encode()).digest()).decode() for s in scripts if s]
    allowed = " ".join(["'self'", "file:", *[f"'sha256-{d}'" for d in digests]]) if digests else "'none'"
    return (
        f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; img-src data: blob:; "
        "base-uri 'none'; form-action 'none'"
    )


def _render(template: str, *, scripts: list[str] | None = None, **values: Any) -> str:
    css = (ASSETS / "report.css").read_text(encoding="utf-8")
    return _environment().get_template(template).render(css=css, policy=_policy(scripts or []), **values)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(ASSETS / "pages"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    environment.filters |= {"value": _value, "seconds": _seconds, "moment": _moment}
    return environment


@cache
def _plotly() -> str:
    from plotly.offline import get_plotlyjs

    return str(get_plotlyjs())


def _value(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, float):
        return f"{value:,.3f}".rstrip("0").rstrip(".")
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 400 else f"{text[:300]} … {len(text) - 300} more characters"


def _seconds(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < 90 else f"{int(seconds // 60)} min {seconds % 60:02.0f} s"


def _moment(text: str) -> str:
    return datetime.fromisoformat(text).strftime("%Y-%m-%d %H:%M:%S UTC")
