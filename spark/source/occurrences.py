"""Numbers of identical rows within their file, whatever micro-batches the file spans.

A row that is identical to earlier ones of its file is told apart from them by its number. A file may reach over
several micro-batches, so what was counted so far is kept beside the spool; where it is not there (another machine, a
lost home), the file is read again from its beginning.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

Keys = npt.NDArray[np.uint64]
Counts = npt.NDArray[np.int64]

MERGE_FROM = 2  # a run is merged with the one before it, unless that is so many times as long


class OccurrenceCounts:
    """How often each key came so far. Sorted runs, merged as they grow: 16 bytes per different key."""

    def __init__(self) -> None:
        self._runs: list[tuple[Keys, Counts]] = []

    def numbers(self, keys: Keys) -> Counts:
        """The number, from 1 on, of each key among all equal ones; from now on these count, too."""
        if not len(keys):
            return np.zeros(0, np.int64)
        different, places, counts = np.unique(keys, return_inverse=True, return_counts=True)
        order = np.argsort(places, kind="stable")
        firsts = np.repeat(np.cumsum(counts) - counts, counts)
        numbers = np.empty(len(keys), np.int64)
        numbers[order] = np.arange(len(keys)) - firsts + 1
        before = np.zeros(len(different), np.int64)
        for known, known_counts in self._runs:
            at = np.minimum(np.searchsorted(known, different), len(known) - 1)
            before += np.where(known[at] == different, known_counts[at], 0)
        self._add(different, counts)
        return numbers + before[places]

    def _add(self, keys: Keys, counts: Counts) -> None:
        self._runs.append((keys, counts))
        while len(self._runs) > 1 and len(self._runs[-2][0]) <= MERGE_FROM * len(self._runs[-1][0]):
            (some, of_some), (more, of_more) = self._runs.pop(), self._runs.pop()
            merged, places = np.unique(np.concatenate((some, more)), return_inverse=True)
            total = np.zeros(len(merged), np.int64)
            np.add.at(total, places, np.concatenate((of_some, of_more)))
            self._runs.append((merged, total))

    def save(self, path: Path) -> None:
        """Write what was counted so far; a file that is there is complete."""
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        unfinished = path.with_name(f"{path.name}.{os.getpid()}.part")
        with unfinished.open("wb") as file:
            for keys, counts in self._runs:
                np.save(file, keys)
                np.save(file, counts)
        unfinished.rename(path)

    @classmethod
    def load(cls, path: Path) -> OccurrenceCounts | None:
        """What `save` wrote; `None` where it is not there or damaged."""
        found = cls()
        try:
            size = path.stat().st_size
            with path.open("rb") as file:
                while file.tell() < size:
                    found._runs.append((np.load(file), np.load(file)))
        except (OSError, ValueError, EOFError):
            return None
        return found


class OccurrencesOfFiles:
    """The counts of one file after the other, as a task reads their chunks in order."""

    def __init__(self, directory: Path | None) -> None:
        """`directory`: where counts are kept between micro-batches; `None`: nowhere."""
        self._directory = directory
        self._file_id: int | None = None
        self._end = -1
        self._counts = OccurrenceCounts()

    def goes_on(self, file_id: int, offset: int) -> bool:
        """Whether the chunk of a file at byte `offset` follows on the one before."""
        return (self._file_id, self._end) == (file_id, offset)

    def begin(self, file_id: int) -> None:
        """A chunk of another file comes next."""
        self._file_id = file_id
        self._counts = OccurrenceCounts()

    def recall(self, offset: int) -> bool:
        """Whether the counts up to byte `offset` of the file were kept: then they go on."""
        kept = OccurrenceCounts.load(self._path(offset)) if self._directory is not None else None
        if kept is not None:
            self._counts = kept
        return kept is not None

    def numbers(self, keys: Keys) -> Counts:
        return self._counts.numbers(keys)

    def end(self, offset: int, *, is_last: bool) -> None:
        """The chunk ended at byte `offset`; `is_last`: and so did the file."""
        self._end = offset
        if is_last:
            for path in self._kept():
                path.unlink(missing_ok=True)
            self._file_id = None

    def keep(self) -> None:
        """Keep the counts of a file that goes on: its next chunk comes in the next micro-batch."""
        if self._directory is not None and self._file_id is not None:
            self._counts.save(self._path(self._end))

    def _kept(self) -> Iterator[Path]:
        return iter(()) if self._directory is None else self._directory.glob(f"{self._file_id}-*.counts")

    def _path(self, offset: int) -> Path:
        assert self._directory is not None  # noqa: S101 - callers look
        return self._directory / f"{self._file_id}-{offset}.counts"
