"""Why a stream ends: a signal, a lost lease, a failure; the first reason counts.

It keeps that reason, and has what sets it from outside. `stream` ends the parts.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable
from types import FrameType

from clickstream_assets.exits import sentence_for

LOST_LEASE_GRACE_SECONDS = 10  # to stop in order; then the process ends at once


class Ending:
    """Why the stream shall end. The first reason counts."""

    def __init__(self, last_words: Callable[[str], None] = lambda _: None) -> None:
        """`last_words` is told why the process ends where it does so at once."""
        self._last_words = last_words
        self.event = threading.Event()
        self.failure: str | None = None
        self.reason = ""

    def stop(self, reason: str) -> None:
        """End in order."""
        if not self.event.is_set():
            self.reason = reason
            self.event.set()

    def fail(self, reason: str) -> None:
        """End, and say that it was not by request."""
        if not self.event.is_set():
            self.failure = reason
        self.stop(reason)

    def fail_by(self, error: BaseException) -> None:
        """End by an error that nobody got over."""
        self.fail(sentence_for(error).rstrip("."))

    def catch_signals(self) -> None:
        """SIGINT, SIGTERM and SIGHUP stop in order; a SIGHUP that is ignored (nohup) stays so."""

        def handler(number: int, _: FrameType | None) -> None:
            self.stop(f"stopped by {signal.Signals(number).name}")

        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, handler)
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
            signal.signal(signal.SIGHUP, handler)

    def lease_lost(self, reason: str) -> None:
        """Fail, and end the process after a grace period whatever the parts do: another stream may have begun."""
        self.fail(f"the lease is lost: {reason}")
        timer = threading.Timer(LOST_LEASE_GRACE_SECONDS, self._end_at_once)
        timer.daemon = True
        timer.start()

    def _end_at_once(self) -> None:
        self._last_words(self.failure or self.reason)
        sys.stderr.write(f"clickstream stream: {self.failure or self.reason}\n")
        sys.stderr.flush()
        os._exit(1)
