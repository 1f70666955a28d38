"""Users, roles, passwords and privileges, as Doris has them.

Passwords are kept as MySQL's native protocol needs them: SHA1 of SHA1, never as text. As in a new Doris cluster,
`root` and `admin` have no password until they are given one.
"""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from dataclasses import dataclass, field
from hashlib import sha1
from hmac import compare_digest

from .errors import ACCESS_DENIED, PRIVILEGE_NEEDED, DorisError
from .storage import Store

PRIVILEGES = ("NODE", "ADMIN", "GRANT", "SELECT", "LOAD", "ALTER", "CREATE", "DROP", "USAGE", "SHOW_VIEW")
_EVERYTHING = frozenset(PRIVILEGES) - {"NODE"}
Scope = tuple[str, str]  # database, table; * for all


@dataclass
class Grants:
    """A user or a role.

    Args:
        privileges: `database.table` (with * for all) → privileges.
        roles: roles whose privileges a user also has.
        password: hash, empty for none.
        failures: wrong passwords in a row after which logins are refused; 0 for no limit.
        lock_seconds: how long they are refused.
    """

    name: str
    privileges: dict[str, list[str]] = field(default_factory=dict)
    roles: list[str] = field(default_factory=list)
    password: str = ""
    failures: int = 0
    lock_seconds: int = 0
    comment: str = ""


def hash_password(password: str) -> str:
    """The stored form of a password: SHA1(SHA1(password)) in hexadecimal; empty for none."""
    return sha1(sha1(password.encode()).digest()).hexdigest() if password else ""


def parse_privilege(word: str) -> list[str]:
    """`SELECT_PRIV` → SELECT; `ALL` → everything but NODE.

    Raises:
        DorisError: for a word that is no privilege.
    """
    upper = word.upper().removesuffix("_PRIV")
    if upper in ("ALL", "ALL PRIVILEGES"):
        return sorted(_EVERYTHING)
    if upper not in PRIVILEGES:
        raise DorisError(f"Unknown privilege type: {word}")
    return [upper]


class Access:
    """Who may do what."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.users = {g.name: g for g in (Grants(**d) for d in store.objects("user"))}
        self.roles = {g.name: g for g in (Grants(**d) for d in store.objects("role"))}
        self._wrong: dict[str, list[float]] = defaultdict(list)
        self._guard = threading.Lock()
        if not self.users:
            self._found_operators()

    def _found_operators(self) -> None:
        everything = sorted(_EVERYTHING)
        for role, privileges in (("operator", sorted(PRIVILEGES)), ("admin", everything)):
            self.put_role(Grants(role, {"*.*": privileges}))
        self.put_user(Grants("root", roles=["operator"]))
        self.put_user(Grants("admin", roles=["admin"]))

    def put_user(self, user: Grants) -> None:
        """Store a new or changed user."""
        with self.store.transaction() as cursor:
            self.store.save(cursor, "user", "", user.name, vars(user))
        self.users[user.name] = user

    def put_role(self, role: Grants) -> None:
        """Store a new or changed role."""
        with self.store.transaction() as cursor:
            self.store.save(cursor, "role", "", role.name, vars(role))
        self.roles[role.name] = role

    def drop(self, kind: str, name: str) -> None:
        """Forget a user or a role."""
        with self.store.transaction() as cursor:
            self.store.forget(cursor, kind, "", name)
        (self.users if kind == "user" else self.roles).pop(name)

    def login(self, name: str, password: str) -> bool:
        """Check a password that came in the clear (HTTP Basic)."""
        user = self.users.get(name)
        given = hash_password(password)
        good = user is not None and not self.locked(name) and compare_digest(user.password, given)
        self.note_login(name, good)
        return good

    def locked(self, name: str) -> bool:
        """Whether the user gave too many wrong passwords of late."""
        user = self.users.get(name)
        if user is None or not user.failures:
            return False
        with self._guard:
            recent = [t for t in self._wrong[name] if time.monotonic() - t < user.lock_seconds]
            self._wrong[name] = recent
        return len(recent) >= user.failures

    def note_login(self, name: str, good: bool) -> None:
        """Count wrong passwords; a right one starts the count anew."""
        user = self.users.get(name)
        if user is None or not user.failures:
            return
        with self._guard:
            if good:
                self._wrong.pop(name, None)
            elif len(self._wrong[name]) < user.failures:
                self._wrong[name].append(time.monotonic())

    def unlock(self, name: str) -> None:
        """Forget the wrong passwords of a user."""
        with self._guard:
            self._wrong.pop(name, None)

    def held(self, user: str) -> dict[str, set[str]]:
        """Scope → privileges of a user, roles included."""
        found: dict[str, set[str]] = defaultdict(set)
        grants = self.users.get(user)
        if grants is None:
            return found
        for holder in [grants, *(self.roles[r] for r in grants.roles if r in self.roles)]:
            for scope, privileges in holder.privileges.items():
                found[scope].update(privileges)
        return found

    def may(self, user: str, privilege: str, database: str = "*", table: str = "*") -> bool:
        """Whether the user has a privilege on a table, on a database (table `*`), or everywhere (both `*`)."""
        held = self.held(user)
        if {"ADMIN", "NODE"} & held.get("*.*", set()) and privilege != "NODE":
            return True
        scopes = ["*.*", f"{database}.*", f"{database}.{table}"]
        return any(privilege in held.get(scope, ()) for scope in scopes)

    def sees(self, user: str, database: str, table: str = "") -> bool:
        """Whether an object shows in listings: any privilege on it or in it is enough."""
        for scope, privileges in self.held(user).items():
            schema, name = scope.split(".", 1)
            if privileges and schema in ("*", database) and (not table or name in ("*", table)):
                return True
        return False

    def require_select(self, user: str, database: str, table: str) -> None:
        """Refuse a query without SELECT, in the words of Doris."""
        if not self.may(user, "SELECT", database, table):
            raise DorisError(
                f"Permission denied: user ['{user}'@'%'] does not have privilege for "
                f"[priv predicate: (Admin_priv OR Select_priv)] command on [internal].[{database}].[{table}]"
            )

    def require(self, user: str, privilege: str, database: str = "*", table: str = "*") -> None:
        """Refuse an action without the privilege for it."""
        if not self.may(user, privilege, database, table):
            raise DorisError(
                f"Access denied; you need (at least one of) the ({privilege}) privilege(s) for this operation "
                f"on {database}.{table}",
                PRIVILEGE_NEEDED,
            )

    def grantee(self, kind: str, name: str) -> Grants:
        """The user or role of that name.

        Raises:
            DorisError: when there is none.
        """
        found = (self.users if kind == "user" else self.roles).get(name)
        if found is None:
            raise DorisError(f"{kind} '{name}' does not exist")
        return found


def denied(user: str, with_password: bool) -> DorisError:
    """The answer to a wrong password or an unknown user, the same for both."""
    using = "YES" if with_password else "NO"
    return DorisError(f"Access denied for user '{user}@127.0.0.1' (using password: {using})", ACCESS_DENIED)
