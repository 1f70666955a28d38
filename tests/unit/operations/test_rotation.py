"""A password is rotated in a real Doris endpoint, and a certificate is looked at as a server shows it."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from carbonlib._errors import ApplyError, EngineError, UsageError
from carbonlib.config import Settings
from carbonlib.local.doris.testing import Endpoint
from carbonlib.operations.readers import jobs_that_read, members_that_read
from carbonlib.operations.rotation import Password, shown_by
from carbonlib.platform import Platform
from carbonlib.targets.kubernetes.certificates import facts, issue, make_authority
from carbonlib.targets.local import Local

PORT_BASE = 24760


@pytest.fixture
def platform(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Platform]:
    """The local platform, of which Doris alone runs, with its declared users."""
    where = Settings(state=tmp_path / "state", cache=tmp_path / "cache", port_base=PORT_BASE)
    with Endpoint(tmp_path / "doris") as endpoint:
        target = Local(where)
        here = {
            **target.addresses(),
            "doris": {"host": "127.0.0.1", "query_port": endpoint.query_port, "http_url": endpoint.fe_url},
        }
        monkeypatch.setattr(target, "addresses", lambda: here)
        found = Platform(target)
        found.doris_root.secure_root(found.secrets["doris_root"]).apply()
        users = ("database/", "role/", "user/")
        for change in found.plan("tables"):
            if change.object.startswith(users) and change.apply:
                change.apply()
        yield found


def test_the_former_password_is_refused_and_comes_back_by_the_undo(platform: Platform, tmp_path: Path) -> None:
    former = platform.secrets["doris_reader"]
    rotation = Password(platform, "doris_reader")
    plan = rotation.plan()
    assert [c.object for c in plan] == ["user/rt_reader", "secret/doris_reader", "user/rt_reader", "user/rt_reader"]
    assert rotation.former_opens() and rotation.opens()
    plan.apply()
    present = platform.secrets["doris_reader"]
    assert present != former and rotation.opens() and not rotation.former_opens()
    assert Local(platform.target.settings).secrets["doris_reader"] == present, "kept in the file"
    assert present not in repr(plan) and former not in repr(plan)
    assert "user/rt_reader" not in {c.object for c in platform.plan("tables")}, "no drift is left"

    undone = Password(platform, "doris_reader", undo=True)
    undone.plan().apply()
    assert platform.secrets["doris_reader"] == former
    assert undone.opens() and not undone.former_opens() and rotation.former_opens()


def test_what_was_interrupted_is_repaired_before_another_rotation(platform: Platform) -> None:
    platform.secrets.replace("doris_reader", "Cb1-stored-but-not-set")
    rotation = Password(platform, "doris_reader")
    with pytest.raises(ApplyError, match="Run deploy-40"):
        rotation.plan()
    for change in platform.plan("tables"):
        if change.object == "user/rt_reader" and change.apply:
            change.apply()
    assert rotation.opens() and "secret/doris_reader" in {c.object for c in rotation.plan()}


def guess(platform: Platform, times: int) -> None:
    for _ in range(times):
        assert not platform.doris_root.can_login("rt_reader", "Cb1-a-wrong-one")


def test_whoever_still_has_the_former_password_does_not_lock_the_account(platform: Platform) -> None:
    rotation = Password(platform, "doris_reader")
    *steps, last = rotation.plan()
    for step in steps:
        assert step.apply
        step.apply()
        guess(platform, 8)
    assert rotation.opens(), "it is not locked while others follow"
    assert last.apply
    last.apply()
    assert rotation.opens()
    guess(platform, 8)
    assert not rotation.opens(), "the limit holds again"


def test_the_limit_holds_again_after_a_failure(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    rotation = Password(platform, "doris_reader")
    monkeypatch.setenv("CARBON_SECRET_DORIS_READER", platform.secrets["doris_reader"])
    with pytest.raises(UsageError, match="unset CARBON_SECRET_DORIS_READER"):
        rotation.plan().apply()
    guess(platform, 8)
    assert not rotation.opens()


def test_a_locked_account_is_found_and_opened_by_the_plan(platform: Platform) -> None:
    guess(platform, 8)
    assert not platform.doris_root.can_login("rt_reader", platform.secrets["doris_reader"])
    for change in platform.plan("tables"):
        if change.object == "user/rt_reader" and change.apply:
            change.apply()
    assert platform.doris_root.can_login("rt_reader", platform.secrets["doris_reader"])


def test_everyone_who_reads_it_follows_in_an_order_that_loses_nothing(platform: Platform) -> None:
    planned = [c.object for c in Password(platform, "doris_loader").plan()]
    assert planned[0] == planned[-1] == "user/rt_loader", "its limit of wrong passwords, lifted and put back"
    planned = planned[1:-1]
    assert planned[0] == "secret/doris_loader"
    jobs, account = planned[1:-2], planned[-2]
    assert jobs == [f"job/{name}" for name in jobs_that_read("doris_loader")] and len(jobs) == 2
    assert account == "user/rt_loader" and planned[-1] == "member/connect-1"
    assert members_that_read(platform, "feed_token") and not jobs_that_read("feed_token")


def test_what_cannot_be_rotated_is_refused(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="No account that is declared here has the password eia_api_key"):
        Password(platform, "eia_api_key")
    with pytest.raises(UsageError, match="no former value"):
        Password(platform, "doris_admin", undo=True)
    monkeypatch.setenv("CARBON_SECRET_DORIS_ADMIN", platform.secrets["doris_admin"])
    plan = Password(platform, "doris_admin").plan()
    with pytest.raises(UsageError, match="unset CARBON_SECRET_DORIS_ADMIN"):
        plan.apply()


def test_a_certificate_is_seen_as_a_server_shows_it(tmp_path: Path) -> None:
    made = issue(make_authority("some authority", 5), "kafka", ["localhost"], ["127.0.0.1"], 5)
    (tmp_path / "chain.pem").write_text(made["tls.crt"] + made["tls.key"])
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "chain.pem")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"127.0.0.1:{listener.getsockname()[1]}"

        def serve() -> None:
            with context.wrap_socket(listener, server_side=True) as secure:
                secure.accept()[0].close()

        thread = threading.Thread(target=serve)
        thread.start()
        assert shown_by(address) == facts(made["tls.crt"])
        thread.join()
    with pytest.raises(EngineError, match="shows no certificate"):
        shown_by(address)
