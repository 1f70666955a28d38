"""Dead letters and care of connectors on the running platform, as the runbooks do it."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.timeout(600)


def only(results: dict[str, Any]) -> dict[str, Any]:
    (notebook,) = results["notebooks"]
    assert notebook["verdict"] == "passed", notebook["error"]
    return dict(notebook)


@pytest.mark.parametrize("notebook", ["operate-10", "operate-20", "operate-30", "operate-40", "respond-10"])
def test_a_runbook_runs_as_it_stands_and_leaves_nothing_to_do(platform: Any, carbon: Any, notebook: str) -> None:
    only(carbon.run(notebook, "--plan"))
    only(carbon.run(notebook))
    assert len(platform.plan("connectors", "schemas", "topics")) == 0


def test_a_sink_that_goes_back_writes_nothing_twice(platform: Any, carbon: Any) -> None:
    before = platform.search.count("market-alerts")
    only(carbon.run("operate-30", "-p", "connector=search-alerts", "-p", "back=50", "-p", "allow_destroy=true"))
    alerts = sum(platform.kafka.end_offsets("market-alerts").values())
    assert before <= platform.search.count("market-alerts") <= alerts
