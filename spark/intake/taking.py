"""From complete files to rows of the ledger: those that are new are examined, and registered in groups."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Sequence

from clickstream_assets.file_names import FileState
from spark.content.errors import ContentChanged
from spark.content.neighbours import another_is_readable
from spark.discovery.candidate import Candidate
from spark.inspection.inspection import Inspection
from spark.intake.file_rows import AWAY, KnownState
from spark.intake.workplace import Workplace

GROUP_FILES = 500  # registered in one transaction, at most …
GROUP_BYTES = 64 * 1024 * 1024  # … and about so many bytes on disk, so that Spark can begin early

log = logging.getLogger("clickstream.intake")


class Taking:
    """Of the files of one source."""

    def __init__(self, work: Workplace) -> None:
        self._work = work
        self._rules = work.rules

    def take(self, candidates: Sequence[Candidate]) -> None:
        """Register those that the ledger does not know in this state. What has changed meanwhile, or cannot be read,
        goes back to discovery.

        Raises:
            OSError: the file system is in trouble.
            LeaseLost: another stream took over.
        """
        known = self._work.manifest.known_states(
            [candidate.path for candidate in candidates], self._rules.source
        )
        fresh = [c for c in candidates if c.path not in known or not self._is_of(known[c.path], c.state)]
        group: list[tuple[Candidate, Inspection]] = []
        size = 0
        for candidate, inspection in self._inspect(fresh, known):
            group.append((candidate, inspection))
            size += inspection.state.size_bytes
            if len(group) >= GROUP_FILES or size >= GROUP_BYTES:
                self.register(group)
                group, size = [], 0
        if group and not (self._work.stop.is_set() and self._rules.is_one_of_several):
            self.register(group)

    def register(self, group: Sequence[tuple[Candidate, Inspection]]) -> None:
        """Write them to the ledger; a file that is not read has a line in the log."""
        self._work.manifest.register(group, self._rules.mapping, self._rules.source)
        for candidate, inspection in group:
            if inspection.reason:
                what = "held back" if inspection.is_held else "not read"
                log.warning("file %r is %s: %s", os.fsdecode(candidate.path), what, inspection.detail)

    def _is_of(self, known: KnownState, state: FileState) -> bool:
        """Whether the ledger's row is about this state. One that could not be read as registered says nothing of it; of
        several sources, such files are asked for otherwise (`look_again`)."""
        return known.state == state and (known.status != "changed" or self._rules.is_one_of_several)

    def _inspect(
        self, candidates: Sequence[Candidate], known: dict[bytes, KnownState]
    ) -> Iterator[tuple[Candidate, Inspection]]:
        for candidate in candidates:
            if self._work.stop.is_set():
                return
            try:
                with self._work.file_system.running(candidate.state.size_bytes):
                    inspection = self._work.examination.judge(candidate)
            except ContentChanged:
                self._work.discovery.forget(candidate.path)
                continue
            except OSError as error:
                error.filename = error.filename or os.path.join(self._work.root, candidate.path)
                if (aside := self._set_aside(candidate, error, known.get(candidate.path))) is not None:
                    yield candidate, aside
                continue
            self._work.discovery.was_read(candidate.path)
            if self._work.stop.is_set():  # perhaps long ago: another one may have taken over
                return
            if inspection.is_unterminated and candidate.is_young:
                self._work.discovery.hold(candidate)
                continue
            before = known.get(candidate.path)
            if before is not None and before.is_delivered_again(inspection):
                self._work.manifest.same_delivery(before.file_id, inspection.state)
                continue
            yield candidate, inspection

    def _set_aside(self, candidate: Candidate, error: OSError, known: KnownState | None) -> Inspection | None:
        """Put a file back that cannot be read; and let nobody wait for it any more, where others can be. Then, unless
        the ledger knows, what is to be booked."""
        place, path = os.path.join(self._work.root, candidate.path), candidate.path
        is_booked = known is not None and known.is_set_aside and known.state == candidate.state
        is_due = is_booked or self._work.discovery.unread_seconds(path) > self._rules.unreadable_seconds
        is_aside = is_due and another_is_readable(place, self._work.root)
        self._work.discovery.put_back(candidate, error, is_aside=is_aside)
        if not is_aside or is_booked:
            return None
        detail = f"It cannot be read ({error.strerror or error}), and others can: they do not wait for it."
        return Inspection(candidate.state, reason=AWAY, detail=detail)
