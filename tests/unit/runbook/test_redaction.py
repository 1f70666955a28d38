"""No form of a secret survives, and nothing else is touched."""

import base64
import html
import json
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carbonlib.runbook.redaction import MASK, SHORTEST, Redactor, environment_secrets

SECRET = 'p4$$ "w\\rd"/ü+&<x>'


@pytest.mark.parametrize(
    "form",
    [
        SECRET,
        json.dumps(SECRET),
        json.dumps(SECRET, ensure_ascii=False),
        repr(SECRET),
        html.escape(SECRET),
        quote(SECRET),
        quote(SECRET, safe=""),
        quote_plus(SECRET),
        quote(SECRET, safe="").lower(),
        *(base64.b64encode(b"u" * n + SECRET.encode() + b"t" * m).decode() for n in range(4) for m in range(4)),
        base64.urlsafe_b64encode(b"user:" + SECRET.encode()).decode(),
    ],
)
def test_every_form_is_replaced(form: str) -> None:
    clean = Redactor([SECRET]).text(f"before {form} after")
    assert MASK in clean and clean.startswith("before ") and clean.endswith(" after")
    assert "w\\rd" not in clean


@given(st.binary(max_size=7), st.text(st.characters(codec="utf-8"), min_size=8, max_size=40), st.binary(max_size=7))
def test_base64_at_any_place_keeps_no_stretch_of_the_value(before: bytes, secret: str, after: bytes) -> None:
    clean = Redactor([secret]).text(base64.b64encode(before + secret.encode() + after).decode())
    left = "".join(clean.split(MASK)).rstrip("=")
    # What stays are the neighbours, and at each edge one character that mixes bits of both.
    assert MASK in clean and len(left) <= (len(before) + len(after)) * 8 // 6 + 6


def test_nested_data_is_cleaned_in_keys_and_values() -> None:
    data = {"a": ["x hunter22 y", 3, None, True], "hunter22": {"b": ("hunter22",)}}
    assert Redactor(["hunter22"]).data(data) == {"a": [f"x {MASK} y", 3, None, True], MASK: {"b": [MASK]}}


def test_a_value_that_contains_another_leaves_no_rest() -> None:
    assert Redactor(["secret", "secretlonger"]).text("secretlonger secret") == f"{MASK} {MASK}"


def test_short_values_and_no_values_change_nothing() -> None:
    assert Redactor(["root", ""]).text("root") == "root" and len("root") < SHORTEST
    assert Redactor().data({"a": "b"}) == {"a": "b"}


def test_secrets_of_the_environment_are_found_by_name() -> None:
    environ = {
        "EIA_API_KEY": "abcdef1",
        "NOAA_TOKEN": "abcdef2",
        "DB_PASSWORD": "abcdef3",
        "PATH": "/usr/bin",
        "X_TOKEN": "",
    }
    assert environment_secrets(environ) == {"abcdef1", "abcdef2", "abcdef3"}
