"""Who is restarted for giving no answer, and who is not."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from carbonlib._errors import EngineError
from carbonlib.config import Settings
from carbonlib.local import manifest, probes, watch
from carbonlib.local.liveness import ROUNDS_TO_STOP, Judge, Rule, rule_of
from carbonlib.local.restarts import Restarts

RULE = Rule({"tcp": "1"}, failures=3, grace_s=60, stop_signal="INT")


@pytest.fixture
def where(tmp_path: Path) -> Settings:
    return Settings(state=tmp_path / "state", port_base=40000, cache=tmp_path / "cache")


def hear(judge: Judge, *reasons: str, pid: int = 1, age: float = 100) -> list[str | None]:
    return [judge.hear("kafka-1", pid, age, reason, RULE) for reason in reasons]


def test_silence_in_a_row_ends_in_a_restart() -> None:
    assert hear(Judge(), "", "no", "no", "no") == [None, None, None, "stop"]


def test_one_answer_between_begins_anew() -> None:
    assert hear(Judge(), "no", "no", "", "no", "no") == [None] * 5


def test_who_does_not_end_when_asked_is_killed_after_some_rounds() -> None:
    heard = hear(Judge(), *["no"] * (3 + ROUNDS_TO_STOP))
    assert heard == [None, None, "stop", None, None, "kill"]


def test_a_process_that_was_just_started_has_its_grace_until_its_first_answer() -> None:
    judge = Judge()
    assert hear(judge, *["no"] * 9, age=59) == [None] * 9
    assert hear(judge, "", "no", "no", "no", age=20)[-1] == "stop"
    assert hear(Judge(), *["no"] * 3, age=61)[-1] == "stop"


def test_another_run_of_the_process_begins_without_a_record() -> None:
    judge = Judge()
    hear(judge, "no", "no")
    assert hear(judge, "no", "no", pid=2) == [None, None]


def test_no_rule_restarts_in_less_than_half_a_minute(where: Settings) -> None:
    period = manifest.declared()["liveness"]["period_s"]
    watched = {kind: rule_of(where, kind) for kind, spec in manifest.declared()["processes"].items() if "alive" in spec}
    assert {"kafka", "postgres", "registry", "connect", "jobmanager", "doris", "apis"} <= set(watched)
    assert all(rule is not None and (rule.failures - 1) * period >= 30 for rule in watched.values())


def test_every_question_is_asked_on_a_port_of_its_own_process(where: Settings) -> None:
    for kind, spec in manifest.declared()["processes"].items():
        rule = rule_of(where, f"{kind}-2" if "replicas" in spec else kind)
        if rule is None:
            continue
        own = {str(manifest.ports_of(where, 1 if "replicas" in spec else 0)[role]) for role in spec["listens"]}
        assert set(re.findall(r"\b\d{5}\b", " ".join(v for k, v in rule.probe.items() if k != "ask"))) <= own
        assert rule.probe and "$" not in str(rule.probe)


def test_a_process_without_a_rule_or_that_nobody_declared_is_left_alone(where: Settings) -> None:
    assert rule_of(where, "watch") is None
    assert rule_of(where, "somebody-else") is None


# -- questions ------------------------------------------------------------------------------------------------------


@pytest.fixture
def hanging() -> Iterator[int]:
    """A port that takes connections and never answers, as a stopped process does."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


@pytest.fixture
def answering() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.sendall(b"S" if connection.recv(100) == b"\x00\x01" else b"")

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        thread.join(5)


def test_a_port_that_only_listens_is_no_answer_to_a_question(hanging: int) -> None:
    assert probes.silence({"tcp": str(hanging)}, 0.2) == ""
    assert "timed out" in probes.silence({"tcp": str(hanging), "ask": "0001"}, 0.2)
    assert "no answer within 0.2 s" in probes.silence({"http": f"http://127.0.0.1:{hanging}/"}, 0.2)


def test_an_answered_question_is_an_answer(answering: int) -> None:
    assert probes.silence({"tcp": str(answering), "ask": "00 01"}, 2) == ""


