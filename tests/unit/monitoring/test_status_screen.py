"""The screen of `clickstream status` and the line of `up`: each thing that is not as it should be is said, and nothing
that a file's name holds can move the cursor."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from clickstream_assets.ledger.facts import CommittedBatch, Counts, Dropped, Latency, LeaseRow, WindowCounts
from clickstream_assets.ledger.waiting import WaitingFiles
from clickstream_assets.monitoring.dagster_state import DagsterState
from clickstream_assets.monitoring.status import Status
from clickstream_assets.monitoring.status_line import status_line
from clickstream_assets.monitoring.status_text import status_text
from clickstream_assets.outages.stream_waits import StreamWaits
from clickstream_assets.supervision.model import Action, StreamDecision, StreamState

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
NO_LEASE = LeaseRow(
    epoch=3, mode="continuous", dagster_run_id=None, pid=None, host=None, spark_ui_url=None, started_at=None,
    heartbeat_at=None, last_progress_at=None, released_at=None, wanted="running", wanted_at=None, failures=0,
    next_attempt_at=None, launched_at=None, supervised_at=None, last_reason=None, lock_backend_pid=None, now=NOW,
)  # fmt: skip
HELD = replace(NO_LEASE, pid=42, host="box", spark_ui_url="http://127.0.0.1:4040", lock_backend_pid=7)
NONE_WAIT = WaitingFiles(0, 0, 0, None, None, (), 0, (), (), 0)
EMPTY = Status(
    events_dir=Path("/data/events"),
    decision=StreamDecision(StreamState.IDLE, Action.LEAVE, "nothing waits"),
    lease=NO_LEASE,
    waiting=NONE_WAIT,
    last_batch=None,
    totals=Counts(0, 0, 0, 0),
    dropped=Dropped(0, 0, None),
    window=WindowCounts(0, 0, 0, 0, 0, 0, 0, 3600.0),
    rejects_by_reason={},
    latency=Latency(0, None, None, None, None),
    newest_event_time=None,
)
BATCH = CommittedBatch(
    500, 480, 15, 5, 9, 8, 3, "copy", 1, NOW - timedelta(seconds=5), NOW - timedelta(seconds=4), 0, None, None,
    0.5, 0.5, 1.0,
)  # fmt: skip


def rows(status: Status) -> dict[str, str]:
    """The screen's texts by their names; lines without a name belong to the one before."""
    found: dict[str, str] = {}
    name = ""
    for line in status_text(status).splitlines():
        name = line[:14].strip() or name
        found[name] = (found.get(name, "") + "\n" + line[14:].strip()).strip()
    return found


def test_an_empty_pipeline_says_so_in_each_row() -> None:
    screen = rows(EMPTY)
    assert screen["Stream"] == "idle\nnothing waits"
    assert screen["Waiting"] == "no files (in /data/events)"
    assert screen["Last batch"] == "none yet"
    assert screen["Latency"] == "no file became visible (last hour)"
    assert screen["Lifetime"].split() == ["0", "0", "0", "-", "0", "-"]
    assert screen.keys().isdisjoint({"Rejects", "Retention", "Spark UI", "Dagster run", "Newest event"})


def test_who_streams_is_said_where_somebody_does() -> None:
    by_hand = replace(EMPTY, lease=HELD)
    assert "continuous, process 42 on box, epoch 3" in rows(by_hand)["Stream"]
    assert rows(by_hand)["Spark UI"] == "http://127.0.0.1:4040"
    assert status_line(by_hand).startswith("stream idle (process 42 on box) · ")
    run = "0a1b2c3d-0000-4000-8000-000000000000"
    of_dagster = replace(EMPTY, lease=replace(HELD, dagster_run_id=run, mode="catch-up"))
    assert rows(of_dagster)["Dagster run"] == run
    assert status_line(of_dagster).startswith("stream idle (catch-up, run 0a1b2c3d) · ")


def test_a_page_of_spark_that_has_ended_is_not_named() -> None:
    ended = replace(EMPTY, lease=replace(HELD, lock_backend_pid=None))
    assert "Spark UI" not in rows(ended)
    assert status_line(ended).startswith("stream idle · ")


