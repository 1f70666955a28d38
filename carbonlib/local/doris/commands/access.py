"""CREATE, ALTER and DROP of users and roles, GRANT and REVOKE, passwords."""

from __future__ import annotations

import copy

from ..access import Access, Grants, hash_password, parse_privilege
from ..context import Context
from ..errors import DorisError, unsupported
from ..lexer import Cursor
from ..results import Answer
from . import statement

_UNIT_SECONDS = {"SECOND": 1, "HOUR": 3600, "DAY": 86400}
_BUILT_IN_USERS = ("root", "admin")
_BUILT_IN_ROLES = ("operator", "admin")


def user_identity(cursor: Cursor) -> str:
    """`'name'[@'%']`; other hosts than % cannot tell users apart here."""
    token = cursor.ident()
    name, at, host = token.partition("@")
    if cursor.accept("@"):
        host = cursor.ident()
    elif not at and cursor.peek().kind == "word" and cursor.peek().text.startswith("@"):
        host = cursor.next().text[1:]
    if host not in ("", "%", "localhost", "127.0.0.1"):
        raise unsupported(f"user host '{host}'")
    return name


@statement("CREATE", "USER")
def create_user(cursor: Cursor, context: Context) -> Answer:
    """CREATE USER [IF NOT EXISTS] 'name' [IDENTIFIED BY '…'] [DEFAULT ROLE '…'] [limits]."""
    quiet = cursor.accept("IF", "NOT", "EXISTS")
    user = Grants(user_identity(cursor))
    _user_clauses(cursor, context.engine.access, user)
    context.require("GRANT")
    access = context.engine.access
    if user.name in access.users:
        if quiet:
            return Answer()
        raise DorisError(f"User ''{user.name}'@'%'' already exist")
    access.put_user(user)
    return Answer()


@statement("ALTER", "USER")
def alter_user(cursor: Cursor, context: Context) -> Answer:
    """ALTER USER [IF EXISTS] 'name' {IDENTIFIED BY '…' | DEFAULT ROLE '…' | limits | COMMENT '…' | ACCOUNT_UNLOCK}."""
    quiet = cursor.accept("IF", "EXISTS")
    name, access = user_identity(cursor), context.engine.access
    context.require("GRANT")
    if name not in access.users and quiet:
        return Answer()
    user = copy.deepcopy(access.grantee("user", name))
    given = _user_clauses(cursor, access, user)
    if len(given) != 1:
        raise DorisError(f"Only support doing one type of operation at one time,actual number of type is {len(given)}")
    access.put_user(user)
    if given & {"limits", "unlock"}:
        access.unlock(name)
    return Answer()


def _user_clauses(cursor: Cursor, access: Access, user: Grants) -> set[str]:
    """Read what is said of a user into it; returns which kinds of things were."""
    given = set()
    if cursor.accept("IDENTIFIED"):
        if not cursor.accept("BY"):
            raise unsupported("authentication by a plugin")
        user.password = _password(cursor)
        given.add("password")
    if cursor.accept("DEFAULT", "ROLE"):
        role = cursor.ident()
        access.grantee("role", role)
        user.roles = [role]
        given.add("role")
    while not cursor.done():
        if cursor.accept("FAILED_LOGIN_ATTEMPTS"):
            user.failures = cursor.integer()
            given.add("limits")
        elif cursor.accept("PASSWORD_LOCK_TIME"):
            number = cursor.integer()
            unit = cursor.accept_any(*_UNIT_SECONDS)
            if not unit:
                raise cursor.error("expecting SECOND, HOUR or DAY")
            user.lock_seconds = number * _UNIT_SECONDS[unit]
            given.add("limits")
        elif cursor.accept("ACCOUNT_UNLOCK"):
            given.add("unlock")
        elif cursor.accept("COMMENT"):
            user.comment = cursor.string()
            given.add("comment")
        else:
            raise unsupported(f"user option {cursor.peek().text}")
    return given


def _password(cursor: Cursor) -> str:
    """A password as text, or as the hash that `*` begins."""
    hashed = cursor.accept("PASSWORD")
    text = cursor.string()
    if hashed:
        if len(text) != 41 or not text.startswith("*"):
            raise DorisError("Password hash should be a 41-digit hexadecimal number")
        return text[1:].lower()
    return hash_password(text)


