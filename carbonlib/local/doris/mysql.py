"""The MySQL side: connections, logins, and statements handed to the engine in threads."""

from __future__ import annotations

import asyncio
import logging
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from mysql_mimic import packets
from mysql_mimic.auth import IdentityProvider, NativePasswordAuthPlugin, User
from mysql_mimic.connection import Connection
from mysql_mimic.control import LocalControl
from mysql_mimic.errors import MysqlError
from mysql_mimic.results import ResultSet
from mysql_mimic.server import MysqlServer
from mysql_mimic.session import BaseSession
from mysql_mimic.stream import MysqlStream
from mysql_mimic.variables import GlobalVariables, SessionVariables

from .access import Access, denied
from .commands import run
from .context import Context
from .engine import MYSQL_VERSION, Engine
from .errors import ACCESS_DENIED, DorisError
from .results import Answer

log = logging.getLogger(__name__)
WORKERS = 16  # threads for statements; queries among them are limited further by the engine
_NEVER_MATCHES = "0" * 40
PLUGIN = NativePasswordAuthPlugin()


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
        """The login is over."""
        user = self.username
        assert user is not None
        loop = asyncio.get_running_loop()
        self._context = Context(self.engine, user, self.database or "", connection.connection_id)
        self._context.kill = lambda number: self._kill(loop, number)

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


def _account(access: Access, name: str) -> User:
    """The user; an unknown one has a password that nothing matches, so that both refusals look the same."""
    known = access.users.get(name)
    return User(name=name, auth_string=(known.password or None) if known else _NEVER_MATCHES)


class GuardedConnection(Connection):  # type: ignore[misc]
    """A connection that ends when its login fails (the library's would go on), and reports affected rows."""

    async def authenticate(
        self, username: str, auth_response: bytes, client_plugin_name: str | None, connect_attrs: dict[str, str],
        auth_state: Any = None, server_plugin: Any = None,
    ) -> None:  # fmt: skip
        """Check the native password and the database that the client named; end the connection when either fails."""
        self.session.username = None
        challenge = (self.handshake_auth_data or b"").rstrip(b"\0")
        if client_plugin_name not in (None, "", PLUGIN.name):
            packet = packets.make_auth_switch_request(
                server_charset=self.server_charset, plugin_name=PLUGIN.name, plugin_provided_data=challenge + b"\0"
            )
            await self.stream.write(packet)
            auth_response = await self.stream.read()
        access = self.session.engine.access
        good = PLUGIN.password_matches(_account(access, username), auth_response, challenge)
        good = good and not access.locked(username)
        access.note_login(username, good)
        try:
            if not good:
                raise denied(username, bool(auth_response))
            if self.session.database:
                self.session.engine.catalog.database(self.session.database)
        except DorisError as refused:
            wire = _wire(refused)
            await self.stream.write(self.error(msg=wire.msg, code=wire.code))
            raise _Refused from refused
        self.session.username = username
        await self.stream.write(self.ok())

    async def start(self) -> None:
        """Serve until the client leaves or its login is refused."""
        try:
            await self._start()
        except (_Refused, ConnectionError, asyncio.IncompleteReadError):
            log.debug("connection %s ended", self.connection_id)

    async def _start(self) -> None:
        self._task = asyncio.current_task()
        await self.connection_phase()
        await self.session.init(self)
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


class _Refused(BaseException):
    """The login failed and the client was told. No `Exception`: the library would answer that and go on."""


class Server(MysqlServer):  # type: ignore[misc]
    """The listener."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.pool = ThreadPoolExecutor(WORKERS, thread_name_prefix="statement")
        self.local_control = LocalControl(server_id=1)
        super().__init__(
            session_factory=lambda: Session(engine, self.pool, self.local_control),
            control=self.local_control,
            identity_provider=IdentityProvider(),
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
