"""The lease: one stream at a time, by a lock and an epoch.

The lock is held by a transaction that stays open, in a session of its own, so it is free the moment its holder is gone;
that transaction has no snapshot and no id, and so holds up no VACUUM. The lock needs a right that only the writer has.
The epoch fences: every transaction of the stream checks it, so that a holder that lost its session without noticing
cannot commit.
Belongs here: taking, keeping and releasing it. Does not belong here: what the stream does meanwhile.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime

import psycopg2
from psycopg2 import errors

from clickstream_assets.contract import ExitCode
from clickstream_assets.database import connect
from clickstream_assets.errors import StreamError
from clickstream_assets.fitness import check_own_sessions, check_server, check_writable
from clickstream_assets.sql_files import statement

HEARTBEAT_SECONDS = 1.0
APPLICATION_NAME = "clickstream-stream-lease"

log = logging.getLogger("clickstream.lease")


class LeaseHeld(StreamError):
    """Another stream runs. The message says which."""

    exit_code = ExitCode.LEASE_HELD


class LeaseLost(StreamError):
    """The lease is gone: nothing may be committed any more."""


class Lease:
    """The held lease. `lost` is called, once, from the heartbeat thread when it is gone."""

    def __init__(self, url: str, mode: str, dagster_run_id: str | None, lost: Callable[[str], None]) -> None:
        """Take the lease.

        Raises:
            LeaseHeld: another stream runs.
            LeaseLost: the row of the lease is gone.
            DatabaseError: no stream can run on this database.
        """
        self._lost = lost
        self._stop = threading.Event()
        self._spark_ui_url: str | None = None
        self._progress = time.monotonic()
        self._lock = connect(url, APPLICATION_NAME)
        self._connection = connect(url, APPLICATION_NAME, autocommit=True)
        try:
            check_server(self._connection)
            check_writable(self._connection)
            check_own_sessions(url)
            self.epoch = self._take(mode, dagster_run_id)
        except BaseException:
            self._close()
            raise
        self._thread = threading.Thread(target=self._beat, name="heartbeat", daemon=True)
        self._thread.start()

    def progressed(self) -> None:
        """Note a commit, or a look that found nothing to do."""
        self._progress = time.monotonic()

    def show_spark_ui(self, url: str) -> None:
        """Put the address of the Spark UI into the lease."""
        self._spark_ui_url = url

    def release(self, reason: str) -> None:
        """End the heartbeat and give the lock back. Never raises: the session's end frees the lock anyway."""
        self._stop.set()
        self._thread.join(timeout=HEARTBEAT_SECONDS * 5)
        try:
            with self._connection.cursor() as cursor:
                cursor.execute(statement("lease.release"), {"epoch": self.epoch, "reason": reason})
            # Before the session ends: PostgreSQL ends one a moment after its client has left, and the next stream
            # would still find the lock held.
            self._lock.rollback()
        except psycopg2.Error as error:
            log.warning("the lease could not be released: %s", one_line(error))
        self._close()

    def _take(self, mode: str, dagster_run_id: str | None) -> int:
        try:
            with self._lock.cursor() as cursor:
                cursor.execute(statement("lease.lock"))
        except errors.LockNotAvailable:
            raise LeaseHeld(self._holder()) from None
        with self._connection.cursor() as cursor:
            cursor.execute(
                statement("lease.take"),
                {
                    "mode": mode,
                    "dagster_run_id": dagster_run_id,
                    "pid": os.getpid(),
                    "host": socket.gethostname(),
                },
            )
            taken = cursor.fetchone()
        if taken is None:
            raise LeaseLost("the table stream_lease is empty: run `clickstream setup-db`")
        return int(taken[0])

    def _holder(self) -> str:
        with self._connection.cursor() as cursor:
            cursor.execute(statement("lease.holder"))
            row = cursor.fetchone()
        if row is None or row[1] is None:
            return "another stream holds the lease; only one may run."
        mode, pid, host, started = row
        age = (datetime.now(UTC) - started).total_seconds()
        return (
            f"another stream ({mode}, process {pid} on {host}, started {age:,.0f} s ago) holds the lease; "
            "only one may run."
        )

    def _beat(self) -> None:
        while not self._stop.wait(HEARTBEAT_SECONDS):
            try:
                if not self._is_kept():
                    self._lost("another stream took over")
                    return
            except Exception as error:  # noqa: BLE001 - a heartbeat that ended without a word would look like a hang
                if not self._stop.is_set():
                    self._lost(f"the database connection of the lease broke: {one_line(error)}")
                return

    def _is_kept(self) -> bool:
        """Note that we live. Raises where one of the two sessions has ended."""
        with self._lock.cursor() as cursor:
            cursor.execute(statement("session.pid"))
        with self._connection.cursor() as cursor:
            cursor.execute(
                statement("lease.heartbeat"),
                {
                    "epoch": self.epoch,
                    "progress_age": time.monotonic() - self._progress,
                    "spark_ui_url": self._spark_ui_url,
                },
            )
            return cursor.rowcount == 1

    def _close(self) -> None:
        for connection in (self._lock, self._connection):
            with suppress(psycopg2.Error):
                connection.close()


def one_line(error: BaseException) -> str:
    """What PostgreSQL says may have several lines."""
    return " ".join(str(error).split()) or type(error).__name__
