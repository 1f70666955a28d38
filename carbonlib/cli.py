"""The command `carbon`: what it prints and the code it exits with; the work is done elsewhere.

Exit codes: 0 all verdicts passed, 1 a notebook or check failed, 2 wrong usage, 3 the target is locked or unreachable;
`drift` exits with 2 on drift.
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from ._errors import CarbonError, shorten

DEFAULT_SELECTION = ("deploy", "verify")
_out = Console(highlight=False)
_app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Deploy, verify, measure, break and repair the platform by its notebooks.",
)


class Target(StrEnum):
    """Where the platform runs."""

    local = "local"
    kubernetes = "kubernetes"


TargetOption = Annotated[Target, typer.Option("--target", "-t", help="Where the platform runs.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")]
ReportsOption = Annotated[Path | None, typer.Option("--reports", help="Folder of the run folders.")]


@_app.command("list")
def list_notebooks(as_json: JsonOption = False) -> None:
    """Show the notebooks: id, title, needs, targets, parameters."""
    from .runbook.catalogue import load_catalogue
    from .runbook.runner import Setup

    catalogue = load_catalogue(Setup.of_checkout().notebooks)
    if as_json:
        _print_json([entry.as_dict() for entry in catalogue.values()])
        return
    for entry in catalogue.values():
        facts = ["changes the target"] if entry.mutates else []
        facts += [f"needs {', '.join(entry.needs)}"] if entry.needs else []
        facts += [f"only on {', '.join(entry.targets)}"] if len(entry.targets) < len(Target) else []
        head = f"{entry.id}  {entry.title}" + (f"  ({'; '.join(facts)})" if facts else "")
        _out.print(head, markup=False, soft_wrap=True)
        for p in entry.parameters:
            if p.name not in ("target", "plan"):  # set by options of the command
                line = f"    -p {p.name}={p.default}  {p.annotation}: {p.help}"
                _out.print(line, markup=False, soft_wrap=True)


@_app.command()
def run(
    selection: Annotated[
        list[str] | None, typer.Argument(metavar="[ID|GROUP]...", help="Ids and groups; default: deploy verify.")
    ] = None,
    target: TargetOption = Target.local,
    parameter: Annotated[
        list[str] | None, typer.Option("-p", metavar="NAME=VALUE", help="A parameter, for all that declare it.")
    ] = None,
    plan: Annotated[bool, typer.Option("--plan", help="Show what would change, and change nothing.")] = False,
    strict: Annotated[bool, typer.Option("--strict", help="A missed or invalid target fails the run.")] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Leave out what passed in the same run before.")] = False,
    first: Annotated[str | None, typer.Option("--from", metavar="ID", help="Start here.")] = None,
    reports: ReportsOption = None,
    single_file: Annotated[bool, typer.Option("--single-file", help="Pages that can be mailed alone.")] = False,
) -> None:
    """Run notebooks in dependency order and write the report."""
    from .runbook.parameters import split_assignments
    from .runbook.progress import Terminal
    from .runbook.runner import Options, Setup
    from .runbook.runner import run as run_notebooks

    options = Options(
        selection=selection or list(DEFAULT_SELECTION),
        target=target.value,
        parameters=split_assignments(parameter or []),
        plan=plan,
        strict=strict,
        resume=resume,
        first=first,
        single_file=single_file,
    )
    setup = Setup.of_checkout(reports, _diagnose)
    if resume:
        _out.print("Resuming: what passed in the last unfinished run of this selection is left out.")
    result = run_notebooks(options, setup, Terminal(_out))
    page = setup.reports / result.run_id / "index.html"
    _out.print(f"{result.verdict} in {result.seconds:.1f} s. Report: {page}", soft_wrap=True)
    raise typer.Exit(result.exit_code())


@_app.command()
def status(target: TargetOption = Target.local, as_json: JsonOption = False) -> None:
    """Show every layer: state, progress, and what is wrong; exit 1 when something is."""
    from . import connect

    found = connect(target.value).status()
    _print_json(found.as_dict()) if as_json else _out.print(found)
    raise typer.Exit(0 if found.ok else 1)


@_app.command()
def endpoints(target: TargetOption = Target.local, as_json: JsonOption = False) -> None:
    """Show the addresses of the running platform, without secrets."""
    from . import connect

    found = connect(target.value).endpoints()
    if as_json:
        _print_json(found)
        return
    table = Table("system", "what", "value", box=None, pad_edge=False)
    for system, facts in found.items():
        for name, value in facts.items():
            table.add_row(system, name, str(value))
    _out.print(table)


@_app.command()
def drift(target: TargetOption = Target.local, as_json: JsonOption = False) -> None:
    """Compare live with declared; exit 2 on drift."""
    from . import connect

    plan = connect(target.value).drift()
    _print_json(plan.as_dict()) if as_json else _out.print(repr(plan), markup=False, soft_wrap=True)
    raise typer.Exit(2 if len(plan) else 0)


@_app.command()
def down(
    target: TargetOption = Target.local,
    purge: Annotated[bool, typer.Option("--purge", help="Delete the data as well.")] = False,
) -> None:
    """Take down exactly what was created."""
    from . import connect

    connect(target.value).down(purge=purge, on_step=lambda step: _out.print(step, markup=False, soft_wrap=True))


@_app.command()
def report(
    run_name: Annotated[str, typer.Argument(metavar="RUN", help="A run folder, its name, or `latest`.")],
    reports: ReportsOption = None,
    single_file: Annotated[bool, typer.Option("--single-file", help="Pages that can be mailed alone.")] = False,
) -> None:
    """Write the pages of a run anew from its record."""
    from .runbook import ledger
    from .runbook.redaction import redactor
    from .runbook.report.site import rebuild
    from .runbook.runner import Setup

    setup = Setup.of_checkout(reports)
    folder = ledger.find(setup.reports, run_name)
    secrets = setup.secrets(ledger.load(folder).target)
    rebuild(folder, redactor(secrets.values()), single_file)
    _out.print(f"Report: {folder / 'index.html'}", soft_wrap=True)


@_app.command()
def diff(
    before: Annotated[str, typer.Argument(metavar="RUN", help="The earlier run.")],
    after: Annotated[str, typer.Argument(metavar="RUN", help="The later run.")],
    reports: ReportsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Compare verdicts, seconds, changes and checks of two runs."""
    from .runbook import ledger
    from .runbook.compare import compare
    from .runbook.runner import Setup

    folder = Setup.of_checkout(reports).reports
    rows = compare(*(ledger.load(ledger.find(folder, name)) for name in (before, after)))
    if as_json:
        _print_json([row.as_dict() for row in rows])
        return
    table = Table("what", "name", "before", "after", "", box=None, pad_edge=False)
    for row in rows:
        table.add_row(row.kind, row.name, row.before, row.after, "differs" if row.differs else "")
    _out.print(table)


def _diagnose(target: str) -> Sequence[Any]:
    from . import connect
    from .runbook.model import Diagnostic

    return [Diagnostic(title, shorten(text, 8000)) for title, text in connect(target).diagnose()]


def _print_json(data: Any) -> None:
    sys.stdout.write(json.dumps(data, indent=1, ensure_ascii=False, default=str) + "\n")


def main(argv: Sequence[str] | None = None) -> None:
    """Entry point; an error of the project is printed as its text, without a traceback."""
    logging.getLogger("papermill").setLevel(logging.ERROR)
    try:
        _app(args=list(argv) if argv is not None else None, prog_name="carbon")
    except CarbonError as error:
        print(error, file=sys.stderr)
        sys.exit(error.exit_code)
