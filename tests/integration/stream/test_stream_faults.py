"""Faults at named points, on the real stream in this process: the quick ones. The stream's own ending is in
tests/acceptance/test_stream_killed.py, the long ones are in tests/acceptance/test_faults.py.

The points are held by locks that the test takes in PostgreSQL; then the session that waits there is ended, as a
restart of PostgreSQL does, or the Python process behind it is killed.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psutil
import pytest
from databases import run_sql
from stream_pipeline import Pipeline, event

from clickstream_assets.database import connect

pytestmark = pytest.mark.spark
ROWS = 300
WAITING = """
    SELECT pid::int FROM pg_stat_activity
     WHERE datname = current_database() AND wait_event_type = 'Lock' AND application_name = %(name)s
       AND query LIKE %(query)s"""
UPLOADING = """
    SELECT client_port FROM pg_stat_activity
     WHERE datname = current_database() AND wait_event_type = 'Lock'
       AND application_name = 'clickstream-stream-task'"""
# name of the point: the table that is locked, how, which session waits there, with which statement
POINTS = {
    "before the offset is logged": ("ingest_chunks", "ACCESS EXCLUSIVE", "clickstream-stream-source", "%chunks%"),
    "while rows are copied": ("events", "EXCLUSIVE", "clickstream-stream-sink", "%COPY%events%"),
    "inside the transaction, after the merge": (
        "ingest_batches", "EXCLUSIVE", "clickstream-stream-sink", "%INSERT INTO ingest_batches%",
    ),
}  # fmt: skip


@contextmanager
def held(pipeline: Pipeline, table: str, mode: str) -> Iterator[None]:
    """A lock that is held until the end of the block."""
    connection = connect(pipeline.database.owner_url, "tests-lock")
    try:
        connection.cursor().execute(f"LOCK TABLE {table} IN {mode} MODE")
        yield
    finally:
        connection.close()


@contextmanager
def loading(
    pipeline: Pipeline, *, register: bool, spool: bool = True, in_tasks: bool = True
) -> Iterator[list[BaseException]]:
    """A load in a thread of its own, whose end is waited for; the error that it ended with, if any."""
    errors: list[BaseException] = []

    def load() -> None:
        try:
            pipeline.load(register=register, spool=spool, in_tasks=in_tasks)
        except BaseException as error:  # noqa: BLE001 - this is what is being tested
            errors.append(error)

    thread = threading.Thread(target=load)
    thread.start()
    yield errors
    thread.join(120)
    assert not thread.is_alive()


def wait_for(condition: Callable[[], object], limit: float = 60.0) -> object:
    deadline = time.monotonic() + limit
    while not (found := condition()):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return found


def register(pipeline: Pipeline) -> None:
    from spark.lease import Lease

    lease = Lease(pipeline.database.writer_url, "catch-up", None, pipeline.failures.append)
    connection = connect(pipeline.database.writer_url, "tests-intake")
    try:
        pipeline.intake(lease, connection).register_present_files()
    finally:
        connection.close()
        lease.release("test")


@pytest.fixture
def waiting(pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch) -> Pipeline:
    """Two registered files, large enough to go through tasks; a batch before them is committed."""
    monkeypatch.setattr("spark.sink.batch_run.SMALL_ROWS", 100)
    pipeline.write("0.csv", event(0))
    pipeline.load()
    pipeline.write("1.csv", "".join(event(number) for number in range(1, ROWS)) + "bad line\n")
    pipeline.write("2.csv", "".join(event(number) for number in range(ROWS)))
    register(pipeline)
    return pipeline


def assert_all_is_in(pipeline: Pipeline) -> None:
    pipeline.load()
    assert pipeline.counts() == (1 + 2 * ROWS, ROWS, ROWS, 1)
    assert pipeline.rows("SELECT count(*)::int FROM events") == [(ROWS,)]
    pipeline.assert_conserved()


@pytest.mark.parametrize("in_tasks", [True, False], ids=["in tasks", "in the driver"])
@pytest.mark.parametrize("point", list(POINTS))
def test_postgresql_ends_the_session_that_is(waiting: Pipeline, point: str, in_tasks: bool) -> None:
    table, mode, name, statement = POINTS[point]
    with (
        loading(waiting, register=False, in_tasks=in_tasks) as errors,
        held(waiting, table, mode),
    ):
        ((pid,),) = wait_for(  # type: ignore[misc]
            lambda: waiting.rows(WAITING, name=name, query=statement)
        )
        run_sql(waiting.database.owner_url, f"SELECT pg_terminate_backend({pid})")
        wait_for(lambda: errors)
    assert waiting.counts() == (1, 1, 0, 0)
    assert_all_is_in(waiting)


def test_a_python_worker_is_killed_while_it_uploads(waiting: Pipeline) -> None:
    """The tasks create their tables in the schema staging; a lock on their report holds them there."""
    with (
        loading(waiting, register=False, spool=False) as errors,
        held(waiting, "staging.finished_parts", "EXCLUSIVE"),
    ):
        ((port,),) = wait_for(lambda: waiting.rows(UPLOADING))  # type: ignore[misc]
        worker = next(
            process
            for process in psutil.Process(os.getpid()).children(recursive=True)
            if any(end.laddr.port == port for end in process.net_connections() if end.laddr)
        )
        assert "spark.python_daemon" in " ".join(worker.cmdline())
        worker.send_signal(signal.SIGKILL)
        wait_for(lambda: errors)
    assert waiting.counts() == (1, 1, 0, 0)
    assert_all_is_in(waiting)
