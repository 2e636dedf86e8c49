"""The intakes of all sources: a thread each, so that none waits for another, and all register through one manifest.

Starts and ends them as the sources change. Where there is no file of sources there is one intake, and nothing else: no
thread beside it, and nothing recorded.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from clickstream_assets.errors import SettingsError
from spark.intake.database_wait import prevented_by
from spark.intake.intake import Intake
from spark.intake.making import IntakeMaker, ReadSource
from spark.intake.source_records import SourceRecords
from spark.intake.troubles import Troubles
from spark.intake.wanted_files import WantedFiles
from spark.objects.object_intake import ObjectIntake

TICK_SECONDS = 0.5  # between looks at the sources' file, and at who is stalled
STOP_PATIENCE = 10.0  # seconds to wait for a thread to end; one that hangs in the file system is left behind
GIVE_UP_SECONDS = 60.0  # after which a catch-up no longer waits for a source that is stalled

log = logging.getLogger("clickstream.intake")


class SourceIntakes:
    """The intakes of one stream.

    Args:
        sources: what is in force at first.
        read_again: gives the sources where they have changed since they were last read, else None; raises SettingsError
            where the new version cannot be used. None: they never change.
    """

    def __init__(
        self,
        sources: Sequence[ReadSource],
        maker: IntakeMaker,
        read_again: Callable[[], Sequence[ReadSource] | None] | None = None,
    ) -> None:
        self._wanted = {read.source.name: read for read in sources}
        self._in_force: dict[str, ReadSource] = {}
        self._maker = maker
        self._manifest = maker.manifest
        self._records = SourceRecords(maker.manifest.session)
        self._troubles = Troubles(self._records)
        self._wanted_files = WantedFiles()
        self._read_again = read_again
        self._intakes: dict[str, Intake | ObjectIntake] = {}
        self._fault: str | None = None
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
            self._intakes[name] = self._maker.only(read)
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
            self._maker.failed(error)

    def _tick(self) -> None:
        if self._registered is None:
            self._follow_changes()
        if prevented_by(self._see_to_the_ledger) is not None:
            self._manifest.close()

    def _see_to_the_ledger(self) -> None:
        if self._wanted != self._in_force:
            self._bring_into_force()
        for name in self._in_force:
            self._troubles.tell(name, self._problem(name))
        self._troubles.tell_fault(self._fault)
        self._hand_on_wanted_files()

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
        self._records.record([read.source for read in wanted.values()])
        self._troubles.begin(wanted)
        begun = [name for name in wanted if name not in self._in_force]
        for name in begun:
            self._intakes[name] = self._maker.one_of(len(wanted), wanted[name])
        self._hand_on_wanted_files()  # before a catch-up may find that it has nothing to do
        for name in begun:
            self._start(name)
            self._in_force[name] = wanted[name]
        log.info("sources: %s (by new rules: %s)", ", ".join(wanted), ", ".join(begun) or "none")

    def _hand_on_wanted_files(self) -> None:
        wanted = self._records.wanted_again()
        for file in self._wanted_files.due(wanted, self._intakes, time.monotonic()):
            self._intakes[file.source].look_again(file.file_id, file.path, is_released=file.is_released)

    def _problem(self, name: str) -> str | None:
        intake = self._intakes[name]
        stalled = intake.stalled_seconds
        if not stalled:
            return intake.trouble
        if self._registered is not None and stalled > GIVE_UP_SECONDS and name in self._left:
            log.warning("source %s: its directory does not answer; this run ends without its files", name)
            self._is_done(name)
        return f"{self._in_force[name].source.directory} does not answer"
