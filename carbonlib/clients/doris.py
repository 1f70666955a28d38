"""Doris in plain words: query it, load into it, and plan the objects that it should hold.

Works against Apache Doris and against the endpoint of the local target; nothing here asks which of them answers.
"""

from __future__ import annotations

import base64
import datetime
import json
import re
import threading
import uuid
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

import httpx
import pandas as pd
import pymysql

from .._errors import ApplyError, CarbonError, EngineError, TargetUnreachable
from ..changes import Change, Plan
from ..waiting import wait_until
from .doris_objects import SqlObject, load_objects, refuse_quotes
from .doris_plan import Planner

__all__ = ["Doris", "SqlObject", "load_objects"]

_NOTEBOOK = "deploy-40"
_DENIED = (1045, 1044, 1227)
_GONE = (0, 2003, 2006, 2013, 2014, 2055)
_PASSWORD = re.compile(r"(IDENTIFIED BY |PASSWORD ?\( ?)(['\"]).*?\2", re.IGNORECASE)
_DEFAULT_USERS = ("root", "admin")  # the two that a new Doris has, without passwords


class Doris:
    """A client for one user.

    Args:
        host: of a frontend.
        query_port: of its MySQL protocol.
        http_url: of its HTTP interface.
        user, password: who is asking.
        database: selected for unqualified names.
    """

    def __init__(
        self, host: str, query_port: int, http_url: str, user: str, password: str, *, database: str | None = None
    ) -> None:
        self.host, self.query_port, self.http_url = host, query_port, http_url.rstrip("/")
        self.user, self._password, self.database = user, password, database
        self._lock = threading.Lock()
        self._connection: pymysql.Connection[Any] | None = None

    def __repr__(self) -> str:
        return f"Doris({self.user}@{self.host}:{self.query_port})"

    # --- asking ---

    def query(self, sql: str, params: Sequence[Any] | Mapping[str, Any] | None = None) -> pd.DataFrame:
        """The rows of a query.

        Args:
            params: values for `%s` or `%(name)s` in the text.

        Raises:
            EngineError: Doris refuses it.
            TargetUnreachable: nothing answers, or the login is refused.
        """
        columns, rows = self._run(sql, params)
        return pd.DataFrame(rows, columns=columns)

    def rows(self, sql: str, params: Sequence[Any] | Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
        """The rows as dictionaries."""
        columns, rows = self._run(sql, params)
        return [dict(zip(columns, row, strict=True)) for row in rows]

    def execute(self, sql: str) -> int:
        """Run a statement; the number of rows that it changed."""
        return len(self._run(sql, None)[1]) or self._changed

    def ping(self) -> None:
        """Raise unless a query is answered."""
        self._run("SELECT 1", None)

    def version_comment(self) -> str:
        """What answers, in its own words."""
        return str(self._run("SELECT @@version_comment", None)[1][0][0])

    def reachable(self) -> bool:
        """Whether a frontend answers, be it with a refusal of the password."""
        try:
            self._login(self.user, self._password).close()
        except TargetUnreachable as error:
            return isinstance(error, LoginRefused)
        return True

    def wait(self, timeout: str | float) -> None:
        """Wait until a frontend answers.

        Raises:
            WaitTimeout: it does not in time.
        """
        wait_until(self.reachable, what="An answer of the Doris frontend", timeout=timeout, notebook=_NOTEBOOK)

    def routine_loads(self, database: str) -> pd.DataFrame:
        """Every routine load of a database that was not stopped: state, rows, lag and reason."""
        return pd.DataFrame(
            [
                {
                    "name": row["Name"], "table": row["TableName"], "state": row["State"],
                    "loaded": _number(row["Statistic"], "loadedRows"), "errors": _number(row["Statistic"], "errorRows"),
                    "lag": sum(int(v) for v in json.loads(row["Lag"] or "{}").values()),
                    "reason": row["ReasonOfStateChanged"] or "",
                }
                for row in self._planner().live_loads(database)
            ],
            columns=["name", "table", "state", "loaded", "errors", "lag", "reason"],
        )  # fmt: skip

    # --- HTTP ---

    def backends(self) -> list[str]:
        """Addresses `host:port` of the backends that are alive."""
        found = self._http("GET", f"{self.http_url}/api/backends?is_alive=true").get("data", {}).get("backends", [])
        return [f"{b['ip']}:{b['http_port']}" for b in found if b["is_alive"]]

    def stream_load(
        self, database: str, table: str, rows: bytes | Iterable[Mapping[str, Any]], *, label: str = "", **headers: str
    ) -> dict[str, Any]:
        """Load rows at once.

        Args:
            rows: dictionaries, or a body as bytes with its `format` among the headers (JSON lines otherwise).
            label: makes the load happen once; random where it is left out.
            headers: further headers of a stream load, with `_` as they are written by Doris.

        Returns:
            The answer of the backend, row counts among it.

        Raises:
            EngineError: the load failed, or its label was used.
        """
        body = rows if isinstance(rows, bytes) else b"\n".join(_line(r) for r in rows)
        sent = {"format": "json", "read_json_by_line": "true", "label": label or str(uuid.uuid4()), **headers}
        backends = self.backends()
        if not backends:
            raise TargetUnreachable("No Doris backend is alive.", notebook=_NOTEBOOK)
        # Straight to a backend: a client drops its credentials when it is redirected to another port.
        answer = self._http("PUT", f"http://{backends[0]}/api/{database}/{table}/_stream_load", body, sent)
        if answer.get("Status") not in ("Success", "Publish Timeout"):
            raise EngineError(
                f"The load into {database}.{table} ended as {answer.get('Status')}.", cause=str(answer.get("Message")),
                remedy=f"Read {answer['ErrorURL']}." if answer.get("ErrorURL") else "Correct the rows and load again.",
                notebook=_NOTEBOOK,
            )  # fmt: skip
        return answer

    def _http(
        self, method: str, url: str, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> dict[str, Any]:
        token = base64.b64encode(f"{self.user}:{self._password}".encode()).decode()
        try:
            answer = httpx.request(
                method, url, content=body or None, timeout=60,
                headers={"Authorization": f"Basic {token}", **(headers or {})},
            )  # fmt: skip
            answer.raise_for_status()
            found: dict[str, Any] = answer.json()
        except httpx.HTTPStatusError as error:
            raise EngineError(
                f"Doris answers {error.response.status_code} to {method} {url}.", cause=error.response.text,
                notebook=_NOTEBOOK,
            ) from error  # fmt: skip
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            cause = f"{type(error).__name__}: {error}"
            raise TargetUnreachable(f"Doris at {url} does not answer.", cause=cause, notebook=_NOTEBOOK) from error
        return found

    # --- planning ---

    def plan(self, objects: Sequence[SqlObject]) -> Plan:
        """What is missing or different.

        Raises:
            ApplyError: a table lives with another key or type than declared, which cannot be changed in place.
        """
        return self._planner().plan(objects)

    def summary(self, objects: Sequence[SqlObject]) -> list[dict[str, Any]]:
        """State and progress of each declared table and routine load: name, state, ok, progress, problem."""
        return self._planner().summary(objects)

    def _planner(self) -> Planner:
        return Planner(self.rows, self.execute, self.can_login)

    def secure_root(self, password: str) -> Plan:
        """Give the users of a new Doris a password; nothing to do where they have one."""
        refuse_quotes(password, "doris_root")
        open_users = [user for user in _DEFAULT_USERS if self.can_login(user, "")]
        return Plan(
            Change(f"user/{user}", "update", {"password": "none"}, {"password": "set"}, self._setter(user, password))
            # admin first: root without a password is what makes both changes possible.
            for user in reversed(open_users)
        )

    def _setter(self, user: str, password: str) -> Any:
        def apply() -> None:
            actor = "root" if self.can_login("root", "") else user
            with self._login(actor, "") as connection, connection.cursor() as cursor:
                try:
                    # Before apache/doris#60565, Doris takes 'user'@'%' here for a domain, and finds no such user.
                    cursor.execute(f"SET PASSWORD FOR '{user}' = PASSWORD(%s)", [password])
                except pymysql.MySQLError as error:
                    raise ApplyError(f"user/{user} got no password.", cause=_text(error), notebook=_NOTEBOOK) from error

        return apply

    def can_login(self, user: str, password: str) -> bool:
        """Whether the password opens the account.

        Raises:
            TargetUnreachable: nothing answers.
        """
        try:
            self._login(user, password).close()
        except LoginRefused:
            return False
        return True

    def limit_logins(self, user: str, attempts: int) -> None:
        """After so many wrong passwords an account is locked; 0 for no limit. It is unlocked by this too.

        Raises:
            EngineError: there is no such user, or nobody may say so.
        """
        self.execute(f"ALTER USER '{user}'@'%' FAILED_LOGIN_ATTEMPTS {attempts:d}")

    def open_doors(self, passwords: Mapping[str, str]) -> list[str]:
        """Ways in that should be shut and are open: logins without the password, and rights beyond a user's work.

        Args:
            passwords: user → password of accounts that may neither create databases nor users.
        """
        users = sorted({*_DEFAULT_USERS, *passwords})
        found = [f"{user} logs in without a password" for user in users if self.can_login(user, "")]
        probe = f"carbon_door_{uuid.uuid4().hex[:8]}"
        for user, password in sorted(passwords.items()):
            mine = Doris(self.host, self.query_port, self.http_url, user, password)
            for right, sql, undo in (
                ("creates databases", f"CREATE DATABASE {probe}", f"DROP DATABASE {probe}"),
                ("creates users", f"CREATE USER '{probe}' IDENTIFIED BY '{probe}A!1'", f"DROP USER '{probe}'"),
            ):
                if mine._succeeds(sql):
                    self.execute(undo)
                    found.append(f"{user} {right}")
        return found

    def _succeeds(self, sql: str) -> bool:
        try:
            self.execute(sql)
        except EngineError:
            return False
        return True

    # --- the connection ---

    def _run(self, sql: str, params: Any) -> tuple[list[str], list[tuple[Any, ...]]]:
        with self._lock:
            try:
                return self._once(sql, params)
            except pymysql.MySQLError as error:
                if not _is_gone(error):
                    raise self._mapped(error, sql) from error
                self._drop()
            # The connection had been closed, by a restart for example: one new one, then the error counts.
            try:
                return self._once(sql, params)
            except pymysql.MySQLError as error:
                self._drop()
                raise self._mapped(error, sql) from error

    def _once(self, sql: str, params: Any) -> tuple[list[str], list[tuple[Any, ...]]]:
        if self._connection is None:
            self._connection = self._login(self.user, self._password, self.database)
        with self._connection.cursor() as cursor:
            self._changed = cursor.execute(sql, params)
            columns = [d[0] for d in cursor.description or ()]
            return columns, list(cursor.fetchall()) if columns else []

    _changed = 0

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection._force_close()
            self._connection = None

    def close(self) -> None:
        """Close the connection; the next call opens another."""
        with self._lock:
            self._drop()

    def _login(self, user: str, password: str, database: str | None = None) -> pymysql.Connection[Any]:
        try:
            return pymysql.connect(
                host=self.host, port=self.query_port, user=user, password=password, database=database,
                autocommit=True, connect_timeout=10, read_timeout=120, charset="utf8mb4",
            )  # fmt: skip
        except pymysql.MySQLError as error:
            kind = LoginRefused if error.args and error.args[0] in _DENIED else TargetUnreachable
            raise kind(
                f"Doris at {self.host}:{self.query_port} takes no connection of {user}.", cause=_text(error),
                remedy="Bring Doris up, or correct the secret of this user.", notebook=_NOTEBOOK,
            ) from error  # fmt: skip

    def _mapped(self, error: pymysql.MySQLError, sql: str) -> CarbonError:
        if _is_gone(error):
            where = f"Doris at {self.host}:{self.query_port}"
            return TargetUnreachable(f"{where} ended the connection.", cause=_text(error), notebook=_NOTEBOOK)
        first = _PASSWORD.sub(r"\1'…'", " ".join(sql.split()))[:120]
        return EngineError(
            f"Doris refuses: {first}", cause=_text(error), remedy="Correct the statement, or the rights of its user.",
            notebook=_NOTEBOOK,
        )  # fmt: skip


class LoginRefused(TargetUnreachable):
    """A frontend answers, but not with this user and password."""


def _is_gone(error: pymysql.MySQLError) -> bool:
    return isinstance(error, (pymysql.OperationalError, pymysql.InterfaceError)) and bool(
        not error.args or error.args[0] in _GONE
    )


def _text(error: pymysql.MySQLError) -> str:
    return str(error.args[1]) if len(error.args) > 1 else str(error)


def _number(text: str, name: str) -> int:
    return int(json.loads(text or "{}").get(name, 0))


def _line(row: Mapping[str, Any]) -> bytes:
    return json.dumps(row, default=_plain).encode()


def _plain(value: Any) -> Any:
    if isinstance(value, datetime.datetime):
        moment = value.astimezone(datetime.UTC).replace(tzinfo=None) if value.tzinfo else value
        return moment.isoformat(" ", "milliseconds")
    if isinstance(value, (Decimal, datetime.date, uuid.UUID)):
        return str(value)
    if hasattr(value, "item"):
        return value.item()
    raise TypeError(f"{type(value).__name__} has no JSON form")
