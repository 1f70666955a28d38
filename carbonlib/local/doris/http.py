"""The HTTP side: a frontend and a backend as Doris clients expect them.

A load sent to the frontend is redirected to the backend with 307 before its body is read, so that a client which waits
for `100 Continue` sends the body only once.
"""

from __future__ import annotations

import asyncio
import base64
import gzip
import json
import logging
import shutil
import uuid
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from aiohttp import web

from .commands import run
from .context import Context
from .engine import WHAT_IT_IS, Engine
from .errors import DorisError
from .exporter import backend_metrics, frontend_metrics
from .loadspec import LoadSpec, from_headers, is_true

log = logging.getLogger(__name__)
LOADERS = 4  # loads that are read at the same time; one writes
_CHUNK = 1 << 18
_LOAD_PATHS = (
    "/api/{db}/{table}/_stream_load",
    "/api/{db}/_stream_load_2pc",
    "/api/{db}/{table}/_stream_load_2pc",
)
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def ok(data: Any) -> web.Response:
    """The envelope of a frontend's answer."""
    return _json({"msg": "success", "code": 0, "data": data, "count": 0})


def failed(message: str, code: int = 1, status: int = 200) -> web.Response:
    """The envelope of a frontend's refusal."""
    return _json({"msg": "Error" if code == 1 else message, "code": code, "data": message, "count": 0}, status)


def _json(body: dict[str, Any], status: int = 200) -> web.Response:
    # Compact: the schema reader of the Flink sink drops blanks.
    return web.Response(text=json.dumps(body, separators=(",", ":")), content_type="application/json", status=status)


