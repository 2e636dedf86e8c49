"""One micro-batch on its way: its parts are stored in order, the first of them while Spark makes the others."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

from spark.handover.parts import Part
from spark.sink.books import Batch, Outcome
from spark.sink.commit import BatchCommit
from spark.sink.handovers import PartsHandover
from spark.sink.storing import FilesChanged

SMALL_ROWS = 20_000  # fewer are stored when all of them are there, and before Spark goes on
POLL_SECONDS = 0.01  # between looks for a finished part


@dataclass
class BatchRun:
    """A micro-batch on its way. `accepted` is set when Spark is `done`, unless its job failed."""

    batch: Batch
    handover: PartsHandover
    started: float
    done: threading.Event = field(default_factory=threading.Event)
    accepted: list[Part] | None = None
    parse_seconds: float = 0.0

    @property
    def is_small(self) -> bool:
        return sum(chunk.records for chunk in self.batch.chunks) <= SMALL_ROWS

    def store_early(self, commit: BatchCommit) -> None:
        """Store the parts in order, each as soon as it is reported, until one is about changed files or Spark is
        done."""
        for stored, part in enumerate(self._reported(), 1):
            if part.void_files:
                return
            self.handover.store(commit, part)
            self.handover.pace(stored)

    def _reported(self) -> Iterator[Part]:
        index = 0
        while not self.done.is_set():
            part = self.handover.reported(index)
            if part is None:
                self.done.wait(POLL_SECONDS)
            else:
                yield part
                index += 1

    def finish(self, commit: BatchCommit, accepted: list[Part]) -> Outcome:
        """Store what is not stored yet; from the start again, where something turned out otherwise."""
        void_files = {file_id: flag for part in accepted for file_id, flag in part.void_files.items()}
        tokens = [part.token for part in accepted]
        if commit.void_files != void_files or commit.storing.tokens != tokens[: len(commit.storing.tokens)]:
            # Files changed, or Spark ran a task twice and accepted the attempt that was not stored.
            commit = commit.again(void_files)
        while True:
            try:
                for part in accepted[len(commit.storing.tokens) :]:
                    self.handover.store(commit, part)
                return commit.finish(self.parse_seconds)
            except FilesChanged as changed:
                commit = commit.again(changed.files)
