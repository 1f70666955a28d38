"""Keep secrets out of everything that is published: each value is replaced in all forms in which it may appear.

Forms: as it is, JSON- and Python-escaped, HTML-escaped, URL-encoded, and base64 at each of the three alignments that
it has inside a longer text (so `user:password` of HTTP basic authentication is found by the password alone).
Values shorter than `SHORTEST` cannot be told from ordinary text and are left alone.
"""

from __future__ import annotations

import base64
import html
import json
import os
import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote, quote_plus

from .parameters import looks_secret

MASK = "••••••"
SHORTEST = 6


class Redactor:
    """Replaces secret values in texts and in nested data.

    Args:
        values: the secret values.
    """

    def __init__(self, values: Iterable[str] = ()) -> None:
        forms = {form for value in values if len(value) >= SHORTEST for form in _forms(value)}
        # Longest first: a form that contains another must not leave its rest behind.
        ordered = sorted(forms, key=lambda form: (-len(form), form))
        self._pattern = re.compile("|".join(map(re.escape, ordered))) if ordered else None

    def text(self, text: str) -> str:
        """The text without secrets."""
        return self._pattern.sub(MASK, text) if self._pattern else text

    def data(self, value: Any) -> Any:
        """The same nested data without secrets, in keys and values; other types stay as they are."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {self.text(k) if isinstance(k, str) else k: self.data(v) for k, v in value.items()}
        if isinstance(value, (list, tuple)):
            return [self.data(item) for item in value]
        return value


def environment_secrets(environ: Mapping[str, str] = os.environ) -> set[str]:
    """Values of the environment variables whose names say that they hold a secret."""
    return {value for name, value in environ.items() if looks_secret(name) and len(value) >= SHORTEST}


def redactor(secret_values: Iterable[str]) -> Redactor:
    """A redactor for these values and those of the environment; call it anew when secrets may have been made."""
    return Redactor({*secret_values, *environment_secrets()})


def _forms(value: str) -> set[str]:
    forms = {value, html.escape(value), html.escape(value, quote=False)}
    forms |= {json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1], repr(value)[1:-1]}
    forms |= {quote(value, safe=""), quote(value), quote_plus(value)}
    forms |= {re.sub(r"%[0-9A-F]{2}", lambda m: m.group().lower(), form) for form in forms}
    raw = value.encode()
    for offset in range(3):
        encoded = base64.b64encode(bytes(offset) + raw).decode()
        # Only characters made of nothing but bits of the value; the others depend on its neighbours.
        start, end = -(-offset * 8 // 6), (offset + len(raw)) * 8 // 6
        stable = encoded[start:end]
        forms |= {stable, stable.replace("+", "-").replace("/", "_"), stable.replace("+", "%2B").replace("/", "%2F")}
    return {form for form in forms if len(form) >= SHORTEST}
