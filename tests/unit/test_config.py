from __future__ import annotations

from pathlib import Path

import pytest

from carbonlib._errors import UsageError
from carbonlib.config import settings


def test_two_state_folders_have_two_tags(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tags = set()
    for name in ("a", "b"):
        monkeypatch.setenv("CARBON_STATE", str(tmp_path / name))
        tags.add(settings().tag)
    assert len(tags) == 2


@pytest.mark.parametrize("value", ["eighty", "80", "65500", "-1", "29000.5"])
def test_an_unusable_port_base_is_refused(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CARBON_PORT_BASE", value)
    with pytest.raises(UsageError, match="CARBON_PORT_BASE"):
        settings()
