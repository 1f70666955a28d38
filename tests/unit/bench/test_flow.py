from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest

from carbonlib._errors import EngineError, WaitTimeout
from carbonlib.bench.flow import Flow, watch
from carbonlib.bench.log import position, without
from carbonlib.bench.pipeline import Pipeline, load_pipeline
from carbonlib.bench.poison import send_poison
from carbonlib.oracle import expected_bars, parse_raw
from carbonlib.oracle.alerts import ALERT_COLUMNS
from carbonlib.oracle.bars import BAR_COLUMNS
from carbonlib.oracle.enriched import DESCRIBED

from .conftest import FakePlatform

NOW = datetime.now(UTC).replace(microsecond=0, tzinfo=None)


def price(event_id: str, amount: str = "75.5", second: float = 0, code: str = "CL") -> bytes:
    when = (NOW + timedelta(seconds=second)).isoformat() + "Z"
    return json.dumps({"commodity_code": code, "price": amount, "event_id": event_id, "event_time": when}).encode()


DIMENSION = [("new", "BBL", "CL"), ("gas", "X", "NG")]


class Stage:
    """A platform with a flow that watches it."""

    def __init__(self, platform: FakePlatform, pipeline: Pipeline) -> None:
        self.platform, self.pipeline = platform, pipeline
        self.flow: Flow = watch(platform, pipeline=pipeline)  # type: ignore[arg-type]
        self.tables(prices=[], bars=pd.DataFrame(columns=BAR_COLUMNS))

    def tables(self, *, prices: list[str] | None = None, bars: pd.DataFrame | None = None) -> None:
        if prices is not None:
            found = pd.DataFrame([[i, n] for i, n in Counter(prices).items()], columns=["event_id", "times"])
            self.platform.tables["db.prices"] = lambda: found
        if bars is not None:
            self.platform.tables["db.bars"] = lambda: bars

    def enrich(self, event_id: str, amount: str = "75.5", second: float = 0) -> None:
        when = (NOW + timedelta(seconds=second)).replace(tzinfo=UTC)
        self.platform.enrich(self.pipeline.enriched, "CL", event_id, amount, when)


@pytest.fixture
def stage(platform: FakePlatform, pipeline: Pipeline) -> Any:
    staged = Stage(platform, pipeline)
    yield staged
    staged.flow.close()


def test_an_audit_finds_nothing_where_all_arrived_once(stage: Stage) -> None:
    stage.platform.send(stage.pipeline.raw, price("a"), price("b"), b"poison")
    poison = stage.flow.poison().to_dict("records")[0]
    where = [("source_partition", str(poison["partition"])), ("source_offset", str(poison["offset"]))]
    stage.platform.send(stage.pipeline.dlq, b"poison", headers=[*where, ("reason", "no")])
    for event_id in ("a", "b"):
        stage.enrich(event_id)
    stage.tables(prices=["a", "b"])
    audit = stage.flow.audit("5 s")
    assert (audit.prices, audit.poison, audit.lost, audit.duplicated, audit.unexpected) == (2, 1, 0, 0, 0)
    assert stage.flow.dead_letters()[["reason", "message"]].values.tolist() == [["no", "poison"]]


def test_an_audit_tells_what_is_lost_what_is_twice_and_what_nobody_sent(stage: Stage) -> None:
    sent = ["lost", "twice", "half", "again", "again"]
    stage.platform.send(stage.pipeline.raw, *map(price, sent), b"?")
    for event_id in ("twice", "twice", "half", "again", "again", "foreign"):
        stage.enrich(event_id)
    stage.tables(prices=["twice", "again"])
    audit = stage.flow.audit(0)
    enriched, table, letters = audit.places
    assert (enriched.lost, enriched.duplicated, enriched.unexpected) == (["lost"], ["twice"], ["foreign"])
    assert table.lost == ["half", "lost"]
    assert len(letters.lost) == 1
    assert (audit.lost, audit.duplicated, audit.unexpected) == (3, 1, 1)
    assert audit.repeated == {"again": 2}
    assert "1 event ids sent more than once" in repr(audit)


def test_a_row_that_is_twice_in_the_table_is_found(stage: Stage) -> None:
    stage.platform.send(stage.pipeline.raw, price("a"))
    stage.enrich("a")
    stage.tables(prices=["a", "a"])
    assert stage.flow.audit(0).duplicated == 1


