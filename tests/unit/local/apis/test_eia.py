"""EIA v2 as it answers: paging, sorting, values as strings, nothing before it is published."""

from __future__ import annotations

import pytest

from .conftest import Served


def test_values_are_strings_with_their_units_and_the_negative_price_is_there(served: Served) -> None:
    served.wall.seconds += 100
    answer = served.eia(
        **{"facets[series][]": "RWTC", "start": "2020-04-20", "end": "2020-04-20", "frequency": "daily"}
    )
    response = answer.json()["response"]
    assert (response["total"], response["dateFormat"], response["frequency"]) == ("1", "YYYY-MM-DD", "daily")
    row = response["data"][0]
    assert (row["period"], row["series"], row["value"], row["units"]) == ("2020-04-20", "RWTC", "-36.98", "$/BBL")


def test_days_appear_one_after_another(served: Served) -> None:
    query = {
        "facets[series][]": "RBRTE",
        "start": "2020-02-03",
        "sort[0][column]": "period",
        "sort[0][direction]": "asc",
    }
    assert [r["period"] for r in served.eia(**query).json()["response"]["data"]] == ["2020-02-03"]
    served.wall.seconds += 2
    days = [r["period"] for r in served.eia(**query).json()["response"]["data"]]
    assert days == ["2020-02-03", "2020-02-04", "2020-02-05"]


def test_pages_together_are_the_whole_and_newest_comes_first_unasked(served: Served) -> None:
    whole = served.eia().json()["response"]["data"]
    parts = [
        r
        for at in range(0, len(whole), 1000)
        for r in served.eia(offset=str(at), length="1000").json()["response"]["data"]
    ]
    assert parts == whole
    assert [r["period"] for r in whole] == sorted((r["period"] for r in whole), reverse=True)


def test_more_rows_than_allowed_are_cut_with_a_warning(served: Served) -> None:
    served.wall.seconds += 10_000
    response = served.eia(length="9000").json()["response"]
    assert len(response["data"]) == 5000
    assert int(response["total"]) > 5000
    assert response["warnings"][0]["warning"] == "incomplete return"


def test_natural_gas_has_its_own_route(served: Served) -> None:
    answer = served.client.get(
        "/v2/natural-gas/pri/fut/data", params={"api_key": "eia-key", "data[]": "value", "length": "1"}
    )
    assert answer.json()["response"]["data"][0]["series"] == "RNGWHHD"


@pytest.mark.parametrize(("key", "code"), [(None, "API_KEY_MISSING"), ("wrong", "API_KEY_INVALID")])
def test_without_a_valid_key_nothing_is_given(served: Served, key: str | None, code: str) -> None:
    answer = served.client.get("/v2/petroleum/pri/spt/data/", params={"api_key": key} if key else {})
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, code)


@pytest.mark.parametrize(
    "wrong",
    [{"frequency": "hourly"}, {"start": "yesterday"}, {"length": "many"}, {"offset": "-1"}, {"data[0]": "volume"},
     {"sort[0][column]": "nothing"}, {"sort[0][column]": "period", "sort[0][direction]": "up"}],
)  # fmt: skip
def test_a_wrong_parameter_is_refused_by_name(served: Served, wrong: dict[str, str]) -> None:
    answer = served.eia(**wrong)
    assert answer.status_code == 400
    assert next(iter(wrong.values())) in answer.json()["error"]


def test_the_key_is_not_repeated_in_the_answer(served: Served) -> None:
    assert "eia-key" not in served.eia(length="1").text


def test_an_unknown_route_is_not_found(served: Served) -> None:
    assert served.client.get("/v2/coal/data/", params={"api_key": "eia-key"}).status_code == 404
