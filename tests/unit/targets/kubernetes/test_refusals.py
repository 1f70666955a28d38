"""What the API server says when it refuses, told as errors."""

from __future__ import annotations

import json
from typing import Any

import pytest

from carbonlib._errors import (
    AccessDenied,
    ApplyError,
    CarbonError,
    EngineError,
    FieldConflict,
    ImmutableField,
    NotThereYet,
    TargetError,
)
from carbonlib.targets.kubernetes.ownership import by_hand
from carbonlib.targets.kubernetes.refusals import refusal


def told(status: int, message: str, what: str = "StatefulSet/a/kafka", causes: Any = (), **more: Any) -> CarbonError:
    body = {"kind": "Status", "message": message, "details": {"causes": list(causes)}, **more}
    return refusal(status, json.dumps(body), what, "https://here")


@pytest.mark.parametrize("status, message, kind, words", [
    (401, "Unauthorized", TargetError, "does not accept these credentials"),
    (403, 'User "x" cannot patch resource "secrets" in API group ""', AccessDenied, "does not allow it"),
    (403, "is attempting to grant RBAC permissions not currently held", AccessDenied, "does not allow it"),
    (403, 'pods "a" is forbidden: exceeded quota: room, requested: pods=1', ApplyError, "does not fit the quota room"),
    (403, 'violates PodSecurity "restricted:latest": privileged', ApplyError, 'level restricted:latest of'),
    (403, "maximum cpu usage per Container is 1", ApplyError, "an admission rule"),
    (404, 'namespaces "a" not found', NotThereYet, "not there"),
    (400, 'strict decoding error: unknown field "x"', ApplyError, "does not know a field"),
    (500, "failed to create typed patch object: .x: field not declared", ApplyError, "does not know a field"),
    (500, "boom", EngineError, "answered 500"),
    (422, "spec: Invalid value: immutable", ImmutableField, "cannot change"),
    (422, "spec.replicas: Invalid value: -1", ApplyError, "invalid"),
    (409, "the object has been modified", ApplyError, "changed while"),
])  # fmt: skip
def test_each_refusal_has_its_error_and_words(status: int, message: str, kind: type[CarbonError], words: str) -> None:
    error = told(status, message)
    assert type(error) is kind
    assert words in error.message
    assert error.remedy


def test_a_namespace_that_is_being_deleted_is_told_apart() -> None:
    error = told(403, "forbidden: unable to create new content", causes=[{"reason": "NamespaceTerminating"}])
    assert "being deleted" in error.message


def test_a_conflict_names_managers_and_paths() -> None:
    others = {".spec.replicas": '"kubectl-edit" using apps/v1', ".spec.serviceName": '"argocd"'}
    causes = [
        {"reason": "FieldManagerConflict", "message": f"conflict with {who}", "field": path}
        for path, who in others.items()
    ]
    error = told(409, "Apply failed with 2 conflicts", causes=causes)
    assert isinstance(error, FieldConflict)
    assert error.owners == {"spec.replicas": "kubectl-edit using apps/v1", "spec.serviceName": "argocd"}
    assert [by_hand(owner) for owner in error.owners.values()] == [True, False]
    assert not by_hand("kubectl"), "an apply is somebody's claim, whatever tool it came from"


def test_values_of_a_secret_are_not_repeated() -> None:
    message = "failed to create typed patch object: .data.a: expected string, got &x{Value:hidden-thing}"
    assert "hidden-thing" not in str(told(500, message, "Secret/a/passwords"))
    assert "hidden-thing" in str(told(500, message, "ConfigMap/a/settings"))
    invalid = 'Secret "x" is invalid: data[a]: Invalid value: "hidden-thing": too long'
    assert "hidden-thing" not in str(told(422, invalid, "Secret/a/passwords"))


def test_an_answer_that_is_no_status_is_told_as_it_is() -> None:
    assert "upstream gone" in refusal(500, "upstream gone", "x", "https://here").cause
    assert refusal(500, "[]", "x", "https://here").cause == "[]"
