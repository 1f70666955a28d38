"""PostgreSQL: the operational database of reference data, and the log that change capture reads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd
import psycopg

from .._errors import TargetUnreachable
from .database import NOTEBOOK, Database, LoginRefused
from .database_objects import DatabaseObject, normal_type
from .database_plan import normal_trigger

_COLUMNS = """
SELECT attname, format_type(atttypid, atttypmod) AS kind, attnotnull
FROM pg_attribute WHERE attrelid = to_regclass(%s) AND attnum > 0 AND NOT attisdropped ORDER BY attnum
"""
_KEY = """
SELECT a.attname FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)
WHERE i.indrelid = to_regclass(%s) AND i.indisprimary ORDER BY array_position(i.indkey::int2[], a.attnum)
"""
_PRIVILEGES = """
SELECT a.privilege_type FROM pg_class c, aclexplode(c.relacl) a JOIN pg_roles r ON r.oid = a.grantee
WHERE c.oid = to_regclass(%s) AND r.rolname = %s
"""
_SLOTS = """
SELECT slot_name AS slot, active, wal_status,
       pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn)::bigint AS retained_bytes,
       pg_wal_lsn_diff(pg_current_wal_lsn(), confirmed_flush_lsn)::bigint AS unconfirmed_bytes
FROM pg_replication_slots WHERE database = %s ORDER BY slot_name
"""
_DEFINITIONS = {
    "function": "SELECT prosrc FROM pg_proc WHERE oid = to_regproc(%s)",
    # A trigger that somebody has switched off counts as missing: declared is one that works.
    "trigger": "SELECT pg_get_triggerdef(oid) FROM pg_trigger "
    "WHERE tgrelid = to_regclass(%s) AND tgname = %s AND tgenabled = 'O'",
    "identity": "SELECT CASE relreplident WHEN 'f' THEN 'FULL' WHEN 'd' THEN 'DEFAULT' ELSE relreplident::text END "
    "FROM pg_class WHERE oid = to_regclass(%s)",
    "publication": "SELECT pubname FROM pg_publication WHERE pubname = %s",
}
_PUBLISHED = "SELECT schemaname || '.' || tablename AS name FROM pg_publication_tables WHERE pubname = %s"


class Postgres(Database):
    """A PostgreSQL server. Names of tables carry their schema, as in `public.commodities`."""

    system = "postgres"
    title = "PostgreSQL"
    quote = '"'
    lost = (psycopg.OperationalError, psycopg.InterfaceError)
    refused = psycopg.Error

    def _open(self, user: str, password: str, database: str) -> psycopg.Connection[Any]:
        try:
            # With an empty search path the catalog shows every name with its schema, as it is declared.
            return psycopg.connect(
                host=self.host, port=self.port, user=user, password=password, dbname=database, autocommit=True,
                connect_timeout=5, application_name="carbonlib", options="-c search_path=pg_catalog",
            )  # fmt: skip
        except psycopg.OperationalError as error:
            kind = LoginRefused if "authentication failed" in str(error) else TargetUnreachable
            raise kind(f"{self.title} cannot be entered as {user}.", cause=str(error), notebook=NOTEBOOK) from error

    def _entrance(self) -> str:
        return "postgres"

    def _is_lost(self, error: Exception) -> bool:
        return bool(self._connection is None or self._connection.closed or isinstance(error, psycopg.InterfaceError))

    def _on_conflict(self, key: Sequence[str], others: Sequence[str]) -> str:
        changes = ", ".join(f"{self._quoted(name)} = EXCLUDED.{self._quoted(name)}" for name in others)
        target = ", ".join(map(self._quoted, key))
        return f"ON CONFLICT ({target}) DO " + (f"UPDATE SET {changes}" if changes else "NOTHING")

    # -- the log ----------------------------------------------------------------------------------------------------

    def slots(self) -> pd.DataFrame:
        """Replication slots of the database: who reads the log, and how much of it is kept for them.

        `retained_bytes` is log that cannot be removed; `wal_status` is `lost` where it was removed all the same, after
        which change capture has to take a new snapshot.
        """
        return self.query(_SLOTS, [self.database])

    # -- what a plan looks up ---------------------------------------------------------------------------------------

    def _server(self, sql: str) -> list[tuple[Any, ...]]:
        with self._open(self.user, self._password, self._entrance()) as connection:
            return list(connection.execute(sql).fetchall())

    def create_database(self, sql: str) -> None:
        """Run the statement that creates the own database, from outside of it."""
        with self._open(self.user, self._password, self._entrance()) as connection:
            connection.execute(sql)

    def databases(self) -> set[str]:
        """Names of the databases."""
        return {str(row[0]) for row in self._server("SELECT datname FROM pg_database")}

    def _inside(self, sql: str, parameters: Sequence[Any]) -> list[dict[str, Any]]:
        """Rows from the own database, none where that is not there yet."""
        return self.rows(sql, parameters) if self._connection or self.database in self.databases() else []

    def columns(self, table: str) -> dict[str, str]:
        """Columns of a table and their types, `NOT NULL` included; empty where it is missing."""
        return {
            str(row["attname"]): normal_type(row["kind"], "postgres") + (" NOT NULL" if row["attnotnull"] else "")
            for row in self._inside(_COLUMNS, [table])
        }

    def primary_key(self, table: str) -> list[str]:
        """Columns of the primary key, in order; empty where the table is missing."""
        return [str(row["attname"]) for row in self._inside(_KEY, [table])]

    def users(self) -> dict[str, dict[str, Any]]:
        """Users that may log in, and whether they may replicate."""
        found = self._server("SELECT rolname, rolreplication FROM pg_roles WHERE rolcanlogin")
        return {str(name): {"replication": replication} for name, replication in found}

    def privileges(self, user: str, scope: str) -> set[str]:
        """What a user may do with a table."""
        return {str(row["privilege_type"]) for row in self._inside(_PRIVILEGES, [scope, user])}

    def definition(self, item: DatabaseObject) -> Any:
        """What a function, trigger, publication or replica identity is like now; None where it is missing."""
        names = [item.details["table"], item.name] if item.kind == "trigger" else [item.name]
        rows = self._inside(_DEFINITIONS[item.kind], names)
        if not rows:
            return None
        if item.kind == "publication":
            return {str(row["name"]) for row in self._inside(_PUBLISHED, names)}
        found = str(next(iter(rows[0].values())))
        return normal_trigger(found) if item.kind == "trigger" else found
