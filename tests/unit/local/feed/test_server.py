"""Who may listen, what a listener gets, and the faults of a drill."""

from __future__ import annotations

import socket
import time
from pathlib import Path

import aiohttp
import httpx
import pytest

from carbonlib.local.feed.__main__ import main

from .conftest import TOKEN, Served

FROM_THE_FIRST = '{"subscribe": "prices", "after": 0}'
FROM_NOW = '{"subscribe": "prices"}'


def test_a_listener_gets_what_it_has_missed_and_then_what_falls_due(served: Served) -> None:
    served.wall.seconds += 0.2
    frames = served.listen(FROM_THE_FIRST, 4)
    assert frames[0] == {"type": "subscribed", "after": 0}
    assert [frame["seq"] for frame in frames[1:]] == [1, 2, 3]
    assert served.stats()["counts"] == {"connections": 1, "ticks": 3}


@pytest.mark.parametrize("first", [FROM_NOW, '{"subscribe": "prices", "after": -1}'])
def test_without_a_number_a_listener_begins_now(served: Served, first: str) -> None:
    served.wall.seconds += 2
    assert served.listen(first, 1) == [{"type": "subscribed", "after": 21}]


def test_what_is_no_longer_kept_is_named_as_a_gap(served: Served) -> None:
    served.wall.seconds += 10
    frames = served.listen(FROM_THE_FIRST, 3)
    assert frames[1] == {"type": "gap", "gap": {"from": 1, "to": 51}}
    assert frames[2]["seq"] == 52


@pytest.mark.parametrize("header", [{}, {"Authorization": TOKEN}, {"Authorization": "Bearer other"}])
def test_without_the_token_nobody_listens(served: Served, header: dict[str, str]) -> None:
    answer = httpx.get(f"{served.url}/v1/prices", headers=header)
    assert answer.status_code == 401
    assert TOKEN not in answer.text
    assert served.stats()["counts"] == {"unauthorized": 1}
    assert TOKEN not in repr(served.feed)


@pytest.mark.parametrize(
    ("first", "reason"),
    [("hello", "first message must be"), ('{"subscribe": "prices", "after": "7"}', "first message must be"),
     ('{"subscribe": "weather"}', "first message must be"), ("[1]", "first message must be"),
     ('{"subscribe": "prices", "after": 7000}', "begun anew")],
)  # fmt: skip
def test_a_subscription_that_is_none_is_refused_with_its_reason(served: Served, first: str, reason: str) -> None:
    frames = served.listen(first, 2)
    assert reason in frames[0]["error"]
    assert frames[1] is aiohttp.WSMsgType.CLOSE


def test_garbage_comes_between_the_ticks_and_takes_the_place_of_none(served: Served) -> None:
    served.control(mode="garbage", frames=2)
    served.wall.seconds += 0.1
    frames = served.listen(FROM_THE_FIRST, 5)
    assert [isinstance(frame, str) for frame in frames] == [False, True, True, False, False]
    assert [frame["seq"] for frame in frames[3:]] == [1, 2]


def test_a_dropped_connection_ends_and_a_new_one_goes_on(served: Served) -> None:
    frames = served.listen(FROM_NOW, 2, orders=[{"mode": "drop"}])
    assert frames[1] in (aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR)
    served.wall.seconds += 0.1
    assert served.listen('{"subscribe": "prices", "after": 1}', 2)[1]["seq"] == 2


def test_a_silent_connection_stays_open_and_brings_nothing(served: Served) -> None:
    with pytest.raises(TimeoutError):
        served.listen(FROM_NOW, 2, orders=[{"mode": "silence"}])
    assert served.stats()["counts"]["silence"] == 1


def test_refused_connections_are_told_how_long(served: Served) -> None:
    served.control(mode="refuse", seconds=30)
    answer = httpx.get(f"{served.url}/v1/prices", headers={"Authorization": f"Bearer {TOKEN}"})
    assert (answer.status_code, 0 < int(answer.headers["Retry-After"]) <= 30) == (503, True)
    served.control(mode="ok")
    assert served.listen(FROM_NOW, 1)[0]["type"] == "subscribed"


@pytest.mark.parametrize(
    "wrong", [{"mode": "explode"}, {"mode": "garbage", "frames": 0}, {"mode": "drop", "seconds": 2}]
)
def test_an_order_that_is_none_is_refused(served: Served, wrong: dict[str, object]) -> None:
    assert served.control(**wrong).status_code == 400


def test_health_says_how_far_it_is(served: Served) -> None:
    assert httpx.get(f"{served.url}/health").json() == {"status": "ok", "newest": 1}


def test_a_listener_that_leaves_is_forgotten(served: Served) -> None:
    served.listen(FROM_NOW, 1)
    deadline = time.monotonic() + 5
    while served.stats()["listening"] and time.monotonic() < deadline:
        time.sleep(0.02)
    assert served.stats()["listening"] == 0


def test_what_keeps_the_feed_from_starting_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.delenv("FEED_TOKEN", raising=False)
    assert main(["--port", "1"]) == 2
    assert "FEED_TOKEN is not set" in capsys.readouterr().err
    monkeypatch.setenv("FEED_TOKEN", TOKEN)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert main(["--port", str(port), "--state", str(tmp_path / "s.json")]) == 1
    assert f"cannot listen on port {port}" in capsys.readouterr().err
