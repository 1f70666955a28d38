"""Declared Iceberg tables, and what differs in a live one: on real tables of a catalog in a file."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import yaml
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.io.pyarrow import schema_to_pyarrow
from pyiceberg.table import Table

from carbonlib._errors import UsageError
from carbonlib._project import MANIFESTS
from carbonlib.clients.iceberg import Iceberg
from carbonlib.clients.iceberg_tables import TableSpec, difference, evolve, load_tables

NAME = "market.trades"
COLUMNS = {"id": "string", "at": "timestamptz", "price": "decimal(12, 4)", "size": "int", "gone": "boolean"}
COLUMNS["place"] = "long"
SPEC: dict[str, Any] = {
    "required": ["id"],
    "partition": {"gone": "identity"},  # to write by day, PyIceberg needs a package that nothing else here does
    "log": {"key": "id", "version": "at", "position": "place", "deleted": "gone"},
    "columns": COLUMNS,
}


def load(tmp_path: Path, **changed: Any) -> TableSpec:
    path = tmp_path / "catalog.yaml"
    path.write_text(yaml.safe_dump({"catalog": "test", "database": "d", "tables": {NAME: {**SPEC, **changed}}}))
    return load_tables(path)[NAME]


@pytest.fixture
def catalog(tmp_path: Path) -> SqlCatalog:
    return SqlCatalog("test", uri=f"sqlite:///{tmp_path}/catalog.db", warehouse=f"file://{tmp_path}/data")


@pytest.fixture
def table(tmp_path: Path, catalog: SqlCatalog) -> Table:
    spec = load(tmp_path)
    catalog.create_namespace("market")
    return catalog.create_table(NAME, spec.schema, partition_spec=spec.partition_spec)


def row(id: str, minute: int, price: str, *, gone: bool = False, place: int | None = None) -> dict[str, Any]:
    at = datetime(2026, 11, 21, 10, minute, tzinfo=UTC)
    return {"id": id, "at": at, "price": Decimal(price), "size": 1, "gone": gone, "place": place}


def append(table: Table, *rows: dict[str, Any]) -> None:
    table.append(pa.Table.from_pylist(list(rows), schema=schema_to_pyarrow(table.schema())))


def test_the_declared_tables_load_and_a_created_one_is_as_declared(catalog: SqlCatalog) -> None:
    specs = load_tables(MANIFESTS / "iceberg" / "catalog.yaml")
    for spec in specs.values():
        catalog.create_namespace_if_not_exists(spec.name.split(".")[0])
        live = catalog.create_table(
            spec.name, spec.schema, partition_spec=spec.partition_spec, properties=dict(spec.properties)
        )
        assert difference(spec, live) == ({}, {})
    assert any(spec.partition for spec in specs.values()) and any(spec.log for spec in specs.values())


def test_what_can_change_in_place_is_told_field_by_field_and_done(tmp_path: Path, table: Table) -> None:
    append(table, row("a", 1, "1.5"))
    columns = {**COLUMNS, "price": "decimal(18, 4)", "size": "long", "venue": "string"}
    spec = load(tmp_path, columns=columns, required=[], properties={"write.x": "1"})
    before, after = difference(spec, table)
    assert after == {
        "column id": "string",
        "column price": "decimal(18, 4)",
        "column size": "long",
        "column venue": "string",
        "property write.x": "1",
    }
    assert before["column price"] == "decimal(12, 4)" and before["column venue"] is None
    evolve(spec, table)
    assert difference(spec, table.refresh()) == ({}, {})
    (kept,) = table.scan().to_arrow().to_pylist()
    assert kept["price"] == Decimal("1.5000") and kept["venue"] is None


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"columns": {**COLUMNS, "price": "double"}}, "price is decimal(12, 4), declared is double"),
        ({"columns": {**COLUMNS, "price": "decimal(18, 6)"}}, "price is decimal(12, 4)"),
        ({"columns": {**COLUMNS, "price": "decimal(10, 4)"}}, "price is decimal(12, 4)"),
        ({"columns": {k: v for k, v in COLUMNS.items() if k != "size"}}, "size is in the table and not declared"),
        ({"columns": {**COLUMNS, "venue": "string"}, "required": ["id", "venue"]}, "venue is new and required"),
        ({"required": ["id", "at"]}, "at is optional, declared is required"),
        ({"partition": {"at": "day"}}, "partitioned by identity(gone), declared is day(at)"),
        ({"partition": {}}, "partitioned by identity(gone), declared is none"),
    ],
)
def test_what_no_table_with_rows_can_become_is_refused_with_its_cause(
    tmp_path: Path, table: Table, changed: dict[str, Any], words: str
) -> None:
    with pytest.raises(UsageError) as refused:
        difference(load(tmp_path, **changed), table)
    assert words in refused.value.cause and NAME in refused.value.message and "Declare" in refused.value.remedy


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"columns": {**COLUMNS, "price": "money"}}, "money"),
        ({"required": ["nothing"]}, "nothing"),
        ({"partition": {"when": "day"}}, "when"),
        ({"partition": {"at": "fortnight"}}, "fortnight"),
        ({"log": {"key": "id"}}, "version"),
        ({"colums": {}}, "colums"),
    ],
)
def test_a_declaration_without_sense_is_refused(tmp_path: Path, changed: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        load(tmp_path, **changed)


@pytest.fixture
def iceberg(tmp_path: Path, table: Table, catalog: SqlCatalog, monkeypatch: pytest.MonkeyPatch) -> Iceberg:
    """The client on the catalog in a file, in place of one on PostgreSQL."""
    client = Iceberg(
        tmp_path / "catalog.yaml", host="127.0.0.1", port=1, user="u", password="p", warehouse=f"file://{tmp_path}/data"
    )
    monkeypatch.setattr(client, "_catalog", catalog)
    monkeypatch.setattr(client, "_has_database", lambda: True)
    return client


def test_of_a_log_the_newest_row_of_each_key_counts(iceberg: Iceberg, table: Table) -> None:
    append(table, row("b", 3, "3"), row("a", 2, "2"), row("c", 1, "1"))
    append(table, row("a", 1, "1"), row("c", 2, "1", gone=True))
    append(table, row("b", 4, "4"))
    newest = iceberg.newest(NAME)
    assert list(zip(newest["id"], newest["price"], strict=True)) == [("a", Decimal(2)), ("b", Decimal(4))]
    with pytest.raises(UsageError):
        iceberg.newest("market.others")


def test_of_changes_in_the_same_instant_the_highest_position_counts_whatever_the_file(
    iceberg: Iceberg, table: Table
) -> None:
    append(table, row("a", 1, "1", place=10), row("a", 1, "2", place=11), row("b", 1, "1"))
    append(table, row("a", 1, "2", gone=True, place=12), row("b", 1, "2", place=20))
    assert list(iceberg.newest(NAME)["price"]) == [Decimal(2)] and list(iceberg.newest(NAME)["id"]) == ["b"]


def test_counts_and_commits_come_from_the_snapshots(iceberg: Iceberg, table: Table) -> None:
    assert iceberg.row_counts() == {NAME: 0}
    append(table, row("a", 1, "1"), row("b", 1, "1"))
    append(table, row("a", 2, "1"))
    assert iceberg.row_counts() == {NAME: 3}
    commits = iceberg.snapshots(NAME)
    assert list(commits["rows_added"]) == [2, 1] and list(commits["rows"]) == [2, 3]
    assert sorted(iceberg.rows(NAME, ["id"])["id"]) == ["a", "a", "b"]


def test_a_plan_creates_then_finds_nothing(iceberg: Iceberg, catalog: SqlCatalog) -> None:
    assert len(iceberg.plan()) == 0
    catalog.drop_table(NAME)
    assert [c.object for c in iceberg.plan().apply()] == [f"iceberg/{NAME}"]
    assert len(iceberg.plan()) == 0 and catalog.load_table(NAME).spec().fields
