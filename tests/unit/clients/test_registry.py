"""The registry client: plans by difference in meaning, refusals before anything is changed, foreign errors."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from carbonlib._errors import ApplyError, EngineError, TargetUnreachable, UsageError, WaitTimeout
from carbonlib.clients.avro_diff import normal
from carbonlib.clients.registry import Registry, Schema, load_schemas

from .conftest import Rested

PRICE = {
    "type": "record", "name": "Price", "namespace": "carbon", "doc": "one price",
    "fields": [{"name": "code", "type": "string"}, {"name": "price", "type": {"type": "double"}}],
}  # fmt: skip
SUBJECT = "prices-value"


def with_field(**field: Any) -> dict[str, Any]:
    return {**PRICE, "fields": [*PRICE["fields"], field]}  # type: ignore[misc]


def schema(data: dict[str, Any] = PRICE, compatibility: str = "BACKWARD") -> Schema:
    return Schema(SUBJECT, json.dumps(data), compatibility)


@pytest.fixture
def registry(rested: Rested) -> Registry:
    rested.answers = {
        "GET /subjects": (200, [SUBJECT]),
        f"GET /subjects/{SUBJECT}/versions/latest": (200, {"id": 7, "version": 1, "schema": json.dumps(PRICE)}),
        f"GET /config/{SUBJECT}": (200, {"compatibilityLevel": "BACKWARD"}),
        f"POST /subjects/{SUBJECT}/versions": (200, {"id": 8}),
        f"PUT /config/{SUBJECT}": (200, {"compatibility": "BACKWARD"}),
        f"POST /compatibility/subjects/{SUBJECT}/versions/latest": (200, {"is_compatible": True}),
    }
    return Registry(rested.url + "/")


def test_a_registered_schema_gives_no_change_however_it_is_written(registry: Registry) -> None:
    same = {
        "type": "record",
        "name": "carbon.Price",
        "fields": [PRICE["fields"][0], {"name": "price", "type": "double"}],
    }
    assert len(registry.plan([schema(), schema(same)])) == 0


def test_an_absent_schema_is_registered_and_then_guarded(registry: Registry, rested: Rested) -> None:
    del rested.answers[f"GET /subjects/{SUBJECT}/versions/latest"]
    plan = registry.plan([schema()])
    assert rested.mutations() == []
    assert [c.action for c in plan.apply()] == ["create"]
    assert rested.mutations() == [f"POST /subjects/{SUBJECT}/versions", f"PUT /config/{SUBJECT}"]


def test_a_compatible_change_is_a_new_version(registry: Registry, rested: Rested) -> None:
    (change,) = registry.plan([schema(with_field(name="unit", type=["null", "string"], default=None))])
    assert (change.before, change.after) == ({"unit": None}, {"unit": "string or null, default null"})
    assert change.apply is not None
    change.apply()
    assert rested.asked[-1][0] == f"POST /subjects/{SUBJECT}/versions"


def test_a_level_that_differs_is_set(registry: Registry, rested: Rested) -> None:
    (change,) = registry.plan([schema(compatibility="FULL")]).apply()
    assert (change.before, change.after) == ({"compatibility": "BACKWARD"}, {"compatibility": "FULL"})
    assert rested.asked[-1] == (f"PUT /config/{SUBJECT}", {"compatibility": "FULL"})


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ({"is_compatible": False}, "the new field unit has no default"),
        ({"is_compatible": False, "messages": ["READER_FIELD_MISSING_DEFAULT_VALUE: unit"]}, "READER_FIELD_MISSING"),
    ],
)
def test_an_incompatible_change_is_refused_with_the_reason_before_anything_is_done(
    registry: Registry, rested: Rested, answer: Any, reason: str
) -> None:
    path = f"POST /compatibility/subjects/{SUBJECT}/versions/latest"
    rested.answers[path] = (200, answer)
    with pytest.raises(ApplyError, match="not BACKWARD compatible") as error:
        registry.plan([schema(with_field(name="unit", type="string"))])
    assert reason in error.value.cause
    assert "What would change: unit: absent → string." in error.value.message
    assert rested.mutations() == [f"{path}?verbose=true"]
    assert not registry.accepts(SUBJECT, with_field(name="unit", type="string"))


def test_a_changed_type_is_named(registry: Registry, rested: Rested) -> None:
    rested.answers[f"POST /compatibility/subjects/{SUBJECT}/versions/latest"] = (200, {"is_compatible": False})
    other = {**PRICE, "fields": [{"name": "code", "type": "long"}]}
    assert registry.check_compatible(SUBJECT, other) == ["the type of code changes from string to long"]


def test_a_schema_that_the_registry_refuses_is_an_apply_error(registry: Registry, rested: Rested) -> None:
    del rested.answers[f"GET /subjects/{SUBJECT}/versions/latest"]
    rested.answers[f"POST /subjects/{SUBJECT}/versions"] = (422, {"error_code": 42201, "message": "Invalid schema"})
    with pytest.raises(ApplyError) as error:
        registry.plan([schema()]).apply()
    assert error.value.cause == "Invalid schema"


def test_without_a_level_of_its_own_a_subject_has_none(registry: Registry) -> None:
    assert registry.compatibility("other-value") is None
    assert registry.latest("other-value") is None
    assert registry.subjects() == [SUBJECT]


def test_files_are_subjects(tmp_path: Path) -> None:
    (tmp_path / "prices.avsc").write_text(json.dumps(PRICE))
    (tmp_path / "prices-key.avsc").write_text('{"type": "string"}')
    assert [s.subject for s in load_schemas(tmp_path)] == ["prices-key", "prices-value"]
    assert load_schemas(tmp_path)[1].parsed() == PRICE
    (tmp_path / "broken.avsc").write_text("{")
    with pytest.raises(UsageError, match=r"broken\.avsc is not JSON"):
        load_schemas(tmp_path)


def test_a_subject_of_a_connector_is_guarded_before_the_connector_registers_anything(
    registry: Registry, rested: Rested, tmp_path: Path
) -> None:
    (tmp_path / "subjects.yaml").write_text(f"{SUBJECT}: BACKWARD\nlater-value: FULL\n")
    rested.answers["PUT /config/later-value"] = (200, {"compatibility": "FULL"})
    (change,) = registry.plan(load_schemas(tmp_path)).apply()
    assert (change.object, change.after) == ("schema/later-value", {"compatibility": "FULL"})
    assert rested.mutations() == ["PUT /config/later-value"]
    (tmp_path / "subjects.yaml").write_text(f"{SUBJECT}: SIDEWAYS\n")
    with pytest.raises(UsageError, match="one level a subject"):
        load_schemas(tmp_path)


def test_the_newest_schema_comes_with_its_id_and_a_subject_is_not_removed_by_mistake(
    registry: Registry, rested: Rested
) -> None:
    assert registry.newest(SUBJECT) == (7, PRICE)
    with pytest.raises(EngineError, match="no schema of other-value"):
        registry.newest("other-value")
    with pytest.raises(UsageError, match="cannot be read"):
        registry.delete(SUBJECT)
    assert rested.mutations() == []


def test_documentation_and_spelling_mean_nothing_but_defaults_and_logical_types_do() -> None:
    decimal = {"type": "bytes", "logicalType": "decimal", "precision": 18, "scale": 6}
    assert normal({"type": "string"}) == normal("string")
    assert normal(decimal) != normal({**decimal, "scale": 2})
    assert normal(with_field(name="u", type="string", default="")) != normal(with_field(name="u", type="string"))


def test_nobody_there_is_unreachable_and_waiting_for_it_ends() -> None:
    registry = Registry("http://127.0.0.1:9")
    assert not registry.reachable()
    with pytest.raises(TargetUnreachable, match="schema registry"):
        registry.subjects()
    with pytest.raises(WaitTimeout, match="does not answer"):
        registry.wait(0.3)
