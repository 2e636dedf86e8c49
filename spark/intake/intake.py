"""Intake: the thread that turns files of one source's directory into registered chunks.

The loop from `discovery` over `examination` to `manifest`, which make the decisions.
"""

from __future__ import annotations

import logging
import math
import os
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from queue import SimpleQueue

from clickstream_assets.contract import DEFAULT_SOURCE
from clickstream_assets.file_names import FileState, is_ignored
from clickstream_assets.outages.errors import pause_after
from clickstream_assets.sources.source import Drift
from spark.discovery.candidate import Candidate
from spark.discovery.discovery import Discovery
from spark.discovery.place import EventsPlace
from spark.inspection.examination import Examination
from spark.inspection.inspection import Inspection
from spark.intake.database_wait import DatabaseWait
from spark.intake.file_system_clock import FileSystemClock
from spark.intake.manifest import AWAY, KnownState, Manifest
from spark.mapping.source_mapping import UNMAPPED, SourceMapping
from spark.outage import sentence_about
from spark.reading.content import ContentChanged
from spark.reading.neighbours import another_is_readable

LOOK_SECONDS = 0.01  # between looks at the directory; an idle look is one stat
GROUP_FILES = 500  # registered in one transaction, at most …
GROUP_BYTES = 64 * 1024 * 1024  # … and about so many bytes on disk, so that Spark can begin early
LOOKUP_FILES = 5_000  # looked up in the ledger with one query

log = logging.getLogger("clickstream.intake")


