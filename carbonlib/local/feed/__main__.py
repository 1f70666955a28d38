"""`python -m carbonlib.local.feed`: serve the price feed on the loopback address until stopped."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from ..._errors import UsageError
from ..apis import history as data
from ..serving import serve
from .numbering import Numbering
from .server import Feed, make_app
from .ticks import Ticks

TOKEN = "FEED_TOKEN"


def arguments(argv: list[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(prog="python -m carbonlib.local.feed", description=__doc__)
    parser.add_argument("--port", type=int, required=True, help="port on the loopback address")
    parser.add_argument("--rate", type=float, default=2.0, help="ticks a second, all commodities together")
    parser.add_argument("--start", default="2023-01-03", help="trading day of the first tick")
    parser.add_argument("--kept", type=int, default=7200, help="so many ticks can be had again")
    parser.add_argument("--state", type=Path, help="file that keeps the numbers, so that none is given twice")
    parser.add_argument("--data", type=Path, default=data.BUNDLED, help="folder of the prices (default: the project's)")
    return parser.parse_args(argv)


def build(args: argparse.Namespace) -> Feed:
    """The feed that the command line and the environment describe.

    Raises:
        UsageError: the token is not set, or a value does not fit the data.
    """
    token = os.environ.get(TOKEN)
    if not token:
        raise UsageError(f"{TOKEN} is not set.", remedy="Set the token that listeners must show in the environment.")
    numbering = Numbering(args.rate, state=args.state)
    return Feed(Ticks(data.load(args.data), numbering, args.start), numbering, token, args.kept)


def main(argv: list[str] | None = None) -> int:
    """Serve until SIGTERM or SIGINT; the exit code of the error otherwise."""
    args = arguments(argv)
    return serve("The price feed", args.port, lambda: make_app(build(args)))


if __name__ == "__main__":
    sys.exit(main())
