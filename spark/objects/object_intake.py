"""The intake of a source in an object store: a thread that lists and fetches, and the ordinary intake behind it."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Protocol

import psycopg2

from clickstream_assets.fitness import sentence_of
from clickstream_assets.object_stores.bucket import Bucket, BucketTrouble
from clickstream_assets.object_stores.opening import open_bucket
from clickstream_assets.outages.errors import is_outage, pause_after
from clickstream_assets.sources.source import Source
from clickstream_assets.text import printable
from spark.objects.fetching import Fetching
from spark.objects.finishing import Finishing
from spark.objects.landing import Landing
from spark.objects.listing import BucketListing
from spark.objects.object_ledger import ObjectLedger
from spark.outage import sentence_about

LOOK_SECONDS = 0.5  # between looks at what was stored
LONGEST_PAUSE = 30.0  # between tries at a bucket that cannot be used
GIVE_UP_SECONDS = 60.0  # after which a catch-up no longer waits for such a bucket
LAST_FINISH_SECONDS = 5.0  # to tag or move, at the end of a stream

log = logging.getLogger("clickstream.objects")


class FileIntake(Protocol):
    """The intake of the directory that objects are fetched to."""

    trouble: str | None

    @property
    def stalled_seconds(self) -> float: ...

    def start(self) -> None: ...

    def start_with_present_files(self, done: Callable[[], None]) -> None: ...

    def stop(self, patience: float | None = None) -> bool: ...

    def look_again(self, file_id: int, path: bytes, *, is_released: bool) -> None: ...

    def look_anew(self) -> None: ...


class ObjectIntake:
    """Is used like an intake.

    Args:
        intake: makes the intake of the directory. What it is given says whether all files of a catch-up are there.
        failed: is called, once, with what ended the thread before `stop`.
        waits: is called with a sentence when it has to wait for the database, and with None when it goes on.
    """

    def __init__(
        self,
        source: Source,
        ledger: ObjectLedger,
        intake: Callable[[Callable[[], bool]], FileIntake],
        failed: Callable[[BaseException], None],
        waits: Callable[[str | None], None] = lambda _: None,
    ) -> None:
        assert source.store is not None  # noqa: S101 - the caller has looked
        self._store = source.store
        self._ledger = ledger
        self._failed = failed
        self._waits = waits
        self._stop = threading.Event()
        self._all_there = threading.Event()
        self._intake = intake(self._all_there.is_set)
        self._landing = Landing(source.directory)
        self._listing = BucketListing(
            ledger, self._store.prefix, source.events_directory.ignores, self._store.look_seconds
        )
        self._fetching = Fetching(ledger, self._landing, self._store.fetch_ahead_bytes, self._stop.wait)
        self._finishing = Finishing(self._store, ledger, self._landing)
        self._bucket: Bucket | None = None
        self._trouble: str | None = None
        self._troubled_since: float | None = None
        self._tries = 0
        self._done: Callable[[], None] | None = None  # of a catch-up
        self._thread = threading.Thread(target=self._run, name=f"objects-{source.name}", daemon=True)

    @property
    def trouble(self) -> str | None:
        """Why objects are not taken; None: they are."""
        return self._trouble or self._intake.trouble

    @property
    def stalled_seconds(self) -> float:
        return self._intake.stalled_seconds

    def start(self) -> None:
        self._thread.start()

    def start_with_present_files(self, done: Callable[[], None]) -> None:
        """Take the objects that are there now; then `done` is called."""
        self._done = done
        self._thread.start()

    def stop(self, patience: float | None = None) -> bool:
        """End the threads; whether they have ended within `patience` seconds."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(patience)
        return self._intake.stop(patience) and not self._thread.is_alive()

    def look_again(self, file_id: int, path: bytes, *, is_released: bool) -> None:
        """Have a released file looked at once more. One that changed is fetched again anyway."""
        if is_released:
            self._intake.look_again(file_id, path, is_released=True)

    def look_anew(self) -> None:
        """Hand out every file once more."""
        self._intake.look_anew()

    def _run(self) -> None:
        try:
            self._begin()
            while not self._stop.is_set():
                pause = self._outlasted(self._look)
                self._stop.wait(pause)
            self._end()
        except BaseException as error:  # noqa: BLE001 - handed to the main thread, which ends the stream
            self._failed(error)
        finally:
            self._fetching.end()
            self._close_bucket()
            self._ledger.close()
            if self._done is not None and not self._all_there.is_set():
                self._done()

    def _begin(self) -> None:
        """Before the intake may see a file."""

        def prepare() -> float:
            self._landing.prepare()
            self._finishing.after_restart()
            if self._done is not None:
                self._intake.start_with_present_files(self._done)
            else:
                self._intake.start()
            return 0.0

        while not self._stop.is_set() and (pause := self._outlasted(prepare)):
            self._stop.wait(pause)

    def _look(self) -> float:
        """Seconds to the next look."""
        ahead = self._finishing.finish(self._opened, self._stop.is_set)
        if self._all_there.is_set():
            return LOOK_SECONDS
        bucket = self._opened()
        self._listing.look(bucket)
        self._fetching.begin(bucket, ahead)
        if self._fetching.take_over(LOOK_SECONDS / 5) or not self._fetching.is_busy:
            self._recover()
        if self._fetching.is_busy:
            return 0.0
        if self._done is not None and self._listing.is_complete and not self._ledger.has_left_to_fetch():
            self._all_there.set()
        return LOOK_SECONDS / 5 if self._done is not None else LOOK_SECONDS

    def _outlasted(self, step: Callable[[], float]) -> float:
        """Do a step; seconds to pause, where something is away for a while."""
        try:
            pause = step()
            self._waits(None)
        except psycopg2.Error as error:
            if not is_outage(error):
                raise
            self._waits(sentence_of(error))
            self._ledger.close()
            self._tries += 1
            return pause_after(self._tries)
        except (BucketTrouble, OSError) as error:
            return self._in_trouble(sentence_about(error) if isinstance(error, OSError) else str(error))
        return pause

    def _in_trouble(self, sentence: str) -> float:
        self._trouble = sentence
        self._tries += 1
        now = time.monotonic()
        self._troubled_since = self._troubled_since or now
        if self._done is not None and now - self._troubled_since > GIVE_UP_SECONDS:
            if not self._all_there.is_set():
                log.warning("%s; this run ends without its objects", sentence)
            self._all_there.set()
        if not self._fetching.is_busy:
            self._close_bucket()  # another one may find other credentials
        return min(LONGEST_PAUSE, pause_after(self._tries) * max(1, self._tries - 4))

    def _recover(self) -> None:
        self._tries, self._troubled_since = 0, None
        troubled = self._ledger.troubled()
        self._trouble = None
        if troubled is not None:
            number, key, detail = troubled
            others = f", and {number - 1} more" if number > 1 else ""
            self._trouble = f"of {self._store.url}, {printable(key)} cannot be taken{others}: {detail}"

    def _end(self) -> None:
        """What the stream stored last is still to be tagged or moved; the next start does what is left."""
        limit = time.monotonic() + LAST_FINISH_SECONDS
        try:
            self._finishing.finish(self._opened, lambda: time.monotonic() > limit)
        except (BucketTrouble, OSError, psycopg2.Error) as error:
            log.info("%s: stored objects are seen to at the next start (%s)", self._store.url, error)

    def _opened(self) -> Bucket:
        if self._bucket is None:
            self._bucket = open_bucket(self._store)
        return self._bucket

    def _close_bucket(self) -> None:
        if self._bucket is not None:
            self._bucket.close()
            self._bucket = None
