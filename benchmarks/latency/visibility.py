"""When the rows of a file are visible in a table, seen from outside: by asking for its last row, again and again.

The same for every pipeline: one connection and one thread per table, a look every few milliseconds, and only while a
file is awaited. A look costs what finding a few ids in an index costs, whatever the size of the table.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass

from psycopg2 import Error

from benchmarks.statements import on_table
from clickstream_assets.database import connect

LOOK_SECONDS = 0.005


@dataclass(frozen=True)
class Awaited:
    """A file that has landed, and its last event."""

    number: int
    event_id: str
    event_time: str
    landed: float  # seconds since 1970


class Visibility:
    """Notes for each awaited file how long its last row took to be seen. A context: it looks while that lasts."""

    def __init__(self, url: str, table: str) -> None:
        self._connection = connect(url, "benchmarks", autocommit=True)
        self._look = on_table("visible_events", table)
        self._lock = threading.Lock()
        self._awaited: dict[str, Awaited] = {}
        self._seconds: dict[int, float] = {}  # by the number of the file
        self._ending = threading.Event()
        self._failure: Error | None = None
        self._thread = threading.Thread(target=self._run, name=f"visibility-{table}", daemon=True)

    def __enter__(self) -> Visibility:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        self._thread.join()
        self._connection.close()

    def expect(self, file: Awaited) -> None:
        with self._lock:
            self._awaited[file.event_id] = file

    def waiting(self) -> int:
        """How many files are awaited still."""
        with self._lock:
            return len(self._awaited)

    def seen(self) -> dict[int, float]:
        """Seconds from landing to visible, by the number of the file.

        Raises:
            psycopg2.Error: looking failed.
        """
        if self._failure is not None:
            raise self._failure
        with self._lock:
            return dict(self._seconds)

    def _run(self) -> None:
        try:
            with self._connection.cursor() as cursor:
                while not self._ending.wait(LOOK_SECONDS):
                    with self._lock:
                        awaited = list(self._awaited.values())
                    if not awaited:
                        continue
                    ids, times = [file.event_id for file in awaited], [file.event_time for file in awaited]
                    cursor.execute(self._look, {"ids": ids, "times": times})
                    found = [event_id for (event_id,) in cursor.fetchall()]
                    self._note(found, time.time())
        except Error as error:
            self._failure = error

    def _note(self, found: list[str], now: float) -> None:
        with self._lock:
            for event_id in found:
                file = self._awaited.pop(event_id)
                self._seconds[file.number] = now - file.landed
