"""`python -m carbonlib.local.doris --data DIR --query-port N --http-port N --be-port N`: run the endpoint."""

from __future__ import annotations

import argparse
import asyncio
import logging
import signal
import sys
from pathlib import Path

import duckdb
from aiohttp import web

from ..._errors import CarbonError, PreflightError
from .engine import Engine, Ports
from .http import Http
from .mysql import Server

HOST = "127.0.0.1"
READ_BUFFER = 1 << 20  # bytes of a load body read ahead


def main(arguments: list[str] | None = None) -> int:
    """Parse the command line and serve until a signal ends it."""
    parser = argparse.ArgumentParser(prog="carbonlib.local.doris", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of the database, made when it is missing")
    parser.add_argument("--query-port", type=int, required=True, help="MySQL protocol")
    parser.add_argument("--http-port", type=int, required=True, help="HTTP of the frontend")
    parser.add_argument("--be-port", type=int, required=True, help="HTTP of the backend")
    parser.add_argument("--memory-limit", default="1GB", help="most memory that DuckDB may take, for example 1GB")
    given = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    # The protocol library logs every refused statement as an error; the client has been told.
    logging.getLogger("mysql_mimic").setLevel(logging.CRITICAL)
    ports = Ports(given.query_port, given.http_port, given.be_port)
    try:
        asyncio.run(serve(given.data, ports, given.memory_limit))
    except CarbonError as failed:
        print(failed, file=sys.stderr)
        return failed.exit_code
    return 0


async def serve(folder: Path, ports: Ports, memory_limit: str) -> None:
    """Open the store, listen, and close in order when told to.

    Raises:
        PreflightError: when a port is taken or the store is in use.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    try:
        engine = Engine(folder, ports, memory_limit=memory_limit)
    except duckdb.Error as refused:
        raise PreflightError(
            f"the database in {folder} cannot be opened", cause=str(refused),
            remedy="Stop the other process that uses it, or remove the folder to start empty.",
        ) from refused  # fmt: skip
    http, server, runners = Http(engine), Server(engine), []
    try:
        await server.start_server(host=HOST, port=ports.query)
        # The frontend last: whoever hears from it that all is well finds the other doors open.
        for app, port in ((http.backend(), ports.backend), (http.frontend(), ports.http)):
            runner = web.AppRunner(app, access_log=None, read_bufsize=READ_BUFFER)
            await runner.setup()
            runners.append(runner)
            await web.TCPSite(runner, HOST, port).start()
        engine.start()
        logging.getLogger(__name__).info("ready: query %d, http %d, backend %d", ports.query, ports.http, ports.backend)
        await stop.wait()
    except OSError as taken:
        raise PreflightError(
            "the endpoint cannot listen", cause=str(taken), remedy="Free the port, or choose another CARBON_PORT_BASE."
        ) from taken
    finally:
        server.close()
        for runner in runners:
            await runner.cleanup()
        await loop.run_in_executor(None, engine.stop)


if __name__ == "__main__":
    sys.exit(main())
