"""A stream that is started while ten other processes want the processor: Spark gives its Python processes ten seconds
to answer, and no setting changes that, so what came too late is tried again."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from databases import Database, run_sql
from stream_program import start_stream, wait_until

pytestmark = [pytest.mark.spark, pytest.mark.faults, pytest.mark.timeout(600)]
BUSY = 10
HEADER = "user_id,session_id,action_type,product_id,event_time,price\n"


@pytest.fixture
def load() -> Iterator[None]:
    processes = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(BUSY)]
    yield
    for process in processes:
        process.kill()
        process.wait()


@pytest.mark.usefixtures("load")
@pytest.mark.parametrize("number", [1, 2])
def test_a_stream_starts_under_a_load_of_ten(database: Database, tmp_path: Path, number: int) -> None:
    (tmp_path / "events").mkdir()
    for name in range(4):
        (tmp_path / "events" / f"{name}.csv").write_text(
            f"{HEADER}u{name},s,view,p,2026-07-01 12:00:00,1.50\n"
        )
    began = time.monotonic()
    stream = start_stream(
        database.writer_url, tmp_path / "home", tmp_path / "events", number, available_now=False
    )
    try:
        wait_until(
            lambda: run_sql(database.owner_url, "SELECT count(*)::int FROM events") == [(4,)], stream, 400
        )
        text = stream.log.read_text()
        too_late = text.count("failed to connect back") + text.count("waiting for the Python worker")
        sys.stdout.write(f"stored after {time.monotonic() - began:.0f} s; {too_late} came too late\n")
        assert run_sql(database.owner_url, "SELECT epoch::int FROM stream_lease") == [(1,)]
    finally:
        stream.process.terminate()
        stream.process.wait(120)
