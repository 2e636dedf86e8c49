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
from datetime import UTC, datetime
from pathlib import Path

import psutil  # type: ignore[import-untyped]

from clickstream_assets.text import moment

REFRESH_SECONDS = 5.0  # the stream writes it again so often …
STALE_SECONDS = 30.0  # … and an older one is of a stream that was killed
CLOCK_MARGIN = 1.0  # seconds between the kernel's start of a process and our clock


@dataclass(frozen=True)
class StreamWaits:
    """A stream that waits. Times are seconds since 1970, by the clock of its host."""

    what: str  # such as "the database"
    reason: str  # a sentence without its full stop
    since: float
    at: float  # when it was written
    pid: int
    host: str
    dagster_run_id: str | None

    @property
    def since_moment(self) -> datetime:
        return datetime.fromtimestamp(self.since, UTC)

    @property
    def sentence(self) -> str:
        """Without its full stop. It stays the same for as long as the reason does."""
        return f"waits for {self.what} since {moment(self.since_moment)}: {self.reason}"

    @property
    def who(self) -> str:
        run = f", run {self.dagster_run_id[:8]}" if self.dagster_run_id else ""
        return f"process {self.pid} on {self.host}{run}"


def waits_file(home: Path) -> Path:
    return home / "stream.waits.json"


def write_waits(home: Path, what: str, reason: str, since: float, dagster_run_id: str | None) -> None:
    """Say that this process waits. What cannot be written is not said: the home's disk may be what is full."""
    file = waits_file(home)
    now = time.time()
    waits = StreamWaits(what, reason, since, now, os.getpid(), socket.gethostname(), dagster_run_id)
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
    if waits is None or abs(now() - waits.at) > STALE_SECONDS or _has_ended(waits):
        return None
    return waits


def _has_ended(waits: StreamWaits) -> bool:
    """Whether its process is known to be gone; of another host the file's age alone tells."""
    if waits.host != socket.gethostname():
        return False
    try:
        process = psutil.Process(waits.pid)
        # One that began after the file was written has only inherited the number.
        return process.status() == psutil.STATUS_ZOMBIE or process.create_time() > waits.at + CLOCK_MARGIN
    except psutil.NoSuchProcess:
        return True
    except psutil.Error:
        return False


def _read(home: Path) -> StreamWaits | None:
    try:
        return StreamWaits(**json.loads(waits_file(home).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None
