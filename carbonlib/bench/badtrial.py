"""The trial of bad records: sent to every reader that has dead letters, followed to where each came out, mended."""

from __future__ import annotations

import re
import uuid
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pandas as pd

from .._errors import PlanShown, UsageError
from ..changes import Plan
from ..deadletters import Letter, Letters, look, plan_replay
from .badrecords import GOOD, Message, Reader, load_readers, messages
from .log import until
from .missingtable import MissingTable

if TYPE_CHECKING:
    from ..platform import Platform

COLUMNS = ["reader", "kind", "sent", "stored", "dead", "lost", "twice", "cause"]


class BadRecords:
    """One trial over some readers.

    Args:
        platform: where.
        readers: what is tried.
        good: good records for each reader.
        each: bad records of each kind for each reader.
    """

    def __init__(self, platform: Platform, readers: Sequence[Reader], good: int, each: int) -> None:
        self._platform, self._readers = platform, readers
        self.mark = f"TEST27{uuid.uuid4().hex[:6]}"
        self._marks = {r.name: f"{self.mark}{n}" for n, r in enumerate(readers)}
        self._sent: dict[str, list[Message]] = {
            r.name: messages(platform, r, self._marks[r.name], good=good, each=each) for r in readers
        }
        self._letters: dict[str, Letters] = {}
        self._missing = {
            r.name: MissingTable(platform, r.name, r.stored["doris"], r.without_table["table_like"])
            for r in readers
            if r.without_table
        }

    def __repr__(self) -> str:
        counts = Counter(m.kind == GOOD for sent in self._sent.values() for m in sent)
        return (
            f"{counts[True]} good and {counts[False]} bad records for {len(self._readers)} readers, marked {self.mark}"
        )

    def send(self, *, dry_run: bool = False) -> BadRecords:
        """Send everything, in one order a reader: bad between good. A sink whose table is missing starts before.

        Raises:
            PlanShown: on a dry run, which ends a notebook here by wish; nothing was sent.
        """
        if dry_run:
            self._forget_schemas()
            raise PlanShown(f"{self!r}: made, and none was sent.")
        for missing in self._missing.values():
            missing.open()
        for reader in self._readers:
            self._platform.kafka.produce(reader.queue.sent_to, ((m.key, m.value) for m in self._sent[reader.name]))
        return self

    def wait(self, timeout: str | float) -> pd.DataFrame:
        """Wait until every record came out somewhere, or time is up; one row a reader and kind."""
        return until(self.outcomes, lambda seen: not int(seen["lost"].sum()), timeout)

    def outcomes(self) -> pd.DataFrame:
        """Where the records are now: stored, dead, in neither place (lost), stored more than once (twice)."""
        return pd.DataFrame(
            [row for reader in self._readers for row in self._rows(reader)], columns=COLUMNS, dtype=object
        )

    def _rows(self, reader: Reader) -> list[list[Any]]:
        stored = self._stored(reader)
        letters = look(self._platform, reader.queue.topic, mark=self._marks[reader.name])
        self._letters[reader.name] = letters
        dead = {self._id(letter): letter for letter in letters.waiting}
        rows = []
        for kind in dict.fromkeys(m.kind for m in self._sent[reader.name]):
            ids = [m.id for m in self._sent[reader.name] if m.kind == kind]
            there, gone = [i for i in ids if stored[i]], [i for i in ids if i in dead and not stored[i]]
            causes = Counter(dead[i].cause for i in gone)
            rows.append([
                reader.name, kind, len(ids), len(there), len(gone), len(ids) - len(there) - len(gone),
                sum(1 for i in ids if stored[i] > 1), causes.most_common(1)[0][0] if causes else "",
            ])  # fmt: skip
        return rows

    def plan_tables(self) -> Plan:
        """Make the tables that are missing."""
        return sum((missing.plan() for missing in self._missing.values()), Plan())

    def plan_replay(self) -> Plan:
        """Send those letters again whose cause is gone, or for which the project has a correction, mended by it."""
        plan = Plan()
        for reader in self._readers:
            kind, correction = reader.correction
            ids = {m.id for m in self._sent[reader.name] if m.kind == kind}
            letters = self._letters[reader.name]
            chosen = replace(letters, waiting=[x for x in letters.waiting if self._id(x) in ids])
            plan = plan + plan_replay(self._platform, chosen, causes="all", correction=correction)
        return plan

    def expected(self, outcomes: pd.DataFrame) -> int:
        """How many records must be stored after the replay: what was, and what was mended."""
        mended = outcomes[[pair in self._mended() for pair in zip(outcomes["reader"], outcomes["kind"], strict=True)]]
        return int(outcomes["stored"].sum() + mended["dead"].sum())

    def wait_stored(self, count: int, timeout: str | float) -> pd.DataFrame:
        """Wait until that many records are stored, or time is up."""
        return until(self.outcomes, lambda seen: int(seen["stored"].sum()) >= count, timeout)

    def figure(self, outcomes: pd.DataFrame) -> Any:
        """Bars of stored and dead records by reader and kind."""
        import plotly.graph_objects as go

        bad = outcomes[outcomes["kind"] != GOOD]
        labels = [list(bad["reader"]), list(bad["kind"])]
        figure = go.Figure([go.Bar(x=labels, y=list(bad[c]), name=c) for c in ("stored", "dead", "lost")])
        figure.update_layout(barmode="stack", title="What became of bad records", yaxis_title="records")
        return figure

    def clean_up(self) -> None:
        """Remove what the trial wrote, where its place keeps single rows; its own sink, table and schemas too."""
        for missing in self._missing.values():
            missing.close()
        for reader in self._readers:
            (place, name), mark = next(iter(reader.stored.items())), self._marks[reader.name]
            if place == "doris" and not reader.stays and not reader.without_table:
                self._platform.doris_root.execute(f"DELETE FROM {name} WHERE {reader.id} LIKE '{mark}-%'")
            if place == "postgres":
                self._platform.postgres.execute(f"DELETE FROM {name} WHERE {reader.id} LIKE %s", (f"{mark}-%",))
            if place == "search":
                self._platform.search.remove(name, [m.id for m in self._sent[reader.name]])
        self._forget_schemas()

    def _forget_schemas(self) -> None:
        for reader in self._readers:
            if reader.queue.schema:
                self._platform.registry.delete(f"{self._marks[reader.name]}-value", allow_destroy=True)

    def _mended(self) -> set[tuple[str, str]]:
        return {(r.name, r.correction[0]) for r in self._readers}

    def _id(self, letter: Letter) -> str:
        """The id of the record that a letter is: its key, or, where it has none, in its first bytes."""
        if letter.key is not None:
            return letter.key.decode("utf-8", "replace")
        found = re.search(rf"{self.mark}\d*-\d+-\d+", letter.preview)
        return found.group() if found else ""

    def _stored(self, reader: Reader) -> Counter[str]:
        (place, name), mark = next(iter(reader.stored.items())), self._marks[reader.name]
        read = {"doris": self._in_doris, "postgres": self._in_postgres, "search": self._in_search,
                "objects": self._in_objects, "iceberg": self._in_iceberg}[place]  # fmt: skip
        return Counter(i for i in read(reader, name, mark) if i.startswith(f"{mark}-"))

    def _in_doris(self, reader: Reader, table: str, mark: str) -> list[str]:
        if reader.name in self._missing and not self._missing[reader.name].made:
            return []
        found = self._platform.doris.query(f"SELECT {reader.id} AS id FROM {table} WHERE {reader.id} LIKE '{mark}-%'")
        return [str(i) for i in found["id"]]

    def _in_postgres(self, reader: Reader, table: str, mark: str) -> list[str]:
        sql = f"SELECT {reader.id} AS id FROM {table} WHERE {reader.id} LIKE %s"
        return [str(row["id"]) for row in self._platform.postgres.rows(sql, (f"{mark}-%",))]

    def _in_search(self, reader: Reader, index: str, mark: str) -> list[str]:
        return list(self._platform.search.find(index, [m.id for m in self._sent[reader.name]]))

    def _in_objects(self, reader: Reader, folder: str, mark: str) -> list[str]:
        bucket, _, prefix = folder.partition("/")
        frame = self._platform.objectstore.read_lines(bucket, prefix)
        return [str(i) for i in frame[reader.id]] if len(frame) else []

    def _in_iceberg(self, reader: Reader, table: str, mark: str) -> list[str]:
        return [str(i) for i in self._platform.iceberg.rows(table, (reader.id,))[reader.id]]


def bad_records(platform: Platform, readers: str = "all", *, good: int, each: int) -> BadRecords:
    """A trial for the readers of some queues, with commas between, or of all whose reader is there.

    Raises:
        UsageError: none of them is there.
    """
    live = set(platform.connect.status())
    declared = [r for r in load_readers(readers) if r.name in live or r.queue.sent_to == r.like or r.without_table]
    if not declared:
        raise UsageError(f"None of the readers of {readers} is there.", remedy="Register the connectors first.")
    return BadRecords(platform, declared, good, each)
