"""The intakes of all sources: a thread each, so that none waits for another, and all register through one manifest.

Belongs here: starting and ending them as the sources change, and telling which of them is in trouble. Does not belong
here: what one intake does (`intake`), and what the sources' file says (`clickstream_assets.sources`).

Where there is no such file there is one intake, and nothing else: no thread beside it, and nothing recorded.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import psycopg2

from clickstream_assets.errors import SettingsError
from clickstream_assets.outages.errors import is_outage
from clickstream_assets.sources.source import Source
from spark.intake.intake import LOOK_SECONDS, Intake
from spark.intake.manifest import Manifest
from spark.mapping.source_mapping import SourceMapping
from spark.objects.object_intake import ObjectIntake
from spark.objects.object_ledger import ObjectLedger

TICK_SECONDS = 0.5  # between looks at the sources' file, and at who is stalled
ASK_AGAIN_SECONDS = 30.0  # for a file of which nothing came, as where the database was away
STOP_PATIENCE = 10.0  # seconds to wait for a thread to end; one that hangs in the file system is left behind
GIVE_UP_SECONDS = 60.0  # after which a catch-up no longer waits for a source that is stalled
SPARING = 4  # from so many sources on they look around less often, so that idle looks cost no more

log = logging.getLogger("clickstream.intake")

Say = Callable[[str | None], None]


class ReadSource(NamedTuple):
    """A source, and what its mapping means."""

    source: Source
    mapping: SourceMapping


class SourceIntakes:
    """The intakes of one stream.

    Args:
        sources: what is in force at first.
        failed: is called with what ended an intake that cannot go on.
        waits: gives, by a name, how to say that somebody waits for the database.
        troubled: says why the directory of the only source cannot be read, and None when it can be again.
        read_again: gives the sources where they have changed since they were last read, else None; raises SettingsError
            where the new version cannot be used. None: they never change.
        unreadable_seconds: for so long all wait for a file that cannot be read.
        home: remembers where the file systems of the directories were mounted.
    """

    def __init__(
        self,
        sources: Sequence[ReadSource],
        manifest: Manifest,
        failed: Callable[[BaseException], None],
        waits: Callable[[str], Say],
        read_again: Callable[[], Sequence[ReadSource] | None] | None = None,
        troubled: Say = lambda _: None,
        unreadable_seconds: float = math.inf,
        home: Path | None = None,
    ) -> None:
        self._wanted = {read.source.name: read for read in sources}
        self._in_force: dict[str, ReadSource] = {}
        self._manifest = manifest
        self._failed = failed
        self._waits = waits
        self._troubled = troubled
        self._read_again = read_again
        self._unreadable_seconds = unreadable_seconds
        self._home = home
        self._intakes: dict[str, Intake | ObjectIntake] = {}
        self._recorded: dict[str, str | None] = {}  # problems
        self._fault: str | None = None
        self._recorded_fault: str | None = None
        self._asked_for: dict[int, float] = {}  # file_id: when (monotonic)
        self._left: set[str] = set()  # of a catch-up: those that are not done
        self._registered: Path | None = None
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sources", daemon=True)

    def start(self) -> None:
        if self._read_again is not None:
            self._thread.start()
            return
        self._in_force = self._wanted
        for name, read in self._in_force.items():
            self._intakes[name] = self._intake(read)
            self._start(name)

    def start_with_present_files(self, registered: Path) -> None:
        """Take the files that are there now; then, or when that ends otherwise, `registered` is made."""
        registered.unlink(missing_ok=True)
        self._registered = registered
        self._left = set(self._wanted)
        self.start()

    def stop(self) -> None:
        """End the threads, each after the file that it is reading."""
        if self._stop.is_set():
            return
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()
        for intake in self._intakes.values():
            intake.stop(0.0)  # all of them, before one is waited for
        for name, intake in self._intakes.items():
            self._end(name, intake)
        self._manifest.close()

    def look_anew(self) -> None:
        """Hand out every file of the only source once more; of several, the ledger says which. From any thread."""
        if self._read_again is None:
            for intake in list(self._intakes.values()):
                intake.look_anew()

    def look_at_everything(self) -> None:
        """Hand out every file of all sources once more: a server that comes back may lack the last commits, after a
        failover for instance. From any thread."""
        for intake in list(self._intakes.values()):
            intake.look_anew()

    def _intake(self, read: ReadSource) -> Intake | ObjectIntake:
        source = read.source
        if source.store is None:
            return self._file_intake(read)
        bucket = f"{source.store.scheme}://{source.store.bucket}"
        ledger = ObjectLedger(self._manifest.open_another, self._manifest.epoch, source.name, bucket)
        return ObjectIntake(
            source,
            ledger,
            lambda all_there: self._file_intake(read, all_there),
            self._failed,
            self._waits(f"objects of {source.name}"),
        )

    def _file_intake(self, read: ReadSource, all_there: Callable[[], bool] = lambda: True) -> Intake:
        source = read.source
        several = self._read_again is not None
        return Intake(
            source.directory,
            source.settle_seconds,
            self._manifest,
            self._failed,
            read.mapping,
            unterminated_seconds=source.settle_unterminated_seconds,
            follow_links=source.follow_links,
            waits=self._waits(f"intake of {source.name}" if several else "intake"),
            source=source.name,
            ignores=source.events_directory.ignores,
            troubled=self._troubled if not several else lambda _: None,  # of several, it is recorded
            is_one_of_several=several,
            look_seconds=LOOK_SECONDS * max(1.0, len(self._wanted) / SPARING),
            drift=source.drift,
            error_budget=source.error_budget,
            all_there=all_there,
            unreadable_seconds=self._unreadable_seconds,
            home=self._home,
        )

    def _start(self, name: str) -> None:
        intake = self._intakes[name]
        if self._registered is not None:
            intake.start_with_present_files(lambda: self._is_done(name))
        else:
            intake.start()

    def _end(self, name: str, intake: Intake | ObjectIntake) -> None:
        if not intake.stop(STOP_PATIENCE if self._read_again is not None else None):
            log.warning("source %s: its directory does not answer; its thread is left behind", name)

    def _is_done(self, name: str) -> None:
        with self._lock:
            self._left.discard(name)
            if not self._left and self._registered is not None:
                self._registered.touch()

    def _run(self) -> None:
        try:
            while not self._stop.is_set():
                self._tick()
                self._stop.wait(TICK_SECONDS)
        except BaseException as error:  # noqa: BLE001 - handed to the main thread, which ends the stream
            self._failed(error)

    def _tick(self) -> None:
        if self._registered is None:
            self._follow_changes()
        try:
            if self._wanted != self._in_force:
                self._bring_into_force()
            self._record_troubles()
            self._hand_on_wanted_files()
        except psycopg2.Error as error:
            if not is_outage(error):
                raise
            self._manifest.close()

    def _follow_changes(self) -> None:
        assert self._read_again is not None  # noqa: S101 - only then is there a thread
        try:
            changed = self._read_again()
        except SettingsError as error:
            self._fault = str(error)
            log.error("%s What was in force stays so.", error)
            return
        if changed is not None:
            self._fault = None
            self._wanted = {read.source.name: read for read in changed}

    def _bring_into_force(self) -> None:
        """Recorded before the first file is registered: tasks learn the directories from the ledger."""
        wanted = self._wanted
        for name in [name for name, read in self._in_force.items() if wanted.get(name) != read]:
            del self._in_force[name]
            self._end(name, self._intakes.pop(name))
        self._manifest.record_sources([read.source for read in wanted.values()])
        self._recorded = dict.fromkeys(wanted)
        self._recorded_fault = None
        begun = [name for name in wanted if name not in self._in_force]
        for name in begun:
            self._intakes[name] = self._intake(wanted[name])
        self._hand_on_wanted_files()  # before a catch-up may find that it has nothing to do
        for name in begun:
            self._start(name)
            self._in_force[name] = wanted[name]
        log.info("sources: %s (by new rules: %s)", ", ".join(wanted), ", ".join(begun) or "none")

    def _hand_on_wanted_files(self) -> None:
        """Files that were released, or that a task could not reach: once each, unless nothing came of it."""
        found = self._manifest.wanted_again()
        for source, file_id, path, is_released in found:
            asked_at = self._asked_for.get(file_id)
            is_due = asked_at is None or time.monotonic() - asked_at > ASK_AGAIN_SECONDS
            if source in self._intakes and is_due:
                self._asked_for[file_id] = time.monotonic()
                self._intakes[source].look_again(file_id, path, is_released=is_released)
        self._asked_for = {row[1]: self._asked_for[row[1]] for row in found if row[1] in self._asked_for}

    def _problem(self, name: str) -> str | None:
        intake = self._intakes[name]
        stalled = intake.stalled_seconds
        if not stalled:
            return intake.trouble
        if self._registered is not None and stalled > GIVE_UP_SECONDS and name in self._left:
            log.warning("source %s: its directory does not answer; this run ends without its files", name)
            self._is_done(name)
        return f"{self._in_force[name].source.directory} does not answer"

    def _record_troubles(self) -> None:
        for name in self._in_force:
            if (problem := self._problem(name)) == self._recorded[name]:
                continue
            self._manifest.record_problem(name, problem)
            self._recorded[name] = problem
            if problem is None:
                log.info("source %s: its files are taken again", name)
            else:
                log.warning("source %s: %s; the other sources go on", name, problem)
        if self._fault != self._recorded_fault:
            self._manifest.record_fault(self._fault)
            self._recorded_fault = self._fault
