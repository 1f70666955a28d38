"""Looking at dead letters, and planning to send them again: what a runbook needs of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from .._errors import UsageError
from ..changes import UNCHANGED, Change, Plan
from ..clients.streaming import committed_ends, stream_records
from .corrections import Corrector
from .letters import Letter, letter_of, replayed
from .queues import DeadLetterPlan, load_queues
from .replay import HISTORY, MISFIT, SENT, Order, Replay

if TYPE_CHECKING:
    from ..platform import Platform

COLUMNS = ["dlq", "cause", "reason", "stage", "source", "partition", "offset", "when", "key", "size", "preview"]


@dataclass(frozen=True)
class Letters:
    """The dead letters of some topics that have not been sent again.

    Args:
        waiting: each once, in the order of their topics.
        settled: how many were sent again before, or are history.
        repeated: how many stand there more than once, because a reader died and reported a record again.
        ends: where each topic ended when it was read.
    """

    waiting: list[Letter]
    settled: int
    repeated: int
    ends: Mapping[str, Mapping[int, int]]

    def __len__(self) -> int:
        return len(self.waiting)

    def __repr__(self) -> str:
        repeated = f", {self.repeated} reported twice" if self.repeated else ""
        return f"{len(self)} dead letters wait in {len(self.ends)} topics; {self.settled} are settled{repeated}"

    def table(self, most: int = 200) -> pd.DataFrame:
        """One row a letter, the newest `most` of them."""
        newest = sorted(self.waiting, key=lambda x: x.timestamp)[-most:]
        rows = [
            [x.queue.topic, x.cause, x.reason, x.stage, x.source.topic, x.source.partition, x.source.offset, x.when,
             _key(x), x.size, x.preview] for x in newest
        ]  # fmt: skip
        return pd.DataFrame(rows, columns=COLUMNS, dtype=object)

    def summary(self) -> pd.DataFrame:
        """One row a cause, most letters first: its number, topic, how many, since when, until when, one example."""
        rows = [
            [queue, cause, len(group), min(x.when for x in group), max(x.when for x in group), group[-1].preview]
            for (queue, cause), group in self.causes()
        ]
        columns = ["dlq", "cause", "letters", "first", "last", "for example"]
        return pd.DataFrame(
            rows, columns=columns, index=pd.RangeIndex(1, len(rows) + 1, name="cause no."), dtype=object
        )

    def causes(self) -> list[tuple[tuple[str, str], list[Letter]]]:
        """The letters by topic and cause, in the order in which `summary` numbers them."""
        groups: dict[tuple[str, str], list[Letter]] = {}
        for letter in self.waiting:
            groups.setdefault((letter.queue.topic, letter.cause), []).append(letter)
        return sorted(groups.items(), key=lambda item: (-len(item[1]), item[0]))

    def figure(self) -> Any:
        """Bars of letters by cause, coloured by topic."""
        import plotly.graph_objects as go

        figure = go.Figure()
        for topic in self.ends:
            bars = [(f"{n}  {cause}", len(x)) for n, ((t, cause), x) in enumerate(self.causes(), 1) if t == topic]
            if bars:
                figure.add_bar(y=[b[0] for b in bars], x=[b[1] for b in bars], name=topic, orientation="h")
        figure.update_layout(
            title="Dead letters that wait, by cause", barmode="stack", xaxis_title="letters",
            height=160 + 28 * len(self.causes()),
            yaxis={"autorange": "reversed", "automargin": True}, margin={"l": 20, "r": 20, "t": 50, "b": 40},
        )  # fmt: skip
        return figure

    def chosen(self, causes: str) -> list[Letter]:
        """The letters of `all` causes, of `none`, or of those numbers in the summary, as `1,3`.

        Raises:
            UsageError: when there is no cause of such a number.
        """
        groups = self.causes()
        if causes in ("all", "none"):
            return self.waiting if causes == "all" else []
        wanted = [n.strip() for n in causes.split(",")]
        if any(not n.isdigit() or not 1 <= int(n) <= len(groups) for n in wanted):
            raise UsageError(
                f"{causes!r} does not choose causes.", remedy=f"Write all, none, or numbers from 1 to {len(groups)}."
            )
        return [letter for n in sorted({int(n) for n in wanted}) for letter in groups[n - 1][1]]


def look(platform: Platform, queues: str = "all", *, mark: str = "", declared: DeadLetterPlan | None = None) -> Letters:
    """The letters that wait in some topics, or in `all`.

    Args:
        platform: where.
        queues: names of topics, with commas.
        mark: only letters whose key or first bytes hold this text.
        declared: the topics of dead letters; by default those of the project.

    Raises:
        UsageError: when a topic is not declared.
    """
    plan = declared or load_queues()
    servers = platform.kafka.bootstrap_servers
    done = replayed(servers, plan.ledger)
    waiting: dict[str, Letter] = {}
    seen: Counter[str] = Counter()
    ends: dict[str, Mapping[int, int]] = {}
    for queue in plan.choose(queues):
        ends[queue.topic] = committed_ends(servers, queue.topic)
        for record in stream_records(servers, queue.topic, ends[queue.topic]):
            letter = letter_of(queue, record)
            if mark and mark not in letter.preview and mark.encode() not in (letter.key or b""):
                continue
            seen[letter.identity] += 1
            if letter.identity not in done:
                waiting.setdefault(letter.identity, letter)
    settled = sum(1 for identity in seen if identity in done)
    return Letters(list(waiting.values()), settled, sum(n - 1 for n in seen.values()), ends)


def plan_replay(
    platform: Platform,
    letters: Letters,
    *,
    causes: str,
    correction: str = "none",
    declared: DeadLetterPlan | None = None,
) -> Plan:
    """Send the letters of some causes again, corrected or as they were; one change a topic.

    A letter whose key has come again since, in a topic whose reader keeps one row a key, is marked as history and not
    sent. A letter that the correction does not fit stays where it is. Nothing is to do where no letter would move.
    """
    plan = declared or load_queues()
    wanted = plan.correction(correction)
    changes = []
    for queue, group in _by_queue(letters.chosen(causes)).items():
        order = Order(plan.queues[queue], frozenset(x.identity for x in group), correction, letters.ends[queue])
        corrector = Corrector(wanted, order.queue, platform.registry)
        replay = Replay(platform.kafka.bootstrap_servers, plan.ledger, order, corrector)
        found = replay.preview()
        if found[SENT] or found[HISTORY]:
            after = {"send": found[SENT], "to": order.queue.sent_to, "history": found[HISTORY], "left": found[MISFIT]}
            changes.append(Change(f"deadletters/{queue}", "update", {"waiting": len(group)}, after, _carry_out(replay)))
    return Plan(changes)


def _carry_out(replay: Replay) -> Any:
    def apply() -> object:
        done = replay.run()
        return None if done[SENT] or done[HISTORY] else UNCHANGED

    return apply


def _by_queue(letters: Sequence[Letter]) -> dict[str, list[Letter]]:
    groups: dict[str, list[Letter]] = {}
    for letter in letters:
        groups.setdefault(letter.queue.topic, []).append(letter)
    return groups


def _key(letter: Letter) -> str:
    return "" if letter.key is None else letter.key[:60].decode("utf-8", "backslashreplace")
