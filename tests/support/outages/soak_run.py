"""A soak while it runs: its parts, and pauses in which stream and shop are looked after."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

import psycopg2
from soak_place import Shop, SoakPlace
from soak_streams import Streams


@dataclass
class SoakRun:
    """What the faults are done to. `back` is how long it took after each until something was committed again."""

    place: SoakPlace
    shop: Shop
    streams: Streams
    chance: random.Random
    say: Callable[[str], None]
    back: dict[str, float] = field(default_factory=dict)
    _over: tuple[str, float] | None = None  # the fault whose end is watched, and when it ended

    def pause(self, seconds: float, *, asks: bool = True) -> None:
        """Wait, and look after stream and shop; without `asks` nothing is asked of the database."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self.shop.see_to_it()
            self.streams.look()
            if asks:
                self._watch()
            time.sleep(0.5)

    def until_it_commits(self, limit: float) -> None:
        """Wait for a commit from now on, as long as a start on a busy machine may take."""
        since, until = time.time(), time.monotonic() + limit
        while time.monotonic() < until and self._newest_commit() <= since:
            self.pause(1)

    def happened(self, name: str) -> None:
        """`name` is over: from now on it is watched how long the next commit takes."""
        self._over = (name, time.time())

    def unfinished(self) -> str | None:
        """The fault after which nothing has been committed yet."""
        return self._over[0] if self._over else None

    def _watch(self) -> None:
        if self._over is None:
            return
        name, since = self._over
        if (newest := self._newest_commit()) > since:
            self.back[name] = max(self.back.get(name, 0.0), newest - since)
            self.say(f"    commits again {newest - since:.0f} s after its end")
            self._over = None

    def _newest_commit(self) -> float:
        """When it was; 0 where the database cannot tell."""
        with suppress(psycopg2.Error):
            ((newest,),) = self.place.sql(
                "SELECT extract(epoch FROM max(committed_at))::float FROM ingest_batches"
            )
            return float(str(newest or 0.0))
        return 0.0
