"""What the applications may do with Kafka, and their passwords: declared in a file, compared with what Kafka knows.

Only users of the file are looked at. What one of them may do beyond it is taken away.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import (
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialAlteration,
    UserScramCredentialUpsertion,
)

from .._errors import ApplyError, EngineError, UsageError
from .._files import read_mapping
from ..changes import Change, Plan
from .bootstrap import connection

KINDS = {"topic": ResourceType.TOPIC, "group": ResourceType.GROUP, "transactional_id": ResourceType.TRANSACTIONAL_ID}
ITERATIONS = 8192
REQUEST_SECONDS = 30.0
LOGIN_SECONDS = 20.0
FAILURES = (KafkaException, TimeoutError)


@dataclass(frozen=True, order=True)
class Right:
    """One operation that a user may carry out.

    Args:
        user: as he authenticates himself.
        kind: topic, group or transactional_id.
        name: of the resource; with a trailing `*` all names that begin so.
        operation: as AclOperation names it: READ, WRITE, DESCRIBE, …
    """

    user: str
    kind: str
    name: str
    operation: str

    def binding(self) -> AclBinding:
        """The same as Kafka says it. A `*` alone is its own word for every name."""
        prefixed = self.name.endswith("*") and self.name != "*"
        return AclBinding(
            KINDS[self.kind],
            self.name.removesuffix("*") if prefixed else self.name,
            ResourcePatternType.PREFIXED if prefixed else ResourcePatternType.LITERAL,
            f"User:{self.user}",
            "*",
            AclOperation[self.operation],
            AclPermissionType.ALLOW,
        )


def read_rights(path: Path) -> dict[str, set[Right]]:
    """The declared rights by user.

    Raises:
        UsageError: the file names a kind or an operation that Kafka has not.
    """
    rights: dict[str, set[Right]] = {}
    for user, entries in read_mapping(path).items():
        rights[user] = {right for entry in entries for right in _entry(path, user, dict(entry))}
    return rights


def _entry(path: Path, user: str, entry: dict[str, list[str]]) -> Iterable[Right]:
    operations = [re.sub(r"(?<=[a-z])(?=[A-Z])", "_", word).upper() for word in entry.pop("may", [])]
    wrong = [*(entry.keys() - KINDS.keys()), *(o for o in operations if o not in AclOperation.__members__)]
    if wrong or not operations or not entry:
        raise UsageError(
            f"A right of {user} in {path.name} cannot be read: {', '.join(wrong) or 'something is missing'}.",
            remedy=f"Write {{KIND: [names], may: [operations]}} with a kind of {', '.join(KINDS)}.",
        )
    return [Right(user, kind, name, o) for kind, names in entry.items() for name in names for o in operations]


def can_login(servers: str, user: str, password: str) -> bool:
    """Whether a user enters by a password.

    Args:
        servers: where Kafka is, with the security of anybody who enters there.

    Raises:
        EngineError: Kafka does not say.
    """
    heard: list[KafkaError] = []
    given = {**connection(servers), "sasl.username": user, "sasl.password": password, "error_cb": heard.append}
    client = AdminClient(given)
    deadline = time.monotonic() + LOGIN_SECONDS
    while True:
        try:
            client.list_topics(timeout=2)
            return True
        except KafkaException as error:
            client.poll(0)  # lets the callback be called
            if any(e.code() == KafkaError._AUTHENTICATION for e in heard):
                return False
            if time.monotonic() >= deadline:
                raise EngineError(f"Kafka does not say whether {user} may enter.", cause=_reason(error)) from error


class KafkaRights:
    """Passwords and rights of applications, by an administrator's connection.

    Args:
        servers: where Kafka is, with the administrator's security.
    """

    def __init__(self, servers: str) -> None:
        self._admin = AdminClient(connection(servers))

    def live(self, users: Iterable[str]) -> dict[str, set[AclBinding]]:
        """What Kafka lets these users do.

        Raises:
            EngineError: Kafka does not say.
        """
        found = {}
        for user in users:
            every = AclBindingFilter(
                ResourceType.ANY,
                None,  # type: ignore[arg-type]  # any; the library's own types forget it
                ResourcePatternType.ANY,
                f"User:{user}",
                None,  # type: ignore[arg-type]
                AclOperation.ANY,
                AclPermissionType.ANY,
            )
            found[user] = set(_answer(self._admin.describe_acls(every, request_timeout=REQUEST_SECONDS)))
        return found

    def plan(self, declared: Mapping[str, set[Right]]) -> Plan:
        """What must be granted and taken away, one change a user and kind of change."""
        changes = []
        for user, live in self.live(declared).items():
            wanted = {right.binding() for right in declared[user]}
            if missing := wanted - live:
                changes.append(_change("create", user, missing, self._grant))
            if beyond := live - wanted:
                changes.append(_change("delete", user, beyond, self._revoke))
        return Plan(changes)

    def plan_passwords(self, passwords: Mapping[str, str], *, again: bool = False) -> Plan:
        """Users who have no password yet; with `again`, all of them. Kafka tells nobody what a password is."""
        known = set() if again else self._known(passwords)
        return Plan(
            Change(f"user/{user}", "create", None, "SCRAM-SHA-512", partial(self._set_password, user, passwords[user]))
            for user in passwords
            if user not in known
        )

    def _known(self, users: Iterable[str]) -> set[str]:
        answers = self._admin.describe_user_scram_credentials(list(users), request_timeout=REQUEST_SECONDS)
        assert isinstance(answers, dict)  # one future a user, since users were named
        known = set()
        for user, future in answers.items():
            try:
                if future.result(timeout=REQUEST_SECONDS).scram_credential_infos:
                    known.add(user)
            except FAILURES as error:
                if _code(error) != "RESOURCE_NOT_FOUND":
                    raise EngineError(f"The password of {user} cannot be looked at.", cause=_reason(error)) from error
        return known

    def _set_password(self, user: str, password: str) -> None:
        credential = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, ITERATIONS)
        asked: list[UserScramCredentialAlteration] = [UserScramCredentialUpsertion(user, credential, password.encode())]
        answers = self._admin.alter_user_scram_credentials(asked, request_timeout=REQUEST_SECONDS)
        _done(f"The password of {user} was not set", answers.values())

    def _grant(self, bindings: set[AclBinding]) -> None:
        _done("A right was not granted", self._admin.create_acls(list(bindings)).values())

    def _revoke(self, bindings: set[AclBinding]) -> None:
        filters = [
            AclBindingFilter(
                b.restype, b.name, b.resource_pattern_type, b.principal, b.host, b.operation, b.permission_type
            )
            for b in bindings
        ]
        _done("A right was not taken away", self._admin.delete_acls(filters).values())


def _change(action: str, user: str, bindings: set[AclBinding], apply: Callable[[set[AclBinding]], None]) -> Change:
    texts = sorted(_text(b) for b in bindings)
    before, after = (None, texts) if action == "create" else (texts, None)
    return Change(f"rights/{user}", action, before, after, lambda: apply(bindings))


def _text(binding: AclBinding) -> str:
    star = "*" if binding.resource_pattern_type == ResourcePatternType.PREFIXED else ""
    operation, kind = AclOperation(binding.operation), ResourceType(binding.restype)
    return f"{operation.name} {kind.name.lower()} {binding.name}{star}"


def _answer(future: Any) -> Any:
    try:
        return future.result(timeout=REQUEST_SECONDS)
    except FAILURES as error:
        raise EngineError("Kafka does not say who may do what.", cause=_reason(error)) from error


def _done(failure: str, futures: Iterable[Any]) -> None:
    for future in futures:
        try:
            future.result(timeout=REQUEST_SECONDS)
        except FAILURES as error:
            raise ApplyError(f"{failure}.", cause=_reason(error)) from error


def _code(error: BaseException) -> str:
    return error.args[0].name() if isinstance(error, KafkaException) else ""


def _reason(error: BaseException) -> str:
    return error.args[0].str() if isinstance(error, KafkaException) else f"no answer within {REQUEST_SECONDS:.0f} s"
