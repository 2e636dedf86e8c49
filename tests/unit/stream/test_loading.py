"""A query that fails for an unknown reason is tried again some times, and its traceback is kept: it is a bug."""

from __future__ import annotations

import logging
import threading
from pathlib import Path
from types import SimpleNamespace

import psycopg2
import pytest

from spark.stream.ending import Ending
from spark.stream.loading import Loading
from spark.stream.query import LoadQuery
from spark.stream.restarts import STARTS
from spark.stream.waiting import Waiting


class _ServerSaid(psycopg2.Error):
    """What is not an outage, and no bug."""


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("spark.stream.restarts.pause_after", lambda tries: 0.0)


def run(tmp_path: Path, error: Exception) -> tuple[int, Ending]:
    """How often a query was started that fails so, and how the stream ended."""
    starts = []

    def start() -> LoadQuery:
        starts.append(1)
        raise error

    ending = Ending()
    lease = SimpleNamespace(kept_since=lambda _: True)
    waiting = Waiting(tmp_path, None)
    Loading(
        start,
        lambda: True,
        lambda: None,
        lease,  # type: ignore[arg-type]
        threading.Lock(),
        ending,
        waiting,
    ).run()
    return len(starts), ending


def test_a_bug_is_tried_again_and_leaves_its_traceback_in_the_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR):
        starts, ending = run(tmp_path, ZeroDivisionError("division by zero"))
    assert starts == STARTS
    assert ending.failure == "the Spark query failed: division by zero"
    assert "ZeroDivisionError" in caplog.text
    assert "in start" in caplog.text


@pytest.mark.parametrize(
    "error", [_ServerSaid("permission denied for table events"), OSError(22, "Invalid argument")]
)
def test_what_a_server_or_a_disk_says_is_one_sentence(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, error: Exception
) -> None:
    with caplog.at_level(logging.ERROR):
        _, ending = run(tmp_path, error)
    assert ending.failure is not None
    assert str(error) in ending.failure
    assert "Traceback" not in caplog.text
