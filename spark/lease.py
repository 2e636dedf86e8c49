"""The lease: one stream at a time, by an advisory lock and an epoch.

The advisory lock lives as long as its session, so it is free the moment its holder is gone. The epoch fences:
every transaction of the stream checks it, so that a holder that lost its session without noticing cannot commit.
Belongs here: taking, keeping and releasing it. Does not belong here: what the stream does meanwhile.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime

import psycopg2

from clickstream_assets.database import connect, query

HEARTBEAT_SECONDS = 1.0
APPLICATION_NAME = "clickstream-stream-lease"

log = logging.getLogger("clickstream.lease")


class LeaseHeld(Exception):
    """Another stream runs. The message says which."""


class LeaseLost(Exception):
    """The lease is gone: nothing may be committed any more."""


class Lease:
    """The held lease. `lost` is called, once, from the heartbeat thread when it is gone."""

    def __init__(self, url: str, mode: str, dagster_run_id: str | None, lost: Callable[[str], None]) -> None:
        self._connection = connect(url, APPLICATION_NAME, autocommit=True)
        self._lost = lost
        self._stop = threading.Event()
        self._spark_ui_url: str | None = None
        self._progress = time.monotonic()
        with self._connection.cursor() as cursor:
            cursor.execute(query("lock_stream"))
            if not (row := cursor.fetchone()) or not row[0]:
                message = self._holder()
                self._connection.close()
                raise LeaseHeld(message)
            cursor.execute(
                query("take_lease"),
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
            self.epoch: int = taken[0]
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
                cursor.execute(query("release_lease"), {"epoch": self.epoch, "reason": reason})
                cursor.execute(query("unlock_stream"))
            self._connection.close()
        except psycopg2.Error as error:
            log.warning("the lease could not be released: %s", str(error).strip())

    def _holder(self) -> str:
        with self._connection.cursor() as cursor:
            cursor.execute(query("lease_holder"))
            row = cursor.fetchone()
        if row is None or row[1] is None:
            return "another stream holds the lease"
        mode, pid, host, started = row
        age = (datetime.now(UTC) - started).total_seconds()
        return f"another stream ({mode}, process {pid} on {host}, started {age:,.0f} s ago) holds the lease"

    def _beat(self) -> None:
        while not self._stop.wait(HEARTBEAT_SECONDS):
            try:
                with self._connection.cursor() as cursor:
                    cursor.execute(
                        query("lease_heartbeat"),
                        {
                            "epoch": self.epoch,
                            "progress_age": time.monotonic() - self._progress,
                            "spark_ui_url": self._spark_ui_url,
                        },
                    )
                    if cursor.rowcount != 1:
                        self._lost("another stream took over")
                        return
            except psycopg2.Error as error:
                if not self._stop.is_set():
                    self._lost(f"the database connection of the lease broke: {str(error).strip()}")
                return
