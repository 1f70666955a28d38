"""Tokens of Doris SQL and a cursor for recursive-descent parsers.

Only statements that sqlglot cannot read faithfully go through here (DDL, loads, users, SHOW); queries do not.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from .errors import DorisError

Kind = Literal["word", "quoted", "string", "number", "symbol", "end"]

_TOKEN = re.compile(
    r"""
    (?P<skip>\s+ | --[^\n]* | \#[^\n]* | /\*.*?\*/)
  | (?P<string>'(?:[^'\\]|\\.|'')*' | "(?:[^"\\]|\\.|"")*")
  | (?P<quoted>`(?:[^`]|``)+`)
  | (?P<number>\d+(?:\.\d+)?(?:[eE][+-]?\d+)?(?![\w$]))
  | (?P<word>@{0,2}[\w$\u0080-\uffff]+)
  | (?P<symbol><=|>=|<>|!=|:=|.)
    """,
    re.VERBOSE | re.DOTALL,
)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "0": "\0", "b": "\b", "Z": "\x1a"}


@dataclass(frozen=True)
class Token:
    """One token with its place in the text."""

    kind: Kind
    text: str
    start: int
    end: int

    @property
    def upper(self) -> str:
        """The keyword or symbol in capitals; empty for strings and quoted names, which are never keywords."""
        return self.text.upper() if self.kind in ("word", "symbol") else ""


def tokenize(sql: str) -> list[Token]:
    """Split a statement into tokens, comments left out.

    Raises:
        DorisError: for a string or comment that is not closed.
    """
    tokens = []
    for match in _TOKEN.finditer(sql):
        kind = match.lastgroup
        if kind == "skip":
            continue
        text = match.group()
        if kind == "symbol" and text in "'\"`":
            raise DorisError(f"syntax error: quotation opened at position {match.start()} is not closed")
        tokens.append(Token(kind, text, match.start(), match.end()))  # type: ignore[arg-type]
    return tokens


def unquote(text: str) -> str:
    """The value of a quoted string or name, with doubled quotes and backslash escapes resolved."""
    quote, body = text[0], text[1:-1].replace(text[0] * 2, text[0])
    if quote == "`":
        return body
    return re.sub(r"\\(.)", lambda m: _ESCAPES.get(m.group(1), m.group(1)), body, flags=re.DOTALL)


class Cursor:
    """A position in a token list, with the moves that parsers need."""

    def __init__(self, sql: str) -> None:
        self.sql = sql
        self.tokens = tokenize(sql)
        while self.tokens and self.tokens[-1].text == ";":
            self.tokens.pop()
        self.at = 0

    def peek(self, ahead: int = 0) -> Token:
        """The token `ahead` places on, without moving."""
        place = self.at + ahead
        return self.tokens[place] if place < len(self.tokens) else Token("end", "", len(self.sql), len(self.sql))

    def next(self) -> Token:
        """The current token; moves on."""
        token = self.peek()
        self.at += 1
        return token

    def accept(self, *words: str) -> bool:
        """Move over the words if they come next."""
        if all(self.peek(place).upper == word for place, word in enumerate(words)):
            self.at += len(words)
            return True
        return False

    def expect(self, *words: str) -> None:
        """Move over the words or refuse the statement."""
        if not self.accept(*words):
            raise self.error(f"expecting {' '.join(words)}")

    def accept_any(self, *words: str) -> str:
        """Move over one of the words and return it; empty when none comes next."""
        word = self.peek().upper
        if word and word in words:
            self.at += 1
            return word
        return ""

    def done(self) -> bool:
        """Whether everything was read."""
        return self.peek().kind == "end"

    def expect_end(self) -> None:
        """Refuse what is left over."""
        if not self.done():
            raise self.error("expecting end of statement")

    def error(self, wanted: str) -> DorisError:
        """A syntax error at the current token."""
        token = self.peek()
        got = f"'{token.text[:40]}'" if token.kind != "end" else "end of statement"
        line = self.sql.count("\n", 0, token.start) + 1
        return DorisError(f"mismatched input {got} {wanted} (line {line}, pos {token.start})")

    def ident(self) -> str:
        """A name, plain or in back quotes; strings count as names where users and labels are written so."""
        token = self.peek()
        if token.kind not in ("word", "quoted", "string"):
            raise self.error("expecting a name")
        self.at += 1
        return token.text if token.kind == "word" else unquote(token.text)

    def name(self) -> list[str]:
        """A dotted name as its parts."""
        parts = [self.ident()]
        while self.accept("."):
            parts.append(self.ident())
        return parts

    def string(self) -> str:
        """A quoted string."""
        if self.peek().kind != "string":
            raise self.error("expecting a string")
        return unquote(self.next().text)

    def integer(self) -> int:
        """A whole number."""
        token = self.peek()
        if token.kind != "number" or not token.text.isdigit():
            raise self.error("expecting a whole number")
        self.at += 1
        return int(token.text)

    def names(self) -> list[str]:
        """A list of names in parentheses."""
        self.expect("(")
        found = [self.ident()]
        while self.accept(","):
            found.append(self.ident())
        self.expect(")")
        return found

    def properties(self) -> dict[str, str]:
        """`("key" = "value", …)`.

        Raises:
            DorisError: for a key given twice.
        """
        self.expect("(")
        found: dict[str, str] = {}
        while not self.accept(")"):
            key = self.string()
            self.expect("=")
            if key in found:
                raise DorisError(f"Duplicated property: {key}")
            value = self.next()
            found[key] = unquote(value.text) if value.kind == "string" else value.text
            if not self.accept(",") and self.peek().upper != ")":
                raise self.error("expecting , or )")
        return found

    def parenthesised(self) -> str:
        """The text between a pair of parentheses, inner pairs included."""
        self.expect("(")
        start, depth = self.peek().start, 1
        while depth:
            token = self.next()
            if token.kind == "end":
                raise DorisError("mismatched input: parenthesis is not closed")
            # A half-open range of partition values, `[(a), (b))`, opens with a bracket and closes with a parenthesis.
            depth += (token.text in ("(", "[")) - (token.text in (")", "]"))
        return self.sql[start : token.start].strip()

    def rest(self) -> str:
        """Everything that was not read yet; moves to the end."""
        text = self.sql[self.peek().start :].strip().rstrip(";").rstrip()
        self.at = len(self.tokens)
        return text

    def text_until(self, *stops: str) -> str:
        """The text up to one of the words or symbols outside parentheses, which is not consumed."""
        start, depth, end = self.peek().start, 0, self.peek().start
        while not self.done() and not (depth == 0 and self.peek().upper in stops):
            token = self.next()
            depth += (token.text == "(") - (token.text == ")")
            end = token.end
        return self.sql[start:end].strip()
