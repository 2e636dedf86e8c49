"""The lock and the row of the lease in PostgreSQL: taken, kept, and taken again after an outage.

Two sessions. One is in a transaction that stays open and holds the lock; it has no snapshot and no id, and so holds up
no VACUUM. The other one writes the row. When that is done is decided in `lease`.
"""

from __future__ import annotations

import os
import socket
from contextlib import suppress
from datetime import UTC, datetime

import psycopg2
from psycopg2 import errors
from psycopg2.extensions import connection as Connection

from clickstream_assets.contract import ExitCode
from clickstream_assets.database import connect
from clickstream_assets.errors import StreamError
from clickstream_assets.fitness import check_own_sessions, check_schema, check_server, check_writable
from clickstream_assets.sql_files import statement

APPLICATION_NAME = "clickstream-stream-lease"


TAKEN = "another stream took over, or the supervisor ended this one"


class LeaseHeld(StreamError):
    """Another stream runs. The message says which."""

    exit_code = ExitCode.LEASE_HELD


class LeaseLost(StreamError):
    """The lease is gone: nothing may be committed any more."""


class LockNotFree(Exception):
    """Some session still has the lock, and no other stream has begun: most likely our own former one."""


class LeaseLock:
    """The two sessions. Not for use by several threads at once."""

    def __init__(self, url: str) -> None:
        """Open both.

        Raises:
            DatabaseError: no stream can run on this database.
            psycopg2.Error: it does not answer.
        """
        self._url = url
        self.lock: Connection = connect(url, APPLICATION_NAME)
        try:
            self.row: Connection = connect(url, APPLICATION_NAME, autocommit=True)
            check_server(self.row)
            check_schema(self.row)
            check_writable(self.row)
            check_own_sessions(url)
        except BaseException:
            self.close()
            raise

    def take(self, mode: str, dagster_run_id: str | None) -> int:
        """Take the lock and a new epoch.

        Raises:
            LeaseHeld: another stream runs.
            LeaseLost: the row of the lease is gone.
        """
        if not self._locked():
            raise LeaseHeld(self._holder())
        with self.row.cursor() as cursor:
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

    def beat(self, epoch: int, progress_age: float, spark_ui_url: str | None) -> None:
        """Note that we live.

        Raises:
            LeaseLost: another stream took over.
            psycopg2.Error: one of the two sessions has ended, or cannot write.
        """
        with self.lock.cursor() as cursor:
            cursor.execute(statement("session.pid"))
        with self.row.cursor() as cursor:
            cursor.execute(
                statement("lease.heartbeat"),
                {"epoch": epoch, "progress_age": progress_age, "spark_ui_url": spark_ui_url},
            )
            if cursor.rowcount != 1:
                raise LeaseLost(TAKEN)

    def take_again(self, epoch: int) -> None:
        """Open anew what has ended, and take the lock again if it went with its session.

        The epoch stays: whoever had the lock meanwhile would have raised it.

        Raises:
            LeaseLost: another stream took over.
            LockNotFree: the lock cannot be had yet.
            DatabaseReadOnly: nothing can be written yet.
            psycopg2.Error: the database does not answer yet.
        """
        with suppress(psycopg2.Error):
            self.row.close()  # also one that lives: it may have begun as read-only
        self.row = connect(self._url, APPLICATION_NAME, autocommit=True)
        check_writable(self.row)
        if not self._lives():
            with suppress(psycopg2.Error):
                self.lock.close()
            self.lock = connect(self._url, APPLICATION_NAME)
            if not self._locked():
                self._check_epoch(epoch)
                raise LockNotFree("another session has the stream's lock, and is no stream that began since")
        self._check_epoch(epoch)

    def release(self, epoch: int, reason: str) -> None:
        """Note the end, and give the lock back."""
        with self.row.cursor() as cursor:
            cursor.execute(statement("lease.release"), {"epoch": epoch, "reason": reason})
        # Before the session ends: PostgreSQL ends one a moment after its client has left, and the next stream
        # would still find the lock held.
        self.lock.rollback()

    def close(self) -> None:
        """Never raises: the session's end frees the lock."""
        for connection in (self.lock, getattr(self, "row", None)):
            if connection is not None:
                with suppress(psycopg2.Error):
                    connection.close()

    def _locked(self) -> bool:
        try:
            with self.lock.cursor() as cursor:
                cursor.execute(statement("lease.lock"))
        except errors.LockNotAvailable:
            self.lock.rollback()
            return False
        return True

    def _lives(self) -> bool:
        try:
            with self.lock.cursor() as cursor:
                cursor.execute(statement("session.pid"))
        except psycopg2.Error:
            return False
        return self.lock.info.transaction_status == psycopg2.extensions.TRANSACTION_STATUS_INTRANS

    def _check_epoch(self, epoch: int) -> None:
        with self.row.cursor() as cursor:
            cursor.execute(statement("lease.check_epoch"), {"epoch": epoch})
            if cursor.fetchone() is None:
                self.lock.rollback()  # whoever is next need not wait for our end
                raise LeaseLost(TAKEN)

    def _holder(self) -> str:
        with self.row.cursor() as cursor:
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