class Intake:
    """Watches `root`, the directory of a source. `failed` is called, once, with what ended the thread before `stop`;
    `waits` with a sentence when it has to wait for the database, and with None when it goes on.

    `mapping`: what the producer calls things. A file whose last line has no end is taken once it has not changed for
    `unterminated_seconds`. `follow_links`: also those that lead out of `root`. `ignores`: which names are left alone.
    A directory that cannot be read is tried again, and `trouble` says why; so does `troubled`, and None when that is
    over. `is_one_of_several`: its thread may be left behind. `look_seconds`: between looks at the directory. `drift`,
    `error_budget`: which files are not taken as they are (`judging`). `all_there`: whether no file
    is still to come, for a catch-up. What could not be read for `unreadable_seconds`, while other files can be, is set
    aside, with a row in the ledger that says why. `home`: remembers where the directory's file system was mounted.
    """

    def __init__(
        self,
        root: Path,
        settle_seconds: float,
        manifest: Manifest,
        failed: Callable[[BaseException], None],
        mapping: SourceMapping = UNMAPPED,
        *,
        unterminated_seconds: float = 0.0,
        follow_links: bool = False,
        waits: Callable[[str | None], None] = lambda _: None,
        source: str = DEFAULT_SOURCE,
        ignores: Callable[[bytes], bool] = is_ignored,
        troubled: Callable[[str | None], None] = lambda _: None,
        is_one_of_several: bool = False,
        look_seconds: float = LOOK_SECONDS,
        drift: Drift = "accept",
        error_budget: float | None = None,
        all_there: Callable[[], bool] = lambda: True,
        unreadable_seconds: float = math.inf,
        home: Path | None = None,
    ) -> None:
        self._root = os.fsencode(root)
        self._all_there = all_there
        self._unreadable_seconds = unreadable_seconds
        self._discovery = Discovery(self._root, settle_seconds, unterminated_seconds, follow_links, ignores)
        self._manifest = manifest
        self._failed = failed
        self._mapping = mapping
        self._source = source
        self._place = EventsPlace(self._root, home)
        self._tell_trouble = troubled
        self._is_one_of_several = is_one_of_several
        self.trouble: str | None = None
        self._look_anew = threading.Event()
        self._look_seconds = look_seconds
        self._again: SimpleQueue[tuple[int, bytes, bool]] = SimpleQueue()
        self._troubled = 0  # looks in a row at a directory that cannot be read
        self._stop = threading.Event()
        self._examination = Examination(
            self._root, mapping, follow_links, drift, error_budget, lambda: manifest.columns_of(source)
        )
        self._file_system = FileSystemClock()
        self._database = DatabaseWait(waits, manifest.close, self._stop)
        self._done: Callable[[], None] = lambda: None
        self._thread = threading.Thread(target=self._run, name=f"intake-{source}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def start_with_present_files(self, done: Callable[[], None]) -> None:
        """Begin a thread that takes the files that are there now; then, or when it ends otherwise, `done` is called."""
        self._done = done
        self._thread = threading.Thread(target=self._run_once, name=f"intake-{self._source}", daemon=True)
        self._thread.start()

    def stop(self, patience: float | None = None) -> bool:
        """End the thread after the file it is reading; whether it has ended within `patience` seconds.

        One that has not hangs in the file system. It will do no more harm than to read.
        """
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(patience)
        return not self._thread.is_alive()

    def look_again(self, file_id: int, path: bytes, *, is_released: bool) -> None:
        """Have a file looked at once more though it has not changed: it was released, or could not be reached."""
        self._again.put((file_id, path, is_released))

    @property
    def stalled_seconds(self) -> float:
        """For how long the file system has been keeping it waiting, more than what was asked of it can take; else 0."""
        return self._file_system.stalled_seconds

    def register_present_files(self) -> None:
        """Take every file that is there now, waiting for those that have not settled yet (`--available-now`)."""
        all_there = is_said = False
        while not self._stop.is_set():
            if not all_there and (all_there := self._all_there()):
                self._discovery.sweep_now()  # a look at what has changed finds a new folder, but not yet what is in it
            if self._look_around() and not self._discovery.waiting() and all_there:
                return
            if not is_said and (paths := self._discovery.unterminated()):
                is_said = True
                self._say_what_is_waited_for(paths)
            self._stop.wait(self._look_seconds)

    def _say_what_is_waited_for(self, paths: list[bytes]) -> None:
        log.info(
            "waiting up to %g s for the end of the last line of %d files, such as %r",
            self._discovery.unterminated_seconds,
            len(paths),
            os.fsdecode(paths[0]),
        )

    def _run_once(self) -> None:
        try:
            self.register_present_files()
        except BaseException as error:  # noqa: BLE001 - handed to the main thread, which ends the stream
            self._failed(error)
        finally:
            self._done()

    def _run(self) -> None:
        try:
            while not self._stop.wait(self._look_seconds):
                self._look_around()
        except BaseException as error:  # noqa: BLE001 - handed to the main thread, which ends the stream
            self._failed(error)

    def _look_around(self) -> bool:
        """Take what has settled; False where that has to be tried again."""
        try:
            with self._file_system.running():
                self._place.check()  # a directory that is not there is more than an empty one
                if self._look_anew.is_set():
                    self._look_anew.clear()
                    self._discovery.start_over()
                candidates = self._discovery.settled()
            done = self._take(candidates)
            self._take_again()
        except OSError as error:
            self._troubled += 1
            self._is_in_trouble(sentence_about(error))
            self._look_anew.set()
            self._stop.wait(pause_after(self._troubled))
            return False
        self._troubled = 0
        for path in self._discovery.set_aside_what_is_away(self._unreadable_seconds):
            log.warning("%r cannot be looked at: the rest goes on without it", os.fsdecode(path))
        self._is_in_trouble(self._discovery.trouble())
        return done and self.trouble is None

    def _is_in_trouble(self, sentence: str | None) -> None:
        if sentence != self.trouble:
            self.trouble = sentence
            self._tell_trouble(sentence)

    def look_anew(self) -> None:
        """Hand out every file once more: some may not be in the ledger as they are. From any thread."""
        self._look_anew.set()

    def _take_again(self) -> None:
        while not self._again.empty() and not self._stop.is_set():
            file_id, path, is_released = self._again.get()
            with self._file_system.running():
                candidate = self._discovery.candidate(path)
            if candidate is None and not is_released:
                continue
            try:
                inspection = self._inspected_again(candidate)
            except OSError:
                if is_released or not another_is_readable(os.path.join(self._root, path), self._root):
                    raise
                continue  # nobody waits for it: it is asked for again
            if self._stop.is_set():
                return
            if is_released:
                found = candidate or Candidate(path, FileState(0, 0, 0, 0))
                self._database.unless_outage(
                    partial(
                        self._manifest.take_released, file_id, found, inspection, self._mapping, self._source
                    )
                )
                if inspection is not None:
                    self._examination.note_columns(inspection)
            elif candidate is not None and inspection is not None:
                self._database.unless_outage(partial(self._register, [(candidate, inspection)]))

    def _inspected_again(self, candidate: Candidate | None) -> Inspection | None:
        if candidate is None or candidate.problem is not None:
            return None
        try:
            with self._file_system.running(candidate.state.size_bytes):
                return self._examination.inspect(candidate)
        except ContentChanged:
            return None

    def _take(self, candidates: list[Candidate]) -> bool:
        """Whether all could be taken; otherwise the rest will be handed out again."""
        if self._database.is_on and not candidates and not self._discovery.waiting():
            self._database.over()  # what was to be registered is gone
        for start in range(0, len(candidates), LOOKUP_FILES):
            if not self._database.outlasted(
                partial(self._take_some, candidates[start : start + LOOKUP_FILES])
            ):
                # What was registered all the same, the ledger will say; and a server that comes back may lack the last
                # commits, after a failover for instance.
                self._discovery.hand_out_again(candidates[start:])
                self._look_anew.set()
                return False
        return True

    def _take_some(self, candidates: list[Candidate]) -> None:
        known = self._manifest.known_states([candidate.path for candidate in candidates], self._source)
        fresh = [c for c in candidates if c.path not in known or not self._is_of(known[c.path], c.state)]
        group: list[tuple[Candidate, Inspection]] = []
        size = 0
        for candidate, inspection in self._inspect(fresh, known):
            group.append((candidate, inspection))
            size += inspection.state.size_bytes
            if len(group) >= GROUP_FILES or size >= GROUP_BYTES:
                self._register(group)
                group, size = [], 0
        if group and not (self._stop.is_set() and self._is_one_of_several):
            self._register(group)

    def _is_of(self, known: KnownState, state: FileState) -> bool:
        """Whether the ledger's row is about this state. One that could not be read as registered says nothing of it; of
        several sources, such files are asked for otherwise (`look_again`)."""
        return known.state == state and (known.status != "changed" or self._is_one_of_several)

    def _inspect(
        self, candidates: list[Candidate], known: dict[bytes, KnownState]
    ) -> Iterator[tuple[Candidate, Inspection]]:
        for candidate in candidates:
            if self._stop.is_set():
                return
            try:
                with self._file_system.running(candidate.state.size_bytes):
                    inspection = self._examination.judge(candidate)
            except ContentChanged:
                self._discovery.forget(candidate.path)
                continue
            except OSError as error:
                error.filename = error.filename or os.path.join(self._root, candidate.path)
                if (aside := self._set_aside(candidate, error, known.get(candidate.path))) is not None:
                    yield candidate, aside
                continue
            self._discovery.was_read(candidate.path)
            if self._stop.is_set():  # perhaps long ago: another one may have taken over
                return
            if inspection.is_unterminated and candidate.is_young:
                self._discovery.hold(candidate)
                continue
            before = known.get(candidate.path)
            if before is not None and _same_delivery(before, inspection):
                self._manifest.same_delivery(before.file_id, inspection.state)
                continue
            yield candidate, inspection

    def _set_aside(self, candidate: Candidate, error: OSError, known: KnownState | None) -> Inspection | None:
        """Put a file back that cannot be read; and let nobody wait for it any more, where others can be. Then, unless
        the ledger knows, what is to be booked."""
        place, path = os.path.join(self._root, candidate.path), candidate.path
        is_booked = known is not None and known.is_set_aside and known.state == candidate.state
        is_due = is_booked or self._discovery.unread_seconds(path) > self._unreadable_seconds
        is_aside = is_due and another_is_readable(place, self._root)
        self._discovery.put_back(candidate, error, is_aside=is_aside)
        if not is_aside or is_booked:
            return None
        detail = f"It cannot be read ({error.strerror or error}), and others can: they do not wait for it."
        return Inspection(candidate.state, reason=AWAY, detail=detail)

    def _register(self, group: list[tuple[Candidate, Inspection]]) -> None:
        self._manifest.register(group, self._mapping, self._source)
        for candidate, inspection in group:
            if inspection.reason:
                what = "held back" if inspection.is_held else "not read"
                log.warning("file %r is %s: %s", os.fsdecode(candidate.path), what, inspection.detail)


def _same_delivery(before: KnownState, inspection: Inspection) -> bool:
    """Whether only the change time moved since the ledger's row: no one wrote or replaced the file."""
    state: FileState = inspection.state
    return (
        before.state.same_content(state)
        and before.content_hash == inspection.content_hash
        and before.status != "changed"
    )
