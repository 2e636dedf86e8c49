"""What others do to a running stack: a second Dagster, storage that drops its sessions, killed workers, every button at
once. Its home has a blank in its path, as all of these tests have.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from dagster_graphql_client import ENDED, ask, end_of, launch, status_of
from databases import run_sql
from up_stack import Up, until

from clickstream_assets.postgres.connections import Connections
from clickstream_assets.settings import Settings

pytestmark = [pytest.mark.spark, pytest.mark.timeout(900)]


def owner(up: Up) -> str:
    return Connections(Settings.from_env({"CLICKSTREAM_HOME": str(up.home)})).url("owner")


def epoch(up: Up) -> object:
    return run_sql(owner(up), "SELECT epoch FROM stream_lease")[0][0]


def workers(up: Up) -> set[int]:
    """The processes that execute runs."""
    return {
        process.pid
        for process in psutil.process_iter(["cmdline"])
        if process.pid in up.processes()
        and any("spawn_main" in word for word in process.info["cmdline"] or [])
    }


@pytest.fixture
def running(up: Up) -> Up:
    up.start()
    until(lambda: up.stored() > 0, "the first rows")
    return up


DAEMONS = {
    "dagster dev": ["dagster", "dev"],
    "dg dev": ["dg", "dev", "--port", "1"],
    "python -m dagster dev": [sys.executable, "-m", "dagster", "dev"],
    "dagster-daemon": ["dagster-daemon", "run"],
}


@pytest.mark.parametrize("program", DAEMONS.values(), ids=DAEMONS)
def test_a_second_daemon_on_the_same_home_is_refused_in_one_sentence(running: Up, program: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "clickstream_assets.cli", "postgres", *program],
        env=running.environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 2
    assert done.stderr.startswith("clickstream: `clickstream up` (process ")
    assert done.stderr.count("\n") == 1


def test_another_program_is_not_taken_for_one(running: Up) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "clickstream_assets.cli", "postgres", sys.executable, "-c", "print('dev')"],
        env=running.environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stdout) == (0, "dev\n"), done.stderr


def test_a_storage_that_drops_all_sessions_again_and_again_ends_nothing(running: Up) -> None:
    before = epoch(running)
    run = launch(running, "events", "rejected_events")
    for _ in range(5):
        run_sql(
            owner(running),
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = 'dagster' AND pid <> pg_backend_pid()",
        )
        time.sleep(2)
    end_of(running, run)
    assert end_of(running, launch(running, "hourly_traffic")) == "SUCCESS"
    assert epoch(running) == before, "the stream went on"
    stored = running.stored()
    until(lambda: running.stored() > stored, "rows come in")


def test_a_run_whose_worker_was_killed_has_failed_within_seconds_and_the_next_one_works(running: Up) -> None:
    before = workers(running)
    run = launch(running, "sessions", config={"ops": {"refresh_summaries": {"config": {"mode": "rebuild"}}}})
    until(
        lambda: status_of(running, run) in ("STARTED", *ENDED) and workers(running) - before,
        "its worker works",
    )
    for pid in workers(running) - before:
        os.kill(pid, signal.SIGKILL)  # as the system does that is out of memory
    started = time.monotonic()
    assert end_of(running, run) in ("FAILURE", "SUCCESS")
    assert time.monotonic() - started < 30
    assert end_of(running, launch(running, "sessions")) == "SUCCESS"


def test_everything_is_materialized_by_one_button(running: Up) -> None:
    nodes = ask(running, "{ assetNodes { assetKey { path } isMaterializable } }")["assetNodes"]
    assets = [node["assetKey"]["path"][0] for node in nodes if node["isMaterializable"]]
    assert {"event_files", "events", "sessions", "clickstream_report"} <= set(assets)
    assert end_of(running, launch(running, *assets)) == "SUCCESS"
    assert Path(running.home / "report" / "clickstream_report.html").stat().st_size > 0
    assert "Conservation holds" in running.run("verify")