def test_of_several_questions_each_must_be_answered(hanging: int) -> None:
    listening, asked = {"tcp": str(hanging)}, {"http": f"http://127.0.0.1:{hanging}/"}
    assert "no answer" in probes.silence({**listening, **asked}, 0.2)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        assert "refused" in probes.silence({**asked, "tcp": str(free.getsockname()[1])}, 0.2)


def test_a_server_that_speaks_first_is_waited_for(hanging: int) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def greet() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.sendall(b"welcome")

        thread = threading.Thread(target=greet, daemon=True)
        thread.start()
        assert probes.silence({"tcp": str(listener.getsockname()[1]), "ask": ""}, 2) == ""
        thread.join(5)
    assert "timed out" in probes.silence({"tcp": str(hanging), "ask": ""}, 0.2)


def test_a_closed_connection_is_no_answer(answering: int) -> None:
    assert "closed without an answer" in probes.silence({"tcp": str(answering), "ask": "ff"}, 2)


def test_a_sign_is_fresh_for_a_while_only(tmp_path: Path) -> None:
    pulse = tmp_path / "pulse"
    assert "No such file" in probes.silence({"fresh": str(pulse)}, 1)
    pulse.touch()
    assert probes.silence({"fresh": str(pulse)}, 1) == ""


def test_a_proxy_in_the_environment_is_not_asked(hanging: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{hanging}")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    assert "refused" in probes.silence({"http": f"http://127.0.0.1:{port}/"}, 2)


# -- rounds ---------------------------------------------------------------------------------------------------------


class Recorded:
    """A supervisor that notes the signals it is given."""

    def __init__(self, **states: Mapping[str, Any]) -> None:
        self._states, self.signals = states, []  # type: ignore[var-annotated]

    def states(self) -> Mapping[str, Mapping[str, Any]]:
        return self._states

    def signal(self, name: str, signal: str) -> None:
        self.signals.append((name, signal))
        if self._states[name].get("ended"):
            raise EngineError("supervisord refused.", cause="NOT_RUNNING")


def running(**more: Any) -> dict[str, Any]:
    return {"statename": "RUNNING", "pid": 7, "start": 0, "now": 1000, **more}


def test_only_the_process_that_hangs_gets_its_stop_signal(where: Settings) -> None:
    failures = manifest.declared()["liveness"]["failures"]
    supervision = Recorded(postgres=running(), apis={"statename": "STOPPED", "pid": 0}, taskmanager=running())
    watched = watch.Watch(where, supervision, 0.01)
    for _ in range(failures):
        watched.round()
    assert supervision.signals == [("postgres", "INT")]


def test_a_process_that_is_gone_when_it_should_be_signalled_is_no_error(
    where: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    supervision = Recorded(apis=running(ended=True))
    watched = watch.Watch(where, supervision, 0.01)
    for _ in range(manifest.declared()["liveness"]["failures"]):
        watched.round()
    assert supervision.signals == [("apis", "TERM")]
    assert "answers no more" in caplog.text and "NOT_RUNNING" in caplog.text


def test_a_round_in_which_the_machine_stood_still_counts_for_nobody(
    where: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    supervision = Recorded(apis=running())
    watched = watch.Watch(where, supervision, 0.01)
    monkeypatch.setattr(watch, "_lateness", lambda seconds: watch.LATE_SECONDS + 1)
    for _ in range(3 * manifest.declared()["liveness"]["failures"]):
        watched.round()
    assert supervision.signals == []


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_the_watch_ends_when_what_restarts_connectors_has_ended(
    where: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unforeseen(_: Any) -> None:
        raise RuntimeError("nobody foresaw this")

    declared = {**manifest.declared(), "liveness": {**manifest.declared()["liveness"], "period_s": 0.01}}
    monkeypatch.setattr(manifest, "declared", lambda: declared)
    monkeypatch.setattr(Restarts, "round", unforeseen)
    arguments = ["--state", str(where.state), "--port-base", "40000", "--pulse", str(tmp_path / "pulse")]
    assert watch.main(arguments) == 1
