"""What workers count, read from the text that their exporter answers with."""

from __future__ import annotations

from carbonlib.clients.worker_metrics import counters, records_written

from .conftest import Rested

TEXT = b"""\
# TYPE kafka_connect_source_task_source_record_write_total counter
kafka_connect_source_task_source_record_write_total{connector="a",task="0"} 5.0
kafka_connect_source_task_source_record_write_total{connector="a",task="1"} 2.0
kafka_connect_source_task_source_record_write_total{connector="b",task="0"} 1.0
# TYPE kafka_connect_plugin_http_failures_total counter
kafka_connect_plugin_http_failures_total{connector="a",task="0"} 3.0
# TYPE jvm_threads_current gauge
jvm_threads_current 20.0
"""


def test_tasks_and_workers_are_added_up(rested: Rested) -> None:
    rested.answers["GET /metrics"] = (200, TEXT)
    url = f"{rested.url}/metrics"
    assert records_written([url, url]) == {"a": 14, "b": 2}
    assert counters([url], "a") == {"http_failures_total": 3}


def test_a_connector_that_counts_nothing_of_its_own_has_no_counters(rested: Rested) -> None:
    rested.answers["GET /metrics"] = (200, TEXT)
    assert counters([f"{rested.url}/metrics"], "b") == {}


def test_a_worker_that_is_down_counts_nothing(rested: Rested) -> None:
    rested.answers["GET /metrics"] = (503, None)
    assert records_written([f"{rested.url}/metrics", "http://127.0.0.1:1/metrics"]) == {}
