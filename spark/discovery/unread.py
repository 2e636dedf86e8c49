"""What cannot be read at present: since when, why, and whether all others still wait for it.

For a while it is taken for a file system that is away, and the stream says that it waits. Where others can be read,
what still cannot be is set aside: it is tried now and then, and nobody waits for it any more.
"""

from __future__ import annotations

import time
from collections.abc import Container
from dataclasses import dataclass

from clickstream_assets.outages.errors import pause_after

ASIDE_SECONDS = 30.0  # between tries of what is set aside


@dataclass
class _Case:
    sentence: str
    since: float  # monotonic
    round: int
    tries: int = 0
    is_aside: bool = False


class Unread:
    """Of one directory: paths below it."""

    def __init__(self) -> None:
        self._cases: dict[bytes, _Case] = {}
        self._round = 0

    def __contains__(self, path: bytes) -> bool:
        return path in self._cases

    def failed(self, path: bytes, sentence: str, *, is_aside: bool = False) -> float:
        """Note a try. Returns the seconds until the next one."""
        case = self._cases.setdefault(path, _Case(sentence, time.monotonic(), 0))
        case.sentence, case.round = sentence, self._round
        case.tries += 1
        case.is_aside = case.is_aside or is_aside
        return ASIDE_SECONDS if case.is_aside else pause_after(case.tries)

    def lasts(self, path: bytes) -> float:
        """For how many seconds it could not be read."""
        case = self._cases.get(path)
        return time.monotonic() - case.since if case else 0.0

    def is_aside(self, path: bytes) -> bool:
        return path in self._cases and self._cases[path].is_aside

    def set_aside_after(self, seconds: float) -> list[bytes]:
        """Set aside what could not be read for so long; returns what is new among it."""
        due = [path for path, case in self._cases.items() if not case.is_aside and self.lasts(path) > seconds]
        for path in due:
            self._cases[path].is_aside = True
        return due

    def begin_round(self) -> None:
        """A look at everything begins …"""
        self._round += 1

    def end_round(self) -> None:
        """… and is over: what did not fail in it can be read again."""
        for path in [path for path, case in self._cases.items() if case.round != self._round]:
            del self._cases[path]

    def was_read(self, path: bytes) -> None:
        self._cases.pop(path, None)

    def keep(self, paths: Container[bytes]) -> None:
        """Forget all others: they are gone, or can be read again."""
        for path in [path for path in self._cases if path not in paths]:
            del self._cases[path]

    def trouble(self) -> str | None:
        """Why something cannot be read that all wait for; one sentence of perhaps several."""
        return next((case.sentence for case in self._cases.values() if not case.is_aside), None)
