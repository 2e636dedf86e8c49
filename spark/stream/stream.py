"""The life of the stream: lease, intake, Spark query, and its orderly end.

It starts and ends the parts in the right order. `loading` has what happens when a query fails.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from contextlib import suppress
from itertools import count

import psycopg2
from pyspark.sql import SparkSession

from clickstream_assets.database import connect
from clickstream_assets.errors import StreamError
from clickstream_assets.exits import EXPECTED, sentence_for
from clickstream_assets.fitness import DatabaseReadOnly
from clickstream_assets.home import make_home
from clickstream_assets.outages.errors import pause_after
from clickstream_assets.outages.last_words import write_last_words
from spark.discovery.place import EventsPlace
from spark.intake.making import IntakeMaker
from spark.intake.manifest import Manifest
from spark.intake.source_intakes import SourceIntakes
from spark.lease import Lease
from spark.outage import THE_DATABASE, THE_DIRECTORY, outage_of
from spark.sink.jdbc import check_arrays
from spark.stream.ending import Ending
from spark.stream.leftovers import sweep_parts
from spark.stream.loading import JVM_GONE, LOOK_SECONDS, Loading
from spark.stream.query import LoadQuery, start_query
from spark.stream.session import how_jvm_ended, is_alive, start_session
from spark.stream.settings import ChangedSources, StreamSettings, stream_sources
from spark.stream.waiting import Waiting
from spark.stream.warm_up import WarmUp, warm_up_tasks

log = logging.getLogger("clickstream.stream")


def run_stream(stream: StreamSettings) -> None:
    """Load files until a signal comes, or, in a catch-up, until all present files are in.

    Raises:
        LeaseHeld: another stream runs.
        DatabaseError: no stream can run on this database.
        StreamError: it ended otherwise than by request.
    """
    Stream(stream).run()


class Stream:
    """The parts of one stream, and their order."""

    def __init__(self, stream: StreamSettings) -> None:
        self._stream = stream
        self._settings = settings = stream.settings
        self._epoch: int | None = None
        self._ending = Ending(self._leave_word)
        self._waiting = Waiting(settings.home, settings.dagster_run_id)
        # Without an end, a stream waits as long as it takes.
        self._patience = settings.outage_limit(shall_end=stream.available_now)
        self._parent = os.getppid()
        # Before they are read, so that no change is missed.
        self._changed_sources = ChangedSources(settings) if settings.sources else None
        self._sources = stream_sources(settings, stream.mapping)

    def run(self) -> None:
        try:
            make_home(self._settings.home)
            self._ending.catch_signals()
            lease = self._take_lease()
            if lease is not None:
                self._epoch = lease.epoch
                self._run_with(lease)
        except BaseException as error:
            self._ending.fail_by(error)
            raise
        finally:
            self._waiting.end()
            self._leave_word(self._ending.failure or self._ending.reason)
        if self._ending.failure:
            raise StreamError(self._ending.failure)

    def _leave_word(self, reason: str) -> None:
        write_last_words(self._settings.home, reason, self._epoch, self._settings.dagster_run_id)

    def _take_lease(self) -> Lease | None:
        """The lease, once the database is there; None where the stream is to end before."""
        mode = "catch-up" if self._stream.available_now else "continuous"
        waits = self._waiting.part("lease", THE_DATABASE)
        tries = 0
        while not self._ending.event.is_set():
            try:
                if self._settings.sink == "jdbc":
                    check_arrays(self._stream.url)
                lease = Lease(
                    self._stream.url, mode, self._settings.dagster_run_id, self._ending.lease_lost, waits
                )
            except (psycopg2.Error, DatabaseReadOnly) as error:
                if (sentence := outage_of(error)) is None:
                    raise
                tries += 1
                waits(sentence)
                self._pause(pause_after(tries))
            else:
                waits(None)
                return lease
        return None

    def _pause(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while not self._ending.event.wait(max(0.0, min(LOOK_SECONDS, until - time.monotonic()))):
            self._look()
            if time.monotonic() >= until:
                return

    def _look(self) -> None:
        self._waiting.tick()
        if self._patience is not None and (sentence := self._waiting.beyond(self._patience)) is not None:
            self._ending.fail(f"{sentence}; after {self._patience:.0f} s of waiting")
        if os.getppid() != self._parent:
            self._ending.stop("the parent process ended")

    def _run_with(self, lease: Lease) -> None:
        intake = self._intake(lease)
        self._waiting.over = lambda what: intake.look_at_everything() if what == THE_DATABASE else None
        try:
            spark = start_session(self._settings, self._stream.jdbc_jar)
            try:
                self._ending.catch_signals()  # again: PySpark has set a SIGINT handler of its own
                self._load(spark, lease, intake)
            except JVM_GONE:
                self._ending.fail(how_jvm_ended(spark))
            finally:
                intake.stop()
                with suppress(*JVM_GONE):
                    spark.stop()
        except BaseException as error:
            self._ending.fail_by(error)
            raise
        finally:
            lease.release(self._ending.reason or "failed")

    def _intake(self, lease: Lease) -> SourceIntakes:
        maker = IntakeMaker(
            Manifest(lambda: connect(self._stream.url, "clickstream-stream-intake"), lease.epoch),
            self._intake_failed,
            lambda part: self._waiting.part(part, THE_DATABASE),
            self._waiting.part("intake", THE_DIRECTORY),
            self._settings.unreadable_seconds,
            self._settings.home,
        )
        return SourceIntakes(self._sources, maker, self._changed_sources)

    def _intake_failed(self, error: BaseException) -> None:
        if not isinstance(error, EXPECTED):
            log.error("this is a bug", exc_info=error)
        self._ending.fail(f"intake failed: {sentence_for(error).rstrip('.')}")

    @property
    def _directories(self) -> str:
        return ", ".join(str(read.source.directory) for read in self._sources)

    def _load(self, spark: SparkSession, lease: Lease, intake: SourceIntakes) -> None:
        if self._ending.event.is_set():
            return
        settings = self._settings
        if ui := spark.sparkContext.uiWebUrl:
            lease.show_spark_ui(ui)
            log.info("Spark UI: %s", ui)
        registered = settings.home / f"registered-{lease.epoch}" if self._stream.available_now else None
        if registered is not None:
            log.info("registering and loading the files in %s", self._directories)
            intake.start_with_present_files(registered)
        else:
            intake.start()
            log.info("watching %s", self._directories)
        busy = threading.Lock()
        warm_up = WarmUp(lambda: warm_up_tasks(spark))

        def committed() -> None:
            loading.has_committed = True

        starts = count(1)
        place = EventsPlace(os.fsencode(settings.events_dir), settings.home)
        is_one_machine = settings.spark_master.startswith(
            "local"
        )  # another one numbers its file systems otherwise

        def start() -> LoadQuery:
            sweep_parts(self._stream.url, lease.epoch, self._stream.driver_spool)
            return start_query(
                spark,
                self._stream,
                lease,
                busy,
                registered=registered,
                committed=committed,
                changed=intake.look_anew,
                number=next(starts),
                device=place.device() if is_one_machine and not settings.sources else None,
                sets_aside=self._waiting.seconds(THE_DIRECTORY) > settings.unreadable_seconds,
            )

        def look() -> None:
            warm_up.tick()
            self._look()

        loading = Loading(start, lambda: is_alive(spark), look, lease, busy, self._ending, self._waiting)
        try:
            loading.run()
        finally:
            intake.stop()  # a catch-up that waits for files to be registered waits no longer
            warm_up.wait()
            if registered is not None:
                registered.unlink(missing_ok=True)