def test_an_audit_waits_until_the_platform_has_caught_up(stage: Stage) -> None:
    stage.platform.send(stage.pipeline.raw, price("a"))
    answers = [[], [], ["a"]]

    def table() -> pd.DataFrame:
        return pd.DataFrame([[i, 1] for i in answers.pop(0)], columns=["event_id", "times"])

    stage.platform.tables["db.prices"] = table
    stage.enrich("a")
    assert stage.flow.audit("20 s").lost == 0
    assert answers == []


def test_an_engine_that_comes_back_in_time_does_no_harm_and_one_that_does_not_is_named(stage: Stage) -> None:
    stage.platform.send(stage.pipeline.raw, price("a"))
    stage.enrich("a")
    troubles = [EngineError("Doris is away")]

    def table() -> pd.DataFrame:
        if troubles:
            raise troubles.pop()
        return pd.DataFrame([["a", 1]], columns=["event_id", "times"])

    stage.platform.tables["db.prices"] = table
    assert stage.flow.audit("20 s").lost == 0
    troubles.append(EngineError("Doris is away"))
    with pytest.raises(EngineError, match="away"):
        stage.flow.audit(0)


def test_bars_equal_the_oracle_and_a_wrong_one_does_not(stage: Stage) -> None:
    stage.platform.send(stage.pipeline.raw, price("a", "10"), price("b", "-36.98", 1), price("c", "20", 2))
    right = expected_bars(stage.flow.prices())
    stage.tables(bars=right)
    assert (stage.flow.bars(0).differing, stage.flow.bars(0).compared) == (0, len(right))
    wrong = right.copy()
    wrong.loc[0, "close_price"] = 7
    stage.tables(bars=wrong)
    found = stage.flow.bars(0)
    assert [d.column for d in found.differences] == ["close_price"]


def test_late_prices_are_left_out_of_the_bars_and_counted(stage: Stage) -> None:
    stage.platform.send(stage.pipeline.raw, price("a", "10"), price("late", "99"))
    prices = stage.flow.prices()
    stage.tables(bars=expected_bars(prices[prices["event_id"] == "a"]))
    assert stage.flow.bars(0).differing == 1
    stage.platform.send(stage.pipeline.late, b'{"event_id":"late","commodity_code":"CL"}')
    found = stage.flow.bars(0)
    assert (found.differing, found.left_out["late prices"]) == (0, 1)


def test_a_bar_that_still_grows_is_not_judged(stage: Stage) -> None:
    stage.platform.send(stage.pipeline.raw, price("a", "10"))

    def growing() -> pd.DataFrame:
        stage.platform.send(stage.pipeline.raw, price("b", "11", 0.001))
        return pd.DataFrame(columns=BAR_COLUMNS)

    stage.platform.tables["db.bars"] = growing
    found = stage.flow.bars(0)
    assert (found.differing, found.left_out["still growing"]) == (0, 1)


def test_alerts_are_those_of_the_enriched_topic(stage: Stage) -> None:
    stage.enrich("a", "100")
    stage.enrich("b", "150", 1)
    assert stage.flow.alerts("topic", 0).differing == 1
    alert = {
        "alert_id": "x", "commodity_code": "CL", "direction": "UP", "severity": "CRITICAL", "event_id": "b",
        "alert_type": "PRICE_CHANGE", "price": 150, "reference_price": "100.000000", "change_pct": 50.0,
        "event_time": (NOW + timedelta(seconds=1)).isoformat(" ", "milliseconds"),
    }  # fmt: skip
    stage.platform.send(stage.pipeline.alerts, json.dumps({**alert, "price": 150.0, "reference_price": 100}).encode())
    assert stage.flow.alerts("topic", 0).differing == 0
    stage.platform.tables["db.alerts"] = lambda: pd.DataFrame([alert], columns=["alert_id", *ALERT_COLUMNS])
    assert [d.column for d in stage.flow.alerts("table", 0).differences] == ["event_time", "reference_price"]


def test_an_alert_given_twice_or_out_of_nothing_is_found(stage: Stage) -> None:
    stage.enrich("a", "100")
    bogus = {"alert_id": "x", "commodity_code": "CL", "direction": "UP", "severity": "HIGH", "event_id": "zz",
             "event_time": NOW.isoformat()}  # fmt: skip
    stage.platform.send(stage.pipeline.alerts, json.dumps(bogus).encode(), json.dumps(bogus).encode())
    found = stage.flow.alerts("topic", 0)
    assert {(d.expected, d.actual) for d in found.differences} == {("none", "one"), ("one", "2 times")}


