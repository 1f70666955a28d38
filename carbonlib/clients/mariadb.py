"""MariaDB, which stands for MySQL: the contracts system, and the binary log that change capture reads."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import pymysql

from .._errors import TargetUnreachable
from .database import NOTEBOOK, Database, LoginRefused
from .database_objects import DatabaseObject, normal_type

_DENIED = (1044, 1045, 1698)
# 0 and 2xxx come from the client when the server has gone; 1053 and 1927 are its last words.
_GONE = (0, 1053, 1927, 2003, 2006, 2013, 2014, 2055)
_COLUMNS = """
SELECT column_name AS name, column_type AS kind, is_nullable AS nullable FROM information_schema.columns
WHERE CONCAT(table_schema, '.', table_name) = %s ORDER BY ordinal_position
"""
_KEY = """
SELECT column_name AS name FROM information_schema.statistics
WHERE CONCAT(table_schema, '.', table_name) = %s AND index_name = 'PRIMARY' ORDER BY seq_in_index
"""


class MariaDB(Database):
    """A MariaDB or MySQL server. Names of tables carry their database, as in `refdata.contracts`."""

    system = "mariadb"
    title = "MariaDB"
    quote = "`"
    lost = (pymysql.err.OperationalError, pymysql.err.InterfaceError)
    refused = pymysql.err.MySQLError

    def _open(self, user: str, password: str, database: str) -> pymysql.Connection[Any]:
        try:
            return pymysql.connect(
                host=self.host, port=self.port, user=user, password=password, autocommit=True, connect_timeout=5,
                read_timeout=30, charset="utf8mb4", program_name="carbonlib", init_command="SET time_zone = '+00:00'",
            )  # fmt: skip
        except pymysql.err.OperationalError as error:
            kind = LoginRefused if error.args[0] in _DENIED else TargetUnreachable
            raise kind(f"{self.title} cannot be entered as {user}.", cause=str(error), notebook=NOTEBOOK) from error

    def _is_lost(self, error: Exception) -> bool:
        return isinstance(error, pymysql.err.InterfaceError) or error.args[0] in _GONE

    def _on_conflict(self, key: Sequence[str], others: Sequence[str]) -> str:
        names = others or key
        return "ON DUPLICATE KEY UPDATE " + ", ".join(f"{self._quoted(n)} = VALUES({self._quoted(n)})" for n in names)

    # -- what a plan looks up ---------------------------------------------------------------------------------------

    def databases(self) -> set[str]:
        """Names of the databases."""
        return {str(next(iter(row.values()))) for row in self.rows("SHOW DATABASES")}

    def columns(self, table: str) -> dict[str, str]:
        """Columns of a table and their types, `NOT NULL` included; empty where it is missing."""
        return {
            str(row["name"]): normal_type(row["kind"], "mysql") + (" NOT NULL" if row["nullable"] == "NO" else "")
            for row in self.rows(_COLUMNS, [table])
        }

    def primary_key(self, table: str) -> list[str]:
        """Columns of the primary key, in order; empty where the table is missing."""
        return [str(row["name"]) for row in self.rows(_KEY, [table])]

    def users(self) -> dict[str, dict[str, Any]]:
        """Users that may log in from anywhere."""
        return {str(row["User"]): {} for row in self.rows("SELECT User FROM mysql.user WHERE Host = '%'")}

    def privileges(self, user: str, scope: str) -> set[str]:
        """What a user may do on a scope such as `*.*` or `refdata.*`."""
        if user not in self.users():
            return set()
        grants = [str(next(iter(row.values()))) for row in self.rows("SHOW GRANTS FOR %s@'%%'", [user])]
        held: set[str] = set()
        for grant in grants:
            match = re.match(r"GRANT (.+?) ON (\S+) TO ", grant)
            if match and match.group(2).replace("`", "") == scope:
                held |= {p.strip().upper() for p in match.group(1).split(",")}
        return held - {"USAGE"}

    def definition(self, item: DatabaseObject) -> Any:
        """Nothing that is declared for MariaDB is compared by its definition."""
        raise NotImplementedError(f"{item.label} is not declared for MariaDB")
