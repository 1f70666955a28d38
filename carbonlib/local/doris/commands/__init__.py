"""Statements by their first words. Each handler reads the rest with the cursor and carries it out.

A statement without a handler is an error. That, and the closed list of functions, is how the endpoint keeps its promise
never to say OK to what it did not do.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from ..context import Context
from ..errors import DorisError
from ..lexer import Cursor
from ..results import Answer

Handler = Callable[[Cursor, Context], Answer]
_HANDLERS: dict[tuple[str, ...], Handler] = {}
_LONGEST = 4
_COMMENT = re.compile(r"^(\s+|/\*(?![+!]).*?\*/|--[^\n]*(\n|$)|#[^\n]*(\n|$))+", re.DOTALL)
_QUERY = re.compile(r"^(SELECT|WITH|VALUES|\()", re.IGNORECASE)
_CONDITIONAL = re.compile(r"^/\*!\d*(.*?)\*/\s*;?\s*$", re.DOTALL)


def statement(*words: str) -> Callable[[Handler], Handler]:
    """Register a handler for statements that begin with these words."""

    def register(handler: Handler) -> Handler:
        _HANDLERS[words] = handler
        return handler

    return register


def run(sql: str, context: Context) -> Answer:
    """Run one statement.

    Raises:
        DorisError: as Doris would refuse it, or because the endpoint does not know the statement.
    """
    text = _COMMENT.sub("", sql).strip()
    conditional = _CONDITIONAL.match(text)
    if conditional:
        text = conditional.group(1).strip()
    while text.endswith(";"):
        text = text[:-1].rstrip()
    if not text:
        raise DorisError("Empty statement", 1065)
    if _QUERY.match(text):
        return context.engine.query(text, context.user, context.values())
    cursor = Cursor(text)
    words = tuple(cursor.peek(place).upper for place in range(_LONGEST))
    for length in range(_LONGEST, 0, -1):
        handler = _HANDLERS.get(words[:length])
        if handler:
            cursor.at = length
            return handler(cursor, context)
    raise DorisError(f"unsupported or unknown statement: {' '.join(w for w in words if w)[:80] or text[:80]!r}")


def known_statements() -> list[str]:
    """The first words of every statement, for the tests."""
    return sorted(" ".join(words) for words in _HANDLERS)


from . import access, ddl, dml, general, materialized, routine, show, showmeta  # noqa: E402, F401
