"""A sink without its table: what is registered, which table is made of the declared one, what is taken away again."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from carbonlib._errors import UsageError
from carbonlib._project import MANIFESTS, SQL
from carbonlib.bench.missingtable import MissingTable
from carbonlib.changes import Plan
from carbonlib.references import names

LIKE, TABLE = "commodity_realtime.weather_events_sink", "commodity_realtime.weather_events_trial"


REFERENCES = {
    name
    for folder, kind in ((MANIFESTS / "connect" / "connectors", "*.json"), (SQL / "doris", "*.sql"))
    for path in folder.glob(kind)
    for name in names(path.read_text(encoding="utf-8"))
}
VALUES = {**dict.fromkeys(REFERENCES, "x"), "doris.replication_num": "1"}


@pytest.fixture
def platform() -> Any:
    done: list[Any] = []
    connect = SimpleNamespace(
        plan=lambda connectors: done.append([c.name for c in connectors]) or Plan(),
        wait=lambda names, timeout: done.append(("wait", names)),
        configs=lambda: {"doris-trial": {}},
        delete=lambda name, allow_destroy: done.append(("delete", name, allow_destroy)),
    )
    return SimpleNamespace(
        done=done, connect=connect, values=lambda: VALUES, doris_root=SimpleNamespace(execute=done.append)
    )


def test_the_sink_starts_without_its_table_and_both_go_in_the_end(platform: Any) -> None:
    missing = MissingTable(platform, "doris-trial", TABLE, LIKE)
    drop = f"DROP TABLE IF EXISTS {TABLE} FORCE"
    missing.open()
    missing.close()
    assert platform.done == [drop, ["doris-trial"], ("wait", ["doris-trial"]), ("delete", "doris-trial", True), drop]


def test_the_table_is_made_once_and_as_the_declared_one(platform: Any) -> None:
    missing = MissingTable(platform, "doris-trial", TABLE, LIKE)
    assert not missing.made and missing.plan().apply().changes
    (sql,) = platform.done
    assert sql.startswith(f"CREATE TABLE IF NOT EXISTS {TABLE} (") and "weather_events_sink" not in sql
    assert missing.made and not missing.plan()


def test_what_is_not_declared_is_named(platform: Any) -> None:
    with pytest.raises(UsageError, match="no connector nobody"):
        MissingTable(platform, "nobody", TABLE, LIKE).open()
    with pytest.raises(UsageError, match=r"no table nowhere\.none"):
        MissingTable(platform, "doris-trial", TABLE, "nowhere.none").plan()
