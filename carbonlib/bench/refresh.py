"""How long a change of the dimension takes to its first enriched price: prices flow meanwhile, and tell."""

from __future__ import annotations

import html
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pandas as pd
import plotly.graph_objects as go

from .._errors import CarbonError, EngineError, UsageError, WaitTimeout
from ..clients.bootstrap import idempotent_producer
from ..clients.iceberg_tables import ChangeLog, TableSpec
from ..waiting import seconds
from .figures import framed
from .follow import at_end
from .latency import own_codes
from .pipeline import Pipeline, load_pipeline
from .reading import AvroDecoder
from .samples import load_average

if TYPE_CHECKING:
    from ..platform import Platform

LOOK_SECONDS = 0.05
TABLE_SECONDS = 1.0  # between two looks at the table, which has a new commit every few seconds


@dataclass
class Step:
    """One change: when the table had it and when the first enriched price showed it, in seconds since its commit."""

    change: str
    shown: Mapping[str, Any]
    table_s: float = float("nan")
    price_s: float = float("nan")
    prices: int = 0


@dataclass(frozen=True)
class Refresh:
    """An insert, an update and a delete on their way to the prices.

    Args:
        code: the commodity of this run alone.
        steps: the changes in their order.
        load: the machine's load average at the end.
    """

    code: str
    steps: list[Step] = field(default_factory=list)
    load: float = 0.0

    @property
    def worst_s(self) -> float:
        """The longest of the changes, from the commit in PostgreSQL to the first enriched price that shows it."""
        return max(step.price_s for step in self.steps)

    @property
    def note(self) -> str:
        """What stands beside the figure."""
        each = ", ".join(f"{s.change} {s.price_s:.1f} s" for s in self.steps)
        return f"{each}; load average {self.load:.1f}"

    def table(self) -> pd.DataFrame:
        """One row a change."""
        rows = [[s.change, round(s.table_s, 1), round(s.price_s, 1), s.prices] for s in self.steps]
        return pd.DataFrame(rows, columns=["change", "in the table after s", "in a price after s", "prices until then"])

    def plot(self) -> go.Figure:
        """How long each change was on its way to the table, and from there to a price."""
        changes = [s.change for s in self.steps]
        figure = go.Figure()
        figure.add_bar(y=changes, x=[s.table_s for s in self.steps], orientation="h", name="PostgreSQL → Iceberg table")
        onward = [max(0.0, s.price_s - s.table_s) for s in self.steps]
        figure.add_bar(y=changes, x=onward, orientation="h", name="table → enriched price")
        figure.update_layout(barmode="stack")
        figure.update_xaxes(title="seconds since the commit")
        figure.update_yaxes(autorange="reversed")
        return framed(figure, "A change of the dimension on its way")

    def __repr__(self) -> str:
        return f"{self.code}: {self.note}"

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, Any]:
        table = self.table().to_html(index=False)
        return {"text/plain": repr(self), "text/html": f"<p>{html.escape(repr(self))}</p>{table}"}


def dimension_refresh(
    platform: Platform, *, rate: float = 2.0, timeout: str | float = "3 min", pipeline: Pipeline | None = None
) -> Refresh:
    """Insert, change and delete a commodity of the run's own while prices of it flow, and wait for each to show.

    The row is gone afterwards, whatever happens; its history stays in the log of changes, as that of any other.

    Args:
        platform: which one.
        rate: prices per second.
        timeout: longest wait for one change.
        pipeline: names of topics and tables, where they are not the declared ones.

    Raises:
        WaitTimeout: when a change does not show in time; it says how far the change came.
        UsageError: when the dimension follows no table.
    """
    places = pipeline or load_pipeline()
    spec = platform.iceberg.tables.get(places.dimension)
    if spec is None or spec.log is None or not spec.source:
        raise UsageError(
            f"{places.dimension} follows no table of PostgreSQL.", remedy="Declare its source and its log."
        )
    run = _Run(platform, places, spec, spec.log, rate, seconds(timeout))
    try:
        return run.run()
    finally:
        run.close()


