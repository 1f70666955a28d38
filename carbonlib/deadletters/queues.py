"""Topics of dead letters as the project declares them: where a letter stood, why it is one, where it is sent again."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from .._errors import UsageError
from .._project import MANIFESTS

MANIFEST = MANIFESTS / "kafka" / "deadletters.yaml"


@dataclass(frozen=True)
class HeaderNames:
    """Names of the headers that a reader puts on what it could not use; empty where it gives no such header."""

    topic: str
    partition: str
    offset: str
    reason: str
    kind: str = ""
    trace: str = ""
    stage: str = ""

    def own(self) -> set[str]:
        """All of them: they say why the letter is one, and are left out when it is sent again."""
        return {name for name in vars(self).values() if name}


@dataclass(frozen=True)
class Queue:
    """A topic of dead letters.

    Args:
        topic: its name.
        reader: the job or connector that wrote it.
        headers: what it calls its headers.
        sent_to: the topic by which that reader alone gets a letter again.
        schema: registry subject of Avro values, empty for JSON objects.
        newest_wins: whether a letter whose key has come again since must not be sent.
    """

    topic: str
    reader: str
    headers: HeaderNames
    sent_to: str
    schema: str = ""
    newest_wins: bool = False


@dataclass(frozen=True)
class Correction:
    """What is done to the value of a letter before it is sent again.

    Args:
        name: by which a notebook asks for it.
        numbers: fields whose text is a number, a comma for the point allowed.
        rename: fields that have another name.
        values: fields that get this value.
        encode: whether a JSON object becomes Avro, in the newest schema of the queue.
    """

    name: str
    numbers: list[str] = field(default_factory=list)
    rename: dict[str, str] = field(default_factory=dict)
    values: dict[str, Any] = field(default_factory=dict)
    encode: bool = False


@dataclass(frozen=True)
class DeadLetterPlan:
    """All queues by topic, the corrections by name, and the topic that holds which letters were sent again."""

    ledger: str
    queues: dict[str, Queue]
    corrections: dict[str, Correction]

    def choose(self, names: str) -> list[Queue]:
        """The queues of a list such as `a-dlq, b-dlq`; `all` for every one.

        Raises:
            UsageError: when one is not declared.
        """
        chosen = list(self.queues) if names == "all" else [n.strip() for n in names.split(",") if n.strip()]
        unknown = [n for n in chosen if n not in self.queues]
        if unknown or not chosen:
            raise UsageError(
                f"There is no topic of dead letters {', '.join(unknown) or repr(names)}.",
                remedy=f"Choose from {', '.join(self.queues)}, or all.",
            )
        return [self.queues[n] for n in chosen]

    def correction(self, name: str) -> Correction | None:
        """The correction of that name, None for `none`.

        Raises:
            UsageError: when it is not declared.
        """
        if name == "none":
            return None
        if name not in self.corrections:
            raise UsageError(
                f"There is no correction {name!r}.", remedy=f"Choose from none, {', '.join(self.corrections)}."
            )
        return self.corrections[name]


def load_queues(path: Path = MANIFEST) -> DeadLetterPlan:
    """The topics of dead letters that the manifest declares.

    Raises:
        UsageError: when the manifest is not of this form.
    """
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
        headers = {name: HeaderNames(**names) for name, names in data["headers"].items()}
        queues = {t: Queue(t, **{**spec, "headers": headers[spec["headers"]]}) for t, spec in data["queues"].items()}
        corrections = {name: Correction(name, **spec) for name, spec in data["corrections"].items()}
        return DeadLetterPlan(data["ledger"], queues, corrections)
    except (yaml.YAMLError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(
            f"{path.name} does not declare dead letters.", cause=f"{type(error).__name__}: {error}",
            remedy="Correct the file; its head comment says what each field means.",
        ) from error  # fmt: skip
