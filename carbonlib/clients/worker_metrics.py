"""What Connect workers count, as their Prometheus exporter shows it; the REST interface counts nothing.

Format: https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format. Counters begin anew with each
start of a task.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

import httpx
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

WRITTEN = "kafka_connect_source_task_source_record_write_total"
OWN = "kafka_connect_plugin_"  # what the project's own connectors count


def records_written(urls: Sequence[str]) -> dict[str, int]:
    """Records that each source connector has written to Kafka since its tasks started, by its name.

    Args:
        urls: the exporters of all workers; one that does not answer, as that of a worker that is down, counts nothing.
    """
    written: Counter[str] = Counter()
    for url in urls:
        for sample in _samples(url):
            if sample.name == WRITTEN:
                written[sample.labels["connector"]] += int(sample.value)
    return dict(written)


def counters(urls: Sequence[str], connector: str) -> dict[str, int]:
    """What a connector of the project counts, over its tasks: `{"http_failures_total": 3, …}`; empty for others."""
    found: Counter[str] = Counter()
    for url in urls:
        for sample in _samples(url):
            if sample.name.startswith(OWN) and sample.labels.get("connector") == connector:
                found[sample.name.removeprefix(OWN)] += int(sample.value)
    return dict(found)


def _samples(url: str) -> Iterator[Sample]:
    try:
        text = httpx.get(url, timeout=5).raise_for_status().text
    except httpx.HTTPError:
        return
    for family in text_string_to_metric_families(text):
        yield from family.samples
