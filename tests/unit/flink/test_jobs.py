"""The declared Flink jobs: what their scripts refer to exists, and no two sinks share a transaction or a label."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest
import yaml

from carbonlib._project import MANIFESTS, SQL

FLINK = SQL / "flink"
MANIFEST = yaml.safe_load((MANIFESTS / "flink" / "jobs.yaml").read_text(encoding="utf-8"))
JOBS = {job["name"]: job for job in MANIFEST["jobs"]}
PARSER = MANIFESTS / "flink" / "carbon-flink/src/main/java/carbon/flink/prices/PriceParser.java"


def text(script: str) -> str:
    return (FLINK / script).read_text(encoding="utf-8")


def without_comments(sql: str) -> str:
    return re.sub(r"--[^\n]*", "", sql)


@pytest.mark.parametrize("job", JOBS)
def test_every_script_is_there_and_used_once(job: str) -> None:
    scripts = JOBS[job]["scripts"]
    assert len(scripts) == len(set(scripts))
    assert [s for s in scripts if not (FLINK / s).is_file()] == []
    assert scripts[-1].startswith("jobs/")


def test_no_script_is_left_out() -> None:
    declared = {s for job in JOBS.values() for s in job["scripts"]} | {"probe.sql"}
    assert {str(p.relative_to(FLINK)) for p in FLINK.rglob("*.sql")} == declared


@pytest.mark.parametrize("job", JOBS)
def test_job_parameters_cover_the_references(job: str) -> None:
    given = {*MANIFEST["defaults"], *JOBS[job].get("parameters", {}), "run_id"}
    asked = {n for s in JOBS[job]["scripts"] for n in re.findall(r"\$\{job\.([a-z_]+)\}", without_comments(text(s)))}
    assert asked <= given


def test_prefixes_of_transactions_and_labels_are_unique() -> None:
    """Two sinks with one prefix fence each other off, or find their load label used."""
    prefixes = Counter(
        prefix.replace("${job.group}", JOBS[job]["parameters"]["group"])
        for job in JOBS
        for script in JOBS[job]["scripts"]
        for prefix in re.findall(r"'sink\.(?:transactional-id|label)-prefix'\s*=\s*'([^']*)'", text(script))
    )
    assert [p for p, count in prefixes.items() if count > 1] == []
    assert all(p.endswith("-${job.run_id}") for p in prefixes)
    labels = [p.replace("${job.run_id}", "0" * 8) for p in prefixes]
    assert all(re.fullmatch(r"[-\w]{1,100}", label) for label in labels)  # Doris takes 128 with its own suffix


def test_sources_and_sinks_are_transactional() -> None:
    for path in FLINK.rglob("*.sql"):
        for table in re.findall(r"CREATE TEMPORARY TABLE .*?\);", without_comments(path.read_text("utf-8")), re.DOTALL):
            if "'scan.startup.mode'" in table and path.name != "probe.sql":
                assert "'properties.isolation.level'" in table and "'read_committed'" in table, path.name
            if "'sink.transactional-id-prefix'" in table:
                assert re.search(r"'sink\.delivery-guarantee'\s*=\s*'exactly-once'", table), path.name
                assert re.search(r"'properties\.transaction\.timeout\.ms'\s*=\s*'600000'", table), path.name


def widths(table: Path) -> dict[str, int]:
    return {c: int(n) for c, n in re.findall(r"^\s+(\w+)\s+VARCHAR\((\d+)\)", table.read_text("utf-8"), re.MULTILINE)}


def test_what_the_parser_lets_through_fits_the_columns() -> None:
    """A single field that is too long for its column would stop the loads of the whole job."""
    limits = dict(re.findall(r"static final int MAX_(\w+) = (\d+);", PARSER.read_text(encoding="utf-8")))
    columns = widths(next((SQL / "doris").glob("*_energy_prices_rt.sql")))
    names = {
        "CODE": "commodity_code",
        "CURRENCY": "currency",
        "UNIT": "unit",
        "SOURCE": "source",
        "EVENT_ID": "event_id",
    }
    assert set(names) <= set(limits)
    assert {c: (int(limits[k]), columns[c]) for k, c in names.items() if int(limits[k]) > columns[c]} == {}
