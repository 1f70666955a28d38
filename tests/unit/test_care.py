"""Care of connectors: what is planned, what is refused, and what a template makes; the workers are a double."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from carbonlib import care
from carbonlib._errors import UsageError, WaitTimeout
from carbonlib.clients.connectors import ConnectorState, TaskState


class FakeConnect:
    """As much of the Connect client as care uses: states that change when they are told to."""

    def __init__(self) -> None:
        good, bad = TaskState(0, "RUNNING", "w:1"), TaskState(1, "FAILED", "w:1", "SQLException: no such table")
        self.live = {
            "a": ConnectorState("a", "sink", "RUNNING", "w:1", [good]),
            "b": ConnectorState("b", "source", "RUNNING", "w:1", [good, bad]),
        }
        self.done: list[Any] = []
        self.places: list[dict[str, Any]] = [
            {"partition": {"kafka_topic": "t", "kafka_partition": p}, "offset": {"kafka_offset": o}}
            for p, o in ((0, 50), (1, 3))
        ] + [{"partition": {"kafka_topic": "t", "kafka_partition": 2}, "offset": None}]

    def status(self) -> dict[str, ConnectorState]:
        return self.live

    def offsets(self, name: str) -> list[dict[str, Any]]:
        return self.places

    def summary(self, name: str) -> dict[str, Any]:
        return {"state": self.live[name].state, "progress": 7}

    def move_offsets(self, name: str, offsets: list[Any], *, allow_destroy: bool) -> None:
        self.places = offsets

    def __getattr__(self, name: str) -> Any:
        return lambda *values, **options: self.done.append((name, *values))


@pytest.fixture
def platform() -> Any:
    log = ["a INFO quiet", "a ERROR WorkerSinkTask{id=b-1} it broke", "a ERROR WorkerSinkTask{id=c-0} other"]
    target = SimpleNamespace(
        log_lines=lambda layer, words, most: [("connect-1", x) for x in log if any(w in x for w in words)][-most:]
    )
    return SimpleNamespace(connect=FakeConnect(), target=target, values=lambda: {"kafka.replication": "3"})


def test_a_state_is_reached_by_one_change_or_none(platform: Any) -> None:
    (change,) = care.plan_state(platform, "a", "PAUSED").apply()
    assert (change.action, change.before, change.after) == ("stop", "RUNNING", "PAUSED")
    assert platform.connect.done == [("pause", "a")]
    assert len(care.plan_state(platform, "a", "RUNNING")) == 0
    with pytest.raises(UsageError, match="no state of a connector"):
        care.plan_state(platform, "a", "ASLEEP")
    with pytest.raises(UsageError, match="no connector 'z'") as error:
        care.plan_state(platform, "z", "PAUSED")
    assert error.value.remedy == "Live ones: a, b."


def test_a_sink_goes_back_and_not_before_the_beginning(platform: Any) -> None:
    assert list(care.offsets(platform, "a")["offset"]) == ["kafka_offset=50", "kafka_offset=3", "none yet"]
    assert len(care.plan_offsets(platform, "a", back=0, allow_destroy=False)) == 0
    with pytest.raises(UsageError, match="take in records again"):
        care.plan_offsets(platform, "a", back=10, allow_destroy=False)
    plan = care.plan_offsets(platform, "a", back=10, allow_destroy=True)
    (change,) = plan
    assert (change.before, change.after) == ({"t-0": 50, "t-1": 3}, {"t-0": 40, "t-1": 0})
    plan.apply()
    assert care.behind(platform, "a", plan) == []
    platform.connect.places[0]["offset"]["kafka_offset"] = 39
    assert care.behind(platform, "a", plan) == ["t-0"]


def test_a_source_has_offsets_of_its_own_kind(platform: Any) -> None:
    with pytest.raises(UsageError, match="b is a source"):
        care.plan_offsets(platform, "b", back=1, allow_destroy=True)


def test_a_failure_is_told_in_one_line_with_the_lines_that_name_it(platform: Any) -> None:
    found = care.diagnose(platform)
    assert found.failed == ["b"]
    assert "SQLException: no such table" in set(found.table["last cause"])
    assert list(found.log["line"]) == ["a ERROR WorkerSinkTask{id=b-1} it broke"]
    healthy = care.diagnose(platform, "a")
    assert healthy.failed == [] and len(healthy.log) == 2


def test_only_what_has_failed_is_restarted_and_once(platform: Any) -> None:
    plan = care.plan_repair(platform)
    assert [(c.object, c.before) for c in plan] == [("connector/b", "SQLException: no such table")]
    plan.apply()
    assert platform.connect.done == [("restart_failed", "b")]
    platform.connect.live["b"] = platform.connect.live["a"]
    assert plan.apply().changes == [] and len(care.plan_repair(platform)) == 0


def test_progress_is_waited_for(platform: Any) -> None:
    connector = SimpleNamespace(name="a")
    assert care.moved(platform, connector, least=7, timeout=1) == 7  # type: ignore[arg-type]
    with pytest.raises(WaitTimeout, match="moving 8 records"):
        care.moved(platform, connector, least=8, timeout=0.1)  # type: ignore[arg-type]
    assert care.without_progress(platform, ["a"], 0.1) == ["a"]
    assert care.without_progress(platform, [], 0.1) == []


def test_a_template_makes_a_connector_of_what_it_is_given(
    platform: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = {"topics": "${new.topic}", "dlq": "${new.name}-dlq", "rf": "${kafka.replication}", "key": "${env:KEY}"}
    (tmp_path / "copy.json").write_text(json.dumps({"about": "copies", "config": config}))
    monkeypatch.setattr(care, "TEMPLATES", tmp_path)
    assert care.templates().to_dict("records") == [{"template": "copy", "wants": "name, topic"}]
    made = care.from_template(platform, "copy", "mine", {"topic": "t"})
    assert made.config == {"topics": "t", "dlq": "mine-dlq", "rf": "3", "key": "${env:KEY}"}
    for template, name, values, message in (
        ("other", "mine", {"topic": "t"}, "no template 'other'"),
        ("copy", "mine", {}, "not given what it wants"),
        ("copy", "mine", {"topic": "t", "extra": "x"}, "not given what it wants"),
        ("copy", "noaa-weather", {"topic": "t"}, "declares a connector noaa-weather itself"),
    ):
        with pytest.raises(UsageError, match=message):
            care.from_template(platform, template, name, values)


def test_only_connectors_of_nobody_are_removed(platform: Any) -> None:
    assert len(care.plan_removal(platform, "gone")) == 0
    assert len(care.plan_removal(platform, "a", keep=True)) == 0
    care.plan_removal(platform, "a").apply()
    assert platform.connect.done == [("delete", "a")]
    with pytest.raises(UsageError, match="The project declares"):
        care.plan_removal(platform, "noaa-weather")


@pytest.mark.parametrize("path", sorted(care.TEMPLATES.glob("*.json")), ids=lambda p: p.stem)
def test_every_template_of_the_project_is_whole(path: Path) -> None:
    data = json.loads(path.read_text())
    assert set(data) == {"about", "config"} and all(isinstance(v, str) for v in data["config"].values())
    sink = "topics" in data["config"]
    assert not sink or data["config"]["errors.deadletterqueue.context.headers.enable"] == "true"
