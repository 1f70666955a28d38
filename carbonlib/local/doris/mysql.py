"""The MySQL side: connections, logins, and statements handed to the engine in threads."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncGenerator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from mysql_mimic import packets
from mysql_mimic.auth import AuthInfo, Forbidden, IdentityProvider, NativePasswordAuthPlugin, User
from mysql_mimic.connection import Connection
from mysql_mimic.control import LocalControl
from mysql_mimic.errors import MysqlError
from mysql_mimic.results import ResultSet
from mysql_mimic.server import MysqlServer
from mysql_mimic.session import BaseSession
from mysql_mimic.stream import MysqlStream
from mysql_mimic.variables import GlobalVariables, SessionVariables

from .access import denied
from .commands import run
from .context import Context
from .engine import MYSQL_VERSION, Engine
from .errors import ACCESS_DENIED, DorisError
from .results import Answer

log = logging.getLogger(__name__)
WORKERS = 16  # threads for statements; queries among them are limited further by the engine
_NEVER_MATCHES = "0" * 40


class Session(BaseSession):  # type: ignore[misc]
    """One connection's state, and the way of its statements into the engine."""

    def __init__(self, engine: Engine, pool: ThreadPoolExecutor, control: LocalControl) -> None:
        self.engine, self.pool, self.control = engine, pool, control
        self.variables = SessionVariables(GlobalVariables())
        self.variables.set("version", MYSQL_VERSION, force=True)
        self.username: str | None = None
        self.database: str | None = None
        self.affected = 0
        self._context: Context | None = None

    async def init(self, connection: Connection) -> None:
        """Login is over: check the database that the client named."""
        user = self.username
        assert user is not None
        loop = asyncio.get_running_loop()
        self._context = Context(self.engine, user, connection=connection.connection_id)
        self._context.kill = lambda number: self._kill(loop, number)
        if self.database:
            self._context.database = self.engine.catalog.database(self.database)

    async def reset(self) -> None:
        """COM_CHANGE_USER: start as after a new login."""
        if self._context and self.username:
            self._context = Context(self.engine, self.username, self.database or "", self._context.connection)

    async def use(self, database: str) -> None:
        """COM_INIT_DB."""
        if self._context is None:
            raise _wire(denied("", False))
        try:
            self._context.database = self.engine.catalog.database(database)
        except DorisError as refused:
            raise _wire(refused) from refused
        self.database = database

    async def handle_query(self, sql: str, attrs: dict[str, str]) -> ResultSet | None:
        """Run one statement."""
        context = self._context
        if context is None or self.username is None:
            raise _wire(denied(self.username or "", False))
        answer = await asyncio.get_running_loop().run_in_executor(self.pool, self._run, sql, context)
        self.database, self.affected = context.database or None, answer.affected
        return answer.result_set()

    def _run(self, sql: str, context: Context) -> Answer:
        began, failed = time.perf_counter(), True
        try:
            answer = run(sql, context)
            failed = False
            return answer
        except DorisError as refused:
            raise _wire(refused) from refused
        except Exception as broken:
            log.exception("statement failed: %s", sql[:500])
            raise _wire(DorisError(f"internal error: {type(broken).__name__}: {broken}")) from broken
        finally:
            self.engine.metrics.query((time.perf_counter() - began) * 1000, failed)

    def _kill(self, loop: asyncio.AbstractEventLoop, number: int) -> bool:
        known = number in self.control._connections
        if known:
            asyncio.run_coroutine_threadsafe(self.control.kill(number), loop)
        return known


def _wire(refused: DorisError) -> MysqlError:
    message = refused.detail if refused.code == ACCESS_DENIED else refused.wire
    return MysqlError(message, refused.code)


class Login(NativePasswordAuthPlugin):  # type: ignore[misc]
    """Native password, with Doris's refusal and a count of wrong passwords."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    async def auth(self, auth_info: AuthInfo | None = None) -> AsyncGenerator[Any, AuthInfo]:
        """Drive the exchange of the base class and give its verdict our words."""
        exchange = super().auth(auth_info)
        decision = await exchange.__anext__()
        while isinstance(decision, bytes):
            auth_info = yield decision
            decision = await exchange.asend(auth_info)
        assert auth_info is not None
        name = auth_info.username
        good = not isinstance(decision, Forbidden) and not self.engine.access.locked(name)
        self.engine.access.note_login(name, good)
        yield decision if good else Forbidden(denied(name, bool(auth_info.data)).detail)


class Identities(IdentityProvider):  # type: ignore[misc]
    """The users of the endpoint."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def get_plugins(self) -> list[NativePasswordAuthPlugin]:
        """Only native passwords, as Doris."""
        return [Login(self.engine)]

    async def get_user(self, username: str) -> User:
        """The user; an unknown one gets a password that nothing matches, so that both refusals look the same."""
        known = self.engine.access.users.get(username)
        secret = (known.password or None) if known else _NEVER_MATCHES
        return User(name=username, auth_string=secret, auth_plugin=Login.name)


class GuardedConnection(Connection):  # type: ignore[misc]
    """A connection that ends when its login fails (the library's would go on), and reports affected rows."""

    async def authenticate(self, *args: Any, **kwargs: Any) -> None:
        """Log in, or end the connection."""
        self.session.username = None
        await super().authenticate(*args, **kwargs)
        if self.session.username is None:
            raise _Refused

    async def start(self) -> None:
        """Serve until the client leaves or its login is refused."""
        try:
            await self._start()
        except (_Refused, ConnectionError, asyncio.IncompleteReadError):
            log.debug("connection %s ended", self.connection_id)

    async def _start(self) -> None:
        self._task = asyncio.current_task()
        await self.connection_phase()
        try:
            await self.session.init(self)
        except DorisError as refused:
            await self.stream.write(self.error(msg=refused.wire, code=refused.code))
            raise _Refused from refused
        try:
            await self.command_phase()
        finally:
            self._task = None
            await self.session.close()

    async def handle_query(self, data: bytes) -> None:
        """COM_QUERY, with the number of changed rows in the reply of a statement without a result."""
        query = packets.parse_com_query(capabilities=self.capabilities, client_charset=self.client_charset, data=data)
        result = await self.query(query.sql, query.query_attrs)
        if result:
            await self.write_text_resultset(result)
        else:
            await self.stream.write(self.ok(affected_rows=getattr(self.session, "affected", 0)))


class _Refused(Exception):
    """The login failed and the client was told."""


class Server(MysqlServer):  # type: ignore[misc]
    """The listener."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.pool = ThreadPoolExecutor(WORKERS, thread_name_prefix="statement")
        self.local_control = LocalControl(server_id=1)
        super().__init__(
            session_factory=lambda: Session(engine, self.pool, self.local_control),
            control=self.local_control,
            identity_provider=Identities(engine),
        )

    async def _client_connected_cb(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        session = Session(self.engine, self.pool, self.local_control)
        connection = GuardedConnection(
            stream=MysqlStream(reader, writer), session=session, control=self.local_control,
            server_capabilities=self.capabilities, identity_provider=self.identity_provider,
        )  # fmt: skip
        connection.connection_id = await self.local_control.add(connection)
        self.engine.connections += 1
        try:
            await connection.start()
        finally:
            self.engine.connections -= 1
            writer.close()
            await self.local_control.remove(connection.connection_id)
