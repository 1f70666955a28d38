"""Execute one notebook through papermill, and keep an own record of what each cell did.

papermill marks every cell that never ran as `completed` when the kernel dies, a cell times out or the run is
interrupted. So the record here counts: a cell passed when its kernel answered `ok` to it.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import papermill
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from jupyter_core.utils import run_sync
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import NBClientEngine, papermill_engines

from .nodes import NotebookNode

ENGINE = "carbon"
START_TIMEOUT = 60
GRACE_SECONDS = 10.0
_LOG_TAIL = 4000
_SOCKET_PATH_LIMIT = 85  # Unix socket names end at 107 bytes, and jupyter_client appends to them
_EXTENSION = "carbonlib.runbook.kernel"
_BANNER_TAG = "papermill-error-cell-tag"


@dataclass
class CellRecord:
    """What is known of one code cell: `status` is pending, running, ok or error."""

    index: int
    title: str
    status: str = "pending"
    started: float = 0.0
    seconds: float = 0.0

    def as_dict(self) -> dict[str, Any]:
        """The cell as a step of the timeline in `results.json`."""
        return {"title": self.title, "status": self.status, "seconds": round(self.seconds, 3)}


@dataclass
class Execution:
    """The outcome of one notebook: the executed cells, and the exception that ended it early, if any.

    `kernel_exit` and `kernel_log` are the exit code and the last output of the kernel process itself.
    """

    notebook: NotebookNode | None = None
    cells: list[CellRecord] = field(default_factory=list)
    failure: BaseException | None = None
    kernel_exit: int | None = None
    kernel_log: str = ""

    @property
    def passed(self) -> bool:
        """Whether the engine ended by itself and every code cell was answered with `ok`."""
        return self.failure is None and self.notebook is not None and all(c.status == "ok" for c in self.cells)

    @property
    def stopped_at(self) -> CellRecord | None:
        """The first cell that did not pass."""
        return next((c for c in self.cells if c.status != "ok"), None)


@dataclass(frozen=True)
class Watch:
    """What the runner wants to hear while a notebook runs."""

    on_cell: Callable[[CellRecord, int], None] = lambda cell, total: None
    on_text: Callable[[str], None] = lambda line: None


class KernelManager(AsyncKernelManager):
    """Starts kernels with the interpreter that runs this code, whatever kernelspecs the machine has."""

    @property
    def kernel_spec(self) -> KernelSpec:
        """The python3 kernel of this very interpreter."""
        argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}", "--ext", _EXTENSION]
        return KernelSpec(argv=argv, display_name="Python 3", language="python", interrupt_mode="signal")


class Client(PapermillNotebookClient):  # type: ignore[misc]
    """papermill's client with a record of each cell, a time limit for the whole notebook, and orderly interrupts."""

    def __init__(
        self, nb_man: Any, *, execution: Execution, watch: Watch, timeout_s: int, sockets: Path, **options: Any
    ) -> None:
        options |= {"timeout_func": self._remaining, "force_raise_errors": True}
        super().__init__(nb_man, **options)
        self._execution, self._watch, self._sockets = execution, watch, sockets
        self._limit, self._deadline = timeout_s, time.monotonic() + START_TIMEOUT + timeout_s
        execution.notebook = nb_man.nb
        execution.cells = _code_cells(nb_man.nb)
        self._records = {record.index: record for record in execution.cells}
        self.on_cell_execute, self.on_cell_executed = self._cell_starts, self._cell_answers

    def create_kernel_manager(self) -> KernelManager:
        """A kernel that is reached by Unix sockets in a private folder: no TCP port to take or to listen on."""
        file = str(self._sockets / "kernel")
        self.km = KernelManager(kernel_name=self.kernel_name, config=self.config, connection_file=file)
        self.km.transport = "ipc"
        return self.km

    def papermill_execute_cells(self) -> None:
        """Run the cells; on an interrupt let the running cell clean up, on a dead kernel keep its exit code."""
        self._deadline = time.monotonic() + self._limit
        try:
            super().papermill_execute_cells()
        except KeyboardInterrupt:
            run_sync(self._let_cell_end)()
            raise
        except DeadKernelError:
            self._execution.kernel_exit = run_sync(self._kernel_exit)()
            raise
        finally:
            for record in self._execution.cells:
                if record.status == "running":
                    record.status, record.seconds = "error", time.monotonic() - record.started

    def process_message(self, msg: dict[str, Any], *args: Any, **options: Any) -> Any:
        """Pass the last printed line on to the progress display."""
        if msg["msg_type"] == "stream":
            lines = [line for line in msg["content"]["text"].splitlines() if line.strip()]
            if lines:
                self._watch.on_text(lines[-1])
        return super().process_message(msg, *args, **options)

    def _remaining(self, cell: NotebookNode) -> int:
        return max(1, round(self._deadline - time.monotonic()))

    def _cell_starts(self, cell: NotebookNode, cell_index: int) -> None:
        record = self._records[cell_index]
        record.status, record.started = "running", time.monotonic()
        self._watch.on_cell(record, len(self._records))

    def _cell_answers(self, cell: NotebookNode, cell_index: int, execute_reply: Mapping[str, Any]) -> None:
        record = self._records[cell_index]
        record.status = "ok" if execute_reply["content"].get("status") == "ok" else "error"
        record.seconds = time.monotonic() - record.started
        self._watch.on_cell(record, len(self._records))

    async def _async_handle_timeout(self, timeout: int, cell: NotebookNode | None = None) -> None:
        # The traceback of the interrupt shows what the cell was waiting for.
        await self.km.interrupt_kernel()
        deadline = time.monotonic() + GRACE_SECONDS
        while cell is not None and time.monotonic() < deadline:
            if any(output.output_type == "error" for output in cell.outputs):
                break
            await asyncio.sleep(0.02)
        raise CellTimeoutError(f"the notebook's limit of {self._limit} s is used up")

    async def _kernel_exit(self) -> int | None:
        code: int | None = await self.km.provisioner.wait() if self.km.provisioner else None
        return code

    async def _let_cell_end(self) -> None:
        await self.km.interrupt_kernel()
        cells = {t for t in asyncio.all_tasks() if getattr(t.get_coro(), "__name__", "") == "async_execute_cell"}
        if cells:
            await asyncio.wait(cells, timeout=GRACE_SECONDS)
        for task in cells:
            if task.done() and not task.cancelled():
                task.exception()  # what the interrupted cell raised is in its outputs; this only marks it as seen


