"""Back up what a platform cannot make anew, look whether the backup is whole, and restore what is gone.

A backup is some files beside a manifest, which is written last: one without a manifest is none. It holds settings and
places, and rows of the tables that are named; never a secret, since configs are kept with their references.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pandas as pd

from ..._errors import EngineError, UsageError
from ...changes import Change, Plan
from ..health import cluster_of, require
from .data import Lake, Rows
from .parts import Connectors, Entries, Groups, Part, Schemas, Topics
from .specimen import Specimen
from .stores import Store, store_at

if TYPE_CHECKING:
    from ...platform import Platform

__all__ = ["Backup", "Specimen", "take"]

MANIFEST = "manifest.json"
FORMAT = 1


def parts(database: str, tables: Sequence[str], *, new_ids: bool = False) -> dict[str, Part]:
    """What a backup is made of, in the order in which it is restored."""
    kinds: list[Part] = [Topics(), Schemas(new_ids=new_ids), Groups(), Rows(database, tables), Lake(), Connectors()]
    return {part.name: part for part in kinds}


def take(platform: Platform, place: str, *, database: str, tables: Sequence[str] = ()) -> Backup:
    """Take a backup.

    Args:
        place: `s3://bucket/prefix` or a folder, under which it gets a name of its own, the time.
        database, tables: of Doris, whose rows are kept.

    Raises:
        ApplyError: Kafka is not healthy: without a coordinator a group would seem to have committed nothing.
    """
    require(cluster_of(platform), "be backed up")
    now = datetime.now(UTC)
    store = store_at(f"{place.rstrip('/')}/{now:%Y%m%dT%H%M%SZ}", platform.objectstore)
    files: dict[str, dict[str, Any]] = {}
    counts: dict[str, int] = {}
    for name, part in parts(database, tables).items():
        entries, own = part.take(platform)
        counts[name] = len(entries)
        for file, content in {f"{name}.json": _json(entries), **own}.items():
            store.write(file, content)
            files[file] = {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    said = {"format": FORMAT, "taken_at": now.isoformat(), "target": platform.target.name, "database": database,
            "tables": list(tables), "objects": counts, "files": files}  # fmt: skip
    store.write(MANIFEST, _json(said))
    return Backup(platform, store)


class Backup:
    """A backup that was taken.

    Args:
        platform: with which it is compared, and into which it is restored.
        store: where it is, or the address of it.
        new_ids: a schema may get another id than it had.

    Raises:
        UsageError: there is none, or it is of a form that this version does not know.
    """

    def __init__(self, platform: Platform, store: Store | str, *, new_ids: bool = False) -> None:
        self._platform = platform
        self.store = store_at(store, platform.objectstore) if isinstance(store, str) else store
        try:
            self.manifest: dict[str, Any] = json.loads(self.store.read(MANIFEST))
        except (EngineError, ValueError) as error:
            raise UsageError(
                f"There is no backup at {self.store!r}.", cause=str(error), remedy="Give the place of a whole one."
            ) from error
        if self.manifest.get("format") != FORMAT:
            raise UsageError(f"The backup at {self.store!r} has the form {self.manifest.get('format')}, not {FORMAT}.")
        self._parts = parts(self.manifest["database"], self.manifest["tables"], new_ids=new_ids)

    def __repr__(self) -> str:
        counts = ", ".join(f"{count} {name}" for name, count in self.manifest["objects"].items())
        return f"{self.store!r} of {self.manifest['taken_at']}: {counts}"

    def table(self) -> pd.DataFrame:
        """A row a part: objects, files, bytes."""
        files = self.manifest["files"]
        rows = []
        for name, objects in self.manifest["objects"].items():
            own = [f for f in files if f == f"{name}.json" or f.startswith(f"{name}/")]
            rows.append([name, objects, len(own), sum(files[f]["bytes"] for f in own)])
        return pd.DataFrame(rows, columns=["part", "objects", "files", "bytes"], dtype=object)

    def broken(self) -> list[str]:
        """Files that are missing, or are not what was written, and parts with other than their number of objects."""
        there = set(self.store.names())
        problems = [f"{name} is missing" for name in self.manifest["files"] if name not in there]
        for name, said in self.manifest["files"].items():
            if name in there and hashlib.sha256(self.store.read(name)).hexdigest() != said["sha256"]:
                problems.append(f"{name} is not what was written")
        if not problems:
            problems += [f"{name} has {len(self.entries(name))} objects, not {count}"
                         for name, count in self.manifest["objects"].items()
                         if len(self.entries(name)) != count]  # fmt: skip
        return problems

    def secrets(self) -> list[str]:
        """Files in which the value of a secret stands, with its name."""
        known = {name: self._platform.secrets[name].encode() for name in self._platform.secrets}
        texts = {name: self.store.read(name) for name in self.manifest["files"]}
        return [f"{file}: {name}" for file, text in texts.items() for name, value in known.items() if value in text]

    def entries(self, part: str) -> Entries:
        """The objects of a part, as they were."""
        found: Entries = json.loads(self.store.read(f"{part}.json"))
        return found

    def differing(self, objects: Mapping[str, Iterable[str]]) -> list[str]:
        """Objects, by part, that are not live as they were; those that carry data go on and so always differ."""
        return [f"{self._parts[part].kind}/{name}" for part, name, _, _ in self._differences(objects)]

    def _differences(self, objects: Mapping[str, Iterable[str]]) -> list[tuple[str, str, Any, Any]]:
        found = []
        for part in sorted(objects, key=list(self._parts).index):
            names = list(objects[part])
            kept, live = self.entries(part), json.loads(_json(self._parts[part].take(self._platform, names)[0]))
            for name in names:
                if name not in kept:
                    raise UsageError(
                        f"The backup holds no {self._parts[part].kind} {name!r}.",
                        remedy=f"It holds {', '.join(sorted(kept)) or 'none'}.",
                    )
                if not _same(live.get(name), kept[name], self._parts[part].ignores):
                    found.append((part, name, live.get(name), kept[name]))
        return found

    def plan_restore(self, objects: Mapping[str, Iterable[str]], *, allow_destroy: bool = False) -> Plan:
        """Make objects, by part, what they were.

        Raises:
            UsageError: it does not hold one of them; or one is live and another now, which `allow_destroy` allows to
                be replaced.
        """
        changes = []
        for part, name, live, kept in self._differences(objects):
            kind = self._parts[part].kind
            if live is not None and not allow_destroy:
                raise UsageError(
                    f"{kind} {name} is there, and other than it was: its present state would be lost.",
                    remedy="Set allow_destroy if that is meant.",
                )
            action = "create" if live is None else "update"
            changes.append(Change(f"{kind}/{name}", action, live, kept, self._put(part, name, kept, live)))
        return Plan(changes)

    def _put(self, part: str, name: str, kept: Any, live: Any) -> Any:
        return lambda: self._parts[part].put(self._platform, name, kept, live, self.store.read)


def _same(live: Any, kept: Any, ignores: Collection[str]) -> bool:
    if not ignores or live is None:
        return bool(live == kept)
    return {k: v for k, v in live.items() if k not in ignores} == {k: v for k, v in kept.items() if k not in ignores}


def _json(value: Any) -> bytes:
    return json.dumps(value, indent=1, sort_keys=True, default=str).encode()
