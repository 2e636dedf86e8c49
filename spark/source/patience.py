"""Reading a file that cannot be read, or whose file system hangs: the other files of the micro-batch shall not wait for
ever.

Of sources besides the events directory a thread reads, and is left behind where nothing comes of it (`patiently`). A
file of the events directory is given up once all have waited for it, if others can be read (`or_set_aside`).
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import suppress
from queue import Empty, Full, Queue
from typing import TypeVar

from clickstream_assets.outages.errors import passes
from spark.content.neighbours import another_is_readable
from spark.outage import DirectoryAway
from spark.reading.flags import Flag

PATIENCE_SECONDS = 20.0  # for the next piece of a file, at most some MB
LOOK_SECONDS = 0.1

Rows = TypeVar("Rows")


def or_set_aside(rows: Iterator[Rows], path: bytes, root: bytes) -> Iterator[Rows | Flag]:
    """What `rows` yields; last CHUNK_AWAY, where the file cannot be read at present, and others can.

    Raises:
        OSError: others cannot be read, either.
    """
    try:
        yield from rows
    except OSError as error:
        if not passes(error) or not another_is_readable(path, root):
            raise
        yield Flag.CHUNK_AWAY


def patiently(rows: Iterator[Rows], seconds: float = PATIENCE_SECONDS) -> Iterator[Rows | Flag]:
    """What `rows` yields; last CHUNK_AWAY, where the file system does not answer, or says that it is away."""
    given_up = threading.Event()
    found: Queue[Rows | BaseException | None] = Queue(maxsize=1)

    def put(item: Rows | BaseException | None) -> None:
        while not given_up.is_set():
            with suppress(Full):
                found.put(item, timeout=LOOK_SECONDS)
                return

    def read() -> None:
        try:
            for item in rows:
                put(item)
                if given_up.is_set():
                    return
        except BaseException as error:  # noqa: BLE001 - raised below, in the task
            put(error)
        else:
            put(None)

    threading.Thread(target=read, name="patient-reader", daemon=True).start()
    try:
        while True:
            try:
                item = found.get(timeout=seconds)
            except Empty:
                yield Flag.CHUNK_AWAY
                return
            if item is None:
                return
            if isinstance(item, DirectoryAway) or (isinstance(item, OSError) and passes(item)):
                yield Flag.CHUNK_AWAY
                return
            if isinstance(item, BaseException):
                raise item
            yield item
    finally:
        given_up.set()
