"""The catalogue: which notebooks there are, what they need, and in which order a selection runs.

Facts come from the notebooks themselves: metadata `carbon`, the title in the first cell, the `parameters` cell. The
folder is the group. A number 99 is a teardown and is never part of a group: it must be asked for by its id.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .._errors import UsageError
from . import nodes
from .parameters import Parameter, inspect

TARGETS = ("local", "kubernetes")
DEFAULT_TIMEOUT = 600
_ID = re.compile(r"[a-z]+(-[a-z0-9]+)+")
_FIELDS = {"id", "needs", "provides", "mutates", "targets", "timeout_s"}


@dataclass(frozen=True)
class Entry:
    """One notebook.

    Args:
        id: unique name, such as `deploy-10`.
        path: the file.
        group: name of its folder, which selects all in it.
        needs: ids, or things that others provide, which must come first when they are part of the same run.
        provides: what others may need.
        mutates: whether it changes the target.
        targets: where it can run.
        timeout_s: seconds that all its cells together may take.
    """

    id: str
    path: Path
    group: str
    title: str
    needs: tuple[str, ...] = ()
    provides: tuple[str, ...] = ()
    mutates: bool = False
    targets: tuple[str, ...] = TARGETS
    timeout_s: int = DEFAULT_TIMEOUT
    parameters: list[Parameter] = field(default_factory=list)

    @property
    def teardown(self) -> bool:
        """Whether only its id selects it."""
        return self.id.endswith("-99")

    def as_dict(self) -> dict[str, Any]:
        """Plain data for `carbon list --json`."""
        return {
            "id": self.id,
            "title": self.title,
            "group": self.group,
            "needs": list(self.needs),
            "provides": list(self.provides),
            "mutates": self.mutates,
            "targets": list(self.targets),
            "timeout_s": self.timeout_s,
            "parameters": [p.as_dict() for p in self.parameters],
            "notebook": self.path.name,
        }


class Catalogue(Mapping[str, Entry]):
    """All notebooks by id, in running order."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        found: dict[str, Entry] = {}
        for entry in entries:
            if entry.id in found:
                raise UsageError(
                    f"{entry.path.name} and {found[entry.id].path.name} both have the id {entry.id}.",
                    remedy="Give one of them another id.",
                )
            found[entry.id] = entry
        self._providers = _providers(found.values())
        for entry in found.values():
            self._check_needs(entry)
        self._entries = {entry.id: entry for entry in self._ordered(list(found.values()))}

    def __getitem__(self, key: str) -> Entry:
        return self._entries[key]

    def __iter__(self) -> Any:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def groups(self) -> list[str]:
        """Names that select several notebooks."""
        return list(dict.fromkeys(e.group for e in self._entries.values()))

    def select(self, names: Sequence[str]) -> list[Entry]:
        """The notebooks that ids and groups name, in dependency order; nothing is added that was not named.

        Raises:
            UsageError: a name that is neither an id nor a group.
        """
        chosen: dict[str, Entry] = {}
        for name in names:
            group = [e for e in self._entries.values() if e.group == name and not e.teardown]
            if name not in self._entries and not group:
                self._unknown(name)
            for entry in [self._entries[name]] if name in self._entries else group:
                chosen[entry.id] = entry
        return [e for e in self._entries.values() if e.id in chosen]

    def needed_by(self, entry: Entry) -> set[str]:
        """Ids of the notebooks that this one needs directly."""
        return {i for need in entry.needs for i in self._providers[need]}

    def _unknown(self, name: str) -> None:
        names = [*self._entries, *self.groups]
        near = difflib.get_close_matches(name, names, n=1)
        raise UsageError(
            f"There is no notebook or group {name!r}.",
            remedy=(f"Did you mean {near[0]}? " if near else "")
            + f"Groups: {', '.join(self.groups) or 'none'}. Run `carbon list` to see the ids.",
        )

    def _check_needs(self, entry: Entry) -> None:
        for need in entry.needs:
            if need not in self._providers:
                raise UsageError(
                    f"{entry.path.name}: {entry.id} needs {need!r}, which no notebook is or provides.",
                    remedy="Correct `needs` in its metadata.",
                )

    def _ordered(self, entries: list[Entry]) -> list[Entry]:
        ranks = {entry.id: number for number, entry in enumerate(sorted(entries, key=_rank))}
        ordered: list[Entry] = []
        waiting = sorted(entries, key=lambda e: ranks[e.id])
        done: set[str] = set()
        while waiting:
            ready = next((e for e in waiting if self.needed_by(e) <= done), None)
            if ready is None:
                names = ", ".join(e.id for e in waiting)
                raise UsageError(f"These notebooks need each other: {names}.", remedy="Break the circle in `needs`.")
            waiting.remove(ready)
            ordered.append(ready)
            done.add(ready.id)
        return ordered