class Http:
    """Routes of both listeners."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.pool = ThreadPoolExecutor(LOADERS, thread_name_prefix="load")

    def frontend(self) -> web.Application:
        """The frontend's routes."""
        app = web.Application(client_max_size=1 << 24)
        add = app.router.add_route
        for path in _LOAD_PATHS:
            add("PUT", path, self._redirect, expect_handler=self._redirect_early)
        add("GET", "/", self._root)
        add("GET", "/metrics", self._frontend_metrics)
        add("GET", "/api/health", self._health)
        add("GET", "/api/bootstrap", self._bootstrap)
        add("GET", "/api/backends", self._backends)
        add("GET", "/api/{db}/{table}/_schema", self._schema)
        add("GET", "/api/{db}/get_load_state", self._load_state)
        add("POST", "/api/{db}/get_load_state", self._load_state)
        add("POST", "/api/query/{catalog}/{db}", self._query)
        return app

    def backend(self) -> web.Application:
        """The backend's routes."""
        app = web.Application(client_max_size=1 << 34)
        add = app.router.add_route
        add("PUT", "/api/{db}/{table}/_stream_load", self._stream_load)
        add("PUT", "/api/{db}/_stream_load_2pc", self._second_phase)
        add("PUT", "/api/{db}/{table}/_stream_load_2pc", self._second_phase)
        add("GET", "/api/_load_error_log", self._error_log)
        add("GET", "/api/health", self._backend_health)
        add("GET", "/metrics", self._backend_metrics)
        add("GET", "/", self._root)
        return app

    async def _in_thread(self, action: Callable[[], Any]) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self.pool, action)

    def _user(self, request: web.Request) -> str | None:
        """The user whose password the request carries; None when it is wrong or missing."""
        kind, _, text = request.headers.get("Authorization", "").partition(" ")
        if kind.lower() != "basic":
            return None
        try:
            name, _, password = base64.b64decode(text).decode().partition(":")
        except ValueError:
            return None
        name = name.partition("@")[0]
        return name if self.engine.access.login(name, password) else None

    def _location(self, request: web.Request) -> dict[str, str]:
        return {"Location": f"{self.engine.ports.be_url}{request.path_qs}", "Connection": "close"}

    async def _redirect(self, request: web.Request) -> web.StreamResponse:
        return web.Response(status=307, headers=self._location(request))

    async def _redirect_early(self, request: web.Request) -> web.StreamResponse | None:
        response = await self._redirect(request)
        response.force_close()
        return response

    async def _root(self, request: web.Request) -> web.Response:
        return web.Response(text=WHAT_IT_IS + "\n")

    async def _health(self, request: web.Request) -> web.Response:
        return ok({"online_backend_num": 1, "total_backend_num": 1})

    async def _backend_health(self, request: web.Request) -> web.Response:
        return _json({"status": "OK", "msg": "To Be Added"})

    async def _bootstrap(self, request: web.Request) -> web.Response:
        ports, catalog = self.engine.ports, self.engine.catalog
        return ok({"replayedJournalId": catalog.version, "queryPort": ports.query, "rpcPort": 0, "version": WHAT_IT_IS})

    async def _frontend_metrics(self, request: web.Request) -> web.Response:
        return web.Response(text=await self._in_thread(lambda: frontend_metrics(self.engine)))

    async def _backend_metrics(self, request: web.Request) -> web.Response:
        return web.Response(text=await self._in_thread(lambda: backend_metrics(self.engine)))

    async def _backends(self, request: web.Request) -> web.Response:
        if self._user(request) is None:
            return failed("Access denied", 401, 401)
        return ok({"backends": [{"ip": "127.0.0.1", "http_port": self.engine.ports.backend, "is_alive": True}]})

    async def _schema(self, request: web.Request) -> web.Response:
        user = self._user(request)
        if user is None:
            return failed("Access denied", 401, 401)
        database, name = request.match_info["db"], request.match_info["table"]
        try:
            table = self.engine.catalog.table(database, name)
            if not self.engine.access.may(user, "LOAD", database, name):
                self.engine.access.require_select(user, database, name)
        except DorisError as refused:
            return failed(refused.wire)
        keys = {"DUPLICATE": "DUP_KEYS", "UNIQUE": "UNIQUE_KEYS", "AGGREGATE": "AGG_KEYS"}[table.model]
        is_unique = table.model == "UNIQUE"
        properties = [
            {"name": c.name, "type": c.type.schema_name, "comment": "",
             "aggregation_type": c.aggregate or ("REPLACE" if is_unique and c.name not in table.keys else "")}
            for c in table.columns
        ]  # fmt: skip
        return ok({"properties": properties, "keysType": keys, "status": 200})

    async def _load_state(self, request: web.Request) -> web.Response:
        if self._user(request) is None:
            return failed("Access denied", 401, 401)
        entry = self.engine.transactions.by_label(request.match_info["db"], request.query.get("label", ""))
        return ok(entry.status if entry else "UNKNOWN")

    async def _query(self, request: web.Request) -> web.Response:
        user = self._user(request)
        if user is None:
            return failed("Access denied", 401, 401)
        statement = (await request.json()).get("stmt", "")
        context = Context(self.engine, user, request.match_info["db"])
        try:
            answer = await self._in_thread(lambda: run(statement, context))
        except DorisError as refused:
            return failed(refused.wire)
        meta = [{"name": n, "type": k} for n, k in zip(answer.columns, answer.kinds or ["STRING"] * 999, strict=False)]
        return ok({"type": "result_set", "meta": meta, "data": answer.texts(), "time": 0})

    async def _error_log(self, request: web.Request) -> web.Response:
        text = self.engine.loader.error_logs.get(request.query.get("file", ""))
        return web.Response(text=text or "no such file\n", status=200 if text else 404)

    async def _stream_load(self, request: web.Request) -> web.Response:
        database, table = request.match_info["db"], request.match_info["table"]
        headers = {k.lower(): v for k, v in request.headers.items()}
        label = headers.get("label") or str(uuid.uuid4())
        self.engine.metrics.add("doris_be_stream_load_txn_request", type="begin")
        try:
            spec = from_headers(headers)
            user = self._user(request)
            if user is None:
                raise DorisError("Access denied for user (wrong or missing password)")
            self.engine.access.require(user, "LOAD", database, table)
        except DorisError as refused:
            await request.release()
            self.engine.metrics.add("doris_be_stream_load_txn_request", type="rollback")
            return _json(_refused_load(label, refused))
        path = self.engine.loader.scratch_file()
        try:
            await _receive(request, path)
            answer = await self._in_thread(lambda: self._load(headers, database, table, path, spec, label))
        except DorisError as refused:
            answer = _refused_load(label, refused)
        except Exception as broken:
            # Whatever it is, the sender must learn that nothing was loaded, in a form that it understands.
            log.exception("stream load into %s.%s failed", database, table)
            answer = _refused_load(label, DorisError(f"internal error: {type(broken).__name__}: {broken}"))
        finally:
            path.unlink(missing_ok=True)
        good = answer["Status"] == "Success"
        self.engine.metrics.add("doris_be_stream_load_txn_request", type="commit" if good else "rollback")
        return _json(answer)

    def _load(
        self, headers: dict[str, str], database: str, table: str, path: Path, spec: LoadSpec, label: str
    ) -> dict[str, Any]:
        kinds = {headers.get("compress_type", "").lower(), headers.get("content-encoding", "").lower()}
        if kinds & {"gz", "gzip"}:
            _gunzip(path)
        elif kinds - {"", "plain", "identity"}:
            raise DorisError(f"unsupported compress_type {sorted(kinds)[-1]}")
        return self.engine.loader.stream_load(
            database, table, path, spec, label, two_phase=is_true(headers.get("two_phase_commit")),
            be_url=self.engine.ports.be_url,
        )  # fmt: skip

    async def _second_phase(self, request: web.Request) -> web.Response:
        database, operation = request.match_info["db"], request.headers.get("txn_operation", "").lower()
        number, label = request.headers.get("txn_id"), request.headers.get("label")
        user = self._user(request)
        try:
            if user is None:
                raise DorisError("Access denied for user (wrong or missing password)")
            if operation not in ("commit", "abort"):
                raise DorisError("transaction operation should be 'commit' or 'abort'")
            if number is None and not label:
                raise DorisError("transaction id and label are both empty")
            if number is not None and not number.isdigit():
                raise DorisError(f"invalid transaction id {number}")
            txn_id = int(number) if number is not None else None
            done = await self._in_thread(lambda: self._finish(user, database, txn_id, label, operation == "commit"))
        except DorisError as refused:
            return _json({"status": "ANALYSIS_ERROR", "msg": f"[ANALYSIS_ERROR]TStatus: {refused.wire}"})
        return _json({"status": "Success", "msg": f"transaction [{done.id}] {operation} successfully."})

    def _finish(self, user: str, database: str, txn_id: int | None, label: str | None, commit: bool) -> Any:
        entry = self.engine.transactions.find(database, txn_id, label)
        self.engine.access.require(user, "LOAD", database, entry.table)
        return self.engine.transactions.finish(database, txn_id, label, commit)


def _refused_load(label: str, refused: DorisError) -> dict[str, Any]:
    return {"TxnId": -1, "Label": label, "Status": "Fail", "Message": f"[ANALYSIS_ERROR]{refused.wire}"}


async def _receive(request: web.Request, path: Path) -> None:
    """Stream the body into a file; it is never whole in memory."""
    with path.open("wb") as target:
        async for chunk in request.content.iter_any():
            target.write(chunk)


def _gunzip(path: Path) -> None:
    plain = path.with_suffix(".plain")
    try:
        with gzip.open(path, "rb") as packed, plain.open("wb") as target:
            shutil.copyfileobj(packed, target, _CHUNK)
    except (OSError, EOFError) as broken:
        plain.unlink(missing_ok=True)
        raise DorisError(f"body is not gzip: {broken}") from broken
    plain.replace(path)