@statement("DROP", "USER")
def drop_user(cursor: Cursor, context: Context) -> Answer:
    """DROP USER [IF EXISTS] 'name'."""
    quiet = cursor.accept("IF", "EXISTS")
    name, access = user_identity(cursor), context.engine.access
    cursor.expect_end()
    context.require("GRANT")
    if name in _BUILT_IN_USERS:
        raise DorisError(f"Can not drop {name} user")
    if name in access.users:
        access.drop("user", name)
    elif not quiet:
        raise DorisError(f"User '{name}' does not exist")
    return Answer()


def set_password(cursor: Cursor, context: Context) -> Answer:
    """SET PASSWORD [FOR 'name'] = PASSWORD('…')."""
    cursor.expect("PASSWORD")
    name = user_identity(cursor) if cursor.accept("FOR") else context.user
    cursor.expect("=")
    if cursor.accept("PASSWORD"):
        cursor.expect("(")
        password = hash_password(cursor.string())
        cursor.expect(")")
    else:
        text = cursor.string()
        if len(text) != 41 or not text.startswith("*"):
            raise DorisError("Password hash should be a 41-digit hexadecimal number")
        password = text[1:].lower()
    cursor.expect_end()
    if name != context.user:
        context.require("GRANT")
    user = copy.deepcopy(context.engine.access.grantee("user", name))
    user.password = password
    context.engine.access.put_user(user)
    return Answer()


@statement("CREATE", "ROLE")
def create_role(cursor: Cursor, context: Context) -> Answer:
    """CREATE ROLE [IF NOT EXISTS] name [COMMENT '…']."""
    quiet = cursor.accept("IF", "NOT", "EXISTS")
    role = Grants(cursor.ident())
    if cursor.accept("COMMENT"):
        role.comment = cursor.string()
    cursor.expect_end()
    context.require("GRANT")
    if role.name not in context.engine.access.roles:
        context.engine.access.put_role(role)
    elif not quiet:
        raise DorisError(f"Role {role.name} already exists")
    return Answer()


@statement("DROP", "ROLE")
def drop_role(cursor: Cursor, context: Context) -> Answer:
    """DROP ROLE [IF EXISTS] name."""
    quiet = cursor.accept("IF", "EXISTS")
    name, access = cursor.ident(), context.engine.access
    cursor.expect_end()
    context.require("GRANT")
    if name in _BUILT_IN_ROLES:
        raise DorisError(f"Can not drop role: {name}")
    if name in access.roles:
        access.drop("role", name)
    elif not quiet:
        raise DorisError(f"Role {name} does not exist")
    return Answer()


@statement("GRANT")
def grant(cursor: Cursor, context: Context) -> Answer:
    """GRANT privileges ON scope TO [ROLE] name, or GRANT 'role' TO user."""
    _give_or_take(cursor, context, give=True)
    return Answer()


@statement("REVOKE")
def revoke(cursor: Cursor, context: Context) -> Answer:
    """REVOKE privileges ON scope FROM [ROLE] name, or REVOKE 'role' FROM user."""
    _give_or_take(cursor, context, give=False)
    return Answer()


def _give_or_take(cursor: Cursor, context: Context, *, give: bool) -> None:
    words = [cursor.ident()]
    while cursor.accept(","):
        words.append(cursor.ident())
    if len(words) == 1 and words[0].upper() == "ALL":
        cursor.accept("PRIVILEGES")
    scope = _scope(cursor) if cursor.accept("ON") else ""
    cursor.expect("TO" if give else "FROM")
    kind = "role" if cursor.accept("ROLE") else "user"
    name = cursor.ident() if kind == "role" else user_identity(cursor)
    cursor.expect_end()
    context.require("GRANT")
    access = context.engine.access
    holder = copy.deepcopy(access.grantee(kind, name))
    if scope:
        _change_privileges(holder, scope, [p for w in words for p in parse_privilege(w)], give=give)
    else:
        _change_roles(access, holder, kind, words, give=give)
    (access.put_role if kind == "role" else access.put_user)(holder)


