"""Many sessions as one stream of events in time order.

When sessions begin, and the merge of those that go on at the same time.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from clickstream_assets.generator.catalogue import Catalogue
from clickstream_assets.generator.people import People
from clickstream_assets.generator.rhythm import Rhythm
from clickstream_assets.generator.sessions import EVENT, MEAN_EVENTS, walk

BLOCK = 50_000  # sessions that are walked at once in a finished history
LIVE_WINDOW = 5.0  # seconds of sessions that are walked at once in a running shop
LIVE_SESSIONS = 40  # at least so many at once
# A shop that opens has no sessions under way, and would sell nothing for minutes: its first visitors are quick.
OPENING, OPENING_PACE = 300.0, 0.03  # seconds, share of the usual time a session takes at first
FOREVER = np.iinfo(np.int64).max

# Sessions in time order, and the moment (ms) before which no later block begins.
Block = tuple[np.ndarray, int]


def history(
    rng: np.random.Generator, catalogue: Catalogue, people: People, events: int, start: int, until: int
) -> Iterator[Block]:
    """Sessions from `start` to `until` (ms) that make at least `events` events, and hardly more."""
    rhythm = Rhythm(start, until)
    done = 0
    while done < events:
        walks = walk(rng, catalogue, people, min(BLOCK, int((events - done) / MEAN_EVENTS * 1.1) + 16))
        before = done + np.cumsum(walks.sizes) - walks.sizes
        if before[-1] >= events:
            walks = walks.first(int(np.searchsorted(before, events)))
        share = (before[: len(walks.sizes)] + walks.sizes * rng.random(len(walks.sizes))) / events
        done += int(walks.sizes.sum())
        horizon = FOREVER if done >= events else int(rhythm.at(np.array(done / events)))
        starts = np.minimum(rhythm.at(share), until - 1)
        # The last sessions are quickened, so that they end in the period.
        room = np.minimum(1.0, (until - 1 - starts) / np.maximum(walks.durations, 1))
        yield walks.place(starts, room), horizon


def endless(rng: np.random.Generator, catalogue: Catalogue, people: People, rate: float) -> Iterator[Block]:
    """Sessions from time 0 on, for ever, that make `rate` events per second."""
    sessions_per_ms = rate / MEAN_EVENTS / 1000
    window = max(LIVE_WINDOW * 1000, LIVE_SESSIONS / sessions_per_ms)
    count = round(window * sessions_per_ms)
    number = 0
    while True:
        starts = (number + np.sort(rng.random(count))) * window
        number += 1
        pace = np.minimum(1.0, OPENING_PACE + starts / (OPENING * 1000))
        walks = walk(rng, catalogue, people, count)
        yield walks.place(starts.astype(np.int64), pace), int(number * window)


class Timeline:
    """The events of all blocks, in the order of their times."""

    def __init__(self, blocks: Iterator[Block]) -> None:
        self._blocks = blocks
        self._open: list[np.ndarray] = []  # what lies behind the horizon, by block
        self._ready = np.empty(0, EVENT)

    def take(self, count: int) -> np.ndarray:
        """The next `count` events.

        Raises:
            StopIteration: there are no more sessions.
        """
        while len(self._ready) < count:
            self._advance()
        taken, self._ready = self._ready[:count], self._ready[count:]
        return taken

    def _advance(self) -> None:
        block, horizon = next(self._blocks)
        due = [self._ready]
        still_open = []
        for events in [*self._open, block]:
            cut = int(np.searchsorted(events["time"], horizon))
            due.append(events[:cut])
            rest = events[cut:]
            if len(rest):
                # A short rest must not keep its whole block in memory.
                still_open.append(
                    rest if rest.base is None or len(rest) * 2 > len(rest.base) else rest.copy()
                )
        self._open = still_open
        ready = np.concatenate(due)
        self._ready = ready[np.argsort(ready["time"], kind="stable")]
