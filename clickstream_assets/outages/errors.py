"""Outages: what passes by itself, told from what somebody has to mend; and how long to wait before the next try.

Errors of the database and of file systems, for both planes. What is done about one is up to the stream.
"""

from __future__ import annotations

import errno

import psycopg2

FIRST_PAUSE = 0.5  # seconds to the second try, doubled with each …
LONGEST_PAUSE = 5.0  # … up to this: who mends a database sees the stream go on within seconds

# SQLSTATE classes of a server that cannot serve now: connection, resources (disk full, memory, too many connections),
# an operator's intervention (shut down, crashed, starting, cancelled), input and output.
_CLASSES = ("08", "53", "57", "58")
_STATES = {
    "25006",  # read-only: a standby after a failover, a setting of whoever ran out of disk
    "25P03",  # idle in a transaction for too long
    "25P04",  # a transaction for too long
    "40001",  # a conflict of transactions
    "40P01",  # a deadlock
}
_FOR_GOOD = {"57P04"}  # the database was dropped
# libpq gives no SQLSTATE of a connection that was refused. Where the server speaks another language, one waits for what
# does not pass by itself, and says so.
_REFUSALS = (
    "password",
    "authentication",
    "pg_hba.conf",
    "does not exist",
    "permission denied",
    "not permitted",
)

# Of network mounts, and of a disk that comes and goes.
_PASSING = {
    errno.ESTALE,
    errno.EIO,
    errno.ENOTCONN,
    errno.ETIMEDOUT,
    errno.ENODEV,
    errno.ENXIO,
    errno.EHOSTDOWN,
    errno.EHOSTUNREACH,
    errno.ENETDOWN,
    errno.ENETUNREACH,
    errno.ECONNABORTED,
    errno.ECONNREFUSED,
    errno.ECONNRESET,
    errno.EREMOTEIO,
    errno.ENOLINK,
    errno.ESHUTDOWN,
    errno.EAGAIN,
    errno.EBUSY,
    errno.EINTR,
    errno.EMFILE,
    errno.ENFILE,
    errno.ENOMEM,
}


def is_outage(error: BaseException) -> bool:
    """Whether an error says that the database cannot serve now, and might a moment later."""
    if isinstance(error, psycopg2.InterfaceError):
        return True  # a session that had ended before
    if not isinstance(error, psycopg2.DatabaseError):
        return False
    if error.pgcode is not None:
        return error.pgcode not in _FOR_GOOD and (error.pgcode[:2] in _CLASSES or error.pgcode in _STATES)
    # The server has said nothing: there was none, or its last words were cut off.
    return type(error) in (psycopg2.DatabaseError, psycopg2.OperationalError) and not _refuses(str(error))


def _refuses(text: str) -> bool:
    return "FATAL:" in text and any(word in text for word in _REFUSALS)


def passes(error: OSError) -> bool:
    """Whether an error of a file system says nothing about the file: a mount is away, or too much is open."""
    return error.errno in _PASSING


def pause_after(tries: int) -> float:
    """Seconds to wait after so many tries in a row that failed."""
    return min(LONGEST_PAUSE, FIRST_PAUSE * 2.0 ** min(max(tries, 1) - 1, 32))
