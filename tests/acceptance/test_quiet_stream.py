"""A stream that has had nothing to do for two minutes is as quick as a busy one: its Python workers are still there."""

from __future__ import annotations

import signal
import time
from pathlib import Path

import pytest
from databases import Database, run_sql
from stream_program import START_LIMIT, Stream, start_stream, wait_until

from clickstream_assets.data_generator import GenerationSpec, generate_files

pytestmark = [pytest.mark.spark, pytest.mark.faults, pytest.mark.timeout(600)]
QUIET_SECONDS = 130.0  # Spark ends idle workers after 60, and looks every 10


def task_workers(stream: Stream) -> set[int]:
    """The Python processes of tasks; others are needed at the start only, and Spark may end them."""
    return {process.pid for process in stream.workers() if process.cmdline()[-1] == "pyspark.worker"}


def test_the_python_workers_of_a_stream_outlive_two_quiet_minutes(database: Database, tmp_path: Path) -> None:
    events, home = tmp_path / "events", tmp_path / "home"
    home.mkdir()

    def land(seed: int) -> None:
        generate_files(GenerationSpec(events=500, files=1, seed=seed), events / str(seed))

    def stored() -> int:
        ((rows,),) = run_sql(database.owner_url, "SELECT count(*)::int FROM events")
        return int(str(rows))

    land(1)
    stream = start_stream(database.writer_url, home, events, 1, available_now=False)
    try:
        wait_until(lambda: stored() == 500, stream)
        before = task_workers(stream)
        assert before
        quiet_until = time.monotonic() + QUIET_SECONDS
        wait_until(lambda: time.monotonic() > quiet_until, stream, QUIET_SECONDS + 10)
        assert before <= task_workers(stream)
        land(2)
        wait_until(lambda: stored() == 1000, stream)
        assert before <= task_workers(stream)
        stream.process.send_signal(signal.SIGINT)
        assert stream.process.wait(START_LIMIT) == 0
    finally:
        if not stream.has_ended():
            stream.process.kill()
            stream.process.wait()
