"""Intake: the thread that turns files of one source's directory into registered chunks.

The loop from `discovery` to `taking`; what it does when the directory or the database is away.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable
from functools import partial

from clickstream_assets.outages.errors import pause_after
from spark.discovery.candidate import Candidate
from spark.discovery.discovery import Discovery
from spark.discovery.place import EventsPlace
from spark.inspection.examination import Examination
from spark.intake.database_wait import DatabaseWait
from spark.intake.file_system_clock import FileSystemClock
from spark.intake.manifest import Manifest
from spark.intake.second_looks import SecondLooks
from spark.intake.taking import Taking
from spark.intake.workplace import NO_RULES, IntakeRules, Workplace
from spark.outage import sentence_about

LOOKUP_FILES = 5_000  # looked up in the ledger with one query

log = logging.getLogger("clickstream.intake")


class Intake:
    """Watches `place`, the directory of a source. `failed` is called, once, with what ended the thread before `stop`.

    `waits` is called with a sentence when it has to wait for the database, and with None when it goes on. A directory
    that cannot be read is tried again, and `trouble` says why; so does `troubled`, and None when that is over.
    `all_there`: whether no file is still to come, for a catch-up.
    """

    def __init__(
        self,
        place: EventsPlace,
        manifest: Manifest,
        failed: Callable[[BaseException], None],
        rules: IntakeRules = NO_RULES,
        *,
        waits: Callable[[str | None], None] = lambda _: None,
        troubled: Callable[[str | None], None] = lambda _: None,
        all_there: Callable[[], bool] = lambda: True,
    ) -> None:
        self._place = place
        self._failed = failed
        self._rules = rules
        self._tell_trouble = troubled
        self._all_there = all_there
        self.trouble: str | None = None
        self._troubled = 0  # looks in a row at a directory that cannot be read
        self._look_anew = threading.Event()
        self._stop = threading.Event()
        self._discovery = Discovery(
            place.root, rules.settle_seconds, rules.unterminated_seconds, rules.follow_links, rules.ignores
        )
        self._database = DatabaseWait(waits, manifest.close, self._stop)
        self._file_system = FileSystemClock()
        work = Workplace(
            root=place.root,
            rules=rules,
            manifest=manifest,
            discovery=self._discovery,
            examination=Examination(
                place.root,
                rules.mapping,
                rules.follow_links,
                rules.drift,
                rules.error_budget,
                lambda: manifest.columns_of(rules.source),
                rules.chunk_bytes,
            ),
            file_system=self._file_system,
            database=self._database,
            stop=self._stop,
        )
        self._taking = Taking(work)
        self._second_looks = SecondLooks(work, self._taking)
        self._done: Callable[[], None] = lambda: None
        self._thread = self._thread_of(self._run)

    def start(self) -> None:
        self._thread.start()

    def start_with_present_files(self, done: Callable[[], None]) -> None:
        """Begin a thread that takes the files that are there now; then, or when it ends otherwise, `done` is called."""
        self._done = done
        self._thread = self._thread_of(self._run_once)
        self._thread.start()

    def _thread_of(self, target: Callable[[], None]) -> threading.Thread:
        return threading.Thread(target=target, name=f"intake-{self._rules.source}", daemon=True)

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
        self._second_looks.ask_for(file_id, path, is_released=is_released)

    def look_anew(self) -> None:
        """Hand out every file once more: some may not be in the ledger as they are. From any thread."""
        self._look_anew.set()

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
            self._stop.wait(self._rules.look_seconds)

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
            while not self._stop.wait(self._rules.look_seconds):
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
            self._second_looks.take()
        except OSError as error:
            self._troubled += 1
            self._is_in_trouble(sentence_about(error))
            self._look_anew.set()
            self._stop.wait(pause_after(self._troubled))
            return False
        self._troubled = 0
        for path in self._discovery.set_aside_what_is_away(self._rules.unreadable_seconds):
            log.warning("%r cannot be looked at: the rest goes on without it", os.fsdecode(path))
        self._is_in_trouble(self._discovery.trouble())
        return done and self.trouble is None

    def _is_in_trouble(self, sentence: str | None) -> None:
        if sentence != self.trouble:
            self.trouble = sentence
            self._tell_trouble(sentence)

    def _take(self, candidates: list[Candidate]) -> bool:
        """Whether all could be taken; otherwise the rest will be handed out again."""
        if self._database.is_on and not candidates and not self._discovery.waiting():
            self._database.over()  # what was to be registered is gone
        for start in range(0, len(candidates), LOOKUP_FILES):
            if not self._database.outlasted(
                partial(self._taking.take, candidates[start : start + LOOKUP_FILES])
            ):
                # What was registered all the same, the ledger will say; and a server that comes back may lack the last
                # commits, after a failover for instance.
                self._discovery.hand_out_again(candidates[start:])
                self._look_anew.set()
                return False
        return True
