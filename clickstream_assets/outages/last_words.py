"""Why the last stream of a home ended, in its own words: a file in the home.

The ledger has it too, where the stream had the lease and the database was there to the end.
"""

from __future__ import annotations

import json
import os
import socket
import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path


@dataclass(frozen=True)
class LastWords:
    """The end of a stream. `at` is in seconds since 1970, by the clock of its host."""

    reason: str  # a sentence without its full stop
    at: float
    epoch: int | None  # None: it ended before it had the lease
    pid: int
    host: str
    dagster_run_id: str | None

    @property
    def moment(self) -> datetime:
        return datetime.fromtimestamp(self.at, UTC)


def last_words_file(home: Path) -> Path:
    return home / "stream.ended.json"


def write_last_words(home: Path, reason: str, epoch: int | None, dagster_run_id: str | None) -> None:
    """Say why this process ends. What cannot be written is not said: the home's disk may be what is full."""
    file = last_words_file(home)
    said = reason.rstrip(".")
    words = LastWords(said, time.time(), epoch, os.getpid(), socket.gethostname(), dagster_run_id)
    unfinished = file.with_suffix(f".{os.getpid()}")
    try:
        unfinished.write_text(json.dumps(asdict(words)), encoding="utf-8")
        unfinished.rename(file)
    except OSError:
        pass


def read_last_words(home: Path) -> LastWords | None:
    """None where no stream of this home has ended yet."""
    try:
        return LastWords(**json.loads(last_words_file(home).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None
