from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pymysql
import pytest

from carbonlib._errors import EngineError, UsageError
from carbonlib.bench import queries
from carbonlib.bench.queries import Query, load_queries, query_latency

from .conftest import FakePlatform


class Connection:
    """A connection whose every query takes a time, and whose server can stall as a whole."""

    stall = threading.Lock()

    def __init__(self, seconds: float = 0.001, error: str = "") -> None:
        self.seconds, self.error = seconds, error

    def __enter__(self) -> Connection:
        return self

    def __exit__(self, *_: object) -> None:
        return

    @contextmanager
    def cursor(self) -> Iterator[Connection]:
        yield self

    def execute(self, sql: str, parameters: Any) -> None:
        if self.error:
            raise pymysql.err.OperationalError(1105, self.error)
        if "slow" in sql:
            with self.stall:
                time.sleep(self.seconds)

    def fetchall(self) -> list[int]:
        return [1, 2]


def use(monkeypatch: pytest.MonkeyPatch, connection: Connection) -> None:
    monkeypatch.setattr(queries, "_connect", lambda _: connection)


QUICK, SLOW = Query("quick", "SELECT 1", {}), Query("slow", "SELECT slow", {})


def test_each_query_of_the_folder_gets_the_values_that_it_names(tmp_path: Path) -> None:
    (tmp_path / "b.sql").write_text("SELECT * FROM t WHERE code = %(code)s;\n")
    (tmp_path / "a.sql").write_text("SELECT 1")
    found = load_queries({"code": "CL", "other": 1}, tmp_path)
    assert [(q.name, q.parameters) for q in found] == [("a", {}), ("b", {"code": "CL"})]
    with pytest.raises(UsageError, match="needs a value for code"):
        load_queries({}, tmp_path)
    with pytest.raises(UsageError, match="no queries"):
        load_queries({}, tmp_path / "none")


def test_queries_are_timed_in_turn(monkeypatch: pytest.MonkeyPatch, platform: FakePlatform) -> None:
    use(monkeypatch, Connection())
    run = query_latency(platform, [QUICK, SLOW], qps=200, seconds=1, warmup=0.2, load_rate=0)  # type: ignore[arg-type]
    assert (len(run.all.ms), [len(leg.ms) for leg in run.each]) == (200, [100, 100])
    assert run.rows == {"quick": 2, "slow": 2}
    assert run.percentiles()["rows"].tolist() == ["", "2", "2"]


def test_a_stall_delays_every_query_that_was_due_meanwhile(
    monkeypatch: pytest.MonkeyPatch, platform: FakePlatform
) -> None:
    use(monkeypatch, Connection(seconds=0.1))
    # Ten a second pass a server that needs a tenth each; twenty a second queue up, and an open loop says so.
    run = query_latency(platform, [SLOW], qps=20, seconds=1.5, warmup=0, load_rate=0)  # type: ignore[arg-type]
    assert run.all.max > 1000
    assert run.validity().rate < 0.7
    assert not run.validity().ok


def test_a_query_that_fails_fails_the_run(monkeypatch: pytest.MonkeyPatch, platform: FakePlatform) -> None:
    use(monkeypatch, Connection(error="errCode = 2, detailMessage = no"))
    with pytest.raises(EngineError, match="A query failed") as caught:
        query_latency(platform, [QUICK], qps=10, seconds=0.3, warmup=0, load_rate=0)  # type: ignore[arg-type]
    assert "quick" in caught.value.cause


def test_a_run_needs_queries(platform: FakePlatform) -> None:
    with pytest.raises(UsageError):
        query_latency(platform, [], load_rate=0)  # type: ignore[arg-type]
