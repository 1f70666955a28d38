"""What a statement knows of the connection that sent it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from .engine import MYSQL_VERSION, WHAT_IT_IS, Engine
from .translate import SessionValues

# The variables that clients read or set; the values are those of a Doris session in UTC. Each of them may be set, but
# only time_zone has a single possible value here.
VARIABLES: dict[str, Any] = {
    "auto_increment_increment": 1, "autocommit": 1, "batch_size": 4064, "character_set_client": "utf8mb4",
    "character_set_connection": "utf8mb4", "character_set_database": "utf8mb4", "character_set_results": "utf8mb4",
    "character_set_server": "utf8mb4", "collation_connection": "utf8mb4_0900_bin",
    "collation_database": "utf8mb4_0900_bin", "collation_server": "utf8mb4_0900_bin", "default_storage_engine": "olap",
    "default_tmp_storage_engine": "olap", "enable_insert_strict": True, "enable_profile": False,
    "enable_sql_cache": False, "enable_unique_key_partial_update": False, "event_scheduler": "OFF",
    "exec_mem_limit": 2147483648, "have_query_cache": "NO", "init_connect": "", "insert_timeout": 14400,
    "interactive_timeout": 28800, "language": "en", "license": "Apache License, Version 2.0",
    "lower_case_table_names": 0, "max_allowed_packet": 67108864, "max_execution_time": 0, "net_buffer_length": 16384,
    "net_read_timeout": 60, "net_write_timeout": 60, "performance_schema": "OFF", "profiling": False,
    "query_cache_size": 0, "query_cache_type": 0, "query_timeout": 900, "session_context": "",
    "sql_auto_is_null": False, "sql_mode": "ONLY_FULL_GROUP_BY,STRICT_TRANS_TABLES", "sql_quote_show_create": True,
    "sql_safe_updates": False, "sql_select_limit": 9223372036854775807, "storage_engine": "olap",
    "system_time_zone": "UTC", "time_zone": "UTC", "transaction_isolation": "REPEATABLE-READ",
    "transaction_read_only": False, "tx_isolation": "REPEATABLE-READ", "tx_read_only": False, "unique_checks": True,
    "foreign_key_checks": True, "wait_timeout": 28800, "workload_group": "normal", "group_concat_max_len": 2147483646,
    "version": MYSQL_VERSION, "version_comment": WHAT_IT_IS, "external_user": "",
}  # fmt: skip
READ_ONLY = frozenset({"version", "version_comment", "license", "lower_case_table_names", "system_time_zone"})
UTC_NAMES = frozenset({"utc", "+00:00", "+0:00", "etc/utc", "system", "gmt", "z"})


@dataclass
class Context:
    """One connection, as statements see it."""

    engine: Engine
    user: str
    database: str = ""
    connection: int = 0
    variables: dict[str, Any] = field(default_factory=lambda: dict(VARIABLES))
    kill: Callable[[int], bool] = lambda _: False

    def values(self) -> SessionValues:
        """What the session functions of a query return."""
        return SessionValues(self.user, self.database, f"{MYSQL_VERSION} {WHAT_IT_IS}", self.connection, self.variables)

    def require(self, privilege: str, database: str = "*", table: str = "*") -> None:
        """Refuse the statement unless the user has the privilege."""
        self.engine.access.require(self.user, privilege, database, table)
