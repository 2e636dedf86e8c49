"""Which errors pass by themselves, and which are for somebody to mend. Guards a stream against ending where waiting
would do, and against waiting for ever where nothing will change."""

from __future__ import annotations

import errno

import psycopg2
import psycopg2.errors as pg
import pytest

from clickstream_assets.outages.errors import FIRST_PAUSE, LONGEST_PAUSE, is_outage, passes, pause_after
from spark.outage import Outage, outage_of, told_as_outage


class SaidByServer(psycopg2.DatabaseError):
    """As psycopg2 raises it, with a SQLSTATE; its own attribute cannot be set."""

    def __init__(self, state: str) -> None:
        super().__init__("said by the server")
        self._state = state

    @property
    def pgcode(self) -> str:  # type: ignore[override]
        return self._state


@pytest.mark.parametrize(
    "state",
    [
        "08006",
        "25006",
        "25P03",
        "40001",
        "40P01",
        "53100",
        "53200",
        "53300",
        "57014",
        "57P01",
        "57P02",
        "57P03",
        "57P05",
        "58030",
    ],
)
def test_a_server_that_cannot_serve_now_is_an_outage(state: str) -> None:
    assert is_outage(SaidByServer(state))


@pytest.mark.parametrize("state", ["22001", "23505", "28P01", "3D000", "42501", "42P01", "57P04", "XX001"])
def test_what_somebody_has_to_mend_is_none(state: str) -> None:
    assert not is_outage(SaidByServer(state))


@pytest.mark.parametrize(
    "said",
    [
        "server closed the connection unexpectedly",
        'connection to server at "127.0.0.1", port 1 failed: Connection refused',
        'could not translate host name "db" to address: Temporary failure in name resolution',
        'connection to server at "db" failed: FATAL:  the database system is starting up',
        'connection to server at "db" failed: FATAL:  sorry, too many clients already',
        'connection to server at "db" failed: FATAL:  database "shop" is not currently accepting connections',
        "SSL SYSCALL error: EOF detected",
        "timeout expired",
    ],
)
def test_a_connection_that_cannot_be_had_now_is_an_outage(said: str) -> None:
    assert is_outage(psycopg2.OperationalError(said))


@pytest.mark.parametrize(
    "said",
    [
        'connection to server at "db" failed: FATAL:  password authentication failed for user "w"',
        'connection to server at "db" failed: FATAL:  database "shop" does not exist',
        'connection to server at "db" failed: FATAL:  role "w" is not permitted to log in',
        'connection to server at "db" failed: FATAL:  no pg_hba.conf entry for host "10.0.0.1"',
        'connection to server at "db" failed: FATAL:  permission denied for database "shop"',
    ],
)
def test_a_server_that_refuses_us_is_none(said: str) -> None:
    assert not is_outage(psycopg2.OperationalError(said))


def test_a_session_that_had_ended_is_an_outage_and_a_mistake_of_ours_is_none() -> None:
    assert is_outage(psycopg2.InterfaceError("connection already closed"))
    assert not is_outage(psycopg2.ProgrammingError("can't adapt type 'set'"))
    assert not is_outage(ValueError("no"))


@pytest.mark.parametrize("code", [errno.ESTALE, errno.EIO, errno.ENOTCONN, errno.ETIMEDOUT, errno.ENODEV])
def test_a_mount_that_is_away_passes(code: int) -> None:
    assert passes(OSError(code, "?"))


@pytest.mark.parametrize("code", [errno.ENOENT, errno.EACCES, errno.ENOSPC, errno.EROFS, errno.ENAMETOOLONG])
def test_what_is_said_about_a_file_or_a_disk_of_ours_does_not(code: int) -> None:
    assert not passes(OSError(code, "?"))


def test_pauses_grow_and_stay_short() -> None:
    pauses = [pause_after(tries) for tries in range(1, 100)]
    assert pauses[0] == FIRST_PAUSE
    assert pauses == sorted(pauses)
    assert max(pauses) == LONGEST_PAUSE


def test_an_outage_in_another_process_is_known_by_what_spark_says_of_it() -> None:
    text = (
        "[PYTHON_STREAMING_DATA_SOURCE_RUNTIME_ERROR] Failed: Traceback (most recent call last):\n"
        '  File "data_source.py", line 72, in latestOffset\n'
        "spark.outage.Outage: the database does not answer as it should: server closed the connection\n"
        " SQLSTATE: 38000"
    )
    assert outage_of(Exception(text)) == (
        "the database does not answer as it should: server closed the connection"
    )
    assert outage_of(Exception("ValueError: no Outage")) is None


def test_only_what_passes_is_told_as_an_outage() -> None:
    with pytest.raises(Outage, match="the database does not answer as it should: timeout"), told_as_outage():
        raise psycopg2.OperationalError("timeout expired")
    with pytest.raises(Outage, match=r"/events/a.csv cannot be read: Stale file handle"), told_as_outage():
        raise OSError(errno.ESTALE, "Stale file handle", b"/events/a.csv")
    with pytest.raises(pg.InsufficientPrivilege), told_as_outage():
        raise pg.InsufficientPrivilege("no")
    with pytest.raises(FileNotFoundError), told_as_outage():
        raise FileNotFoundError(errno.ENOENT, "gone")
