"""The Job that gives the applications their passwords and rights in a new Kafka: `python -m carbonlib.access_job`.

It comes by the servers' own listener with their certificate, since no user exists before it. A second run finds the
rights as they should be, and sets the passwords again: Kafka tells nobody whether they are still the same.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from ._errors import CarbonError, UsageError
from .changes import Plan
from .clients.bootstrap import BootstrapServers
from .clients.kafka_rights import KafkaRights, read_rights
from .waiting import wait_until


def admit(kafka: KafkaRights, rights: Path, passwords: Path, *, timeout: str | float = "15 min") -> Plan:
    """Wait for Kafka, set the passwords, grant what is declared and take away what is not.

    Args:
        rights: YAML of user → rights.
        passwords: folder with a file a user, named as he is.

    Raises:
        UsageError: somebody has rights and no password.
        WaitTimeout: Kafka does not answer in time.
    """
    declared = read_rights(rights)
    given = {path.name: path.read_text(encoding="utf-8") for path in passwords.iterdir() if path.is_file()}
    if missing := sorted(declared.keys() - given.keys()):
        raise UsageError(
            f"There is no password for {', '.join(missing)}.", remedy=f"Put a file of that name into {passwords}."
        )
    wait_until(lambda: kafka.live(declared) is not None, what="Kafka's answer", timeout=timeout, every=3)
    done = kafka.plan_passwords(given, again=True).apply()
    return done + kafka.plan(declared).apply()


def main(
    servers: Annotated[str, typer.Option(help="host:port,… of the listener between the servers")],
    rights: Annotated[Path, typer.Option(help="YAML of user → rights")],
    passwords: Annotated[Path, typer.Option(help="folder with a file a user")],
    tls: Annotated[Path, typer.Option(help="folder of tls.crt, tls.key and ca.crt")],
    timeout: Annotated[str, typer.Option(help="for Kafka to answer")] = "15 min",
) -> None:
    """Give the applications their passwords and rights."""
    security = {
        "security.protocol": "SSL",
        "ssl.certificate.location": str(tls / "tls.crt"),
        "ssl.key.location": str(tls / "tls.key"),
        "ssl.ca.location": str(tls / "ca.crt"),
    }
    try:
        print(admit(KafkaRights(BootstrapServers(servers, security)), rights, passwords, timeout=timeout))
    except CarbonError as error:
        print(error, file=sys.stderr)
        raise SystemExit(error.exit_code) from None


if __name__ == "__main__":
    typer.run(main)