def test_a_price_is_traced_to_its_bar_or_to_the_late_prices(stage: Stage) -> None:
    stage.platform.send(stage.pipeline.raw, price("a", "-36.98"))
    assert stage.flow.trace("nobody", 0).missing == [stage.pipeline.raw]
    assert stage.flow.trace("a", 0).missing == [stage.pipeline.enriched, "db.prices", "db.bars"]
    stage.enrich("a", "-36.98")
    stage.platform.tables["db.prices"] = lambda: pd.DataFrame([{"event_id": "a", "enriched_at": NOW}])
    stage.platform.send(stage.pipeline.late, b'{"event_id":"a"}')
    way = stage.flow.trace("a", 0)
    assert way.missing == []
    assert [h.name for h in way.hops][-1] == stage.pipeline.late


def test_prices_can_be_waited_for_by_what_they_say(stage: Stage) -> None:
    message = b'{"commodity_code":"CL","price":-36.98,"source":"EIA","as_of":"2020-04-20"}'
    stage.platform.send(stage.pipeline.raw, price("other"), message)
    found = stage.flow.wait_for_prices(commodity_code="CL", as_of="2020-04-20", source="EIA", timeout="5 s")
    assert found["price"].tolist() == [Decimal("-36.98")]
    with pytest.raises(WaitTimeout, match="At least 2 prices with commodity_code CL, as_of 2020-04-20"):
        stage.flow.wait_for_prices(commodity_code="CL", as_of="2020-04-20", least=2, timeout=0)


def test_enriched_prices_are_those_of_the_dimension_and_changes_have_a_minute_to_show(stage: Stage) -> None:
    stage.platform.send(stage.pipeline.raw, price("a"), price("b", code="NG"))
    columns = [*DESCRIBED, "currency", "unit", "commodity_code", "updated_at", "deleted", "position"]
    rows = [[name, None, None, None, "USD", unit, code, NOW, False, None] for name, unit, code in DIMENSION]
    stage.platform.iceberg = SimpleNamespace(rows=lambda _: pd.DataFrame(rows, columns=columns, dtype=object))
    raw = {r["event_id"]: r for r in stage.flow.prices().to_dict("records")}
    for event_id, name in (("a", "old"), ("b", "gas")):
        added = {**dict.fromkeys(DESCRIBED), "name": name, "currency": "USD", "unit": "BBL" if name == "old" else "X"}
        row = {**raw[event_id], **added, "enriched_at": NOW}
        stage.flow._enriched.rows.append({str(k): v for k, v in row.items()})
    assert [(d.key, d.expected, d.actual) for d in stage.flow.enriched(0).differences] == [(("a",), "new", "old")]
    rows.append(["newer", None, None, None, "USD", "BBL", "CL", NOW + timedelta(seconds=1), False, None])
    changed = stage.flow.enriched(0)
    assert (changed.differing, changed.compared, changed.left_out["before the dimension changed"]) == (0, 1, 1)


def test_every_kind_of_poison_is_none_of_a_price_and_its_neighbours_are(
    platform: FakePlatform, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[tuple[str, bytes]] = []
    monkeypatch.setattr(platform.kafka, "produce", lambda topic, messages: sent.extend(messages), raising=False)
    outcome = send_poison(platform)  # type: ignore[arg-type]
    stamps = [int(datetime.now(UTC).timestamp() * 1000)] * len(sent)
    values = [value for _, value in sent]
    records = pd.DataFrame({"partition": 0, "offset": range(len(sent)), "timestamp": stamps, "value": values})
    parsed = parse_raw(records, "raw")
    assert parsed.poison["offset"].tolist() == list(range(1, len(sent), 2))
    assert (len(parsed.prices), len(outcome.poison)) == (outcome.good, outcome.good)


def test_of_a_repeated_event_as_many_copies_are_late_as_were_put_aside() -> None:
    prices: list[dict[str, Any]] = [{"event_id": "a", "n": 1}, {"event_id": "b", "n": 2}, {"event_id": "a", "n": 3}]
    assert [p["n"] for p in without(prices, ["a"])] == [1, 2]
    assert without(prices, ["a", "a", "b"]) == []


def test_a_dead_letter_without_a_position_is_told_apart() -> None:
    assert position({"p": b"2", "o": b"17"}, "p", "o") == (2, 17)
    assert position({"p": b"x"}, "p", "o") == (-1, -1)


def test_the_declared_pipeline_can_be_read() -> None:
    declared = load_pipeline()
    assert declared.raw != declared.enriched
    assert declared.tables.bars.count(".") == 1