def load_catalogue(folder: Path) -> Catalogue:
    """Read all notebooks under `folder`.

    Raises:
        UsageError: no such folder, a notebook without its facts, or facts that do not fit together.
    """
    if not folder.is_dir():
        raise UsageError(f"There is no folder of notebooks at {folder}.", remedy="Run the command in a full checkout.")
    files = [f for f in sorted(folder.rglob("*.ipynb")) if ".ipynb_checkpoints" not in f.parts]
    return Catalogue(read_entry(file, folder) for file in files)


def read_entry(path: Path, folder: Path) -> Entry:
    """Read the facts of one notebook.

    Raises:
        UsageError: facts are missing or ill-typed.
    """
    notebook = nodes.read(path)
    facts = dict(notebook.metadata.get("carbon", {}))
    _check_facts(facts, path)
    first = notebook.cells[0].source.splitlines()[0] if notebook.cells and notebook.cells[0].source else ""
    match = re.fullmatch(rf"# {re.escape(facts['id'])} (?P<title>\S.*)", first)
    if not match:
        raise UsageError(
            f"{path.name}: the first cell must begin with `# {facts['id']} <Title>`.",
            cause=f"it begins with: {first}",
            remedy="Correct the first cell.",
        )
    cell = next((c for c in notebook.cells if "parameters" in c.metadata.get("tags", [])), None)
    parts = path.relative_to(folder).parts
    return Entry(
        id=facts["id"],
        path=path,
        group=parts[0] if len(parts) > 1 else facts["id"].split("-")[0],
        title=match["title"].strip(),
        needs=tuple(facts.get("needs", ())),
        provides=tuple(facts.get("provides", ())),
        mutates=facts.get("mutates", False),
        targets=tuple(facts.get("targets", TARGETS)),
        timeout_s=facts.get("timeout_s", DEFAULT_TIMEOUT),
        parameters=inspect(cell.source, path.name) if cell is not None else [],
    )


def _check_facts(facts: Mapping[str, Any], path: Path) -> None:
    problems = []
    if not isinstance(facts.get("id"), str) or not _ID.fullmatch(facts["id"]):
        problems.append("id must be like deploy-10")
    problems += [f"{key} is not known" for key in sorted(set(facts) - _FIELDS)]
    for key in ("needs", "provides", "targets"):
        value = facts.get(key, [])
        if not isinstance(value, list) or not all(isinstance(v, str) for v in value):
            problems.append(f"{key} must be a list of names")
    unknown = [t for t in facts.get("targets", []) if t not in TARGETS]
    problems += [f"targets knows {', '.join(TARGETS)}, not {t}" for t in unknown]
    if not isinstance(facts.get("mutates", False), bool):
        problems.append("mutates must be true or false")
    timeout = facts.get("timeout_s", DEFAULT_TIMEOUT)
    if isinstance(timeout, bool) or not isinstance(timeout, int) or timeout < 1:
        problems.append("timeout_s must be a whole number of seconds")
    if problems:
        raise UsageError(
            f"{path.name}: the notebook's metadata `carbon` is not right.",
            cause="; ".join(problems),
            remedy="Correct it: {id, needs, provides, mutates, targets, timeout_s}.",
        )


def _providers(entries: Iterable[Entry]) -> dict[str, set[str]]:
    providers: dict[str, set[str]] = {}
    for entry in entries:
        for name in (entry.id, *entry.provides):
            providers.setdefault(name, set()).add(entry.id)
    return providers


def _rank(entry: Entry) -> tuple[int, str]:
    order = {"deploy": 0, "verify": 1}
    return (9 if entry.teardown else order.get(entry.group, 2), entry.id)
