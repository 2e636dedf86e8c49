"""The whole of `clickstream up` on two servers of Debian's PostgreSQL: that of the events goes away for longer than the
supervisor would wait for a run that does nothing, and Dagster's own stays.

Guards against a run that is ended, or a second stream that is started, while the first one is about to go on.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from databases import run_sql
from foreign_servers import PostgresHere, debian_postgres_server, needs_debian_postgres
from up_stack import Up, until

from clickstream_assets.database_url import with_database
from clickstream_assets.supervision.limits import END_LIMIT, KILL_AFTER, START_LIMIT

pytestmark = [
    pytest.mark.spark,
    pytest.mark.faults,  # two minutes of an outage
    needs_debian_postgres,
    pytest.mark.timeout(900),
]
AWAY_SECONDS = max(END_LIMIT, KILL_AFTER, START_LIMIT) + 15


@dataclass
class Stack:
    """`up`, and the server of its events."""

    up: Up
    server: PostgresHere

    def status(self) -> tuple[int, dict[str, Any], str]:
        done = subprocess.run(
            [sys.executable, "-m", "clickstream_assets.cli", "status", "--json"],
            env=self.up.environment,
            capture_output=True,
            text=True,
            timeout=60,
        )
        return done.returncode, json.loads(done.stdout or "{}"), done.stderr

    def stream(self) -> dict[str, Any]:
        found: dict[str, Any] = self.status()[1]["stream"]
        return found

    def events(self) -> int:
        (rows,) = run_sql(with_database(self.server.url, "shop"), "SELECT count(*)::int FROM events")[0]
        return int(str(rows))


@pytest.fixture
def stack(scratch: Path) -> Iterator[Stack]:
    scratch.chmod(0o777)
    initdb = ("--encoding=UTF8", "--locale=C")
    with (
        debian_postgres_server(scratch, initdb=initdb) as server,
        debian_postgres_server(scratch, initdb=initdb) as dagsters,
    ):
        run_sql(server.url, "CREATE DATABASE shop")
        run_sql(dagsters.url, "CREATE DATABASE dagster")
        up = Up(scratch / "home")
        up.environment |= {
            "CLICKSTREAM_DATABASE_URL": with_database(server.url, "shop"),
            "CLICKSTREAM_DAGSTER_DATABASE_URL": with_database(dagsters.url, "dagster"),
        }
        try:
            yield Stack(up, server)
        finally:
            up.clear_away()


def test_a_long_outage_ends_no_run_and_starts_none(stack: Stack) -> None:
    stack.up.start()
    until(lambda: stack.status()[0] == 0 and stack.stream()["state"] in ("running", "behind"), "it runs")
    before = stack.stream()
    stack.server.stop()
    since = time.monotonic()
    until(lambda: stack.status()[1].get("stream", {}).get("state") == "waiting", "it says that it waits")
    code, content, said = stack.status()
    assert code == 1
    assert said.startswith("clickstream: the database cannot be reached: ")
    assert said.count("\n") == 1
    assert (content["stream"]["pid"], content["stream"]["dagster_run_id"]) == (
        before["pid"],
        before["dagster_run_id"],
    )
    assert "waits for the database since" in content["stream"]["reason"]
    until(lambda: time.monotonic() - since > AWAY_SECONDS, "a long outage")
    assert "the database cannot be reached" in stack.up.said()
    stack.server.start()
    until(lambda: stack.status()[0] == 0 and stack.stream()["state"] in ("running", "idle"), "it goes on")
    after = stack.stream()
    for key in ("pid", "dagster_run_id", "epoch", "started_at"):
        assert after[key] == before[key], key
    until(lambda: stack.stream()["failures"] == 0, "it has proved itself")
    assert "Traceback" not in stack.up.said()
    assert "Conservation holds" in stack.up.run("verify")
