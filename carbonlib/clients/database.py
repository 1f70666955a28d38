"""What PostgreSQL and MariaDB have in common: asking, writing in a transaction, and planning what they should hold."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar

import pandas as pd

from .._errors import CarbonError, EngineError, TargetUnreachable
from ..changes import Plan
from .database_objects import DatabaseObject
from .database_plan import Planner

NOTEBOOK = "deploy-45"


class LoginRefused(TargetUnreachable):
    """The database answers, and does not let this user in."""


class Database(ABC):
    """A database server as one user; the connection is made when it is first needed, and again after it was lost.

    Args:
        host, port: of the server.
        user, password: who is asking.
        database: the database that is asked; it may not exist yet.
    """

    system: ClassVar[str]
    title: ClassVar[str]
    quote: ClassVar[str]
    lost: ClassVar[tuple[type[Exception], ...]]
    refused: ClassVar[type[Exception]]

    def __init__(self, host: str, port: int, user: str, password: str, database: str) -> None:
        self.host, self.port, self.user, self.database = host, port, user, database
        self._password = password
        self._lock = threading.RLock()
        self._connection: Any = None

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.user}@{self.host}:{self.port}/{self.database})"

    # -- what the servers do differently ----------------------------------------------------------------------------

    @abstractmethod
    def _open(self, user: str, password: str, database: str) -> Any:
        """A new connection in autocommit mode.

        Raises:
            TargetUnreachable: nothing answers; `LoginRefused` when the user or its password is refused.
        """

    @abstractmethod
    def _is_lost(self, error: Exception) -> bool:
        """Whether an error means that the connection is gone, and not that the statement is wrong."""

    @abstractmethod
    def _on_conflict(self, key: Sequence[str], others: Sequence[str]) -> str:
        """The end of an INSERT that replaces the row with the same key."""

    @abstractmethod
    def primary_key(self, table: str) -> list[str]:
        """Columns of the primary key, in order; empty where the table is missing."""

    @abstractmethod
    def columns(self, table: str) -> dict[str, str]:
        """Columns of a table and their types, `NOT NULL` included; empty where it is missing."""

    # -- asking -----------------------------------------------------------------------------------------------------

    def reachable(self) -> bool:
        """Whether the server answers, be it with a refusal of the password."""
        try:
            self._open(self.user, self._password, self._entrance()).close()
        except TargetUnreachable as error:
            return isinstance(error, LoginRefused)
        return True

    def _entrance(self) -> str:
        """The database by which the server is entered when the own one may not be there."""
        return ""

    def can_login(self, user: str, password: str) -> bool:
        """Whether the user has that password."""
        try:
            self._open(user, password, self._entrance()).close()
        except LoginRefused:
            return False
        return True

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[dict[str, Any]]:
        """The rows of a query as dictionaries; `%s` in the text stands for a parameter.

        Raises:
            EngineError: the database refuses it.
            TargetUnreachable: nothing answers.
        """
        names, rows = self._fetch(sql, parameters)
        return [dict(zip(names, row, strict=True)) for row in rows]

    def query(self, sql: str, parameters: Sequence[Any] = ()) -> pd.DataFrame:
        """The rows of a query as a table, which has its columns even where it has no rows."""
        names, rows = self._fetch(sql, parameters)
        return pd.DataFrame(rows, columns=names)

    def _fetch(self, sql: str, parameters: Sequence[Any]) -> tuple[list[str], list[Sequence[Any]]]:
        with self._lock:
            cursor = self._run(sql, parameters)
            return [str(column[0]) for column in cursor.description or ()], list(cursor.fetchall())

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> int:
        """Run a statement; the number of rows that it changed."""
        with self._lock:
            return int(self._run(sql, parameters).rowcount)

    def _run(self, sql: str, parameters: Sequence[Any]) -> Any:
        if self._connection is None:
            self._connection = self._open(self.user, self._password, self.database)
        try:
            cursor = self._connection.cursor()
            cursor.execute(sql, parameters or None)
        except (*self.lost, self.refused) as error:
            raise self._error(error) from error
        return cursor

    def _error(self, error: Exception) -> CarbonError:
        if not self._is_lost(error):
            return EngineError(f"{self.title} refused a statement.", cause=str(error), notebook=NOTEBOOK)
        self.close()
        return TargetUnreachable(f"{self.title} does not answer.", cause=str(error), notebook=NOTEBOOK)

    def close(self) -> None:
        """Give the connection back; the next question opens another."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    # -- writing ----------------------------------------------------------------------------------------------------

    def transaction(self, statements: Iterable[tuple[str, Sequence[Any]]]) -> datetime:
        """Run statements in one transaction.

        Returns:
            When its commit was sent: what is measured from here counts the commit itself as well.
        """
        with self._lock:
            self._run("BEGIN", ())
            try:
                for sql, parameters in statements:
                    self._run(sql, parameters)
            except EngineError:
                self._run("ROLLBACK", ())
                raise
            sent = datetime.now(UTC)
            self._run("COMMIT", ())
            return sent

    def upsert(self, table: str, rows: Sequence[Mapping[str, Any]]) -> datetime:
        """Insert rows, or change those whose keys are there, in one transaction; when its commit was sent.

        Raises:
            EngineError: the table does not exist, or refuses a row.
        """
        key = self.primary_key(table)
        if not key:
            raise EngineError(f"{self.title} has no table {table} with a primary key.", notebook=NOTEBOOK)
        return self.transaction((self._insert(table, key, row), list(row.values())) for row in rows)

    def _insert(self, table: str, key: Sequence[str], row: Mapping[str, Any]) -> str:
        names = ", ".join(map(self._quoted, row))
        others = [name for name in row if name not in key]
        places = ", ".join(["%s"] * len(row))
        return f"INSERT INTO {self._quoted(table)} ({names}) VALUES ({places}) {self._on_conflict(key, others)}"

    def delete(self, table: str, key: Mapping[str, Any]) -> datetime:
        """Delete the rows whose columns have these values; when the commit was sent."""
        condition = " AND ".join(f"{self._quoted(name)} = %s" for name in key)
        return self.transaction([(f"DELETE FROM {self._quoted(table)} WHERE {condition}", list(key.values()))])

    def _quoted(self, name: str) -> str:
        return ".".join(self.quote + part.replace(self.quote, self.quote * 2) + self.quote for part in name.split("."))

    # -- planning ---------------------------------------------------------------------------------------------------

    def plan(self, objects: Sequence[DatabaseObject]) -> Plan:
        """What is missing or different.

        Raises:
            ApplyError: a table lives with another key or type than declared.
        """
        return Planner(self).plan(objects)

    def create_database(self, sql: str) -> None:
        """Run the statement that creates the own database."""
        self.execute(sql)

    @abstractmethod
    def databases(self) -> set[str]:
        """Names of the databases."""

    @abstractmethod
    def users(self) -> dict[str, dict[str, Any]]:
        """Users and those of their attributes that are declared."""

    @abstractmethod
    def privileges(self, user: str, scope: str) -> set[str]:
        """What a user may do with a table, or with everything."""

    @abstractmethod
    def definition(self, item: DatabaseObject) -> Any:
        """What a function, trigger, publication or replica identity is like now; None where it is missing."""

    def keys(self, table: str, key: Sequence[str]) -> set[tuple[str, ...]]:
        """The keys of the rows that a table has, as texts."""
        if not self.columns(table):
            return set()
        names = ", ".join(map(self._quoted, key))
        return {tuple(map(str, row.values())) for row in self.rows(f"SELECT {names} FROM {self._quoted(table)}")}

    def summary(self, objects: Sequence[DatabaseObject]) -> list[dict[str, Any]]:
        """State of each declared table: name, state, ok, progress (its rows), problem."""
        return [self._table_row(item.name) for item in objects if item.kind == "table"]

    def _table_row(self, table: str) -> dict[str, Any]:
        name = f"{self.system} {table}"
        if not self.columns(table):
            return {"name": name, "state": "ABSENT", "ok": False, "problem": "declared, but not there"}
        count = self.rows(f"SELECT count(*) AS n FROM {self._quoted(table)}")[0]["n"]
        return {"name": name, "state": "READABLE", "ok": True, "progress": int(count)}
