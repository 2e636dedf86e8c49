"""The lease: one stream at a time, by a lock and an epoch.

The lock is held by a session of its own, so it is free the moment its holder is gone; it needs a right that only the
writer has. The epoch fences: every transaction of the stream checks it, so that a holder that lost its session without
noticing cannot commit.

A session that ends, or a database that is away, is no loss of the lease: the lock is taken again, and the lease is lost
only where another stream was there first. The sessions are in `lease_lock`.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

import psycopg2

from clickstream_assets.fitness import DatabaseReadOnly, sentence_of
from clickstream_assets.outages.errors import is_outage, pause_after
from clickstream_assets.text import one_line
from spark.lease_lock import LeaseHeld, LeaseLock, LeaseLost, LockNotFree

__all__ = ["Lease", "LeaseHeld", "LeaseLost"]

HEARTBEAT_SECONDS = 1.0

log = logging.getLogger("clickstream.lease")


class Lease:
    """The held lease, kept by a thread.

    `lost` is called, once, from that thread when it is gone; `waits` when an outage begins and when it changes, with a
    sentence, and with None when it is over.
    """

    def __init__(
        self,
        url: str,
        mode: str,
        dagster_run_id: str | None,
        lost: Callable[[str], None],
        waits: Callable[[str | None], None] = lambda _: None,
    ) -> None:
        """Take the lease.

        Raises:
            LeaseHeld: another stream runs.
            LeaseLost: the row of the lease is gone.
            DatabaseError: no stream can run on this database.
            psycopg2.Error: the database does not answer.
        """
        self._lost = lost
        self._waits = waits
        self._stop = threading.Event()
        self._spark_ui_url: str | None = None
        self._progress = time.monotonic()
        self._lock = LeaseLock(url)
        try:
            self.epoch = self._lock.take(mode, dagster_run_id)
        except BaseException:
            self._lock.close()
            raise
        self._kept_at = time.monotonic()
        self._thread = threading.Thread(target=self._keep, name="heartbeat", daemon=True)
        self._thread.start()

    def progressed(self) -> None:
        """Note a commit, or a look that found nothing to do."""
        self._progress = time.monotonic()

    def kept_since(self, moment: float) -> bool:
        """Whether the lock was ours, and the database could be written, at some time after `moment` (monotonic)."""
        return self._kept_at > moment

    def show_spark_ui(self, url: str) -> None:
        """Put the address of the Spark UI into the lease."""
        self._spark_ui_url = url

    def release(self, reason: str) -> None:
        """End the heartbeat and give the lock back. Never raises: the session's end frees the lock anyway."""
        self._stop.set()
        self._thread.join(timeout=HEARTBEAT_SECONDS * 5)
        try:
            self._lock.release(self.epoch, reason)
        except psycopg2.Error as error:
            log.warning("the lease could not be released: %s", one_line(error))
        self._lock.close()

    def _keep(self) -> None:
        while not self._stop.wait(HEARTBEAT_SECONDS):
            try:
                try:
                    self._beat()
                except psycopg2.Error as error:
                    self._outlast(error)
            except LeaseLost as loss:
                self._lost(str(loss))
                return
            except Exception as error:  # noqa: BLE001 - a heartbeat that ended without a word would look like a hang
                if not self._stop.is_set():
                    self._lost(f"its database connection broke: {one_line(error)}")
                return

    def _beat(self) -> None:
        begun = time.monotonic()
        self._lock.beat(self.epoch, begun - self._progress, self._spark_ui_url)
        self._kept_at = begun

    def _outlast(self, outage: Exception) -> None:
        """Try to take the lock again until it is ours, or somebody else's."""
        tries = 0
        while True:
            if isinstance(outage, psycopg2.Error) and not is_outage(outage):
                raise outage
            tries += 1
            self._waits(_sentence(outage))
            if self._stop.wait(pause_after(tries)):
                return
            try:
                self._lock.take_again(self.epoch)
                self._beat()
            except (psycopg2.Error, DatabaseReadOnly, LockNotFree) as error:
                outage = error
            else:
                self._waits(None)
                return


def _sentence(outage: Exception) -> str:
    return sentence_of(outage) if isinstance(outage, psycopg2.Error) else str(outage)