class Engine(NBClientEngine):  # type: ignore[misc]
    """The papermill engine that uses `Client`."""

    @classmethod
    def execute_managed_notebook(
        cls,
        nb_man: Any,
        kernel_name: str,
        *,
        execution: Execution,
        watch: Watch,
        timeout_s: int,
        environment: Mapping[str, str],
        private: Path,
        start_timeout: int = START_TIMEOUT,
        **unused: Any,
    ) -> None:
        """Run the cells of `nb_man` in a kernel with this environment."""
        log = private.with_suffix(".log")
        # What the kernel process itself writes must not reach the terminal: it has not been redacted.
        with _socket_folder(private) as sockets, log.open("wb") as stream:
            client = Client(
                nb_man,
                execution=execution,
                watch=watch,
                timeout_s=timeout_s,
                sockets=sockets,
                kernel_name=kernel_name,
                startup_timeout=start_timeout,
            )
            try:
                client.execute(env=dict(environment), stdout=stream, stderr=stream)
            finally:
                execution.kernel_log = log.read_text(encoding="utf-8", errors="replace")[-_LOG_TAIL:].strip()


@contextmanager
def _socket_folder(private: Path) -> Iterator[Path]:
    near = private.with_suffix(".sockets")
    if len(str(near)) < _SOCKET_PATH_LIMIT:
        near.mkdir(mode=0o700)
        yield near
        return
    with tempfile.TemporaryDirectory(prefix="carbon-") as short:
        yield Path(short)


papermill_engines.register(ENGINE, Engine)


def execute(
    execution: Execution,
    path: Path,
    parameters: Mapping[str, Any],
    *,
    raw: Path,
    timeout_s: int,
    environment: Mapping[str, str],
    watch: Watch,
) -> None:
    """Run a notebook in its own folder, as JupyterLab would, and fill in what happened.

    Nothing is raised: whatever ends it early, an interrupt included, is kept as `execution.failure`, so that the
    caller can always write the report.

    Args:
        execution: the record to fill.
        path: the notebook.
        parameters: values to inject.
        raw: where papermill keeps its unredacted copy; must be in a private folder.
        timeout_s: seconds for all cells together.
        environment: of the kernel.
        watch: told of progress.
    """
    try:
        papermill.execute_notebook(
            str(path.resolve()),
            str(raw),
            parameters=dict(parameters),
            engine_name=ENGINE,
            kernel_name="python3",
            progress_bar=False,
            cwd=str(path.resolve().parent),
            execution=execution,
            watch=watch,
            timeout_s=timeout_s,
            environment=environment,
            private=raw,
        )
    except (Exception, KeyboardInterrupt) as error:
        execution.failure = error


def _code_cells(notebook: NotebookNode) -> list[CellRecord]:
    records, heading = [], ""
    for index, cell in enumerate(notebook.cells):
        if cell.cell_type == "markdown":
            heads = [line.lstrip("# ").strip() for line in cell.source.splitlines() if line.startswith("#")]
            heading = heads[0] if heads else heading
        elif cell.cell_type == "code" and cell.source.strip():
            tags = cell.metadata.get("tags", [])
            named = "parameters" if {"parameters", "injected-parameters"} & set(tags) else heading
            records.append(CellRecord(index, named or f"cell {index + 1}"))
    return records


def true_notebook(execution: Execution) -> NotebookNode | None:
    """The executed notebook with the true state of each cell over papermill's, and without its error banners."""
    notebook = execution.notebook
    if notebook is None:
        return None
    notebook.cells = [c for c in notebook.cells if _BANNER_TAG not in c.metadata.get("tags", [])]
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = _joined(cell.outputs)
    names = {"ok": "completed", "error": "failed", "pending": "pending"}
    for record in execution.cells:
        notebook.cells[record.index].metadata.setdefault("papermill", {})["status"] = names[record.status]
    notebook.metadata.setdefault("papermill", {})["exception"] = not execution.passed
    return notebook


def _joined(outputs: list[NotebookNode]) -> list[NotebookNode]:
    """Streams in one piece, so that nothing to redact is split between two, and lines as a terminal would leave them.

    nbclient can do this itself, but in time that grows with the square of a long line.
    """
    joined: list[NotebookNode] = []
    for output in outputs:
        last = joined[-1] if joined else None
        if output.output_type == "stream" and last is not None and last.get("name") == output.name:
            last.text += output.text
        else:
            joined.append(output)
    for output in joined:
        if output.output_type == "stream" and "\r" in output.text:
            lines = output.text.replace("\r\n", "\n").split("\n")
            output.text = "\n".join(line.rstrip("\r").rsplit("\r", 1)[-1] for line in lines)
    return joined
