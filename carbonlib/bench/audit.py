"""The audit: every price of the raw topic, by its event id, against what each later place holds."""

from __future__ import annotations

import html
from collections import Counter
from collections.abc import Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

EXAMPLES = 5


@dataclass(frozen=True)
class Place:
    """What one place holds of what it should.

    Args:
        name: of the topic or table.
        wanted: how many messages it must hold.
        found: how many of them it holds, each copy counted.
        lost: ids that are missing, or there less often than they must be.
        duplicated: ids that are there more often than they may be.
        unexpected: ids that nobody sent; None when that cannot be told.
    """

    name: str
    wanted: int
    found: int
    lost: Sequence[Hashable]
    duplicated: Sequence[Hashable]
    unexpected: Sequence[Hashable] | None


def place(
    name: str,
    wanted: Mapping[Any, int],
    found: Mapping[Any, int],
    *,
    known: Collection[Hashable] | None = None,
) -> Place:
    """Compare how often each id must be in a place with how often it is.

    Args:
        name: of the place.
        wanted: id → times that it must be there.
        found: id → times that it is there.
        known: every id that was ever sent, so that others are unexpected; None when that is not known.
    """
    unexpected = None if known is None else sorted((i for i in found if i not in known), key=str)
    return Place(
        name,
        sum(wanted.values()),
        sum(n for i, n in found.items() if i in wanted),
        sorted((i for i, n in wanted.items() if found.get(i, 0) < n), key=str),
        sorted((i for i, n in wanted.items() if found.get(i, 0) > n), key=str),
        unexpected,
    )


@dataclass(frozen=True)
class Audit:
    """The outcome of an audit.

    Args:
        prices: valid messages in the raw topic.
        poison: messages there that are no prices.
        repeated: event id → how often it was sent, for those sent more than once.
        places: what each later place holds.
        seconds: how long it took the platform to catch up.
    """

    prices: int
    poison: int
    repeated: Mapping[str, int]
    places: Sequence[Place]
    seconds: float

    @property
    def lost(self) -> int:
        """Messages that are missing in any place; one that is missing in two counts once."""
        return len({i for p in self.places for i in p.lost})

    @property
    def duplicated(self) -> int:
        """Messages that are in any place more often than they may be."""
        return len({i for p in self.places for i in p.duplicated})

    @property
    def unexpected(self) -> int:
        """Messages in any place that nobody sent."""
        return len({i for p in self.places for i in p.unexpected or ()})

    def table(self) -> pd.DataFrame:
        """One row a place."""
        rows = [
            [p.name, p.wanted, p.found, len(p.lost), len(p.duplicated), _count(p.unexpected), _examples(p)]
            for p in self.places
        ]
        columns = ["place", "must hold", "holds", "lost", "twice", "unexpected", "for example"]
        return pd.DataFrame(rows, columns=columns, dtype=object)

    def __repr__(self) -> str:
        return f"{self._summary()}\n{self.table().to_string(index=False)}"

    def _summary(self) -> str:
        repeated = f", {len(self.repeated)} event ids sent more than once" if self.repeated else ""
        return (
            f"{self.prices} prices and {self.poison} messages that are none were sent{repeated}: "
            f"{self.lost} lost, {self.duplicated} twice (settled after {self.seconds:.1f} s)"
        )

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, Any]:
        verdict = "failed" if self.lost or self.duplicated else "passed"
        page = f'<p class="carbon-{verdict}">{html.escape(self._summary())}</p>{self.table().to_html(index=False)}'
        return {"text/plain": repr(self), "text/html": page}


def repeated(event_ids: Sequence[str]) -> dict[str, int]:
    """The event ids that occur more than once, with how often."""
    return {i: n for i, n in Counter(event_ids).items() if n > 1}


def _count(ids: Sequence[Hashable] | None) -> str:
    return "–" if ids is None else str(len(ids))


def _examples(found: Place) -> str:
    ids = [*found.lost, *found.duplicated, *(found.unexpected or ())][:EXAMPLES]
    return ", ".join(str(i)[:60] for i in ids)
