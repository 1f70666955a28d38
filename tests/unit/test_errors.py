from __future__ import annotations

import inspect

import pytest

from carbonlib import _errors
from carbonlib._errors import CarbonError, UsageError, shorten

CLASSES = [c for _, c in inspect.getmembers(_errors, inspect.isclass) if issubclass(c, CarbonError)]


@pytest.mark.parametrize("error", CLASSES, ids=lambda c: c.__name__)
def test_every_error_stands_in_the_tree_and_says_what_to_do_next(error: type[CarbonError]) -> None:
    assert error.__name__ in (_errors.__doc__ or "")
    assert "Next: " in str(error("something happened"))


def test_message_cause_and_remedy_come_through() -> None:
    error = UsageError("Port 1 is taken.", cause="by 7", remedy="Choose another.", notebook="deploy-00")
    assert str(error) == "Port 1 is taken.\nCause: by 7\nNext: Choose another. (notebook deploy-00)"
    assert error.exit_code == 2


def test_a_long_payload_is_shortened_to_head_and_tail() -> None:
    text = "a" * 5000 + "end"
    assert len(shorten(text)) < 700 and shorten(text).endswith("end")
