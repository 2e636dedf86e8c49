"""What the stream waits for, in its own words: a file in the home, for as long as it waits.

The ledger cannot say it: it is the database that is away, or cannot be written. The stream writes it and the control
plane reads it.
"""

from __future__ import annotations

import json
import os
import socket
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

REFRESH_SECONDS = 5.0  # the stream writes it again so often …
STALE_SECONDS = 30.0  # … and an older one is of a stream that was killed


@dataclass(frozen=True)
class StreamWaits:
    """A stream that waits. Times are seconds since 1970, by the clock of its host."""

    reason: str  # a sentence without its full stop
    since: float
    at: float  # when it was written
    pid: int
    host: str
    dagster_run_id: str | None


def waits_file(home: Path) -> Path:
    return home / "stream.waits.json"


def write_waits(home: Path, reason: str, since: float, dagster_run_id: str | None) -> None:
    """Say that this process waits. What cannot be written is not said: the home's disk may be what is full."""
    file = waits_file(home)
    waits = StreamWaits(reason, since, time.time(), os.getpid(), socket.gethostname(), dagster_run_id)
    unfinished = file.with_suffix(f".{os.getpid()}")
    try:
        unfinished.write_text(json.dumps(asdict(waits)), encoding="utf-8")
        unfinished.rename(file)
    except OSError:
        pass


def forget_waits(home: Path) -> None:
    """Say that this process waits no longer."""
    try:
        if (waits := _read(home)) is not None and waits.pid == os.getpid():
            waits_file(home).unlink(missing_ok=True)
    except OSError:
        pass


def read_waits(home: Path, now: Callable[[], float] = time.time) -> StreamWaits | None:
    """What a living stream of this home waits for; None where none waits."""
    waits = _read(home)
    return waits if waits is not None and abs(now() - waits.at) <= STALE_SECONDS else None


def _read(home: Path) -> StreamWaits | None:
    try:
        return StreamWaits(**json.loads(waits_file(home).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None
