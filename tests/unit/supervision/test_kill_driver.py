"""Killing the driver that holds the lease. Guards a process that only has its number, in a container started again."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import MagicMock

import pytest

from clickstream_assets.ledger.facts import LeaseRow
from clickstream_assets.supervision.ends import kill_driver


@pytest.fixture
def process() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        yield process
        process.kill()


def lease(pid: int, age: timedelta, host: str | None = None) -> LeaseRow:
    now = datetime.now(UTC)
    values: dict[str, Any] = dict.fromkeys(LeaseRow.__dataclass_fields__)
    values |= {
        "pid": pid,
        "host": host or socket.gethostname(),
        "started_at": now - age,
        "lock_backend_pid": 77,
    }
    return LeaseRow(**values)


def test_the_holder_is_killed(process: subprocess.Popen[bytes]) -> None:
    connection = MagicMock()
    assert kill_driver(lease(process.pid, timedelta()), connection) == f"process {process.pid} was killed"
    assert process.wait(10) < 0
    connection.cursor.assert_not_called()


@pytest.mark.parametrize(
    ("age", "host"), [(timedelta(minutes=1), None), (timedelta(), "another")], ids=["too young", "elsewhere"]
)
def test_a_process_that_cannot_be_the_holder_lives_and_the_session_is_ended(
    process: subprocess.Popen[bytes], age: timedelta, host: str | None
) -> None:
    connection = MagicMock()
    done = kill_driver(lease(process.pid, age, host), connection)
    assert "session" in done
    assert process.poll() is None
    ended, fenced = connection.cursor().__enter__().execute.call_args_list
    assert ended.args[1] == {"pid": 77}
    assert "epoch = epoch + 1" in fenced.args[0]
