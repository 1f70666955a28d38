"""Applications on a Kafka with TLS, SCRAM and rights: every price goes its way, and nobody is refused what he needs."""

from __future__ import annotations

import re
from functools import partial

import httpx
import pytest
from confluent_kafka import Producer

import carbonlib
from carbonlib.clients.bootstrap import connection
from carbonlib.waiting import wait_until
from tests.manifests.secured import password_of

from .applications import REGISTRY, WORKER
from .conftest import Fortress, refused

pytestmark = pytest.mark.timeout(1500)


def test_every_connector_and_job_runs_and_a_second_plan_is_empty(fortress: Fortress) -> None:
    status = fortress.platform.status("topics", "schemas", "connectors", "jobs")
    assert status.ok, status
    assert carbonlib.proofs.short_of_copies(fortress.platform) == []
    assert len(fortress.platform.plan("topics", "schemas", "tables", "connectors", "jobs")) == 0


@pytest.mark.parametrize("name", [REGISTRY, WORKER])
def test_what_the_kubelet_and_prometheus_ask_is_answered(fortress: Fortress, name: str) -> None:
    for kind, url in fortress.target.asked(name).items():
        answer = httpx.get(url, timeout=5)
        assert answer.status_code == 200, f"{kind}: {url}: {answer.text[:300]}"
        assert kind != "scrape" or re.search(r"^# TYPE \w+ (gauge|counter)$", answer.text, re.M), answer.text[:300]


def test_every_price_goes_its_way_and_alerts_reach_doris(fortress: Fortress) -> None:
    poison = carbonlib.bench.send_poison(fortress.platform).poison
    flow = carbonlib.bench.watch(fortress.platform)
    try:
        assert len(flow.wait_for_prices(source="EIA", least=300, timeout="3 min")) >= 300
        audit = flow.audit(timeout="3 min")
        assert (audit.lost, audit.duplicated, audit.unexpected) == (0, 0, 0), audit
        assert len(flow.dead_letters()) >= len(poison)
        for compare in (flow.enriched, flow.bars, partial(flow.alerts, "table")):
            found = compare(timeout="3 min")
            assert found.compared and not found.differing, found
    finally:
        flow.close()


def test_every_connector_has_moved_something(fortress: Fortress) -> None:
    def idle() -> list[str]:
        return [c.name for c in fortress.platform.status("connectors").components if not c.progress]

    wait_until(lambda: not idle(), what="every connector with records behind it", timeout="3 min", every=2)


def test_nobody_is_refused_what_he_needs(fortress: Fortress) -> None:
    assert refused(fortress.kafka) == []
    # The line that is looked for is there when somebody is refused.
    came: list[str] = []
    producer = Producer(connection(fortress.kafka.entered("doris", password_of("doris")), message_timeout_ms=60_000))
    producer.produce("market-alerts", b"{}", on_delivery=lambda error, _: came.append(error.name() if error else ""))
    producer.flush(90)
    assert came == ["TOPIC_AUTHORIZATION_FAILED"]
    wait_until(lambda: refused(fortress.kafka), what="the broker's word of it", timeout=20)
    assert any(line.startswith("User:doris") and "market-alerts" in line for line in refused(fortress.kafka))
