from __future__ import annotations

import stat
from pathlib import Path
from types import SimpleNamespace

import pytest

from carbonlib._errors import TargetUnreachable, UsageError
from carbonlib.secrets import KnownSecrets, Secrets


def test_values_are_made_once_and_kept_for_the_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "secrets.json"
    first = Secrets(path)
    first.ensure(["a", "b"])
    again = Secrets(path)
    again.ensure(["a", "b", "c"])
    assert again["a"] == first["a"] != first["b"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_the_repr_holds_names_only(tmp_path: Path) -> None:
    secrets = Secrets(tmp_path / "s.json")
    secrets.ensure(["postgres"])
    assert repr(secrets) == "Secrets(postgres)"


def test_the_environment_overrides_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secrets = Secrets(tmp_path / "s.json")
    secrets.ensure(["eia_api_key"])
    monkeypatch.setenv("CARBON_SECRET_EIA_API_KEY", "live-key")
    assert secrets["eia_api_key"] == "live-key"


def test_an_unknown_name_is_refused_with_the_known_ones(tmp_path: Path) -> None:
    secrets = Secrets(tmp_path / "s.json")
    secrets.ensure(["postgres"])
    with pytest.raises(UsageError, match="no secret named 'mysql'") as caught:
        secrets["mysql"]
    assert "postgres" in caught.value.remedy


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "secrets.json").write_text("{")
    with pytest.raises(UsageError, match=r"secrets\.json cannot be read"):
        Secrets(tmp_path / "secrets.json")


def test_secrets_of_a_cluster_that_answers_no_more_are_still_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = [{"kafka_carbon": "p-9"}, TargetUnreachable("The API server does not answer.")]

    def connect(target: str) -> SimpleNamespace:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return SimpleNamespace(secrets=answer)

    monkeypatch.setattr("carbonlib.connect", connect)
    known = KnownSecrets(tmp_path / "secrets.json")
    assert known("kubernetes") == {"kafka_carbon": "p-9"}
    assert known("kubernetes") == {"kafka_carbon": "p-9"}
    assert known("local") == {}
