"""The Connect client: declarations, diff, and what each answer of a worker becomes."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from carbonlib._errors import ApplyError, CarbonError, EngineError, TargetUnreachable, UsageError, WaitTimeout
from carbonlib._project import MANIFESTS
from carbonlib.clients import connect as module
from carbonlib.clients.connect import Connect, Connector, load_connectors
from carbonlib.clients.connectors import difference, last_cause
from carbonlib.references import names

from .conftest import Rested

PLUGIN = "carbon.Source"
TRACE = (
    "org.apache.kafka.connect.errors.ConnectException: Unrecoverable\n\tat a.b.C.run(C.java:1)\n"
    "Caused by: org.apache.kafka.connect.errors.ConnectException: RWTC: GET http://h/ answered HTTP 403: no\n"
    "\t... 3 more\n"
)


def status(name: str = "a", state: str = "RUNNING", tasks: tuple[str, ...] = ("RUNNING",), trace: str = "") -> Any:
    return {
        "status": {
            "name": name, "type": "source", "connector": {"state": state, "worker_id": "w1:1"},
            "tasks": [{"id": i, "state": t, "worker_id": "w1:1", "trace": trace} for i, t in enumerate(tasks)],
        },
        "info": {"config": {"connector.class": PLUGIN, "interval": "500", "name": name}},
    }  # fmt: skip


def validated(**errors: str) -> tuple[int, Any]:
    fields = {"interval": "", **errors}
    entries = [{"value": {"name": k, "errors": [v] if v else []}} for k, v in fields.items()]
    return 200, {"error_count": len(errors), "configs": entries}


@pytest.fixture
def connect(rested: Rested) -> Connect:
    rested.answers = {
        "GET /connectors": (200, {"a": status()}),
        "GET /connector-plugins": (200, [{"class": PLUGIN, "type": "source"}]),
        f"PUT /connector-plugins/{PLUGIN}/config/validate": validated(),
        "PUT /connectors/a/config": (200, {}),
        "PUT /connectors/b/config": (201, {}),
    }
    return Connect(rested.url)


def declared(name: str = "a", **config: str) -> Connector:
    return Connector(name, {"connector.class": PLUGIN, "interval": "500", **config})


# -- declarations ---------------------------------------------------------------------------------------------------


def test_the_projects_connectors_load_and_hold_no_secret() -> None:
    folder = MANIFESTS / "connect" / "connectors"
    files = {path.stem: path.read_text(encoding="utf-8") for path in folder.glob("*.json")}
    values = {name: "here" for text in files.values() for name in names(text)}
    connectors = load_connectors(folder, values)
    every = load_connectors(folder, values, include_disabled=True)
    assert {c.name for c in every} == set(files)
    assert [c.name for c in every if c not in connectors] == ["doris-trial", "fred-prices"]
    for connector in every:
        assert not names(json.dumps(connector.config))
        for key, value in connector.config.items():
            if re.search(r"password|secret|token", key):
                assert value.startswith("${env:"), f"{connector.name}: {key}"
        if "http.request.url" in connector.config:
            config = connector.config
            assert "${env:" in config.get("http.request.headers", "") + config["http.request.params"]


@pytest.mark.parametrize(
    "text",
    ["{", "[]", '{"name": "b", "config": {}}', '{"name": "a", "config": {"tasks.max": 1}}', '{"name": "a"}',
     '{"name": "a", "config": {}, "enabled": "no"}', '{"name": "a", "config": {}, "Enabled": false}'],
)  # fmt: skip
def test_a_file_that_declares_no_connector_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(UsageError, match=r"a\.json"):
        load_connectors(tmp_path, {})


# -- plan -----------------------------------------------------------------------------------------------------------


def test_a_live_connector_as_declared_gives_no_change(connect: Connect, rested: Rested) -> None:
    assert len(connect.plan([declared()])) == 0
    assert rested.mutations() == []


def test_only_what_differs_is_shown_and_the_whole_config_is_put(connect: Connect, rested: Rested) -> None:
    (change,) = connect.plan([declared(interval="900", topic="t")])
    assert (change.action, change.before) == ("update", {"interval": "500", "topic": None})
    assert change.after == {"interval": "900", "topic": "t"}
    assert change.apply is not None
    change.apply()
    assert rested.asked[-1] == (
        "PUT /connectors/a/config",
        {"connector.class": PLUGIN, "interval": "900", "topic": "t"},
    )


def test_a_field_that_is_no_longer_declared_is_a_change(connect: Connect) -> None:
    (change,) = connect.plan([Connector("a", {"connector.class": PLUGIN})])
    assert (change.before, change.after) == ({"interval": "500"}, {"interval": None})


def test_an_absent_connector_is_validated_and_created(connect: Connect, rested: Rested) -> None:
    (change,) = connect.plan([declared("b")])
    assert (change.action, change.before) == ("create", None)
    assert rested.mutations() == [f"PUT /connector-plugins/{PLUGIN}/config/validate"]


def test_a_failed_task_is_restarted_without_a_change_of_config(connect: Connect, rested: Rested) -> None:
    rested.answers["GET /connectors"] = (200, {"a": status(tasks=("RUNNING", "FAILED"), trace=TRACE)})
    rested.answers["POST /connectors/a/restart"] = (202, {})
    (change,) = connect.plan([declared()])
    assert (change.action, change.after) == ("restart", "RUNNING")
    assert change.before == "task 1: ConnectException: RWTC: GET http://h/ answered HTTP 403: no"
    assert change.apply is not None
    change.apply()
    assert rested.asked[-1][0] == "POST /connectors/a/restart?includeTasks=true&onlyFailed=true"


def test_a_wrong_field_is_named_with_its_message(connect: Connect, rested: Rested) -> None:
    rested.answers[f"PUT /connector-plugins/{PLUGIN}/config/validate"] = validated(
        url="must be an address", key="is absent"
    )
    with pytest.raises(UsageError) as error:
        connect.plan([declared(url="x")])
    assert error.value.cause == "url: must be an address; key: is absent"


def test_a_plugin_that_no_worker_has_is_named(connect: Connect) -> None:
    with pytest.raises(UsageError, match=r"no worker has the plugin 'x\.Y'"):
        connect.validate("a", {"connector.class": "x.Y"})
    configs = [{"connector.class": "x.Y", "value.converter": "x.Z"}, {"connector.class": PLUGIN}]
    assert connect.missing_plugins(configs) == ["x.Y", "x.Z"]


def test_a_refused_config_is_an_apply_error_with_the_workers_reason(connect: Connect, rested: Rested) -> None:
    rested.answers["PUT /connectors/b/config"] = (400, {"error_code": 400, "message": "Connector config is invalid"})
    with pytest.raises(ApplyError) as error:
        connect.plan([declared("b")]).apply()
    assert error.value.cause == "Connector config is invalid"


def test_a_rebalance_is_waited_out(connect: Connect, rested: Rested) -> None:
    busy = (409, {"error_code": 409, "message": "Cannot complete request momentarily due to stale configuration"})
    rested.answers["PUT /connectors/b/config"] = [busy, (201, {})]
    assert len(connect.plan([declared("b")]).apply()) == 1


def test_a_rebalance_without_end_is_said(connect: Connect, rested: Rested, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "REBALANCE_SECONDS", 0.0)
    rested.answers["GET /connectors"] = (409, {"error_code": 409, "message": "rebalance"})
    with pytest.raises(WaitTimeout, match="did not end their rebalance"):
        connect.status()


def test_secrets_are_masked_in_a_diff_and_references_are_not() -> None:
    connector = Connector("a", {"database.password": "p1", "sasl.secret": "${env:X}", "topic": "t"})
    before, after = difference(connector, {"name": "a", "database.password": "p0"})
    assert before == {"database.password": "***", "sasl.secret": None, "topic": None}
    assert after == {"database.password": "***", "sasl.secret": "${env:X}", "topic": "t"}


# -- states ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("live", "expected"),
    [
        ({}, ("ABSENT", False, "declared, but not there")),
        ({"a": status()}, ("RUNNING", True, "")),
        ({"a": status(tasks=())}, ("RUNNING", False, "not every task is running")),
        ({"a": status(state="PAUSED", tasks=("PAUSED",))}, ("PAUSED", False, "not every task is running")),
        ({"a": status(tasks=("FAILED",), trace="x.Y: no\n")}, ("FAILED", False, "task 0: Y: no")),
    ],
)
def test_a_summary_says_what_is_wrong(
    connect: Connect, rested: Rested, live: Any, expected: tuple[str, bool, str]
) -> None:
    rested.answers["GET /connectors"] = (200, live)
    summary = connect.summary("a")
    assert (summary["state"], summary["ok"], summary["problem"]) == expected


def test_a_sink_counts_the_records_it_has_taken(connect: Connect, rested: Rested) -> None:
    entry = status()
    entry["status"]["type"] = "sink"
    rested.answers["GET /connectors"] = (200, {"a": entry})
    offsets = [{"partition": {"kafka_partition": p}, "offset": {"kafka_offset": 40 + p}} for p in (0, 1)]
    rested.answers["GET /connectors/a/offsets"] = (200, {"offsets": offsets})
    assert connect.summary("a")["progress"] == 81


def test_wait_ends_when_every_task_runs(connect: Connect, rested: Rested) -> None:
    rested.answers["GET /connectors"] = [(200, {}), (200, {"a": status(tasks=())}), (200, {"a": status()})]
    assert connect.wait(["a"], 5)["a"].running
    assert connect.workers() == ["w1:1"]
    assert connect.wait([], 5) == {}


def test_wait_raises_the_last_cause_of_a_failed_task(
    connect: Connect, rested: Rested, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "FAILED_SECONDS", 0.2)
    rested.answers["GET /connectors"] = (200, {"a": status(tasks=("FAILED",), trace=TRACE)})
    with pytest.raises(EngineError, match="Connector a has failed") as error:
        connect.wait(["a"], 20)
    assert error.value.cause == "task 0: ConnectException: RWTC: GET http://h/ answered HTTP 403: no"


def test_wait_forgives_a_failure_that_a_restart_ends(connect: Connect, rested: Rested) -> None:
    failed = (200, {"a": status(tasks=("FAILED",), trace=TRACE)})
    rested.answers["GET /connectors"] = [failed, failed, (200, {"a": status()})]
    assert connect.wait(["a"], 20)["a"].running


def test_wait_is_not_taken_in_by_a_task_that_fails_in_its_first_poll(
    connect: Connect, rested: Rested, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "FAILED_SECONDS", 0.2)
    rested.answers["GET /connectors"] = [(200, {"a": status()}), (200, {"a": status(tasks=("FAILED",), trace=TRACE)})]
    with pytest.raises(EngineError, match="Connector a has failed"):
        connect.wait(["a"], 20)


def test_wait_says_who_does_not_run_when_time_is_up(connect: Connect) -> None:
    with pytest.raises(WaitTimeout, match="b is ABSENT"):
        connect.wait(["a", "b"], 0.3)


def test_the_innermost_cause_is_taken_from_a_trace() -> None:
    assert last_cause(TRACE) == "ConnectException: RWTC: GET http://h/ answered HTTP 403: no"
    assert last_cause("") == ""


# -- acting ---------------------------------------------------------------------------------------------------------


def test_pause_and_resume_wait_for_their_effect(connect: Connect, rested: Rested) -> None:
    rested.answers["PUT /connectors/a/pause"] = rested.answers["PUT /connectors/a/resume"] = (202, None)
    paused = (200, {"a": status(state="PAUSED", tasks=("PAUSED",))})
    rested.answers["GET /connectors"] = [(200, {"a": status()}), paused]
    connect.pause("a", 5)
    rested.answers["GET /connectors"] = [paused, (200, {"a": status()})]
    connect.resume("a", 5)
    assert rested.mutations() == ["PUT /connectors/a/pause", "PUT /connectors/a/resume"]


def test_nothing_is_destroyed_without_leave(connect: Connect, rested: Rested) -> None:
    for act in (connect.reset_offsets, connect.delete):
        with pytest.raises(UsageError, match="allow_destroy"):
            act("a")
    assert rested.mutations() == []


def test_offsets_are_reset_while_the_connector_is_stopped(connect: Connect, rested: Rested) -> None:
    live = {"state": status()}

    def turn(state: Any) -> Any:
        def answer(body: Any) -> tuple[int, Any]:
            live["state"] = state
            return 202, None

        return answer

    rested.answers["GET /connectors"] = lambda body: (200, {"a": live["state"]})
    rested.answers["PUT /connectors/a/stop"] = turn(status(state="STOPPED", tasks=()))
    rested.answers["PUT /connectors/a/resume"] = turn(status())
    rested.answers["DELETE /connectors/a/offsets"] = (200, {"message": "reset"})
    connect.reset_offsets("a", allow_destroy=True)
    verbs = ["PUT /connectors/a/stop", "DELETE /connectors/a/offsets", "PUT /connectors/a/resume"]
    assert rested.mutations() == verbs


def test_moved_offsets_are_sent_while_it_is_stopped_and_it_runs_again_even_when_they_are_refused(
    connect: Connect, rested: Rested
) -> None:
    live = {"state": status()}

    def turn(state: Any) -> Any:
        def answer(body: Any) -> tuple[int, Any]:
            live["state"] = state
            return 202, None

        return answer

    place = {"partition": {"kafka_topic": "t", "kafka_partition": 0}, "offset": {"kafka_offset": 5}}
    rested.answers["GET /connectors"] = lambda body: (200, {"a": live["state"]})
    rested.answers["PUT /connectors/a/stop"] = turn(status(state="STOPPED", tasks=()))
    rested.answers["PUT /connectors/a/resume"] = turn(status())
    rested.answers["PATCH /connectors/a/offsets"] = (200, {"message": "altered"})
    with pytest.raises(UsageError, match="allow_destroy"):
        connect.move_offsets("a", [place])
    connect.move_offsets("a", [place], allow_destroy=True)
    verbs = ["PUT /connectors/a/stop", "PATCH /connectors/a/offsets", "PUT /connectors/a/resume"]
    assert rested.mutations() == verbs
    assert ("PATCH /connectors/a/offsets", {"offsets": [place]}) in rested.asked
    rested.answers["PATCH /connectors/a/offsets"] = (400, {"error_code": 400, "message": "no such partition"})
    with pytest.raises(ApplyError) as error:
        connect.move_offsets("a", [place], allow_destroy=True)
    assert error.value.cause == "no such partition" and live["state"] == status()


def test_an_unknown_connector_is_named_with_the_live_ones(connect: Connect) -> None:
    with pytest.raises(UsageError, match="There is no connector 'nobody'") as error:
        connect.restart_failed("nobody")
    assert error.value.remedy == "Live ones: a."


# -- foreign errors -------------------------------------------------------------------------------------------------


def test_nobody_there_is_unreachable() -> None:
    connect = Connect("http://127.0.0.1:9")
    assert not connect.reachable()
    with pytest.raises(TargetUnreachable, match="does not answer") as error:
        connect.plugins()
    assert error.value.notebook == "deploy-20"


def test_an_address_that_is_none_is_unreachable() -> None:
    with pytest.raises(TargetUnreachable):
        Connect("http://127.0.0.1:notaport").status()


@pytest.mark.parametrize(
    "answer", [(200, b"<html>proxy</html>"), (500, b"<html>oops</html>"), (500, {"message": "boom"})]
)
def test_an_answer_that_is_no_answer_is_an_error_of_ours(connect: Connect, rested: Rested, answer: Any) -> None:
    rested.answers["GET /connectors"] = answer
    with pytest.raises(CarbonError) as error:
        connect.status()
    assert isinstance(error.value, EngineError)
    assert any(word in error.value.cause for word in ("proxy", "oops", "boom"))
