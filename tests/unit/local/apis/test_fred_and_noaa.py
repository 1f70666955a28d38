"""FRED and NOAA as they answer."""

from __future__ import annotations

from collections import Counter

import pytest

from carbonlib.local.apis.history import History

from .conftest import Served


def test_a_weekday_without_a_value_is_a_point(served: Served) -> None:
    answer = served.fred(observation_start="2020-01-17", observation_end="2020-01-22").json()
    values = {o["date"]: o["value"] for o in answer["observations"]}
    assert list(values) == ["2020-01-17", "2020-01-20", "2020-01-21", "2020-01-22"]  # no week-end
    assert values["2020-01-20"] == "."  # Martin Luther King day
    assert float(values["2020-01-17"]) == 58.55
    assert answer["count"] == 4


def test_observations_are_paged_and_sorted_as_asked(served: Served) -> None:
    query = {"observation_start": "2020-01-01", "observation_end": "2020-01-31"}
    whole = served.fred(**query).json()["observations"]
    assert served.fred(**query, offset="5", limit="3").json()["observations"] == whole[5:8]
    assert served.fred(**query, sort_order="desc").json()["observations"] == whole[::-1]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [({"api_key": ""}, "not set"), ({"api_key": "x"}, "not registered"), ({"series_id": "X"}, "does not exist"),
     ({"file_type": "xml"}, "json"), ({"observation_start": "1.1.2020"}, "not a date"),
     ({"sort_order": "up"}, "sort_order"), ({"limit": "0"}, "limit")],
)  # fmt: skip
def test_fred_refuses_with_400_in_its_own_words(served: Served, wrong: dict[str, str], message: str) -> None:
    answer = served.fred(**wrong)
    assert answer.status_code == 400
    assert message in answer.json()["error_message"]


def test_weather_is_one_padded_row_a_station_and_day(served: Served) -> None:
    rows = served.noaa(stations="USW00024233,USW00094728").json()
    assert Counter(r["STATION"] for r in rows) == {"USW00024233": 3, "USW00094728": 3}
    assert rows[0]["DATE"] == "2014-12-29"
    assert len(rows[0]["TMAX"]) == 7
    served.wall.seconds += 1
    assert served.noaa().json()[-1]["DATE"] == "2015-01-01"


def test_the_weather_word_can_be_had_again_from_the_codes(served: Served, history: History) -> None:
    codes = {"WT01": "fog", "WT14": "drizzle", "WT16": "rain", "WT18": "snow"}
    rows = served.noaa(startDate="2012-01-01").json()
    words = [next((word for code, word in codes.items() if code in row), "sun") for row in rows]
    assert words == [row["weather"] for _, row in history.weather["Seattle"].between("2012-01-01", "2014-12-31")]


def test_only_the_data_types_asked_for_are_given(served: Served) -> None:
    assert set(served.noaa(dataTypes="TMAX,TMIN").json()[0]) == {"DATE", "STATION", "TMAX", "TMIN"}


def test_noaa_wants_its_token_in_a_header(served: Served) -> None:
    answer = served.client.get("/access/services/data/v1", params={"token": "noaa-token"})
    assert (answer.status_code, answer.json()["message"]) == (400, "Token parameter is required.")


@pytest.mark.parametrize(
    "wrong", [{"dataset": "x"}, {"format": "csv"}, {"units": "standard"}, {"stations": ""}, {"endDate": "x"}]
)
def test_noaa_refuses_what_it_does_not_give(served: Served, wrong: dict[str, str]) -> None:
    answer = served.noaa(**wrong)
    assert answer.status_code == 400
    assert next(iter(wrong)) in answer.json()["message"]
