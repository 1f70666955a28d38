"""Parameters of notebooks: found in the `parameters` cell, typed by its annotations, refused before a kernel starts.

The cell is read as Python (`ast`) and not by papermill's line patterns, which drop a line with two `=` signs; a test
holds the two readings together.
"""

from __future__ import annotations

import ast
import difflib
import io
import json
import math
import os
import re
import tokenize
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from .._errors import UsageError

_TRUE, _FALSE = ("true", "yes", "1"), ("false", "no", "0")
_SECRET_NAME = re.compile(r"(?i)(passw|token|secret|api_?key|credential|private_?key)")


@dataclass(frozen=True)
class Parameter:
    """One parameter of a notebook: `annotation` as written, `default` as a value, `help` from the comment."""

    name: str
    annotation: str
    default: Any
    help: str

    def as_dict(self) -> dict[str, Any]:
        """Plain data for `carbon list --json`."""
        return {"name": self.name, "type": self.annotation, "default": self.default, "help": self.help}

    def parse(self, text: str) -> Any:
        """The value that the text of a `-p NAME=VALUE` stands for.

        Raises:
            UsageError: the text is no such value.
        """
        try:
            return _parse(ast.parse(self.annotation, mode="eval").body, text)
        except ValueError as error:
            raise UsageError(
                f"Parameter {self.name}={text!r} is not of type {self.annotation}.",
                cause=str(error),
                remedy=f"Give a value such as {self.default!r}. {self.help}".strip(),
            ) from error


def inspect(source: str, where: str) -> list[Parameter]:
    """The parameters that the source of a `parameters` cell declares.

    Raises:
        UsageError: the cell holds something else than annotated or plain assignments of literals.
    """
    remedy = f"Write each line of the parameters cell of {where} as `name: type = literal  # help`."
    try:
        tree = ast.parse(source)
        comments = _comments(source)
        return [_parameter(statement, comments) for statement in tree.body]
    except (SyntaxError, ValueError, tokenize.TokenError) as error:
        raise UsageError(f"{where}: the parameters cell cannot be read.", cause=str(error), remedy=remedy) from error


def assign(
    declared: Mapping[str, list[Parameter]],
    given: Mapping[str, str],
    *,
    target: str,
    plan: bool = False,
    secret_names: Collection[str] = (),
) -> dict[str, dict[str, Any]]:
    """The values to hand to each selected notebook; each gets only what it declares.

    Args:
        declared: the parameters of each selected notebook, by id.
        given: texts from the command line, by parameter name.
        target: value of the parameter `target` where there is one.
        plan: value of the parameter `plan` where there is one.
        secret_names: names that a parameter which looks like a secret may carry.

    Raises:
        UsageError: an unknown name, an ill-typed value, or a secret given by value.
    """
    known = {p.name for parameters in declared.values() for p in parameters}
    for name, text in given.items():
        _refuse(name, text, known, declared, secret_names)
    values: dict[str, dict[str, Any]] = {}
    for notebook, parameters in declared.items():
        own = {p.name: p.parse(given[p.name]) for p in parameters if p.name in given}
        names = {p.name for p in parameters}
        own |= {"target": target} if "target" in names else {}
        own |= {"plan": True} if plan and "plan" in names else {}
        values[notebook] = own
    return values


def split_assignments(texts: Collection[str]) -> dict[str, str]:
    """`["NAME=VALUE", …]` as a dictionary.

    Raises:
        UsageError: a text without `=`, or a name given twice.
    """
    given: dict[str, str] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name.isidentifier():
            raise UsageError(f"-p {text}: not of the form NAME=VALUE.", remedy="Write for example -p rate=500.")
        if name in given:
            raise UsageError(f"Parameter {name} is given twice.", remedy="Give it once.")
        given[name] = value
    return given


def looks_secret(name: str) -> bool:
    """Whether a parameter or variable of this name may hold a secret."""
    return bool(_SECRET_NAME.search(name))