COMPLAINTS = {
    "read-only": ({"read_only": "The database can only be read."}, "The database can only be read"),
    "directory away": ({"away": "another file system is at /data/events"}, "another file system is at"),
    "archive": ({"archive": "/archive is full"}, "not archived, and stay where they are: /archive is full"),
    "nobody watches": (
        {"decision": replace(EMPTY.decision, unsupervised="the supervisor has not looked since 11:00")},
        "the supervisor has not looked since 11:00",
    ),
    "sensor off": (
        {"dagster": DagsterState(switched_off=(("sensor", "alerts"),))}, "the sensor alerts is switched off",
    ),
    "daemon silent": (
        {"dagster": DagsterState(daemon_at=NOW - timedelta(minutes=5), now=NOW)},
        "Dagster's daemon has not been heard of since 2026-03-01 11:55:00 UTC",
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", list(COMPLAINTS))
def test_what_is_not_as_it_should_be_is_on_the_screen_and_in_the_line(kind: str) -> None:
    changes, said = COMPLAINTS[kind]
    found = replace(EMPTY, **changes)  # type: ignore[arg-type]
    assert "! " not in status_text(EMPTY)
    marked = [text for text in status_text(found).splitlines() if text.strip().startswith("! ")]
    assert len(marked) == 1
    assert said in marked[0]
    assert said in status_line(found)


def test_a_database_that_can_only_be_read_is_said_once_where_the_stream_says_it_too() -> None:
    read_only = "The database can only be read."
    waits = StreamWaits("the database", read_only, NOW.timestamp(), NOW.timestamp(), 42, "box", None)
    assert "! " not in status_text(replace(EMPTY, read_only=read_only, waits=waits))


WAITING = {
    "unlistable directories": (
        {"unlistable": ("a", "b", "c", "d")}, "! 4 directories cannot be listed: a, b, c",
    ),
    "no directory": ({"unlistable": (".",)}, "! this directory is not there, or cannot be listed"),
    "vanished": ({"vanished": 2, "vanished_paths": ("x", "y")}, "! 2 registered files are no longer there: x, y"),
    "set aside": (
        {"set_aside": 1, "set_aside_paths": ("x",)},
        "! 1 file cannot be read at present, and the rest goes on without: x",
    ),
    "ignored": (
        {"ignored": 4, "ignored_paths": ("a~", "b.tmp", "c.part")},
        "4 not read, by their names: a~, b.tmp, c.part, …",
    ),
    "one open line": ({"unterminated_paths": ("x",)}, "1 file waits for the end of its last line: x"),
    "open lines": ({"unterminated_paths": ("x", "y")}, "2 files wait for the end of their last line: x, y"),
}  # fmt: skip


@pytest.mark.parametrize("kind", list(WAITING))
def test_what_is_in_the_way_of_files_is_named(kind: str) -> None:
    changes, said = WAITING[kind]
    screen = rows(replace(EMPTY, waiting=replace(NONE_WAIT, **changes)))  # type: ignore[arg-type]
    assert said in screen["Waiting"].splitlines()


def test_the_oldest_waiting_file_is_named_and_cannot_move_the_cursor() -> None:
    waiting = replace(NONE_WAIT, files=1_200, size_bytes=3 * 1024 * 1024, oldest_age_seconds=75.0)
    screen = rows(replace(EMPTY, waiting=replace(waiting, oldest_paths=("\x1b[2Jnight\n.csv",))))
    assert screen["Waiting"] == (
        "1,200 files, 3.0 MiB, the oldest for 1 min 15 s: \\x1b[2Jnight\\n.csv (in /data/events)"
    )


def test_the_last_batch_and_the_newest_event_have_their_ages() -> None:
    screen = rows(replace(EMPTY, last_batch=BATCH, newest_event_time=NOW - timedelta(hours=2)))
    assert screen["Last batch"].startswith("9, 4.0 s ago: 500 rows of 1 file")
    assert screen["Newest event"] == "2026-03-01 10:00:00 UTC, 2 h ago"


def test_a_clock_that_is_ahead_makes_no_negative_age() -> None:
    ahead = replace(BATCH, committed_at=NOW + timedelta(seconds=3))
    assert rows(replace(EMPTY, last_batch=ahead))["Last batch"].startswith("9, 0 ms ago: ")


def test_rates_are_of_their_window_and_dropped_rows_are_told_from_stored_ones() -> None:
    window = WindowCounts(1_000, 900, 75, 25, 3, 0, 0, 7_200.0)
    found = replace(
        EMPTY,
        window=window,
        totals=Counts(10_000, 9_000, 750, 250),
        dropped=Dropped(4_000, 2, NOW - timedelta(days=30)),
        rejects_by_reason={"invalid_price": 20, "nul_byte": 5},
    )
    screen = rows(found)
    assert screen["Last 2 h"].split() == ["1,000", "900", "75", "7.50", "%", "25", "2.50", "%"]
    assert screen["Rejects"] == "invalid_price 20, nul_byte 5 (last 2 h)"
    assert screen["Retention"].endswith("5,000 are stored")
    assert "5,000 events stored · last 2 h: duplicates 7.50 %, rejects 2.50 %" in status_line(found)


def test_latency_is_of_files_that_landed_while_the_stream_was_there() -> None:
    measured = replace(EMPTY, latency=Latency(12, 0.05, 0.07, 0.09, 1.5))
    assert rows(measured)["Latency"] == (
        "p50 50 ms · p95 70 ms · p99 90 ms · longest 1.5 s (12 files, landed to visible, last hour)"
    )
    bulk = replace(EMPTY, window=replace(EMPTY.window, batches=2))
    assert rows(bulk)["Latency"].startswith("not measured: files that waited for the first stream")
