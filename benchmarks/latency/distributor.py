"""Hands each file of a producer to several watched directories at the same moment.

Each gets a copy of its own: a file linked into two directories changes its state for the one that reads it while it
is linked into the other.
"""

from __future__ import annotations

import csv
import threading
import time
from pathlib import Path

from benchmarks.latency.visibility import Awaited, Visibility

LOOK_SECONDS = 0.005


class Distributor:
    """Moves what appears in `source`; a context: it does while that lasts."""

    def __init__(self, source: Path, targets: dict[Path, Visibility]) -> None:
        self._source = source
        self._targets = list(targets.items())
        self._files = 0
        self._ending = threading.Event()
        self._failure: OSError | None = None
        self._thread = threading.Thread(target=self._run, name="distributor", daemon=True)

    def __enter__(self) -> Distributor:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        self._thread.join()
        if self._failure is not None:
            raise self._failure

    def _run(self) -> None:
        try:
            while not self._ending.wait(LOOK_SECONDS):
                for file in sorted(self._source.glob("events-*.csv")):
                    self._hand_out(file)
        except OSError as error:
            self._failure = error

    def _hand_out(self, file: Path) -> None:
        content = file.read_bytes()
        event_id, event_time = _last_event(content)
        # The first one has a moment more: each in turn.
        turn = self._files % len(self._targets)
        targets = self._targets[turn:] + self._targets[:turn]
        for directory, _ in targets:
            (directory / f".{file.name}").write_bytes(content)
        for directory, visibility in targets:
            (directory / f".{file.name}").rename(directory / file.name)
            visibility.expect(Awaited(self._files, event_id, event_time, time.time()))
        file.unlink()
        self._files += 1


def _last_event(content: bytes) -> tuple[str, str]:
    lines = content.decode().splitlines()
    header, last = csv.reader([lines[0], lines[-1]])
    row = dict(zip(header, last, strict=True))
    return row["event_id"], row["event_time"]
