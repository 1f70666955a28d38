from __future__ import annotations

import pytest

from carbonlib._errors import UsageError
from carbonlib.references import names, resolve

VALUES = {"kafka.bootstrap_servers": "127.0.0.1:1", "secret.doris_loader": "p$1\\w"}


def test_known_references_are_replaced_literally() -> None:
    assert resolve("a=${kafka.bootstrap_servers};${secret.doris_loader}", VALUES) == "a=127.0.0.1:1;p$1\\w"


@pytest.mark.parametrize("text", ["${env:EIA_API_KEY}", "${offset.key}", "$kafka.x", "${kafka}"])
def test_what_belongs_to_others_is_left_alone(text: str) -> None:
    assert resolve(text, VALUES) == text


def test_a_known_namespace_with_an_unknown_name_is_refused() -> None:
    with pytest.raises(UsageError, match=r"\$\{kafka\.bootstrap\} stands for nothing") as caught:
        resolve("${kafka.bootstrap}", VALUES)
    assert "kafka.bootstrap_servers" in caught.value.remedy


def test_names_lists_every_reference_once() -> None:
    assert names("${a.b} ${a.b} ${c.d_e} ${env:X}") == {"a.b", "c.d_e"}
