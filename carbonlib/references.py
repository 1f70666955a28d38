"""References in manifests, connector configs and SQL: `${namespace.name}`, resolved when a text is deployed.

The texts are the same on both targets; only what the references stand for differs. A `${…}` whose namespace is not
among the values given is left as it is, since Kafka Connect (`${env:NAME}`) and others use the same brackets.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from ._errors import UsageError

_REFERENCE = re.compile(r"\$\{([a-z_]+)\.([A-Za-z0-9_.-]+)\}")


def resolve(text: str, values: Mapping[str, str]) -> str:
    """Replace every reference whose namespace is known.

    Args:
        text: the text of a manifest, config or SQL file.
        values: `namespace.name` → value.

    Raises:
        UsageError: when a known namespace has no such name.
    """
    namespaces = {key.split(".", 1)[0] for key in values}

    def value_of(match: re.Match[str]) -> str:
        namespace, name = match.groups()
        if namespace not in namespaces:
            return match.group(0)
        key = f"{namespace}.{name}"
        if key not in values:
            known = ", ".join(sorted(k for k in values if k.startswith(f"{namespace}.")))
            raise UsageError(
                f"The reference ${{{key}}} stands for nothing on this target.", remedy=f"Known here: {known}."
            )
        return str(values[key])

    return _REFERENCE.sub(value_of, text)


def names(text: str) -> set[str]:
    """All `namespace.name` references in the text."""
    return {f"{m.group(1)}.{m.group(2)}" for m in _REFERENCE.finditer(text)}
