"""Corrections of dead letters: the value that should have been sent, made from the one that was."""

from __future__ import annotations

import json
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from .._errors import CarbonError
from ..clients.avro import AvroMisfit, encode
from .queues import Correction, Queue

if TYPE_CHECKING:
    from ..clients.registry import Registry


class Misfit(CarbonError):
    """The correction does not fit this letter, which stays where it is."""


class Corrector:
    """Applies one correction to letters of one queue; None leaves every value as it was.

    Raises:
        CarbonError: on creation, when the queue's schema is needed and the registry has none.
    """

    def __init__(self, correction: Correction | None, queue: Queue, registry: Registry) -> None:
        self._correction = correction
        self._schema: tuple[int, dict[str, Any]] | None = None
        if correction and correction.encode:
            if not queue.schema:
                raise Misfit(
                    f"Letters of {queue.topic} are JSON objects, and {correction.name} makes Avro of them.",
                    remedy="Choose another correction for this topic.",
                )
            self._schema = registry.newest(queue.schema)

    def __call__(self, value: bytes | None) -> bytes | None:
        """The corrected value.

        Raises:
            Misfit: when it cannot be corrected so.
        """
        correction = self._correction
        if correction is None:
            return value
        fields = _object(value)
        for old, new in correction.rename.items():
            if old in fields:
                fields[new] = fields.pop(old)
        for name in correction.numbers:
            if isinstance(fields.get(name), str):
                fields[name] = _number(name, fields[name])
        fields.update(correction.values)
        try:
            return to_json(fields).encode() if self._schema is None else encode(*self._schema, fields)
        except AvroMisfit as error:
            raise Misfit(error.message, cause=error.cause) from error


def _object(value: bytes | None) -> dict[str, Any]:
    try:
        fields = json.loads(value or b"", parse_float=Decimal)
    except ValueError as error:
        raise Misfit("The value is not JSON.", cause=str(error)) from error
    if not isinstance(fields, dict):
        raise Misfit("The value is not a JSON object.")
    return fields


def _number(name: str, text: str) -> Decimal:
    try:
        number = Decimal(text.strip().replace(",", ".") if text.count(",") == 1 and "." not in text else text.strip())
    except InvalidOperation as error:
        raise Misfit(f"{name} is no number.", cause=text) from error
    if not number.is_finite():
        raise Misfit(f"{name} is not finite.", cause=text)
    return number


def to_json(value: Any) -> str:
    """JSON that keeps every digit of a decimal; the standard writer knows floats only."""
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(k, ensure_ascii=False)}:{to_json(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(to_json(v) for v in value) + "]"
    return json.dumps(value, ensure_ascii=False)
