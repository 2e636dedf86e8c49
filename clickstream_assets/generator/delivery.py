"""All parts of the shop as one stream of rows: sessions in time order, with the faults that were asked for."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pyarrow as pa

from clickstream_assets.generator.catalogue import Catalogue
from clickstream_assets.generator.faults import DUPLICATE, KINDS, LATE, MALFORMED, ON_TIME, FaultPlan, damaged
from clickstream_assets.generator.people import People
from clickstream_assets.generator.rows import RowWriter
from clickstream_assets.generator.sessions import EVENT, VIEW
from clickstream_assets.generator.timeline import Timeline

BLOCK = 20_000  # rows at once: their text still fits into the cache
MINUTE, HOUR = 60_000, 3_600_000  # ms
LATE_LEAST, LATE_MOST = 2 * HOUR, 72 * HOUR  # a late event is older than its file's begin by so much
REDELIVERED_SOON = 0.5  # share of the duplicates that follow within SOON good rows
SOON = 100  # rows
REMEMBERED = 4_000  # good lines that may come again in later blocks
REMEMBERED_A_BLOCK = 1_000
MEMORABLE_SESSIONS = 4_000  # earlier events whose session a late event may belong to
MEMORABLE_A_BLOCK = 500


class Delivery:
    """The rows of all files, in order."""

    def __init__(
        self,
        rng: np.random.Generator,
        catalogue: Catalogue,
        people: People,
        timeline: Timeline,
        plan: FaultPlan,
        writer: RowWriter,
        start: int,
    ) -> None:
        """`start`: the time (ms) that stands for the first event until there is one."""
        self._rng = rng
        self._catalogue = catalogue
        self._people = people
        self._timeline = timeline
        self._plan = plan
        self._writer = writer
        self._row = 0
        self._last_time = start
        self._file_time = start
        self._good_lines = pa.array([], pa.binary())
        self._earlier = np.empty(0, EVENT)
        self._kinds = np.zeros(len(KINDS), np.int64)

    @property
    def malformed_kinds(self) -> dict[str, int]:
        """Malformed rows so far, by kind."""
        return dict(zip(KINDS, self._kinds.tolist(), strict=True))

    def rows(
        self, count: int, file_starts: np.ndarray, window: tuple[int, int] | None = None
    ) -> tuple[pa.BinaryArray, np.ndarray]:
        """The next `count` rows and what each is (`faults`).

        Args:
            count: at most BLOCK, to stay in the cache.
            file_starts: numbers of the rows among these that are the first of a file, ascending.
            window: the times (ms) after the first and up to the last, to which the events are moved, in their
                order. None: the times that the sessions have.
        """
        labels = self._labels(count, file_starts)
        on_time = labels == ON_TIME
        events = self._timeline.take(int(on_time.sum()))
        if window is not None:
            begin, end = window
            events = events.copy()
            events["time"] = begin + ((np.flatnonzero(on_time) + 1) * (end - begin)) // count

        # By row: the time of the last session event so far, and of the first one in the row's file.
        times = np.concatenate(([self._last_time], events["time"]))
        now = times[np.cumsum(on_time)]
        following = np.minimum(np.concatenate(([0], np.cumsum(on_time)))[file_starts] + 1, len(events))
        file_times = np.concatenate(([self._file_time], times[following]))
        file_time = file_times[np.searchsorted(file_starts, np.arange(count), side="right")]
        self._last_time, self._file_time = int(times[-1]), int(file_times[-1])

        fresh = np.empty(count, EVENT)
        fresh[on_time] = events
        malformed = labels == MALFORMED
        fresh[malformed] = self._strays(now[malformed])
        late = labels == LATE
        if late.any():
            fresh[late] = self._late(file_time[late], events)
        if self._plan.late:
            self._remember_sessions(events)

        lines = self._writer.lines(self._rng, fresh[labels != DUPLICATE])
        return self._with_faults(lines, labels), labels

    def _labels(self, count: int, file_starts: np.ndarray) -> np.ndarray:
        """What each of the next rows is, mixed file by file, so that the shares hold in every file."""
        borders = np.unique(np.concatenate(([0], file_starts, [count]))) + self._row
        self._row += count
        parts = [self._plan.labels(self._rng, *pair) for pair in pairwise(borders.tolist())]
        return np.concatenate(parts)

    def _strays(self, times: np.ndarray) -> np.ndarray:
        """Views at the given times, each a session of its own."""
        count = len(times)
        views = np.empty(count, EVENT)
        views["time"], views["action"] = times, VIEW
        views["session"] = self._rng.integers(0, 1 << 64, count, dtype=np.uint64)
        views["user"], views["agent"] = self._people.visitors(self._rng, count)
        views["product"] = self._catalogue.choose(self._rng, np.zeros(count), np.ones(count))
        return views

    def _late(self, file_times: np.ndarray, events: np.ndarray) -> np.ndarray:
        """Views hours to days before the given times: of earlier sessions, where there are any."""
        delay = self._rng.integers(LATE_LEAST, LATE_MOST, len(file_times))
        views = self._strays(file_times - delay)
        candidates = np.concatenate((self._earlier, events))
        oldest = np.searchsorted(candidates["time"], file_times - LATE_MOST)
        newest = np.searchsorted(candidates["time"], file_times - LATE_LEAST - MINUTE)
        known = np.flatnonzero(newest > oldest)
        session = candidates[self._rng.integers(oldest[known], newest[known])]
        for name in ("session", "user", "agent"):
            views[name][known] = session[name]
        views["time"][known] = session["time"] + self._rng.integers(1000, MINUTE, len(known))
        return views

    def _remember_sessions(self, events: np.ndarray) -> None:
        """Keep some events, fewer and fewer of the older ones; in time order."""
        kept = self._earlier
        if len(kept) > MEMORABLE_SESSIONS:
            kept = kept[np.sort(self._rng.choice(len(kept), MEMORABLE_SESSIONS // 2, replace=False))]
        few = min(len(events), MEMORABLE_A_BLOCK)
        self._earlier = np.concatenate(
            (kept, events[np.sort(self._rng.choice(len(events), few, replace=False))])
        )

    def _with_faults(self, lines: pa.BinaryArray, labels: np.ndarray) -> pa.BinaryArray:
        """Damage the malformed rows and put the duplicates in; `lines` holds all rows but these."""
        fresh = labels != DUPLICATE
        position = np.cumsum(fresh) - 1  # in `lines`, by row
        malformed = np.flatnonzero(labels == MALFORMED)
        if len(malformed) == 0 and not self._plan.duplicates:
            return lines

        damage = []
        kinds = self._rng.integers(0, len(KINDS), len(malformed))
        picks = self._rng.integers(0, 1 << 30, len(malformed))
        self._kinds += np.bincount(kinds, minlength=len(KINDS))
        originals = lines.take(pa.array(position[malformed])).to_pylist()
        for line, kind, pick in zip(originals, kinds.tolist(), picks.tolist(), strict=True):
            damage.append(damaged(line, kind, pick))

        # Rows to take from: what was remembered, then the lines of this block, then the damaged ones.
        known = len(self._good_lines)
        source = position + known
        source[malformed] = known + len(lines) + np.arange(len(malformed))
        good = position[labels <= LATE] + known
        if self._plan.duplicates:
            source[~fresh] = self._originals(labels, np.concatenate((np.arange(known), good)))
        pool = pa.concat_arrays([self._good_lines, lines, pa.array(damage, pa.binary())])
        if self._plan.duplicates:
            few = self._rng.choice(good, min(len(good), REMEMBERED_A_BLOCK), replace=False)
            kept = np.concatenate((np.arange(known), np.sort(few)))[-REMEMBERED:]
            self._good_lines = pool.take(pa.array(kept))
        return pool.take(pa.array(source))

    def _originals(self, labels: np.ndarray, good: np.ndarray) -> np.ndarray:
        """For each duplicate row, one of the `good` lines before it: a near one, or any that is known."""
        known = len(good) - int((labels <= LATE).sum())
        before = known + np.cumsum(labels <= LATE)[labels == DUPLICATE]
        near = np.where(self._rng.random(len(before)) < REDELIVERED_SOON, np.maximum(before - SOON, 0), 0)
        return good[self._rng.integers(near, before)]
