"""Keep committed notebooks in one form: no outputs, no counts, stable cell ids, only known metadata.

python -m carbonlib.runbook.tidy notebooks/                      # rewrite what is untidy
python -m carbonlib.runbook.tidy --check notebooks/              # exit 1 and name what is untidy
python -m carbonlib.runbook.tidy --from-percent a.py notebooks/deploy/10_kafka_and_topics.ipynb
python -m carbonlib.runbook.tidy --to-percent notebooks/deploy/10_kafka_and_topics.ipynb > a.py
"""

from __future__ import annotations

import argparse
import hashlib
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from .._errors import CarbonError, UsageError
from .nodes import NotebookNode, dumps, loads, new_notebook, read, to_node
from .percent import from_percent, to_percent

KERNELSPEC = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
_CELL_METADATA = ("tags", "slideshow")


def tidy(notebook: NotebookNode) -> NotebookNode:
    """The same notebook without outputs, counts and machine facts; the input is left as it is."""
    clean = new_notebook({"kernelspec": dict(KERNELSPEC), "language_info": {"name": "python"}})
    if "carbon" in notebook.metadata:
        clean.metadata["carbon"] = notebook.metadata["carbon"]
    taken: set[str] = set()
    for cell in notebook.cells:
        copy = to_node(cell)
        copy.metadata = to_node({k: v for k, v in cell.metadata.items() if k in _CELL_METADATA and v})
        copy.id = _stable_id(cell, taken)
        if cell.cell_type == "code":
            copy.outputs, copy.execution_count = [], None
        clean.cells.append(copy)
    return clean


def untidy(paths: Iterable[Path]) -> Iterator[tuple[Path, str]]:
    """The notebooks among `paths` (files or folders) whose text differs from the tidy one, with that text."""
    for path in paths:
        if not path.exists():
            raise UsageError(f"{path}: no such file or folder", remedy="Name a notebook or a folder of notebooks.")
        for file in sorted(path.rglob("*.ipynb")) if path.is_dir() else [path]:
            if ".ipynb_checkpoints" in file.parts:
                continue
            text = file.read_text(encoding="utf-8")
            wanted = dumps(tidy(loads(text)))
            if wanted != text:
                yield file, wanted


def _stable_id(cell: NotebookNode, taken: set[str]) -> str:
    # An id that is there stays, so that a diff shows what changed; a new one follows from the text.
    wanted = str(cell.get("id") or "")
    digest = hashlib.sha256(f"{cell.cell_type}\n{cell.source}".encode()).hexdigest()
    number = 0
    while not wanted or wanted in taken:
        wanted = digest[:8] if not number else f"{digest[:8]}-{number}"
        number += 1
    taken.add(wanted)
    return wanted


def _convert(source: Path, target: Path | None) -> None:
    notebook = from_percent(source.read_text(encoding="utf-8"))
    for cell in notebook.cells:
        del cell["id"]  # nbformat's are random; the text gives stable ones
    text = dumps(tidy(notebook))
    if target is None:
        sys.stdout.write(text)
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text, encoding="utf-8")


def main(argv: list[str] | None = None) -> int:
    """Command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m carbonlib.runbook.tidy", description="Keep notebooks in one form.")
    parser.add_argument("paths", nargs="+", type=Path)
    parser.add_argument("--check", action="store_true", help="change nothing; exit 1 when a notebook is untidy")
    parser.add_argument("--from-percent", type=Path, metavar="FILE", help="write the notebook PATHS from percent text")
    parser.add_argument("--to-percent", action="store_true", help="print the notebook as percent text")
    options = parser.parse_args(argv)
    try:
        if options.from_percent:
            _convert(options.from_percent, options.paths[0])
            return 0
        if options.to_percent:
            sys.stdout.write(to_percent(read(options.paths[0])))
            return 0
        found = list(untidy(options.paths))
    except CarbonError as error:
        print(error, file=sys.stderr)
        return int(error.exit_code)
    for file, text in found:
        if not options.check:
            file.write_text(text, encoding="utf-8")
        print(f"{'untidy' if options.check else 'tidied'}: {file}")
    return 1 if options.check and found else 0


if __name__ == "__main__":
    sys.exit(main())
