"""What the API server says when it refuses, told as an error that names the object, the reason and the next step."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from ..._errors import (
    AccessDenied,
    ApplyError,
    CarbonError,
    EngineError,
    FieldConflict,
    ImmutableField,
    NotThereYet,
    TargetError,
)

FIX = "Correct the manifest, then run the plan again."
# What a StatefulSet, a claim and a Job do not let change; what replacing them costs.
LOSSES = {
    "StatefulSet": "its pods stop while it is replaced; its volumes stay",
    "PersistentVolumeClaim": "the data on the volume is lost unless it is backed up first",
    "Job": "the records and logs of its finished pods are lost; it runs again",
    "Service": "its cluster address changes; connections through it break",
    "Deployment": "its pods stop while it is replaced",
}


def refusal(status: int, body: str, what: str, server: str) -> CarbonError:
    """The error for an answer of the API server.

    Args:
        status: HTTP status of the answer.
        body: the answer, a `Status` object as JSON wherever the server wrote it itself.
        what: the object, or the path that was asked for.
        server: address of the API server.
    """
    answer = _status(body)
    message = _unveil(str(answer.get("message") or body), what)
    reasons: dict[int, Callable[[], CarbonError]] = {
        401: lambda: TargetError(
            f"The API server {server} does not accept these credentials.", cause=message,
            remedy="Renew them (log in again), or choose another kubeconfig by KUBECONFIG.",
        ),
        403: lambda: _forbidden(answer, message, what, server),
        404: lambda: NotThereYet(f"{what}: not there.", cause=message, remedy="Apply the layer that it needs first."),
        409: lambda: _conflict(answer, message, what),
        422: lambda: _invalid(answer, message, what),
    }  # fmt: skip
    if by_budget(message):
        return EngineError(
            f"{what}: a disruption budget does not allow it now.", cause=message,
            remedy="Wait until its other pods are ready, then try again.",
        )  # fmt: skip
    if status in reasons:
        return reasons[status]()
    if status == 400 or (status == 500 and "typed patch object" in message):
        return ApplyError(f"{what}: the server does not know a field, or its type.", cause=message, remedy=FIX)
    return EngineError(
        f"{what}: the API server {server} answered {status}.", cause=message,
        remedy="Look at the log of the API server; run again when it is well.",
    )  # fmt: skip


def by_budget(text: str) -> bool:
    """Whether an eviction was refused, since too few pods would be left; the server says 429 to that too."""
    return "disruption budget" in text


def _forbidden(answer: dict[str, Any], message: str, what: str, server: str) -> CarbonError:
    causes = {c.get("reason") for c in _causes(answer)}
    if "exceeded quota" in message or "failed quota" in message:
        name = re.search(r"(?:exceeded|failed) quota: ([^,:]+)", message)
        return ApplyError(
            f"{what} does not fit the quota {name.group(1) if name else ''} of its namespace.", cause=message,
            remedy="Ask for less in the overlay, or raise the ResourceQuota.",
        )  # fmt: skip
    if "violates PodSecurity" in message:
        level = re.search(r'violates PodSecurity "([^"]+)"', message)
        return ApplyError(
            f"{what} breaks the pod security level {level.group(1) if level else ''} of its namespace.",
            cause=message, remedy="Set the security context that the cause names in the manifest.",
        )  # fmt: skip
    if "NamespaceTerminating" in causes:
        return ApplyError(
            f"{what}: its namespace is being deleted.", cause=message,
            remedy="Wait until the namespace is gone; `carbon down` shows what holds it.",
        )  # fmt: skip
    if re.search(r"cannot \w+ (resource|path)|RBAC permissions not currently held|is not allowed", message):
        return AccessDenied(f"{what}: the API server {server} does not allow it.", cause=message)
    return ApplyError(f"{what}: refused by an admission rule of the cluster.", cause=message, remedy=FIX)


def _conflict(answer: dict[str, Any], message: str, what: str) -> CarbonError:
    owners = {
        str(c.get("field", "")).lstrip("."): _manager(str(c.get("message", "")))
        for c in _causes(answer)
        if c.get("reason") == "FieldManagerConflict"
    }
    if answer.get("reason") == "AlreadyExists":
        return ApplyError(f"{what} is there already.", cause=message, remedy="Apply it instead of creating it.")
    if not owners:
        return ApplyError(f"{what} changed while it was being changed.", cause=message, remedy="Run the plan again.")
    listed = ", ".join(f"{path} by {manager}" for path, manager in sorted(owners.items()))
    return FieldConflict(
        f"{what}: fields are managed by somebody else: {listed}.", owners=owners,
        cause=message, remedy="Take the field out of the manifest, or take it over by a roll-back of the layer.",
    )  # fmt: skip


def _manager(message: str) -> str:
    """The manager as the server describes it: `"kubectl-edit" using apps/v1` is an edit, `"argocd"` an apply."""
    return re.sub(r'^conflict with "([^"]*)"', r"\1", message)


def _invalid(answer: dict[str, Any], message: str, what: str) -> CarbonError:
    fields = ", ".join(sorted({str(c.get("field")) for c in _causes(answer) if c.get("field")})) or "a field"
    if re.search(r"immutable|may not be changed|updates to \w+ spec for fields other than|is not changeable", message):
        lost = LOSSES.get(what.split("/", 1)[0], "what it holds is lost while it is replaced")
        return ImmutableField(
            f"{what}: {fields} cannot change while the object lives.", cause=message,
            remedy=f"Replace the object: delete it, then run the plan again. That costs: {lost}.",
        )  # fmt: skip
    return ApplyError(f"{what}: the server finds {fields} invalid.", cause=message, remedy=FIX)


def _status(body: str) -> dict[str, Any]:
    try:
        answer = json.loads(body)
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) else {}


def _causes(answer: dict[str, Any]) -> list[dict[str, Any]]:
    return (answer.get("details") or {}).get("causes") or []


def _unveil(message: str, what: str) -> str:
    """The message without the values that the server quotes, where they could be those of a Secret."""
    if not what.startswith("Secret/"):
        return message
    return re.sub(r"(Value:|Invalid value: ).*", r"\1(hidden)", message)
