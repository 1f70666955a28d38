"""What the SQL files of the databases declare, and how it is compared with what is live."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from carbonlib._errors import ApplyError, EngineError, UsageError
from carbonlib._project import MANIFESTS, SQL
from carbonlib.clients.database_objects import DatabaseObject, normal_type, parse_object, split_statements
from carbonlib.clients.database_plan import Planner, normal_trigger
from carbonlib.clients.databases import load_objects

VALUES = {"secret.postgres_cdc": "it's", "secret.postgres_writer": "w", "secret.mariadb_cdc": "m"}


def postgres() -> list[DatabaseObject]:
    return load_objects("postgres", SQL / "postgres", VALUES, MANIFESTS / "postgres")


def mariadb() -> list[DatabaseObject]:
    return load_objects("mariadb", SQL / "mariadb", VALUES, MANIFESTS / "mariadb")


@dataclass
class Kept:
    """A database that holds what it was told; it stands for a running one where no engine is needed."""

    tables: dict[str, dict[str, str]] = field(default_factory=dict)
    key: list[str] = field(default_factory=list)
    live_keys: set[tuple[str, ...]] = field(default_factory=set)
    known_users: dict[str, dict[str, Any]] = field(default_factory=dict)
    held: set[str] = field(default_factory=set)
    passwords: dict[str, str] = field(default_factory=dict)
    defined: Any = None
    run: list[str] = field(default_factory=list)
    refuses: str = ""

    def databases(self) -> set[str]:
        return {"refdata"}

    def columns(self, table: str) -> dict[str, str]:
        return self.tables.get(table, {})

    def primary_key(self, table: str) -> list[str]:
        return self.key

    def keys(self, table: str, key: Sequence[str]) -> set[tuple[str, ...]]:
        return self.live_keys

    def users(self) -> dict[str, dict[str, Any]]:
        return self.known_users

    def privileges(self, user: str, scope: str) -> set[str]:
        return self.held

    def can_login(self, user: str, password: str) -> bool:
        return self.passwords.get(user) == password

    def definition(self, item: DatabaseObject) -> Any:
        return self.defined

    def create_database(self, sql: str) -> None:
        self.run.append(sql)

    def execute(self, sql: str) -> int:
        if self.refuses:
            raise EngineError("refused", cause=self.refuses)
        self.run.append(sql)
        return 0

    def upsert(self, table: str, rows: Sequence[Mapping[str, Any]]) -> None:
        self.run.append(f"{table}: {len(rows)} rows")


def only(kind: str, objects: list[DatabaseObject], name: str = "") -> DatabaseObject:
    return next(o for o in objects if o.kind == kind and name in o.name)


@pytest.mark.parametrize("load", [postgres, mariadb])
def test_every_file_declares_something_a_plan_can_compare(load: Any) -> None:
    kinds = [item.kind for item in load()]
    assert kinds[0] == "database" and {"table", "user", "grant", "rows"} <= set(kinds)


def test_the_publication_holds_exactly_the_captured_table_and_the_heartbeat() -> None:
    assert only("publication", postgres()).details["tables"] == {"public.commodities", "public.heartbeat"}


def test_the_captured_table_logs_whole_rows() -> None:
    assert only("identity", postgres()).details["identity"] == "FULL"


def test_the_copy_has_the_columns_of_its_source() -> None:
    source, copy = only("table", mariadb()), only("table", postgres(), "contracts")
    assert [c.name for c in copy.details["columns"]] == [c.name for c in source.details["columns"]]


def test_each_seeded_contract_is_of_a_seeded_commodity() -> None:
    codes = {row["commodity_code"] for row in only("rows", postgres()).details["rows"]}
    assert {row["commodity_code"] for row in only("rows", mariadb()).details["rows"]} <= codes


def test_a_quotation_mark_in_a_secret_does_not_end_it() -> None:
    user = only("user", postgres(), "cdc")
    assert user.details["password"] == "it's" and "'it''s'" in user.sql


def test_no_secret_is_shown() -> None:
    assert "it's" not in repr(postgres()) and "it''s" not in repr(postgres())


def test_change_capture_may_replicate_and_the_writer_may_not() -> None:
    assert [only("user", postgres(), n).details["replication"] for n in ("cdc", "writer")] == [True, False]


def test_a_function_body_and_a_quoted_semicolon_are_one_piece() -> None:
    text = "-- a; comment\nSELECT ';', 1 - 2; CREATE x AS $$ a; b $$;\n"
    assert split_statements(text) == ["SELECT ';', 1 - 2", "CREATE x AS $$ a; b $$"]


def test_what_cannot_be_compared_is_refused() -> None:
    with pytest.raises(UsageError, match="nothing that can be compared"):
        parse_object("postgres", "DROP TABLE public.commodities", "99.sql")


def test_a_seed_with_an_unknown_column_is_refused(tmp_path: Path) -> None:
    (tmp_path / "commodities.csv").write_text("commodity_code,colour\nCL,black\n", encoding="utf-8")
    with pytest.raises(UsageError, match="colour"):
        load_objects("postgres", SQL / "postgres", VALUES, tmp_path)


@pytest.mark.parametrize(
    ("declared", "live", "dialect"),
    [
        ("varchar(32)", "character varying(32)", "postgres"),
        ("timestamptz", "timestamp with time zone", "postgres"),
        ("numeric(18,6)", "numeric(18, 6)", "postgres"),
        ("TINYINT(1)", "tinyint(1)", "mysql"),
    ],
)
def test_a_type_has_one_writing(declared: str, live: str, dialect: str) -> None:
    assert normal_type(declared, dialect) == normal_type(live, dialect)


def test_a_missing_table_is_created_and_a_missing_column_added() -> None:
    table = only("table", mariadb())
    columns = {c.name: c.type for c in table.details["columns"]}
    live = Kept()
    assert [c.action for c in Planner(live).plan([table])] == ["create"]
    live = Kept(tables={table.name: {k: v for k, v in columns.items() if k != "active"}}, key=["contract_id"])
    Planner(live).plan([table]).apply()
    assert live.run == ["ALTER TABLE refdata.contracts ADD COLUMN active TINYINT(1) NOT NULL DEFAULT 1 COMMENT "
                        "'whether the desks may trade it'"]  # fmt: skip
    assert not Planner(Kept(tables={table.name: columns}, key=["contract_id"])).plan([table])


def test_another_type_or_key_is_an_error_and_no_change() -> None:
    table = only("table", postgres(), "commodities")
    columns = {c.name: c.type for c in table.details["columns"]}
    with pytest.raises(ApplyError, match="name is DATE, declared is TEXT NOT NULL"):
        Planner(Kept(tables={table.name: {**columns, "name": "DATE"}}, key=["commodity_code"])).plan([table])
    with pytest.raises(ApplyError, match=r"the key is \(name\)"):
        Planner(Kept(tables={table.name: columns}, key=["name"])).plan([table])


def test_a_grant_adds_what_is_missing_and_takes_what_is_too_much() -> None:
    grant = only("grant", postgres(), "heartbeat")
    live = Kept(held={"SELECT", "DELETE"})
    Planner(live).plan([grant]).apply()
    assert live.run == [grant.sql, "REVOKE DELETE ON public.heartbeat FROM cdc"]
    assert not Planner(Kept(held={"SELECT", "INSERT", "UPDATE"})).plan([grant])


def test_a_user_is_altered_when_its_password_or_right_differs() -> None:
    user = only("user", postgres(), "cdc")
    same = Kept(known_users={"cdc": {"replication": True}}, passwords={"cdc": "it's"})
    assert not Planner(same).plan([user])
    other = Kept(known_users={"cdc": {"replication": False}})
    (change,) = Planner(other).plan([user])
    assert (change.before, change.after) == (
        {"replication": False, "password": "another"}, {"replication": True, "password": "set"}
    )  # fmt: skip
    Planner(other).plan([user]).apply()
    assert other.run == [user.sql.replace("CREATE", "ALTER")]


def test_a_right_that_is_not_declared_is_taken_from_a_user() -> None:
    user = only("user", postgres(), "writer")
    live = Kept(known_users={"writer": {"replication": True}}, passwords={"writer": "w"})
    Planner(live).plan([user]).apply()
    assert live.run[0].endswith(" NOREPLICATION")


def test_a_publication_is_set_to_exactly_its_tables() -> None:
    publication = only("publication", postgres())
    live = Kept(defined={"public.commodities", "public.contracts"})
    Planner(live).plan([publication]).apply()
    assert live.run == ["ALTER PUBLICATION refdata SET TABLE public.commodities, public.heartbeat"]
    assert not Planner(Kept(defined={"public.heartbeat", "public.commodities"})).plan([publication])


def test_a_trigger_is_compared_as_postgresql_shows_it() -> None:
    trigger = only("trigger", postgres())
    shown = ("CREATE TRIGGER commodities_touched BEFORE UPDATE ON public.commodities FOR EACH ROW "
             "EXECUTE FUNCTION public.touch_updated_at()")  # fmt: skip
    assert normal_trigger(trigger.sql) == shown
    assert not Planner(Kept(defined=shown)).plan([trigger])
    assert [c.action for c in Planner(Kept(defined=shown.replace("BEFORE", "AFTER"))).plan([trigger])] == ["update"]


def test_only_rows_whose_keys_are_missing_are_added() -> None:
    rows = only("rows", postgres())
    keys = {(row["commodity_code"],) for row in rows.details["rows"]}
    live = Kept(live_keys=keys - {("CL",)})
    (change,) = Planner(live).plan([rows])
    assert change.after == {"rows": "CL"}
    Planner(live).plan([rows]).apply()
    assert live.run == ["public.commodities: 1 rows"]
    assert not Planner(Kept(live_keys=keys)).plan([rows])


def test_a_refused_statement_names_its_file() -> None:
    table = replace(only("table", postgres(), "heartbeat"), source="30_heartbeat.sql")
    with pytest.raises(ApplyError, match=r"30_heartbeat.sql.*\nCause: no room"):
        Planner(Kept(refuses="no room")).plan([table]).apply()
