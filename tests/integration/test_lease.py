"""The lease: between two streams, against a reader that wants to stand in the way, and when a session of it ends."""

from __future__ import annotations

import threading
from typing import Any

import psycopg2
import psycopg2.errors
import pytest
from control_plane import wait_until
from databases import Database, run_sql

from clickstream_assets.database import connect
from clickstream_assets.ledger.reads import read_lease
from spark.lease import Lease, LeaseHeld


class SessionThatStays:
    """A connection that PostgreSQL has not ended yet though its client has closed it."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def cursor(self) -> Any:
        return self._connection.cursor()

    def rollback(self) -> None:
        self._connection.rollback()

    def close(self) -> None:
        pass


def test_the_next_stream_need_not_wait_until_the_session_of_the_last_has_ended(database: Database) -> None:
    lost: list[str] = []
    first = Lease(database.writer_url, "catch-up", None, lost.append)
    session = first._lock
    first._lock = SessionThatStays(session)  # type: ignore[assignment]
    first.release("test")
    second = Lease(database.writer_url, "catch-up", None, lost.append)
    second.release("test")
    session.close()
    assert second.epoch == first.epoch + 1
    assert not lost


def test_a_second_stream_is_told_who_has_the_lease(database: Database) -> None:
    first = Lease(database.writer_url, "continuous", None, print)
    with pytest.raises(LeaseHeld, match=r"another stream \(continuous, process \d+ on .*\) holds the lease"):
        Lease(database.writer_url, "catch-up", None, print)
    first.release("test")


READERS_LOCKS = [
    *(
        f"SELECT pg_advisory_lock(hashtext('clickstream.{name}')::bigint)"
        for name in ("stream", "maintenance", "partitions", "setup")
    ),
    "LOCK TABLE stream_lock, stream_lease, maintenance_state, schema_versions, events IN ACCESS SHARE MODE",
]


def test_a_reader_cannot_stand_in_the_way_of_a_stream(database: Database) -> None:
    """Everybody may take an advisory lock: with one, a reader once kept every stream from starting."""
    reader = connect(database.reader_url, "tests")
    try:
        for statement in READERS_LOCKS:
            reader.cursor().execute(statement)
        Lease(database.writer_url, "continuous", None, print).release("test")
        made = "SELECT ensure_event_partitions(ARRAY['2026-01-01'::date])"
        assert run_sql(database.writer_url, f"SET lock_timeout = '5s'; {made}") == [(1,)]
    finally:
        reader.close()


@pytest.mark.parametrize("mode", ["ROW SHARE", "EXCLUSIVE"])
def test_a_reader_cannot_take_the_lock_of_the_stream(database: Database, mode: str) -> None:
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        run_sql(database.reader_url, f"BEGIN; LOCK TABLE stream_lock IN {mode} MODE")


@pytest.mark.parametrize("which", ["_lock", "_connection"])
def test_a_session_of_the_lease_that_dies_is_told_in_one_line(database: Database, which: str) -> None:
    lost: list[str] = []
    told = threading.Event()
    lease = Lease(database.writer_url, "continuous", None, lambda why: (lost.append(why), told.set())[0])
    pid = getattr(lease, which).info.backend_pid
    run_sql(database.owner_url, "SELECT pg_terminate_backend(%(pid)s)", {"pid": pid})
    assert told.wait(10)
    assert lost[0].startswith("the database connection of the lease broke: ")
    assert "\n" not in lost[0]
    lease.release("test")
    reader = connect(database.reader_url, "tests", autocommit=True)
    wait_until(lambda: not read_lease(reader).lock_held)
    reader.close()


def test_a_held_lease_holds_up_no_vacuum(database: Database) -> None:
    lease = Lease(database.writer_url, "continuous", None, print)
    try:
        pid = {"pid": lease._lock.info.backend_pid}
        held = "SELECT backend_xid IS NULL AND backend_xmin IS NULL FROM pg_stat_activity WHERE pid = %(pid)s"
        assert run_sql(database.owner_url, held, pid) == [(True,)]
        connection = connect(database.owner_url, "tests", autocommit=True)
        connection.cursor().execute("SET lock_timeout = '5s'")
        connection.cursor().execute("VACUUM")  # of every table
        connection.close()
    finally:
        lease.release("test")
