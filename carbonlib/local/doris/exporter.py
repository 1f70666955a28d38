"""What `/metrics` of the frontend and of the backend say, under Doris's names."""

from __future__ import annotations

import shutil
import threading
from pathlib import Path

from .engine import Engine
from .metrics import sample

_JOB_STATES = ("NEED_SCHEDULE", "RUNNING", "PAUSED", "USER_PAUSED", "ABNORMAL_PAUSED", "STOPPED", "CANCELLED")


def frontend_metrics(engine: Engine) -> str:
    """The frontend's page."""
    metrics = engine.metrics
    lines = [*metrics.counters("doris_fe_"), *metrics.latency()]
    lines += [
        sample("doris_fe_connection_total", engine.connections),
        sample("doris_fe_max_journal_id", engine.catalog.version),
        sample("doris_fe_max_tablet_compaction_score", 0),
        sample("doris_fe_scheduled_tablet_num", 0),
        sample("doris_fe_tablet_num", len(engine.catalog.tables), backend="127.0.0.1:0"),
        sample("node_info", 1, type="is_master"),
        sample("node_info", 1, type="fe_node_num", state="total"),
        sample("node_info", 1, type="fe_node_num", state="alive"),
        sample("node_info", 1, type="be_node_num", state="total"),
        sample("node_info", 1, type="be_node_num", state="alive"),
        sample("node_info", 0, type="be_node_num", state="decommissioned"),
    ]
    return "\n".join([*lines, *_routine_loads(engine)]) + "\n"


def _routine_loads(engine: Engine) -> list[str]:
    counts = dict.fromkeys(_JOB_STATES, 0)
    lag = 0
    for job in engine.routines.jobs.values():
        counts[job.state] += 1
        if job.state == "PAUSED":
            by_user = job.reason.startswith("User ")
            counts["USER_PAUSED" if by_user else "ABNORMAL_PAUSED"] += 1
        lag += sum(engine.routines.lag(job).values())
    lines = [sample("doris_fe_job", n, job="load", type="ROUTINE_LOAD", state=s) for s, n in counts.items()]
    return [*lines, sample("doris_fe_routine_load_lag", lag)]


def backend_metrics(engine: Engine) -> str:
    """The backend's page."""
    disk, path = shutil.disk_usage(engine.store.folder), str(engine.store.folder)
    files = [engine.store.path, Path(f"{engine.store.path}.wal")]
    used = sum(f.stat().st_size for f in files if f.exists())
    lines = [
        *engine.metrics.counters("doris_be_"),
        sample("doris_be_disks_total_capacity", disk.total, path=path),
        sample("doris_be_disks_avail_capacity", disk.free, path=path),
        sample("doris_be_disks_local_used_capacity", used, path=path),
        sample("doris_be_disks_state", 1, path=path),
        sample("doris_be_process_thread_num", threading.active_count()),
        sample("doris_be_memory_allocated_bytes", _resident_bytes()),
    ]
    return "\n".join(lines) + "\n"


def _resident_bytes() -> int:
    import psutil

    return int(psutil.Process().memory_info().rss)