def _scope(cursor: Cursor) -> str:
    if cursor.peek().upper in ("RESOURCE", "WORKLOAD", "COMPUTE", "STORAGE"):
        raise unsupported(f"GRANT ON {cursor.peek().text}")
    parts = []
    while True:
        parts.append("*" if cursor.accept("*") else cursor.ident())
        if not cursor.accept("."):
            break
    if len(parts) == 3:
        if parts[0] not in ("*", "internal"):
            raise DorisError(f"Unknown catalog '{parts[0]}'")
        parts = parts[1:]
    if len(parts) == 1:
        parts = [*parts, "*"]
    if parts[0] == "*" and parts[1] != "*":
        raise DorisError("Table pattern is invalid: a table needs its database")
    return ".".join(parts)


def _change_privileges(holder: Grants, scope: str, privileges: list[str], *, give: bool) -> None:
    if "NODE" in privileges and scope != "*.*":
        raise DorisError("Can not grant/revoke NODE_PRIV on a database or table")
    held = set(holder.privileges.get(scope, []))
    if not give and not set(privileges) <= held:
        raise DorisError(f"{holder.name} does not have {sorted(set(privileges) - held)[0]}_PRIV on {scope}")
    left = held | set(privileges) if give else held - set(privileges)
    if left:
        holder.privileges[scope] = sorted(left)
    else:
        holder.privileges.pop(scope, None)


def _change_roles(access: Access, holder: Grants, kind: str, roles: list[str], *, give: bool) -> None:
    if kind == "role":
        raise DorisError("A role can be granted to a user only")
    for role in roles:
        access.grantee("role", role)
        if give and role not in holder.roles:
            holder.roles.append(role)
        elif not give:
            if role not in holder.roles:
                raise DorisError(f"user '{holder.name}' does not have role {role}")
            holder.roles.remove(role)


@statement("SHOW", "GRANTS")
def show_grants(cursor: Cursor, context: Context) -> Answer:
    """SHOW GRANTS [FOR 'name']."""
    name = user_identity(cursor) if cursor.accept("FOR") else context.user
    cursor.expect_end()
    if name != context.user:
        context.require("GRANT")
    access = context.engine.access
    access.grantee("user", name)
    return Answer(_GRANT_COLUMNS, [_grant_row(access, name)])


@statement("SHOW", "ALL", "GRANTS")
def show_all_grants(cursor: Cursor, context: Context) -> Answer:
    """SHOW ALL GRANTS."""
    cursor.expect_end()
    context.require("GRANT")
    access = context.engine.access
    return Answer(_GRANT_COLUMNS, [_grant_row(access, name) for name in sorted(access.users)])


@statement("SHOW", "ROLES")
def show_roles(cursor: Cursor, context: Context) -> Answer:
    """SHOW ROLES."""
    cursor.expect_end()
    context.require("GRANT")
    access = context.engine.access
    rows = []
    for role in sorted(access.roles.values(), key=lambda r: r.name):
        users = ", ".join(f"'{u.name}'@'%'" for u in access.users.values() if role.name in u.roles)
        rows.append([role.name, role.comment, users, *_levels(role.privileges)])
    return Answer(["Name", "Comment", "Users", "GlobalPrivs", "DatabasePrivs", "TablePrivs"], rows)


_GRANT_COLUMNS = ["UserIdentity", "Comment", "Password", "Roles", "GlobalPrivs", "CatalogPrivs", "DatabasePrivs",
                  "TablePrivs", "ColPrivs", "ResourcePrivs", "WorkloadGroupPrivs"]  # fmt: skip


def _grant_row(access: Access, name: str) -> list[str | None]:
    user = access.users[name]
    levels = _levels({scope: sorted(p) for scope, p in access.held(name).items()})
    return [f"'{name}'@'%'", user.comment, "Yes" if user.password else "No", ",".join(user.roles), levels[0], None,
            levels[1], levels[2], None, None, "normal: Usage_priv"]  # fmt: skip


def _levels(held: dict[str, list[str]]) -> list[str | None]:
    """Privileges by level, in the writing of Doris: `internal.db: Select_priv,Load_priv; …`."""
    found: list[list[str]] = [[], [], []]
    for scope, privileges in sorted(held.items()):
        database, table = scope.split(".", 1)
        text = ",".join(f"{p.capitalize()}_priv" for p in privileges)
        if database == "*":
            found[0].append(text)
        elif table == "*":
            found[1].append(f"internal.{database}: {text}")
        else:
            found[2].append(f"internal.{database}.{table}: {text}")
    return ["; ".join(level) or None for level in found]
