"""Budgets, ordered faults and statistics."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import pytest

from carbonlib.local.apis.faults import Budget, Faults, Statistics
from carbonlib.local.apis.server import Replay

from .conftest import Served, Wall


def test_a_budget_frees_itself_after_its_window() -> None:
    wall = Wall()
    budget = Budget(2, 60, wall)
    assert [budget.take("a"), budget.take("a"), budget.take("b")] == [0, 0, 0]
    wall.seconds += 45
    assert budget.take("a") == 15
    wall.seconds += 15
    assert budget.take("a") == 0


def test_over_budget_is_429_with_the_time_to_wait(served: Served) -> None:
    served.replay.budget = Budget(1, 60)
    assert served.eia(length="1").status_code == 200
    answer = served.eia(length="1")
    assert (answer.status_code, answer.json()["error"]["code"]) == (429, "OVER_RATE_LIMIT")
    assert 0 < int(answer.headers["Retry-After"]) <= 60
    assert served.fred().status_code == 200  # another API, another key


def test_a_fault_ends_after_its_requests(served: Served) -> None:
    assert served.client.post("/control", json={"mode": "500", "requests": 2}).status_code == 200
    assert [served.eia(length="1").status_code for _ in range(3)] == [500, 500, 200]


def test_a_fault_ends_after_its_time() -> None:
    wall = Wall()
    faults = Faults(wall)
    faults.order({"mode": "500", "seconds": 5})
    assert faults.meets("eia") is not None
    wall.seconds += 5
    assert faults.meets("eia") is None


def test_a_fault_of_one_api_leaves_the_others_alone(served: Served) -> None:
    served.client.post("/control", json={"mode": "500", "api": "fred", "seconds": 60})
    assert (served.eia(length="1").status_code, served.fred().status_code) == (200, 500)
    served.client.post("/control", json={"mode": "ok"})
    assert served.fred().status_code == 200


def test_garbage_is_not_json_though_it_says_so(served: Served) -> None:
    served.client.post("/control", json={"mode": "garbage", "requests": 1})
    answer = served.eia(length="1")
    assert answer.status_code == 200
    with pytest.raises(ValueError, match="Unterminated string"):
        answer.json()


def test_a_slow_answer_comes_late_and_whole(served: Served) -> None:
    served.client.post("/control", json={"mode": "slow", "requests": 1, "delay": 0.3})
    started = time.monotonic()
    assert served.eia(length="1").json()["response"]["data"]
    assert time.monotonic() - started >= 0.3


def test_retry_after_can_be_a_date(served: Served) -> None:
    served.client.post("/control", json={"mode": "429", "requests": 1, "delay": 30, "date": True})
    moment = parsedate_to_datetime(served.eia(length="1").headers["Retry-After"])
    assert 25 <= (moment - datetime.now(UTC)).total_seconds() <= 30


@pytest.mark.parametrize(
    "wrong",
    [{"mode": "explode"}, {"mode": "500", "api": "bls"}, {"mode": "500", "seconds": 0},
     {"mode": "500", "requests": "2"}, {"mode": "500", "secnds": 2}, [], "500"],
)  # fmt: skip
def test_an_order_that_is_none_is_refused(served: Served, wrong: object) -> None:
    answer = served.client.post("/control", json=wrong)
    assert answer.status_code == 400
    assert served.client.get("/control/stats").json()["fault"] is None


def test_a_body_that_is_not_json_is_refused(served: Served) -> None:
    assert served.client.post("/control", content=b"{").status_code == 400


def test_statistics_count_outcomes_and_the_busiest_second() -> None:
    wall = Wall()
    statistics = Statistics(wall)
    for _ in range(3):
        statistics.count("eia", 200)
    wall.seconds += 1
    statistics.count("eia", 429)
    assert statistics.as_dict()["eia"] == {"requests": 4, "status_200": 3, "status_429": 1, "most_in_a_second": 3}
    assert statistics.as_dict()["noaa"]["requests"] == 0


def test_health_and_statistics_hold_no_key(served: Served) -> None:
    served.eia(length="1")
    health, stats = served.client.get("/health").json(), served.client.get("/control/stats")
    assert health == {"status": "ok", "published_until": {"prices": "2020-02-03", "weather": "2014-12-31"}}
    assert stats.json()["apis"]["eia"]["status_200"] == 1
    assert "eia-key" not in stats.text + repr(served.replay)
    assert isinstance(served.replay, Replay)
