"""Faults of a soak that are the database's: each ends as it began."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

import psutil
import psycopg2
from soak_run import SoakRun

SESSIONS = "application_name LIKE 'clickstream-stream-%'"
# What a role may come with that is not the stream's affair.
OF_A_ROLE = (
    "search_path = app",
    "TimeZone = 'Asia/Kathmandu'",
    "DateStyle = 'SQL, DMY'",
    "IntervalStyle = iso_8601",
    "bytea_output = escape",
    "client_encoding = LATIN1",
    "extra_float_digits = -15",
    "default_transaction_isolation = serializable",
    "statement_timeout = '500ms'",
    "lock_timeout = '500ms'",
    "array_nulls = off",
)
START_LIMIT = 180.0  # seconds, of a stream on a busy machine
LONG_AWAY = 70.0  # more than a minute


def _restart(*, immediate: bool, away: float) -> Callable[[SoakRun], None]:
    def restart(run: SoakRun) -> None:
        run.place.server.stop(immediate=immediate)
        run.pause(away)
        run.place.server.start(run.shop.environment["CLICKSTREAM_WRITER_PASSWORD"])

    return restart


def _end_sessions(run: SoakRun) -> None:
    run.place.sql(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {SESSIONS}")


def _one_session(run: SoakRun) -> int:
    found = run.place.sql(f"SELECT pid::int FROM pg_stat_activity WHERE {SESSIONS} ORDER BY pid")
    return int(str(run.chance.choice(found)[0])) if found else 0


def _end_one_session(run: SoakRun) -> None:
    run.place.sql(f"SELECT pg_terminate_backend({_one_session(run)})")


def _kill_backend(run: SoakRun) -> None:
    if pid := _one_session(run):
        os.kill(pid, signal.SIGKILL)


@contextmanager
def _as_superuser(run: SoakRun) -> Iterator[psycopg2.extensions.cursor]:
    with closing(psycopg2.connect(run.place.owner_url)) as connection:
        connection.set_session(readonly=False, autocommit=True)
        yield connection.cursor()


def _read_only(run: SoakRun) -> None:
    run.place.sql("ALTER DATABASE clickstream SET default_transaction_read_only = on")
    _end_sessions(run)
    run.pause(20)
    with _as_superuser(run) as cursor:
        cursor.execute("ALTER DATABASE clickstream RESET default_transaction_read_only")


def _no_connections(run: SoakRun) -> None:
    run.place.sql("ALTER ROLE clickstream_writer CONNECTION LIMIT 0")
    _end_sessions(run)
    run.pause(20)
    run.place.sql("ALTER ROLE clickstream_writer CONNECTION LIMIT -1")


def _disk_full(run: SoakRun) -> None:
    run.place.sql(
        "CREATE OR REPLACE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE"
        " 'could not extend file: No space left on device' USING ERRCODE = '53100'; END $$"
    )
    run.place.sql("CREATE TRIGGER no_room BEFORE INSERT ON ingest_batches EXECUTE FUNCTION no_room()")
    run.pause(15)
    run.place.sql("DROP FUNCTION no_room CASCADE")


def _short_sessions(run: SoakRun) -> None:
    """No file comes for longer than a session may be idle."""
    run.place.sql("ALTER ROLE clickstream_writer SET idle_session_timeout = '5s'")
    _end_sessions(run)
    run.pause(5)
    run.shop.send(signal.SIGSTOP)
    run.pause(15)
    run.shop.send(signal.SIGCONT)
    run.place.sql("ALTER ROLE clickstream_writer RESET ALL")


def _strange_role(run: SoakRun) -> None:
    for setting in OF_A_ROLE:
        run.place.sql(f"ALTER ROLE clickstream_writer SET {setting}")
    _end_sessions(run)
    run.pause(20)
    run.place.sql("ALTER ROLE clickstream_writer RESET ALL")


def _stands_still(run: SoakRun) -> None:
    """Every process of the server: connections stay, and nobody answers."""
    pid = (run.place.server.data / "postmaster.pid").read_text().splitlines()[0]
    postmaster = psutil.Process(int(pid))
    stopped = [postmaster, *postmaster.children(recursive=True)]
    for process in stopped:
        process.suspend()
    run.pause(25, asks=False)
    for process in stopped:
        process.resume()


def _pooler(run: SoakRun) -> None:
    """The stream goes through a pooler from now on, or through it no longer; and the pooler is away for a while."""
    streams, pooler = run.streams, run.place.pooler
    assert pooler is not None
    streams.through_pooler = True
    streams.stop()
    run.until_it_commits(START_LIMIT)
    pooler.stop()
    run.pause(15)
    pooler.start(run.place.pooled_url)
    run.until_it_commits(START_LIMIT)
    streams.through_pooler = False
    streams.stop()


POOLER_FAULT = "the stream goes through a pooler, which goes away for 15 s"
FAULTS: dict[str, Callable[[SoakRun], None]] = {
    "the server is restarted": _restart(immediate=False, away=0.0),
    "the server crashes": _restart(immediate=True, away=0.0),
    f"the server is away for {LONG_AWAY:.0f} s": _restart(immediate=False, away=LONG_AWAY),
    "the server stands still for 25 s": _stands_still,
    "all sessions are ended": _end_sessions,
    "one session is ended": _end_one_session,
    "a process of the server is killed": _kill_backend,
    "the database is read-only for 20 s": _read_only,
    "no connection is left for 20 s": _no_connections,
    "the database's disk is full for 15 s": _disk_full,
    "sessions may be idle for 5 s, and no file comes for 15 s": _short_sessions,
    "the role has settings of its own": _strange_role,
    POOLER_FAULT: _pooler,
}
