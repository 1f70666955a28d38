"""The accounts that secrets open: of Doris, of the databases, and of Kafka where it asks for a password."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from ..changes import Plan
from ..clients.bootstrap import security_of
from ..clients.kafka_rights import KafkaRights, can_login
from ..databases import Databases
from ..layers import Tables

if TYPE_CHECKING:
    from ..platform import Platform


@dataclass(frozen=True)
class Account:
    """An account of an engine that a secret opens.

    Args:
        label: `user/<name>`.
        opens: whether a password opens it.
        plan: what must change in the engine so that the account has the value that is stored.
        remedy, notebook: what gives the account the stored value where something else has come between.
        limit: says after how many wrong passwords it is locked, 0 for never; None where the engine locks nobody.
        attempts: that number, as it is declared.
    """

    label: str
    opens: Callable[[str], bool]
    plan: Callable[[], Plan]
    remedy: str
    notebook: str
    limit: Callable[[int], None] | None = None
    attempts: int = 0


def accounts(platform: Platform) -> Iterator[tuple[Account, str]]:
    """Every account that is declared, with its password as it is stored."""
    yield from _doris(platform)
    yield from _databases(platform)
    yield from _kafka(platform)


def _doris(platform: Platform) -> Iterator[tuple[Account, str]]:
    root = platform.doris_root
    for o in Tables(platform).declared():
        if o.details.get("password"):
            attempts = int(o.details.get("attempts", "0"))
            limit = partial(root.limit_logins, o.name) if attempts else None
            plan, opens = _planner(platform, "tables", o.label), partial(root.can_login, o.name)
            remedy = "Run deploy-40: it sets what is stored."
            yield Account(o.label, opens, plan, remedy, "deploy-40", limit, attempts), o.details["password"]


def _databases(platform: Platform) -> Iterator[tuple[Account, str]]:
    for db, objects in Databases(platform).declared():
        for o in objects:
            if o.details.get("password"):
                plan, opens = _planner(platform, "databases", o.label), partial(db.can_login, o.name)
                remedy = "Run deploy-45: it sets what is stored."
                yield Account(o.label, opens, plan, remedy, "deploy-45"), o.details["password"]


def _planner(platform: Platform, layer: str, label: str) -> Callable[[], Plan]:
    return lambda: Plan(c for c in platform.plan(layer) if c.object == label)


def _kafka(platform: Platform) -> Iterator[tuple[Account, str]]:
    """Users of Kafka, but for those whose password stands in the text of a job or a load, which only a deployment sets.

    The account of whoever rotates is among them: he entered before it changes, and stays in until he leaves.
    """
    users = platform.target.kafka_users()
    servers = platform.target.addresses()["kafka"]["bootstrap_servers"] if users else ""
    if not security_of(servers):
        return
    for secret, user in users.items():
        remedy = "Delete the Job kafka-access and run deploy-10: it sets what is stored."
        plan = partial(_set_again, platform, servers, user, secret)
        account = Account(f"user/{user}", partial(can_login, servers, user), plan, remedy, "deploy-10")
        yield account, platform.secrets[secret]


def _set_again(platform: Platform, servers: str, user: str, secret: str) -> Plan:
    return KafkaRights(servers).plan_passwords({user: platform.secrets[secret]}, again=True)
