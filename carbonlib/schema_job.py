"""The Job that gives a new Doris its schema, without a laptop: `python -m carbonlib.schema_job`.

It carries out the plan that `deploy-40` would carry out, from the same files by the same client, so a second run, or
`deploy-40` after it, finds nothing to do. Secrets come as `CARBON_SECRET_<NAME>` from the environment.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

import typer

from ._errors import ApplyError, CarbonError, UsageError
from ._files import read_mapping
from .changes import Plan
from .clients.doris import Doris, load_objects
from .references import resolve
from .waiting import wait_until

PREFIX = "CARBON_SECRET_"
NOTEBOOK = "deploy-40"


def initialise(doris: Doris, sql: Path, values: Mapping[str, str], *, timeout: str | float = "15 min") -> Plan:
    """Set the first passwords, wait for as many backends as a table has copies, and create what is missing.

    Args:
        doris: as root, with the password that root is to have.
        sql: folder of numbered files.
        values: what the references in them stand for, `secret.*` among them.

    Returns:
        What was done; empty where nothing was to do.

    Raises:
        UsageError: `doris_root` is not among the secrets.
        ApplyError: something is still different after it was made.
        WaitTimeout: no frontend, or too few backends, in time.
    """
    if "secret.doris_root" not in values:
        raise UsageError("The secret doris_root is missing.", remedy=f"Set {PREFIX}DORIS_ROOT from carbon-secrets.")
    doris.wait(timeout)
    done = doris.secure_root(values["secret.doris_root"]).apply()
    copies = int(values["doris.replication_num"])
    wait_until(
        lambda: len(doris.backends()) >= copies, what=f"{copies} backends alive", timeout=timeout, notebook=NOTEBOOK
    )
    declared = load_objects(sql, values)
    done = done + doris.plan(declared).apply()
    left = doris.plan(declared)
    if left:
        raise ApplyError("The schema is not as declared after it was applied.", cause=repr(left), notebook=NOTEBOOK)
    return done


def read_values(files: Sequence[Path], environment: Mapping[str, str]) -> dict[str, str]:
    """Values of files, later ones on top, and secrets of the environment as `secret.<name>`; a value may name one.

    Raises:
        UsageError: a value names a secret that is not there.
    """
    given = {k: v for k, v in environment.items() if k.startswith(PREFIX)}
    secrets = {f"secret.{name.removeprefix(PREFIX).lower()}": value for name, value in given.items()}
    values: dict[str, str] = {}
    for path in files:
        values.update({name: resolve(str(value), secrets) for name, value in read_mapping(path).items()})
    return {**values, **secrets}


def main(
    sql: Annotated[Path, typer.Option(help="folder of numbered SQL files")],
    values: Annotated[list[Path], typer.Option(help="YAML of namespace.name: value; the last one counts")],
    host: Annotated[str, typer.Option(help="of a frontend")],
    query_port: Annotated[int, typer.Option(help="MySQL protocol")] = 9030,
    http_port: Annotated[int, typer.Option(help="HTTP interface")] = 8030,
    timeout: Annotated[str, typer.Option(help="for frontend and backends")] = "15 min",
) -> None:
    """Give Doris its schema; running it again changes nothing."""
    known = read_values(values, os.environ)
    password = known.get("secret.doris_root", "")
    doris = Doris(host, query_port, f"http://{host}:{http_port}", "root", password)
    try:
        print(initialise(doris, sql, known, timeout=timeout))
    except CarbonError as error:
        print(error, file=sys.stderr)
        raise SystemExit(error.exit_code) from None
    finally:
        doris.close()


if __name__ == "__main__":
    typer.run(main)
