"""A stream whose Python workers Spark has ended, for want of work, gets new ones for the next large file."""

from __future__ import annotations

import signal
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
from databases import Database, run_sql
from stream_program import START_LIMIT, Stream, start_stream, wait_until

from clickstream_assets.data_generator import GenerationSpec, generate_files
from spark.sink.driver_read import MOST_ROWS

pytestmark = [pytest.mark.spark, pytest.mark.faults, pytest.mark.timeout(600)]
QUIET_SECONDS = 150.0  # Spark ends idle workers after 60, and looks every 10
LARGE = 2 * MOST_ROWS


def has_workers(stream: Stream) -> bool:
    """Whether there is a worker of tasks: a child of the process that Spark forks them from."""
    parents: dict[int, int] = {}
    for process in stream.workers():
        with suppress(psutil.NoSuchProcess):
            if process.cmdline()[-1:] == ["pyspark.worker"]:
                parents[process.pid] = process.ppid()
    return not parents.keys().isdisjoint(parents.values())


def test_a_large_file_is_stored_after_the_python_workers_have_ended(
    database: Database, tmp_path: Path
) -> None:
    events, home = tmp_path / "events", tmp_path / "home"
    home.mkdir()

    def land(rows: int) -> None:
        generate_files(GenerationSpec(events=rows, files=1, seed=rows), events / str(rows))

    def stored() -> int:
        ((rows,),) = run_sql(database.owner_url, "SELECT count(*)::int FROM events")
        return int(str(rows))

    land(500)
    stream = start_stream(database.writer_url, home, events, 1, available_now=False)
    try:
        wait_until(lambda: stored() == 500, stream)
        wait_until(lambda: has_workers(stream), stream)  # the first job, before rows wait for one
        wait_until(lambda: not has_workers(stream), stream, QUIET_SECONDS)
        land(LARGE)
        wait_until(lambda: stored() == 500 + LARGE, stream)
        assert has_workers(stream)
        stream.process.send_signal(signal.SIGINT)
        assert stream.process.wait(START_LIMIT) == 0
    finally:
        if not stream.has_ended():
            stream.process.kill()
            stream.process.wait()
