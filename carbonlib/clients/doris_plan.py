"""Compares declared objects of Doris with live ones and says what has to be done."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from typing import Any

from .._errors import ApplyError, shorten
from ..changes import Change, Plan
from ..local.doris.model import Column, Table
from .doris_objects import SqlObject
from .doris_queries import same_query
from .statements import runner

Rows = Callable[[str], list[dict[str, Any]]]
_NOTEBOOK = "deploy-40"
_REBUILD = (
    "Create the table under another name, copy the rows with INSERT INTO … SELECT, and swap the two with "
    "ALTER TABLE … REPLACE WITH TABLE; where the rows can be loaded again, drop it and deploy."
)


class Planner:
    """One comparison; live state is read when it is first needed."""

    def __init__(
        self,
        rows: Rows,
        execute: Callable[[str], int],
        can_login: Callable[[str, str], bool],
    ) -> None:
        self._rows, self._execute, self._can_login = rows, execute, can_login
        self._databases: set[str] | None = None
        self._tables: dict[str, set[str]] = {}
        self._queries: dict[str, dict[str, str]] = {}
        self._loads: dict[str, list[dict[str, Any]]] = {}
        self._roles: dict[str, str] | None = None
        self._users: dict[str, dict[str, Any]] | None = None

    def plan(self, objects: Sequence[SqlObject]) -> Plan:
        """The changes that make the objects live, in their order."""
        return Plan([change for item in objects for change in _COMPARE[item.kind](self, item)])

    def summary(self, objects: Sequence[SqlObject]) -> list[dict[str, Any]]:
        """State and progress of tables and routine loads."""
        found = []
        for item in objects:
            if item.kind in ("table", "materialized_view"):
                found.append(self._table_row(item))
            elif item.kind == "routine_load":
                found.append(self._load_row(item))
        return found

    # --- live state ---

    def live_databases(self) -> set[str]:
        """Names of the databases."""
        if self._databases is None:
            self._databases = {str(next(iter(r.values()))) for r in self._rows("SHOW DATABASES")}
        return self._databases

    def live_tables(self, database: str) -> set[str]:
        """Names of tables and views of a database; empty where it is missing."""
        if database not in self.live_databases():
            return set()
        if database not in self._tables:
            rows = self._rows(f"SHOW TABLES FROM `{database}`")
            self._tables[database] = {str(next(iter(r.values()))) for r in rows}
        return self._tables[database]

    def live_queries(self, database: str) -> dict[str, str]:
        """Materialized view → its query, as Doris keeps it."""
        if database not in self._queries:
            rows = self._rows(f'SELECT Name, QuerySql FROM mv_infos("database"="{database}")')
            self._queries[database] = {str(r["Name"]): str(r["QuerySql"]) for r in rows}
        return self._queries[database]

    def live_loads(self, database: str) -> list[dict[str, Any]]:
        """Rows of SHOW ROUTINE LOAD of a database; empty where it is missing."""
        if database not in self.live_databases():
            return []
        if database not in self._loads:
            self._execute(f"USE `{database}`")
            self._loads[database] = self._rows("SHOW ROUTINE LOAD")
        return self._loads[database]

    def live_roles(self) -> dict[str, str]:
        """Role → its privileges as Doris writes them."""
        if self._roles is None:
            self._roles = {str(r["Name"]): _levels(r) for r in self._rows("SHOW ROLES")}
        return self._roles

    def live_users(self) -> dict[str, dict[str, Any]]:
        """User → row of SHOW ALL GRANTS."""
        if self._users is None:
            rows = self._rows("SHOW ALL GRANTS")
            self._users = {str(r["UserIdentity"]).split("@", 1)[0].strip("'"): r for r in rows}
        return self._users

    # --- comparison by kind ---

    def _create(self, item: SqlObject, after: dict[str, Any]) -> Change:
        return Change(item.label, "create", None, after, self._runner(item, item.sql))

    def _runner(self, item: SqlObject, *statements: str) -> Callable[[], None]:
        return runner(self._execute, item, statements, _NOTEBOOK)

    def _database(self, item: SqlObject) -> list[Change]:
        return [] if item.name in self.live_databases() else [self._create(item, {})]

    def _view(self, item: SqlObject) -> list[Change]:
        return [] if item.name in self.live_tables(item.database) else [self._create(item, {})]

    def _materialized_view(self, item: SqlObject) -> list[Change]:
        if item.name not in self.live_tables(item.database):
            return [self._create(item, {})]
        live, declared = self.live_queries(item.database).get(item.name), item.details["query"]
        if live is None:
            raise _different(item, "a table or view of that name is no materialized view")
        if same_query(declared, live):
            return []
        # Its query cannot be altered. It is tried before the old view goes, so that a refused one costs nothing.
        tried = f"SELECT * FROM ({declared}) AS declared LIMIT 0"
        drop = f"DROP MATERIALIZED VIEW `{item.database}`.`{item.name}`"
        before, after = {"query": shorten(live, 300)}, {"query": shorten(declared, 300)}
        return [Change(item.label, "update", before, after, self._runner(item, tried, drop, item.sql))]

    def _table(self, item: SqlObject) -> list[Change]:
        table = item.table
        assert table is not None
        if item.name not in self.live_tables(item.database):
            columns = ", ".join(c.name for c in table.columns)
            return [self._create(item, {"model": table.model, "key": ", ".join(table.keys), "columns": columns})]
        live = self._rows(f"DESC `{item.database}`.`{item.name}`")
        self._check_keys(item, table, live)
        types = {str(r["Field"]).lower(): normal_type(str(r["Type"])) for r in live}
        missing = [c for c in table.columns if c.name.lower() not in types]
        for column in table.columns:
            wanted, found = normal_type(column.type.column_type), types.get(column.name.lower())
            if found is not None and found != wanted:
                raise _different(item, f"column {column.name} is {found}, declared is {wanted}")
        if not missing:
            return []
        target = f"`{item.database}`.`{item.name}`"
        statements = [f"ALTER TABLE {target} ADD COLUMN {column_definition(c)}" for c in missing]
        added = {"columns": ", ".join(c.name for c in missing)}
        return [Change(item.label, "update", {"columns": "missing"}, added, self._runner(item, *statements))]

    def _check_keys(self, item: SqlObject, table: Table, live: list[dict[str, Any]]) -> None:
        keys = [str(r["Field"]) for r in live if str(r["Key"]).lower() in ("true", "yes")]
        if [k.lower() for k in keys] != [k.lower() for k in table.keys]:
            raise _different(item, f"the key is ({', '.join(keys)}), declared is ({', '.join(table.keys)})")
        shown = self._rows(f"SHOW CREATE TABLE `{item.database}`.`{item.name}`")[0]["Create Table"]
        model = re.search(r"\b(DUPLICATE|UNIQUE|AGGREGATE) KEY\s*\(", str(shown))
        if model and model.group(1) != table.model:
            raise _different(item, f"the model is {model.group(1)}, declared is {table.model}")

    def _role(self, item: SqlObject) -> list[Change]:
        return [] if item.name in self.live_roles() else [self._create(item, {})]

    def _grant(self, item: SqlObject) -> list[Change]:
        to, name = item.details["to"], item.details["name"]
        held = self.live_roles().get(name, "") if to == "role" else _levels(self.live_users().get(name, {}))
        wanted = set(item.details["privileges"].split(","))
        if wanted <= privileges_on(held, item.details["scope"]):
            return []
        return [self._create(item, {"privileges": item.details["privileges"]})]

    def _user(self, item: SqlObject) -> list[Change]:
        live = self.live_users().get(item.name)
        if live is None:
            return [self._create(item, {"password": "set", "role": item.details.get("role", "")})]
        changes = []
        role, password = item.details.get("role", ""), item.details.get("password", "")
        roles = {r.strip() for r in str(live.get("Roles") or "").split(",")}
        if role and role not in roles:
            run = self._runner(item, f"GRANT '{role}' TO '{item.name}'@'%'")
            changes.append(Change(item.label, "update", {"role": ", ".join(sorted(roles))}, {"role": role}, run))
        if password and not self._can_login(item.name, password):
            # Whoever tried the other password may have locked the account; a new password alone does not open it.
            unlock = f"ALTER USER '{item.name}'@'%' ACCOUNT_UNLOCK"
            run = self._runner(item, f"SET PASSWORD FOR '{item.name}' = PASSWORD('{password}')", unlock)
            changes.append(Change(item.label, "update", {"password": "another"}, {"password": "set"}, run))
        return changes

    def _routine_load(self, item: SqlObject) -> list[Change]:
        live = self._live_load(item)
        wanted = item.details
        if live is None:
            return [self._create(item, {"topic": wanted["topic"], "table": wanted["table"]})]
        source = json.loads(live["DataSourceProperties"])
        if (live["TableName"], source.get("topic")) != (wanted["table"], wanted["topic"]):
            raise ApplyError(
                f"{item.label} reads {source.get('topic')} into {live['TableName']}, which is not what is declared.",
                remedy=f"Run STOP ROUTINE LOAD FOR {item.database}.{item.name} and deploy again.", notebook=_NOTEBOOK,
            )  # fmt: skip
        name = f"{item.database}.{item.name}"
        strict = str(json.loads(live["JobProperties"]).get("strict_mode", "false")).lower()
        before = {"brokers": source.get("brokerList"), "strict": strict}
        after = {what: wanted[what] for what in before}
        if before != after:
            pause = [] if live["State"] == "PAUSED" else [f"PAUSE ROUTINE LOAD FOR {name}"]
            # Doris forgets where new partitions begin when it is given brokers (KafkaDataSourceProperties of 4.0).
            alter = (
                f'ALTER ROUTINE LOAD FOR {name} PROPERTIES ("strict_mode" = "{wanted["strict"]}") '
                f'FROM KAFKA ("kafka_broker_list" = "{wanted["brokers"]}", '
                f'"property.kafka_default_offsets" = "{wanted["offsets"]}")'
            )
            run = self._runner(item, *pause, alter, f"RESUME ROUTINE LOAD FOR {name}")
            return [Change(item.label, "update", before, after, run)]
        if live["State"] == "PAUSED":
            before = {"state": "PAUSED", "reason": live["ReasonOfStateChanged"]}
            run = self._runner(item, f"RESUME ROUTINE LOAD FOR {name}")
            return [Change(item.label, "start", before, {"state": "RUNNING"}, run)]
        return []

    def _live_load(self, item: SqlObject) -> dict[str, Any] | None:
        return next((r for r in self.live_loads(item.database) if r["Name"] == item.name), None)

    # --- summaries ---

    def _table_row(self, item: SqlObject) -> dict[str, Any]:
        name = f"{item.database}.{item.name}"
        if item.name not in self.live_tables(item.database):
            return {"name": name, "state": "ABSENT", "ok": False, "problem": "declared, but not there"}
        counted = self._rows(f"SELECT COUNT(*) AS n FROM `{item.database}`.`{item.name}`")
        return {"name": name, "state": "READABLE", "ok": True, "progress": int(counted[0]["n"])}

    def _load_row(self, item: SqlObject) -> dict[str, Any]:
        live, name = self._live_load(item), f"{item.database}.{item.name}"
        if live is None:
            return {"name": name, "state": "ABSENT", "ok": False, "problem": "declared, but not there"}
        statistic = json.loads(live["Statistic"] or "{}")
        running = live["State"] == "RUNNING"
        problem = "" if running else str(live["ReasonOfStateChanged"] or "not running yet")
        return {"name": name, "state": str(live["State"]), "ok": running,
                "progress": int(statistic.get("loadedRows", 0)), "problem": problem}  # fmt: skip


_COMPARE: dict[str, Callable[[Planner, SqlObject], list[Change]]] = {
    "database": Planner._database,
    "table": Planner._table,
    "view": Planner._view,
    "materialized_view": Planner._materialized_view,
    "role": Planner._role,
    "grant": Planner._grant,
    "user": Planner._user,
    "routine_load": Planner._routine_load,
}


def normal_type(text: str) -> str:
    """A column type in one writing: Doris versions differ in blanks, display widths and the suffixes v2 and v3."""
    text = re.sub(r"\s+", "", text.lower()).replace("decimalv3", "decimal").replace("datetimev2", "datetime")
    text = text.replace("datev2", "date")
    return re.sub(r"^((?:tiny|small|big|large)?int)\(\d+\)$", r"\1", {"string": "text"}.get(text, text))


def column_definition(column: Column) -> str:
    """A column as ALTER TABLE … ADD COLUMN takes it."""
    text = f"`{column.name}` {column.type}" + (f" {column.aggregate}" if column.aggregate else "")
    text += " NULL" if column.nullable else " NOT NULL"
    if column.default is not None:
        plain = column.default.startswith(("'", "CURRENT_TIMESTAMP"))
        text += f" DEFAULT {column.default}" if plain else f' DEFAULT "{column.default}"'
    comment = column.comment.replace("\\", "\\\\").replace("'", "\\'")
    return text + (f" COMMENT '{comment}'" if comment else "")


def privileges_on(levels: str, scope: str) -> set[str]:
    """The privileges on a scope, in lower case, out of a listing such as `internal.db: Select_priv,Load_priv; …`."""
    wanted = scope.replace("`", "").replace(" ", "").removesuffix(".*")
    found: set[str] = set()
    for part in levels.split(";"):
        name, colon, privileges = part.strip().rpartition(":")
        if (not colon and wanted in ("*", "*.*")) or name.strip().removesuffix(".*") == wanted:
            found |= {p.strip().lower() for p in re.split(r"[,\s]+", privileges) if p.strip()}
    return found


def _levels(row: dict[str, Any]) -> str:
    parts = (row.get(k) for k in ("GlobalPrivs", "CatalogPrivs", "DatabasePrivs", "TablePrivs"))
    return "; ".join(str(p) for p in parts if p)


def _different(item: SqlObject, what: str) -> ApplyError:
    return ApplyError(f"{item.label}: {what}.", cause="Doris cannot change this in place.", remedy=_REBUILD,
                      notebook=_NOTEBOOK)  # fmt: skip
