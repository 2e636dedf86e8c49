"""The lease: between two streams, against a reader that wants to stand in the way, and when a session of it ends."""

from __future__ import annotations

import time
from contextlib import closing
from typing import Any

import psycopg2
import psycopg2.errors
import pytest
from control_plane import wait_until
from databases import Database, run_sql

from clickstream_assets.database import connect
from clickstream_assets.database_url import with_database
from clickstream_assets.ledger.reads import read_lease
from clickstream_assets.supervision.ends import kill_driver
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
    session = first._lock.lock
    first._lock.lock = SessionThatStays(session)  # type: ignore[assignment]
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


class Told:
    """What a lease says to its stream."""

    def __init__(self) -> None:
        self.lost: list[str] = []
        self.waits: list[str | None] = []

    def lease(self, url: str) -> Lease:
        return Lease(url, "continuous", None, self.lost.append, self.waits.append)


def end_session(database: Database, pid: int) -> None:
    run_sql(database.owner_url, "SELECT pg_terminate_backend(%(pid)s)", {"pid": pid})


@pytest.mark.parametrize("which", ["lock", "row"])
def test_a_lease_outlives_each_of_its_sessions(database: Database, which: str) -> None:
    told = Told()
    lease = told.lease(database.writer_url)
    try:
        end_session(database, getattr(lease._lock, which).info.backend_pid)
        wait_until(lambda: told.waits[-1:] == [None])
        assert str(told.waits[0]).startswith("the database does not answer as it should: ")
        assert "\n" not in str(told.waits[0])
        with pytest.raises(LeaseHeld):
            Lease(database.writer_url, "catch-up", None, print)
        beaten = run_sql(database.owner_url, "SELECT epoch, released_at IS NULL FROM stream_lease")
        assert beaten == [(lease.epoch, True)]
        assert told.lost == []
    finally:
        lease.release("test")


def test_a_lease_whose_lock_another_stream_took_meanwhile_is_lost(database: Database) -> None:
    told = Told()
    lease = told.lease(database.writer_url)
    elsewhere = with_database(database.owner_url, "postgres")
    run_sql(elsewhere, f"ALTER DATABASE {database.name} ALLOW_CONNECTIONS false")
    try:
        statement = "SELECT pg_terminate_backend(%(pid)s)"
        run_sql(elsewhere, statement, {"pid": lease._lock.lock.info.backend_pid})
        wait_until(lambda: bool(told.waits))
    finally:
        run_sql(elsewhere, f"ALTER DATABASE {database.name} ALLOW_CONNECTIONS true")
    other = Lease(database.writer_url, "continuous", None, print)
    wait_until(lambda: bool(told.lost))
    assert told.lost == ["another stream took over, or the supervisor ended this one"]
    lease.release("test")
    ends = run_sql(database.owner_url, "SELECT epoch, released_at IS NULL FROM stream_lease")
    assert ends == [(other.epoch, True)], "the loser notes no end"
    other.release("test")


def test_a_driver_on_another_host_loses_its_lease_and_ends(database: Database) -> None:
    told = Told()
    lease = told.lease(database.writer_url)
    run_sql(database.owner_url, "UPDATE stream_lease SET host = 'elsewhere'")
    with closing(connect(database.writer_url, "tests", autocommit=True)) as connection:
        done = kill_driver(read_lease(connection), connection)
        assert done.endswith("on elsewhere were ended, and its lease with them")
        wait_until(lambda: bool(told.lost))
        assert told.lost == ["another stream took over, or the supervisor ended this one"]
        assert not read_lease(connection).lock_held
    lease.release("test")


def test_a_lock_that_its_former_session_still_has_is_waited_for(database: Database) -> None:
    told = Told()
    lease = told.lease(database.writer_url)
    former = lease._lock.lock
    lease._lock.lock = connect(database.writer_url, "tests")  # the network ate the other one
    lease._lock.lock.close()
    try:
        wait_until(lambda: any("another session has the stream's lock" in str(said) for said in told.waits))
        assert told.lost == []
        former.close()
        wait_until(lambda: told.waits[-1] is None)
        assert told.lost == []
    finally:
        lease.release("test")


def test_a_lease_outlives_a_database_that_is_made_read_only(database: Database) -> None:
    told = Told()
    lease = told.lease(database.writer_url)
    try:
        run_sql(database.owner_url, f"ALTER DATABASE {database.name} SET default_transaction_read_only = on")
        end_session(database, lease._lock.row.info.backend_pid)
        wait_until(lambda: "the database is read-only" in str(told.waits[-1:]))
        began = time.monotonic()
        assert not lease.kept_since(began)
        back = f"BEGIN READ WRITE; ALTER DATABASE {database.name} RESET default_transaction_read_only; COMMIT"
        run_sql(database.owner_url, back)
        wait_until(lambda: lease.kept_since(began))
        assert told.waits[-1] is None
        assert told.lost == []
    finally:
        lease.release("test")


def test_a_held_lease_holds_up_no_vacuum(database: Database) -> None:
    lease = Lease(database.writer_url, "continuous", None, print)
    try:
        pid = {"pid": lease._lock.lock.info.backend_pid}
        held = "SELECT backend_xid IS NULL AND backend_xmin IS NULL FROM pg_stat_activity WHERE pid = %(pid)s"
        assert run_sql(database.owner_url, held, pid) == [(True,)]
        connection = connect(database.owner_url, "tests", autocommit=True)
        connection.cursor().execute("SET lock_timeout = '5s'")
        connection.cursor().execute("VACUUM")  # of every table
        connection.close()
    finally:
        lease.release("test")
