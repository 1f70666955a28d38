"""`python -m carbonlib.local.apis`: serve the replayed APIs on the loopback address until stopped."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from ..._errors import UsageError
from ..serving import serve
from . import history as data
from .clock import PublicationClock
from .faults import Budget
from .server import Replay, make_app

KEYS = {"eia": "EIA_API_KEY", "fred": "FRED_API_KEY", "noaa": "NOAA_TOKEN"}


def arguments(argv: list[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(prog="python -m carbonlib.local.apis", description=__doc__)
    parser.add_argument("--port", type=int, required=True, help="port on the loopback address")
    parser.add_argument(
        "--data", type=Path, default=data.BUNDLED, help="folder of the data files (default: the project's copies)"
    )
    parser.add_argument("--start", default="2020-02-03", help="last trading day that is published from the beginning")
    parser.add_argument(
        "--weather-start", default="2014-12-31", help="last day of weather that is published from the beginning"
    )
    parser.add_argument("--pace-days-per-second", type=float, default=1.0, help="days published per second; 0 for none")
    parser.add_argument(
        "--state", type=Path, help="file that keeps the position, so that a restart does not go back in time"
    )
    parser.add_argument(
        "--budget", type=int, default=0, help="requests per key and window; more get 429 (default: no limit)"
    )
    parser.add_argument("--budget-seconds", type=float, default=60.0, help="length of that window")
    return parser.parse_args(argv)


def build(args: argparse.Namespace) -> Replay:
    """The replay that the command line and the environment describe.

    Raises:
        UsageError: a key is not set, or a value does not fit the data.
    """
    missing = [name for name in KEYS.values() if not os.environ.get(name)]
    if missing:
        raise UsageError(
            f"{', '.join(missing)} not set.", remedy="Set the keys that clients must send in the environment."
        )
    history = data.load(args.data)
    clock = PublicationClock(
        history.trading_days,
        history.weather_days,
        start=args.start,
        weather_start=args.weather_start,
        pace=args.pace_days_per_second,
        state=args.state,
    )
    keys = {api: os.environ[name] for api, name in KEYS.items()}
    return Replay(history, clock, keys, Budget(args.budget, args.budget_seconds))


def main(argv: list[str] | None = None) -> int:
    """Serve until SIGTERM or SIGINT; the exit code of the error otherwise."""
    args = arguments(argv)
    return serve("The replayed APIs", args.port, lambda: make_app(build(args)))


if __name__ == "__main__":
    sys.exit(main())
