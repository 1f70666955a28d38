"""The search client: plans by difference in meaning, refusals before anything is changed, documents by id."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from carbonlib._errors import ApplyError, EngineError, TargetUnreachable, UsageError
from carbonlib._project import ROOT
from carbonlib.clients.search import Index, IndexState, Search, load_indices

from .conftest import Rested

MAPPINGS: dict[str, Any] = {
    "dynamic": "strict",
    "properties": {"id": {"type": "keyword"}, "at": {"properties": {"place": {"type": "keyword"}}}},
}
SETTINGS = {"number_of_shards": "1", "auto_expand_replicas": "0-1"}
LIVE = {
    "alerts": {
        "settings": {"index": {**SETTINGS, "number_of_replicas": "0", "uuid": "u", "version": {"created": "1"}}},
        "mappings": MAPPINGS,
    }
}


def index(settings: dict[str, str] = SETTINGS, mappings: dict[str, Any] = MAPPINGS) -> Index:
    return Index("alerts", settings, mappings)


def with_field(name: str, how: dict[str, Any]) -> dict[str, Any]:
    return {**MAPPINGS, "properties": {**MAPPINGS["properties"], name: how}}


@pytest.fixture
def search(rested: Rested) -> Search:
    rested.answers = {
        "GET /alerts": (200, LIVE),
        "PUT /alerts": (200, {"acknowledged": True}),
        "PUT /alerts/_mapping": (200, {"acknowledged": True}),
        "PUT /alerts/_settings": (200, {"acknowledged": True}),
        "POST /alerts/_refresh": (200, {}),
        "GET /_cluster/health": (200, {"status": "green"}),
    }
    return Search(rested.url + "/")


def test_an_index_that_is_as_declared_gives_no_change(search: Search) -> None:
    assert len(search.plan([index()])) == 0


def test_an_absent_index_is_created_whole(search: Search, rested: Rested) -> None:
    del rested.answers["GET /alerts"]
    plan = search.plan([index()])
    assert rested.mutations() == []
    (change,) = plan.apply()
    assert (change.object, change.action, change.after) == (
        "index/alerts", "create", {**SETTINGS, "fields": "id, at.place"},
    )  # fmt: skip
    assert rested.asked[-1] == ("PUT /alerts", {"settings": SETTINGS, "mappings": MAPPINGS})


def test_a_new_field_is_added(search: Search, rested: Rested) -> None:
    wanted = with_field("price", {"type": "double"})
    (change,) = search.plan([index(mappings=wanted)]).apply()
    assert (change.before, change.after) == ({"price": None}, {"price": {"type": "double"}})
    assert rested.asked[-1] == ("PUT /alerts/_mapping", wanted)


def test_what_unknown_fields_do_can_change(search: Search) -> None:
    (change,) = search.plan([index(mappings={**MAPPINGS, "dynamic": "false"})])
    assert (change.before, change.after) == ({"dynamic": "strict"}, {"dynamic": "false"})


def test_a_setting_that_differs_is_set(search: Search, rested: Rested) -> None:
    (change,) = search.plan([index(settings={**SETTINGS, "auto_expand_replicas": "0-2"})]).apply()
    assert (change.before, change.after) == ({"auto_expand_replicas": "0-1"}, {"auto_expand_replicas": "0-2"})
    assert rested.asked[-1] == ("PUT /alerts/_settings", {"index": {"auto_expand_replicas": "0-2"}})


@pytest.mark.parametrize(
    ("wanted", "reason"),
    [
        (index(mappings=with_field("id", {"type": "long"})), "id is {'type': 'keyword'}, not {'type': 'long'}"),
        (index(settings={**SETTINGS, "number_of_shards": "3"}), "number_of_shards is 1, not 3"),
    ],
)
def test_what_no_index_can_become_is_refused_before_anything_is_done(
    search: Search, rested: Rested, wanted: Index, reason: str
) -> None:
    with pytest.raises(UsageError, match="cannot become what is declared") as error:
        search.plan([wanted])
    assert reason in error.value.cause
    assert rested.mutations() == []


def test_an_index_that_the_engine_refuses_is_an_apply_error(search: Search, rested: Rested) -> None:
    del rested.answers["GET /alerts"]
    rested.answers["PUT /alerts"] = (400, {"error": {"reason": "unknown setting [x]"}, "status": 400})
    with pytest.raises(ApplyError) as error:
        search.plan([index()]).apply()
    assert "unknown setting [x]" in error.value.cause


def test_documents_are_asked_for_by_id_in_portions(search: Search, rested: Rested) -> None:
    def got(body: Any) -> tuple[int, Any]:
        return 200, {"docs": [{"_id": i, "found": i != "7", "_source": {"id": i}} for i in body["ids"]]}

    rested.answers["POST /alerts/_mget"] = got
    assert search.missing("alerts", (str(n) for n in range(1500))) == ["7"]
    assert [len(body["ids"]) for _, body in rested.asked] == [1000, 500]
    assert search.find("alerts", ["6", "7"]) == {"6": {"id": "6"}}
    assert search.missing("alerts", []) == []


def test_an_index_that_is_not_there_has_no_missing_documents_but_an_error(search: Search, rested: Rested) -> None:
    answer = {
        "docs": [{"_id": "1", "error": {"type": "index_not_found_exception", "reason": "no such index [alerts]"}}]
    }
    rested.answers["POST /alerts/_mget"] = (200, answer)
    with pytest.raises(EngineError, match="cannot look into alerts") as error:
        search.missing("alerts", ["1"])
    assert error.value.cause == "no such index [alerts]"


def test_documents_are_counted_searched_and_removed(search: Search, rested: Rested) -> None:
    rested.answers["POST /alerts/_count"] = (200, {"count": 3})
    rested.answers["POST /alerts/_search"] = (200, {"hits": {"hits": [{"_id": "a", "_source": {"id": "a"}}]}})
    rested.answers["POST /alerts/_delete_by_query"] = (200, {"deleted": 2})
    query = {"term": {"id": "a"}}
    assert search.count("alerts", query) == 3
    assert rested.asked[-1][1] == {"query": query}
    assert search.search("alerts", query, size=1) == [{"_id": "a", "id": "a"}]
    assert search.remove("alerts", ["a", "b"]) == 2
    assert [what for what, _ in rested.asked[-2:]] == [
        "POST /alerts/_refresh",
        "POST /alerts/_delete_by_query?refresh=true",
    ]


def test_states_leave_the_engines_own_indices_out(search: Search, rested: Rested) -> None:
    row = {"index": "alerts", "health": "green", "docs.count": "3", "store.size": "4096"}
    closed = {"index": "old", "health": "", "docs.count": None, "store.size": None}
    rested.answers["GET /_cat/indices"] = (200, [closed, row, {**row, "index": ".tasks"}])
    assert search.indices() == [IndexState("alerts", "green", 3, 4096), IndexState("old", "", 0, 0)]


def test_waiting_ends_when_indices_are_served(search: Search, rested: Rested) -> None:
    rested.answers["GET /_cluster/health"] = [(200, {"status": "red"}), (200, {"status": "yellow"})]
    search.wait(5)
    assert len(rested.asked) == 2


def test_files_are_indices(tmp_path: Path) -> None:
    (tmp_path / "alerts.json").write_text(json.dumps({"settings": SETTINGS, "mappings": MAPPINGS}))
    assert load_indices(tmp_path) == [index()]
    for wrong in ("{", "[]", '{"mappings": []}', '{"mappings": {}, "settings": {"number_of_shards": 1}}'):
        (tmp_path / "broken.json").write_text(wrong)
        with pytest.raises(UsageError, match=r"broken\.json"):
            load_indices(tmp_path)


def test_the_projects_indices_take_no_field_that_is_not_declared() -> None:
    assert all(each.mappings["dynamic"] == "strict" for each in load_indices(ROOT / "manifests" / "search"))


def test_nobody_there_is_unreachable() -> None:
    search = Search("http://127.0.0.1:9")
    assert not search.reachable()
    with pytest.raises(TargetUnreachable, match="search engine"):
        search.indices()
