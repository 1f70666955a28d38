"""Finding, typing and refusing parameters."""

from pathlib import Path
from typing import Any

import papermill
import pytest

from carbonlib._errors import UsageError
from carbonlib.runbook.parameters import Parameter, assign, inspect, split_assignments

INPUTS = Path(__file__).resolve().parents[2] / "notebooks" / "inputs"
CELL = """\
target: str = "local"  # where
rate: int = 500  # per second
share: float = 0.5
names: list[str] = ["a=b", "c # d"]  # codes
mode: Literal["replay", "live"] = "replay"  # kind of source
limit: int | None = None
plan: bool = False
note = "x"  # untyped
doris_secret: str = "doris_loader"  # name of the secret
"""


def parameter(annotation: str, default: Any = None) -> Parameter:
    return Parameter("p", annotation, default, "")


def test_inspect_reads_names_types_defaults_and_help() -> None:
    found = {p.name: p for p in inspect(CELL, "a.ipynb")}
    assert found["rate"] == Parameter("rate", "int", 500, "per second")
    assert found["names"] == Parameter("names", "list[str]", ["a=b", "c # d"], "codes")
    assert found["note"].annotation == "str" and found["share"].help == ""


def test_inspect_agrees_with_papermill() -> None:
    theirs = papermill.inspect_notebook(str(INPUTS / "changes.ipynb"))
    source = 'target: str = "local"  # where to run\nplan: bool = False  # show what would change, and stop there'
    ours = {p.name: (p.annotation, p.help) for p in inspect(source, "changes.ipynb")}
    assert ours == {n: (p["inferred_type_name"], p["help"]) for n, p in theirs.items()}


@pytest.mark.parametrize("source", ["x: int = len('a')", "import os", "def f(): pass", "x: int =", "x, y = 1, 2"])
def test_inspect_refuses_what_is_no_literal_assignment(source: str) -> None:
    with pytest.raises(UsageError, match=r"a\.ipynb"):
        inspect(source, "a.ipynb")


@pytest.mark.parametrize(
    ("annotation", "text", "value"),
    [
        ("int", "7", 7),
        ("int", "-7", -7),
        ("float", "1e3", 1000.0),
        ("bool", "true", True),
        ("bool", "No", False),
        ("str", "7", "7"),
        ("str", "a=b c", "a=b c"),
        ("str | None", "none", None),
        ("str | None", "nonesuch", "nonesuch"),
        ("None | int", "3", 3),
        ("Optional[int]", "3", 3),
        ("int | None", "", None),
        ("list", "a, b", ["a", "b"]),
        ("list[str]", '["a", "b,c"]', ["a", "b,c"]),
        ("list[int]", "1,2", [1, 2]),
        ("list[int]", "[1, 2]", [1, 2]),
        ('Literal["replay", "live"]', "live", "live"),
        ("Literal[1, 3]", "3", 3),
        ("dict", '{"a": 1}', {"a": 1}),
    ],
)
def test_parse_gives_typed_values(annotation: str, text: str, value: Any) -> None:
    parsed = parameter(annotation).parse(text)
    assert parsed == value and type(parsed) is type(value)


@pytest.mark.parametrize(
    ("annotation", "text"),
    [
        ("int", "7.5"),
        ("int", "seven"),
        ("float", "nan"),
        ("float", "inf"),
        ("bool", "maybe"),
        ("int | None", "x"),
        ("list[int]", "1,b"),
        ("list[str]", "[1"),
        ('Literal["replay", "live"]', "dead"),
        ("dict", "[]"),
        ("bytes", "x"),
    ],
)
def test_parse_refuses_with_name_and_type(annotation: str, text: str) -> None:
    with pytest.raises(UsageError, match="Parameter p="):
        parameter(annotation, 1).parse(text)


def test_assign_hands_each_notebook_only_what_it_declares() -> None:
    declared = {"a": inspect(CELL, "a"), "b": [Parameter("rate", "float", 1.0, "")], "c": []}
    values = assign(declared, {"rate": "9", "mode": "live"}, target="kubernetes", plan=True)
    assert values == {
        "a": {"rate": 9, "mode": "live", "target": "kubernetes", "plan": True},
        "b": {"rate": 9.0},
        "c": {},
    }


def test_assign_leaves_plan_alone_unless_asked() -> None:
    assert assign({"a": inspect(CELL, "a")}, {}, target="local") == {"a": {"target": "local"}}


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"rat": "1"}, r"Did you mean rate\?"),
        ({"target": "local"}, "--target"),
        ({"plan": "true"}, "--plan"),
        ({"rate": "fast"}, "not of type int"),
        ({"doris_secret": "Passw0rd!"}, "not the name of one"),
    ],
)
def test_assign_refuses_before_anything_runs(given: dict[str, str], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        assign({"a": inspect(CELL, "a")}, given, target="local", secret_names=["doris_admin"])


@pytest.mark.parametrize("value", ["doris_admin", "doris_loader", "MY_KEY"])
def test_a_secret_is_given_by_name(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_KEY", "value")
    values = assign({"a": inspect(CELL, "a")}, {"doris_secret": value}, target="local", secret_names=["doris_admin"])
    assert values["a"]["doris_secret"] == value


def test_the_refusal_does_not_repeat_the_secret() -> None:
    with pytest.raises(UsageError) as caught:
        assign({"a": inspect(CELL, "a")}, {"doris_secret": "Passw0rd!"}, target="local")
    assert "Passw0rd!" not in str(caught.value)


def test_split_assignments() -> None:
    assert split_assignments(["a=1", "b=x=y", "c="]) == {"a": "1", "b": "x=y", "c": ""}
    for bad in (["a"], ["=1"], ["a-b=1"], ["a=1", "a=2"]):
        with pytest.raises(UsageError):
            split_assignments(bad)
