"""Whether two texts are the same query: the one that is declared, and the one that Doris shows.

Doris keeps the text of a materialized view's query, but writes names out in full and in back quotes:
`b.volume` may come back as `` `internal`.`market`.`b`.`volume` ``.
"""

from __future__ import annotations

from ..local.doris.lexer import Token, tokenize, unquote

Name = tuple[str, ...]


def same_query(declared: str, live: str) -> bool:
    """Whether the texts differ in nothing but blanks, comments, capitals, quotes and how far names are written out."""
    ours, theirs = _parts(declared), _parts(live)
    return len(ours) == len(theirs) and all(_same(a, b) for a, b in zip(ours, theirs, strict=True))


def _same(a: Name, b: Name) -> bool:
    shorter, longer = sorted((a, b), key=len)
    return longer[-len(shorter) :] == shorter


def _parts(sql: str) -> list[Name]:
    """The tokens, each a name of one part but for dotted names, which stay together."""
    found: list[Name] = []
    dotted = False
    for token in tokenize(sql):
        if token.text == "." and found:
            dotted = True
            continue
        if dotted:
            found[-1] += (_plain(token),)
        else:
            found.append((_plain(token),))
        dotted = False
    while found and found[-1] == (";",):
        found.pop()
    return found


def _plain(token: Token) -> str:
    if token.kind == "string":
        return f"'{unquote(token.text)}'"
    return (unquote(token.text) if token.kind == "quoted" else token.text).lower()