class _Run:
    def __init__(
        self, platform: Platform, places: Pipeline, spec: TableSpec, log: ChangeLog, rate: float, timeout: float
    ) -> None:
        self._platform, self._spec, self._log = platform, spec, log
        self._topic, self._interval, self._timeout = places.raw, 1 / rate, timeout
        (self.code,) = own_codes("TEST-DIMENSION", 1)
        self._decode = AvroDecoder.of(platform)
        self._reader = at_end(platform.kafka.bootstrap_servers, places.enriched)
        self._producer = idempotent_producer(platform.kafka.bootstrap_servers, linger_ms=0)
        self._due = time.monotonic()
        self._failed: list[str] = []

    def run(self) -> Refresh:
        found = Refresh(self.code, load=load_average())
        first = {"name": "First name", "sector": "TEST", "unit": "BBL", "currency": "USD"}
        second = {**first, "name": "Second name"}
        nothing = dict.fromkeys(("name", "sector"))
        for change, row, shown in (
            ("insert", first, {"name": first["name"], "sector": first["sector"]}),
            ("update", second, {"name": second["name"], "sector": second["sector"]}),
            ("delete", None, nothing),
        ):
            found.steps.append(self._step(Step(change, shown), row))
        return Refresh(found.code, found.steps, load_average())

    def _step(self, step: Step, row: Mapping[str, Any] | None) -> Step:
        self._wait_for_a_price(step)
        committed = self._change(row)
        looked = 0.0
        while step.price_s != step.price_s:
            since = time.monotonic() - committed
            if step.table_s != step.table_s and since - looked >= TABLE_SECONDS:
                looked = since
                if self._in_table(row):
                    step.table_s = time.monotonic() - committed
            price = self._next_price()
            if price is not None:
                step.prices += 1
                if all(price.get(name) == value for name, value in step.shown.items()):
                    step.price_s = time.monotonic() - committed
            elif since > self._timeout:
                raise self._late(step)
        if step.table_s != step.table_s:
            step.table_s = step.price_s  # seen in a price before the next look at the table
        return step

    def _wait_for_a_price(self, step: Step) -> None:
        deadline = time.monotonic() + self._timeout
        while self._next_price() is None:
            if time.monotonic() > deadline:
                raise WaitTimeout(
                    f"No price of {self.code} was enriched before the {step.change}.", notebook="deploy-70"
                )

    def _late(self, step: Step) -> WaitTimeout:
        landed = step.table_s == step.table_s
        came = f"the table had it after {step.table_s:.0f} s" if landed else "not even the table has it"
        return WaitTimeout(
            f"No price showed the {step.change} of {self.code} within {self._timeout:g} s.",
            cause=f"{came}; {step.prices} prices came meanwhile",
            remedy="Look at the connectors and their dead letters, and at the age of the enricher's copy.",
            notebook="deploy-70" if landed else "deploy-60",
        )

    def _change(self, row: Mapping[str, Any] | None) -> float:
        """Make the change; when its commit was sent, on the monotonic clock."""
        if row is None:
            sent = self._platform.postgres.delete(self._spec.source, {self._log.key: self.code})
        else:
            sent = self._platform.postgres.upsert(self._spec.source, [{self._log.key: self.code, **row}])
        return time.monotonic() - (datetime.now(UTC) - sent).total_seconds()

    def _in_table(self, row: Mapping[str, Any] | None) -> bool:
        live = self._platform.iceberg.newest(self._spec.name)
        own = live[live[self._log.key] == self.code].to_dict("records")
        return not own if row is None else bool(own) and all(own[0].get(k) == v for k, v in row.items())

    def _next_price(self) -> Mapping[str, Any] | None:
        """Send what is due, and return an enriched price of the run where one has come."""
        while time.monotonic() >= self._due:
            text = json.dumps({"commodity_code": self.code, "price": 10.0, "currency": "USD", "source": "TEST"})
            self._producer.produce(
                self._topic, text, self.code, on_delivery=lambda e, _: self._failed.append(str(e)) if e else None
            )
            self._due += self._interval
        self._producer.poll(0)
        if self._failed:
            raise EngineError(f"Sending to {self._topic} failed.", cause=self._failed[0], notebook="deploy-10")
        message = self._reader.poll(LOOK_SECONDS)
        if message is None or message.error() is not None or message.key() != self.code.encode():
            return None
        return self._decode(message.value() or b"")

    def close(self) -> None:
        """Take the row back, and give the connections back."""
        try:
            self._platform.postgres.delete(self._spec.source, {self._log.key: self.code})
        except CarbonError as error:
            raise EngineError(
                f"The test row {self.code} could not be removed.", cause=error.message,
                remedy=f"Delete it from {self._spec.source} when PostgreSQL answers.",
            ) from error  # fmt: skip
        finally:
            self._producer.flush(10)
            self._reader.close()
