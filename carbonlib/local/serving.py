"""How the project's own small servers run: on the loopback address until stopped, with an error as their last word."""

from __future__ import annotations

import sys
from collections.abc import Callable

from aiohttp import web

from .._errors import ApplyError, CarbonError

HOST = "127.0.0.1"


def serve(who: str, port: int, make: Callable[[], web.Application]) -> int:
    """Serve until SIGTERM or SIGINT; the exit code of the error otherwise.

    Args:
        who: what an error calls the server.
        port: on the loopback address.
        make: the application; may refuse with an error of the project.
    """
    try:
        # No access log: it would hold the keys that clients send in query strings.
        web.run_app(make(), host=HOST, port=port, access_log=None, print=None)
    except OSError as error:
        taken = ApplyError(
            f"{who} cannot listen on port {port}.", cause=str(error),
            remedy="Stop what holds the port, or set another CARBON_PORT_BASE.",
        )  # fmt: skip
        print(taken, file=sys.stderr)
        return taken.exit_code
    except CarbonError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return 0
