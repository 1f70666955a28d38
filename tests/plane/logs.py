"""Logs of processes as a kubelet keeps them: each line with its time and stream, so that `kubectl logs` can read it.

`python -m tests.plane.logs FROM TO [FROM TO …]` follows the logs until it is ended; one begun anew is followed anew.
"""

from __future__ import annotations

import sys
import time
from datetime import UTC, datetime
from io import BufferedReader
from pathlib import Path

PERIOD_S = 0.5
NOTHING = "no container runs here: KWOK plays this pod, and the process behind it has written nothing yet"


class Follower:
    """One log and its copies."""

    def __init__(self, source: Path, copies: list[Path]) -> None:
        self._source, self._copies = source, copies
        self._file: BufferedReader | None = None
        self._inode, self._rest = 0, b""
        self._append([NOTHING.encode()], "w")

    def follow(self) -> None:
        """Copy what was written since the last call."""
        try:
            found = self._source.stat()
        except FileNotFoundError:
            return
        if self._file is None or found.st_ino != self._inode or found.st_size < self._file.tell():
            if self._file is not None:
                self._file.close()
            self._file, self._inode, self._rest = self._source.open("rb"), found.st_ino, b""
        *lines, self._rest = (self._rest + self._file.read()).split(b"\n")
        if lines:
            self._append(lines, "a")

    def _append(self, lines: list[bytes], mode: str) -> None:
        now = datetime.now(UTC).isoformat().replace("+00:00", "000Z").encode()
        text = b"".join(now + b" stdout F " + line + b"\n" for line in lines)
        for copy in self._copies:
            with copy.open(f"{mode}b") as file:
                file.write(text)


def main() -> None:
    """Follow the logs that the command line names."""
    copies: dict[Path, list[Path]] = {}
    pairs = iter(sys.argv[1:])
    for source in pairs:
        copies.setdefault(Path(source), []).append(Path(next(pairs)))
    followers = [Follower(source, targets) for source, targets in copies.items()]
    while True:
        for follower in followers:
            follower.follow()
        time.sleep(PERIOD_S)


if __name__ == "__main__":
    main()
