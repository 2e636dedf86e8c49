"""What the stream waits for: said once in the log, and in a file for the control plane, as long as it lasts.

Several parts notice the same outage, each at its time: it begins with the first and is over with the last.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path

from clickstream_assets.outages.stream_waits import REFRESH_SECONDS, forget_waits, write_waits

log = logging.getLogger("clickstream.stream")

Say = Callable[[str | None], None]  # a sentence; None: no longer


class Waiting:
    """Of one stream. `tick` is to be called often."""

    def __init__(self, home: Path, dagster_run_id: str | None) -> None:
        self._home = home
        self._run_id = dagster_run_id
        self._lock = threading.Lock()
        self._said: dict[str, dict[str, str]] = {}  # by what is waited for, and by the part that waits
        self._since: dict[str, float] = {}
        self._written = 0.0
        self.over: Callable[[str], None] = lambda _: None  # is told what is waited for no longer

    def part(self, name: str, what: str) -> Say:
        """How the part `name` says that it waits for `what`, such as "the database"."""

        def say(sentence: str | None) -> None:
            self._say(name, what, sentence)

        return say

    def lasts(self, what: str) -> bool:
        """Whether some part waits for it."""
        with self._lock:
            return what in self._said

    def seconds(self, what: str) -> float:
        """For how long some part has been waiting for it."""
        with self._lock:
            return time.time() - self._since[what] if what in self._said else 0.0

    def beyond(self, seconds: float) -> str | None:
        """The sentence about what has been waited for longer than that."""
        with self._lock:
            what = self._first()
            return self._sentence(what) if what and time.time() - self._since[what] > seconds else None

    def tick(self) -> None:
        """Keep the file fresh."""
        with self._lock:
            if self._said and time.monotonic() - self._written >= REFRESH_SECONDS:
                self._write()

    def end(self) -> None:
        with self._lock:
            self._said.clear()
            forget_waits(self._home)

    def _say(self, part: str, what: str, sentence: str | None) -> None:
        with self._lock:
            parts = self._said.get(what, {})
            if sentence is None:
                if parts.pop(part, None) is None:
                    return
                if not parts:
                    self._over(what)
            else:
                is_new, is_same = not parts, parts.pop(part, None) == sentence
                parts[part] = sentence  # the last one that was said is the newest
                self._said[what] = parts
                if is_new:
                    self._since[what] = time.time()
                    log.warning("%s; the stream waits, and goes on by itself", sentence.rstrip("."))
                elif is_same:
                    return
            self._write()

    def _over(self, what: str) -> None:
        del self._said[what]
        seconds = time.time() - self._since.pop(what)
        log.warning("%s is back after %.0f s; the stream goes on", what, max(0.0, seconds))
        self.over(what)

    def _write(self) -> None:
        self._written = time.monotonic()
        what = self._first()
        if what is None:
            forget_waits(self._home)
        else:
            write_waits(self._home, what, self._sentence(what), self._since[what], self._run_id)

    def _first(self) -> str | None:
        """What has been waited for the longest."""
        return min(self._said, key=lambda name: self._since[name], default=None)

    def _sentence(self, what: str) -> str:
        return list(self._said[what].values())[-1].rstrip(".")
