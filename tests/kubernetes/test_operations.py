"""Operate and respond notebooks on the control plane: those whose work engines and controllers do, not kubelets.

What rolls or scales pods (50, 51, 53) is left out: behind a pod of the control plane stands an engine that does not
restart with it, so a roll would prove nothing.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.conftest import measured

from .conftest import TARGET, Plane

pytestmark = pytest.mark.timeout(900)


@pytest.mark.parametrize(
    "notebook", ["operate-20", "operate-30", "operate-40", "respond-10", "operate-54", "operate-52"]
)
def test_an_operation_leaves_the_platform_as_it_is_declared(
    plane: Plane, first_run: dict[str, Any], notebook: str
) -> None:
    (found,) = plane.carbon.run(notebook, *TARGET)["notebooks"]
    assert found["checks"]
    assert nothing_differs(plane)


def test_bad_records_are_refused_with_their_cause_and_replayed_once(plane: Plane, first_run: dict[str, Any]) -> None:
    found = measured(plane.carbon.run("verify-27", "-p", "good=200", "-p", "each=10", *TARGET))
    assert found["good_records_missing"] == found["records_lost"] == found["records_twice_after_replay"] == 0
    plane.carbon.run("operate-10", *TARGET)
    assert nothing_differs(plane)


def test_a_password_is_rotated_in_the_secret_and_the_account(plane: Plane, first_run: dict[str, Any]) -> None:
    found = measured(plane.carbon.run("operate-70", *TARGET))
    assert (found["stored_password_opens"], found["former_password_opens"]) == (True, False)
    assert nothing_differs(plane)


def nothing_differs(plane: Plane) -> bool:
    return json.loads(plane.carbon("drift", "--json", *TARGET).stdout)["changes"] == []
