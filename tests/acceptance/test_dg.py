"""The commands of `dg`, Dagster's newer program, on this project, as `clickstream postgres` runs them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from databases import run_sql
from up_stack import Up, until

from clickstream_assets.paths import PROJECT_ROOT
from clickstream_assets.postgres.connections import Connections
from clickstream_assets.postgres.sharing import embedded_server
from clickstream_assets.settings import Settings
from clickstream_assets.up.dagster import read_health

DG = Path(sys.executable).with_name("dg")
LIMIT = 120.0  # seconds


@pytest.fixture
def stack(scratch: Path) -> Iterator[Up]:
    """A home in which nothing runs."""
    stack = Up(scratch / "home")
    yield stack
    embedded_server(Settings.from_env({"CLICKSTREAM_HOME": str(stack.home)})).stop(immediate=True)


def with_database(stack: Up, *arguments: str) -> list[str]:
    return [sys.executable, "-m", "clickstream_assets.cli", "postgres", str(DG), *arguments]


def dg(stack: Up, *arguments: str) -> str:
    done = subprocess.run(
        with_database(stack, *arguments),
        env=stack.environment,
        cwd=PROJECT_ROOT,
        capture_output=True,
        text=True,
        timeout=LIMIT,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_settings_of_dg_are_valid() -> None:
    done = subprocess.run(
        [DG, "check", "toml"], cwd=PROJECT_ROOT, capture_output=True, text=True, timeout=LIMIT
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_definitions_load_and_are_listed(stack: Up) -> None:
    assert "All definitions loaded successfully" in dg(stack, "check", "defs")
    listed = json.loads(dg(stack, "list", "defs", "--json"))
    assert "events" in json.dumps(listed)
    assert "spark_stream_supervisor" in json.dumps(listed)


def test_dg_dev_serves_the_project_until_ctrl_c(stack: Up) -> None:
    dg(stack, "check", "toml")  # makes the database
    settings = Settings.from_env(
        {"CLICKSTREAM_HOME": str(stack.home), "CLICKSTREAM_DAGSTER_PORT": str(stack.port)}
    )
    with stack.log.open("wb") as log:
        process = subprocess.Popen(
            with_database(stack, "dev", "--port", str(stack.port)),
            env=stack.environment,
            cwd=PROJECT_ROOT,
            stdout=log,
            stderr=log,
        )
    try:
        until(lambda: stack.webserver_answers() or process.poll() is not None, "the webserver answers", LIMIT)
        assert process.poll() is None, stack.said()
        # Here it is about Dagster's programs: no stream need be started and ended.
        run_sql(Connections(settings).url("owner"), "UPDATE stream_lease SET wanted = 'stopped'")
        until(lambda: read_health(settings).loaded, "the definitions are loaded", LIMIT)
        process.send_signal(signal.SIGINT)
        assert process.wait(LIMIT) is not None
        until(lambda: not stack.processes(), "nothing is left", LIMIT)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        for pid in stack.processes():
            os.kill(pid, signal.SIGKILL)
