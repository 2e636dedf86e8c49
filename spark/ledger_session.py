"""A session of the driver with the ledger, under one lease epoch. That of the manifest is one for the threads of all
sources."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import psycopg2
from psycopg2.extensions import connection as Connection
from psycopg2.extensions import cursor as Cursor

from clickstream_assets.sql_files import statement
from spark.lease import LeaseLost


class LedgerSession:
    """Opened by `connect` when it is needed.

    One transaction at a time: sequence numbers are given in the order of the commits, or a chunk that is committed
    after a later one would not be found.
    """

    def __init__(self, connect: Callable[[], Connection], epoch: int) -> None:
        self._connect = connect
        self.epoch = epoch
        self._opened: Connection | None = None
        self.turn = threading.RLock()

    def open_another(self) -> Connection:
        """A session like its own, for what may take a while."""
        return self._connect()

    @contextmanager
    def reading(self) -> Iterator[Cursor]:
        """A transaction."""
        with self.turn:
            if self._opened is None:
                self._opened = self._connect()
            with self._opened, self._opened.cursor() as cursor:
                yield cursor

    @contextmanager
    def writing(self) -> Iterator[Cursor]:
        """A transaction that only the stream with the lease may have.

        Raises:
            LeaseLost: another stream took over; nothing was written.
        """
        with self.reading() as cursor:
            cursor.execute(statement("lease.check_epoch"), {"epoch": self.epoch})
            if cursor.fetchone() is None:
                raise LeaseLost("another stream holds the lease")
            yield cursor

    def close(self) -> None:
        """The next use opens another one."""
        with self.turn:
            connection, self._opened = self._opened, None
            if connection is not None:
                with suppress(psycopg2.Error):
                    connection.close()
