"""Files that are looked at once more though they have not changed: they were released, or could not be reached."""

from __future__ import annotations

import os
from functools import partial
from queue import SimpleQueue

from spark.content.errors import ContentChanged
from spark.content.neighbours import another_is_readable
from spark.discovery.candidate import Candidate
from spark.inspection.inspection import Inspection
from spark.intake.taking import Taking
from spark.intake.workplace import Workplace


class SecondLooks:
    """At files of one source. Asked for from any thread, made in that of its intake."""

    def __init__(self, work: Workplace, taking: Taking) -> None:
        self._work = work
        self._taking = taking
        self._asked_for: SimpleQueue[tuple[int, bytes, bool]] = SimpleQueue()

    def ask_for(self, file_id: int, path: bytes, *, is_released: bool) -> None:
        self._asked_for.put((file_id, path, is_released))

    def take(self) -> None:
        """Raises: OSError: the file system is in trouble."""
        while not self._asked_for.empty() and not self._work.stop.is_set():
            self._take(*self._asked_for.get())

    def _take(self, file_id: int, path: bytes, is_released: bool) -> None:
        work, rules = self._work, self._work.rules
        with work.file_system.running():
            candidate = work.discovery.candidate(path)
        if candidate is None and not is_released:
            return
        try:
            inspection = self._inspected_again(candidate)
        except OSError:
            if is_released or not another_is_readable(os.path.join(work.root, path), work.root):
                raise
            return  # nobody waits for it: it is asked for again
        if work.stop.is_set():
            return
        if is_released:
            work.database.unless_outage(
                partial(work.manifest.take_released, file_id, inspection, rules.mapping, rules.source)
            )
            if inspection is not None:
                work.examination.note_columns(inspection)
        elif candidate is not None and inspection is not None:
            work.database.unless_outage(partial(self._taking.register, [(candidate, inspection)]))

    def _inspected_again(self, candidate: Candidate | None) -> Inspection | None:
        if candidate is None or candidate.problem is not None:
            return None
        try:
            with self._work.file_system.running(candidate.state.size_bytes):
                return self._work.examination.inspect(candidate)
        except ContentChanged:
            return None
