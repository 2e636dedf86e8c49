"""Looking at the files that wait: the way in.

There is one watch for each directory and ledger, for as long as the process lives. The rules are in `waiting`, what a
watch does in `waiting_watch`.
"""

from __future__ import annotations

import threading

from psycopg2.extensions import connection as Connection

from clickstream_assets.file_names import EventsDirectory
from clickstream_assets.ledger.disk_view import NEW_SECONDS
from clickstream_assets.ledger.waiting import WaitingFiles
from clickstream_assets.ledger.waiting_watch import WaitingWatch

WATCHES = 32  # that are kept: a process looks at one directory a source

_watches: dict[tuple[object, ...], WaitingWatch] = {}
_lock = threading.Lock()


def watch_of(connection: Connection, directory: EventsDirectory) -> WaitingWatch:
    """The watch of this process on `directory`, against the database that `connection` leads to, by whatever role."""
    address = connection.get_dsn_parameters()
    key = (directory, *(address.get(part) for part in ("host", "port", "dbname")))
    with _lock:
        watch = _watches.pop(key, None) or WaitingWatch(directory)
        _watches[key] = watch
        while len(_watches) > WATCHES:
            del _watches[next(iter(_watches))]
    return watch


def read_waiting_files(
    connection: Connection, directory: EventsDirectory, *, new_seconds: float = NEW_SECONDS
) -> WaitingFiles:
    """Look at `directory`, then compare with the ledger.

    Args:
        new_seconds: for so long at files that this process has not looked at yet; sizes and ages of the others are
            those of later looks.
    """
    watch = watch_of(connection, directory)
    watch.look(new_seconds)
    return watch.compare(connection)
