"""The contract of a target. What one of them has not is no silence: its `Place` names it, with the reason."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from carbonlib._errors import UsageError
from carbonlib._project import NOTEBOOKS
from carbonlib.runbook.catalogue import load_catalogue
from carbonlib.waiting import wait_until
from tests.conftest import Carbon

ADDRESSES = {
    "kafka": {"bootstrap_servers"},
    "registry": {"url"},
    "connect": {"url"},
    "flink": {"url"},
    "doris": {"host", "query_port", "http_url", "user", "secret"},
}
ENGINES = {"kafka", "registry", "connect", "doris"}
OBJECTS = {"topics", "schemas", "tables", "databases", "dimension", "indices", "buckets", "connectors", "jobs"}
SECRETS = ("doris_reader", "doris_loader", "postgres_cdc", "mariadb_cdc")


@dataclass(frozen=True)
class Place:
    """A deployed target, and what is particular about it.

    Args:
        arguments: that choose it on the command line.
        restarts: a member that may be restarted while everything else goes on.
        no_address: systems of `ADDRESSES` that have none here → why.
        not_here: notebooks that are not for this target → why.
    """

    platform: Any
    carbon: Carbon
    arguments: tuple[str, ...]
    restarts: str
    no_address: Mapping[str, str]
    not_here: Mapping[str, str]

    def ask(self, verb: str) -> Any:
        """What a verb of the command prints as JSON."""
        done = self.carbon(verb, "--json", *self.arguments)
        assert done.returncode == 0, done.stdout
        return json.loads(done.stdout)


class TargetContract:
    """Subclasses bring the fixture `place`."""

    def test_addresses_have_the_promised_form_and_lead_to_engines(self, place: Place) -> None:
        found = place.ask("endpoints")
        for system in ADDRESSES.keys() - place.no_address.keys():
            assert ADDRESSES[system] <= found[system].keys(), system
        assert place.no_address.keys() & found.keys() == set()
        platform = place.platform
        assert platform.registry.subjects() and platform.connect.status() and platform.kafka.topics()
        assert int(platform.doris.query("SELECT 1 AS one")["one"][0]) == 1

    def test_every_layer_says_that_it_is_well(self, place: Place) -> None:
        components = place.ask("status")["components"]
        assert [c for c in components if not c["ok"]] == []
        assert {c["layer"] for c in components} >= ENGINES | OBJECTS

    def test_nothing_differs_from_what_is_declared(self, place: Place) -> None:
        assert place.ask("drift")["changes"] == []

    def test_secrets_are_known_by_name_and_shown_nowhere(self, place: Place) -> None:
        values = [place.platform.secrets[name] for name in SECRETS]
        assert len(set(values)) == len(values) and min(map(len, values)) >= 16
        shown = json.dumps([place.ask("endpoints"), place.ask("status"), place.platform.diagnose()])
        assert [name for name, value in zip(SECRETS, values, strict=True) if value in shown] == []
        with pytest.raises(UsageError, match="no_such_secret"):
            place.platform.secrets["no_such_secret"]

    def test_an_unknown_name_is_refused_with_those_that_are_known(self, place: Place) -> None:
        platform = place.platform
        for call, known in (
            (lambda: platform.target.kill("no-such-member"), place.restarts),
            (lambda: platform.target.restart("no-such-member"), place.restarts),
            (lambda: platform.plan("no-such-layer"), "connectors"),
            (lambda: platform.plan("topics", no_such_option=1), "Options"),
        ):
            with pytest.raises(UsageError, match=r"no.such") as refused:
                call()
            assert known in refused.value.remedy

    def test_kafka_has_members_that_vote_and_serve_as_declared(self, place: Place) -> None:
        members = place.platform.target.kafka_members()
        assert sum(m.votes for m in members) >= 3 and sum(m.serves for m in members) >= 3
        assert len({m.node for m in members}) == len({m.name for m in members}) == len(members)
        assert [m.name for m in members if m.outdated] == []

    def test_options_are_part_of_the_profile(self, place: Place) -> None:
        target = place.platform.target
        assert target.options() and target.options() <= target.profile().keys()
        assert len(target.assume({})) == 0

    def test_a_member_is_restarted_in_order_and_nothing_is_different_after_it(self, place: Place) -> None:
        answers = place.platform.target.restart(place.restarts)
        wait_until(answers, what=f"{place.restarts} answering again", timeout="4 min")
        assert place.platform.wait("connect", "connectors", timeout="3 min").ok
        assert place.ask("drift")["changes"] == []

    def test_logs_are_searched_process_by_process(self, place: Place) -> None:
        lines = place.platform.target.log_lines("connect", ["INFO"], 3)
        assert lines and all("INFO" in line for _, line in lines)
        assert all(sum(name == other for other, _ in lines) <= 3 for name, _ in lines)

    def test_a_teardown_is_planned_and_touches_nothing(self, place: Place) -> None:
        kept, purged = (place.platform.plan_down(purge=purge) for purge in (False, True))
        assert 0 < len(kept) < len(purged)
        assert [c for c in place.ask("status")["components"] if not c["ok"]] == []

    def test_what_is_not_for_this_target_is_named_with_a_reason(self, place: Place) -> None:
        name = place.platform.target.name
        left_out = {e.id for e in load_catalogue(NOTEBOOKS).values() if name not in e.targets}
        assert left_out == place.not_here.keys()
        assert all(place.not_here.values())