def _refuse(
    name: str,
    text: str,
    known: Collection[str],
    declared: Mapping[str, list[Parameter]],
    secret_names: Collection[str],
) -> None:
    if name in ("target", "plan"):
        raise UsageError(f"-p {name}=… is not how to set it.", remedy=f"Use --{name}.")
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1)
        hint = f"Did you mean {near[0]}? " if near else ""
        names = ", ".join(sorted(known)) or "none"
        raise UsageError(
            f"No selected notebook has a parameter {name!r}.",
            remedy=f"{hint}Parameters of {', '.join(declared)}: {names}.",
        )
    defaults = {p.default for ps in declared.values() for p in ps if p.name == name and isinstance(p.default, str)}
    if looks_secret(name) and text not in {*secret_names, *defaults} and text not in os.environ:
        raise UsageError(
            f"Parameter {name} looks like a secret, and its value is not the name of one.",
            remedy=f"Give the name of a secret (known: {', '.join(sorted(secret_names)) or 'none'}), never a value.",
        )


def _comments(source: str) -> dict[int, str]:
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    return {t.start[0]: t.string.lstrip("#").strip() for t in tokens if t.type == tokenize.COMMENT}


def _parameter(statement: ast.stmt, comments: Mapping[int, str]) -> Parameter:
    if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name) and statement.value:
        name, default = statement.target.id, ast.literal_eval(statement.value)
        annotation = ast.unparse(statement.annotation)
    elif (
        isinstance(statement, ast.Assign) and len(statement.targets) == 1 and isinstance(statement.targets[0], ast.Name)
    ):
        name, default = statement.targets[0].id, ast.literal_eval(statement.value)
        annotation = type(default).__name__
    else:
        raise ValueError(f"line {statement.lineno} is not an assignment of a literal: {ast.unparse(statement)}")
    return Parameter(name, annotation, default, comments.get(statement.end_lineno or statement.lineno, ""))


def _parse(annotation: ast.expr, text: str) -> Any:
    if isinstance(annotation, ast.BinOp) and isinstance(annotation.op, ast.BitOr):
        return _first_of([annotation.right, annotation.left], text)
    if isinstance(annotation, ast.Subscript):
        kind = ast.unparse(annotation.value)
        items = annotation.slice.elts if isinstance(annotation.slice, ast.Tuple) else [annotation.slice]
        if kind == "Literal":
            return _literal([ast.literal_eval(item) for item in items], text)
        if kind == "Optional":
            return _first_of([ast.Constant(None), items[0]], text)
        if kind == "list":
            return [_parse(items[0], item) for item in _items(text)]
        raise ValueError(f"the type {ast.unparse(annotation)} cannot be given as text")
    return _scalar(ast.unparse(annotation), text)


def _scalar(kind: str, text: str) -> Any:
    match kind:
        case "str":
            return text
        case "int":
            return int(text)
        case "float":
            if not math.isfinite(number := float(text)):
                raise ValueError("not a finite number")
            return number
        case "bool":
            if text.lower() not in _TRUE + _FALSE:
                raise ValueError("write true or false")
            return text.lower() in _TRUE
        case "None" | "NoneType":
            if text.lower() not in ("none", "null", ""):
                raise ValueError("write none")
            return None
        case "list":
            return _items(text)
        case "dict":
            return _json(text, dict)
    raise ValueError(f"the type {kind} cannot be given as text")


def _first_of(annotations: list[ast.expr], text: str) -> Any:
    # None is tried before the other type: `-p limit=none` means no limit, also where the type is `str | None`.
    reasons = []
    for annotation in sorted(annotations, key=lambda a: ast.unparse(a) != "None"):
        try:
            return _parse(annotation, text)
        except ValueError as error:
            reasons.append(str(error))
    raise ValueError("; ".join(reasons))


def _literal(allowed: list[Any], text: str) -> Any:
    for value in allowed:
        if str(value) == text:
            return value
    raise ValueError(f"allowed are {', '.join(map(str, allowed))}")


def _items(text: str) -> list[Any]:
    if text.lstrip().startswith("["):
        return [item if isinstance(item, str) else json.dumps(item) for item in _json(text, list)]
    return [item.strip() for item in text.split(",") if item.strip()]


def _json(text: str, kind: type) -> Any:
    value = json.loads(text)  # its error is a ValueError
    if not isinstance(value, kind):
        raise ValueError(f"not a JSON {kind.__name__}")
    return value
