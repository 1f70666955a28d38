"""The command: what it wants, and how it says what is missing."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from carbonlib.local.apis.__main__ import KEYS, arguments, build, main


@pytest.fixture
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in KEYS.values():
        monkeypatch.setenv(name, "k")


def test_missing_keys_are_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    for name in KEYS.values():
        monkeypatch.delenv(name, raising=False)
    assert main(["--port", "1"]) == 2
    assert "EIA_API_KEY, FRED_API_KEY, NOAA_TOKEN not set" in capsys.readouterr().err


@pytest.mark.usefixtures("keys")
def test_a_taken_port_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert main(["--port", str(port)]) == 1
    assert f"cannot listen on port {port}" in capsys.readouterr().err


@pytest.mark.usefixtures("keys")
def test_data_that_is_not_there_or_not_right_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--port", "1", "--data", str(tmp_path)]) == 2
    (tmp_path / "eia_spot_daily.csv").write_text("date,price\n2020-01-02,1\n")
    assert main(["--port", "1", "--data", str(tmp_path)]) == 2
    assert "lacks the columns ['commodity_code']" in capsys.readouterr().err


@pytest.mark.usefixtures("keys")
def test_the_defaults_are_those_of_the_project() -> None:
    replay = build(arguments(["--port", "1"]))
    assert replay.clock.published_until("prices") == "2020-02-03"
    assert replay.budget.take("anything") == 0
