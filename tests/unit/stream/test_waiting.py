"""What the stream says while it waits: one line per outage, and a file that says it as long as it lasts."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from clickstream_assets.outages.stream_waits import STALE_SECONDS, read_waits, waits_file, write_waits
from spark.stream.waiting import Waiting


def test_an_outage_that_several_parts_notice_is_one_line_at_its_begin_and_one_at_its_end(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    waiting = Waiting(tmp_path, "run-1")
    lease, intake = waiting.part("lease", "the database"), waiting.part("intake", "the database")
    with caplog.at_level(logging.INFO, "clickstream.stream"):
        lease("it is shutting down.")
        intake("it does not answer")
        assert read_waits(tmp_path).reason == "it does not answer"  # type: ignore[union-attr]
        lease("it is starting up")
        found = read_waits(tmp_path)
        assert found is not None
        assert (found.reason, found.dagster_run_id) == ("it is starting up", "run-1")
        lease(None)
        assert read_waits(tmp_path) is not None, "intake still waits"
        intake(None)
        intake(None)
    assert [record.message for record in caplog.records] == [
        "it is shutting down; the stream waits, and goes on by itself",
        "the database is back after 0 s; the stream goes on",
    ]
    assert read_waits(tmp_path) is None
    assert list(tmp_path.iterdir()) == []


def test_who_wants_to_know_is_told_once_when_an_outage_is_over(tmp_path: Path) -> None:
    waiting = Waiting(tmp_path, None)
    told: list[str] = []
    waiting.over = told.append
    lease, intake = waiting.part("lease", "the database"), waiting.part("intake", "the database")
    lease("it is shutting down")
    intake("it does not answer")
    lease(None)
    assert told == []
    intake(None)
    lease(None)
    assert told == ["the database"]


def test_of_two_outages_the_one_that_began_first_is_shown(tmp_path: Path) -> None:
    waiting = Waiting(tmp_path, None)
    database, files = waiting.part("lease", "the database"), waiting.part("intake", "the events directory")
    database("no database")
    files("no directory")
    assert read_waits(tmp_path).reason == "no database"  # type: ignore[union-attr]
    database(None)
    assert read_waits(tmp_path).reason == "no directory"  # type: ignore[union-attr]
    waiting.end()
    assert read_waits(tmp_path) is None


def test_the_words_of_a_stream_that_was_killed_are_not_believed_for_long(tmp_path: Path) -> None:
    write_waits(tmp_path, "the database", "no database", 0.0, None)
    written = read_waits(tmp_path)
    assert written is not None
    assert read_waits(tmp_path, lambda: written.at + STALE_SECONDS - 1) == written
    assert read_waits(tmp_path, lambda: written.at + STALE_SECONDS + 1) is None


def test_a_home_that_cannot_be_written_and_a_file_that_is_none_of_ours_say_nothing(tmp_path: Path) -> None:
    write_waits(tmp_path / "nowhere", "the database", "no database", 0.0, None)
    waits_file(tmp_path).write_text("{}")
    assert read_waits(tmp_path) is None
    waits_file(tmp_path).write_text("\0")
    assert read_waits(tmp_path) is None


def test_the_words_of_a_process_that_is_gone_are_not_believed_at_all(tmp_path: Path) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    assert read_waits(tmp_path) is None
    write_waits(tmp_path, "the database", "it is away", time.time(), None)
    content = json.loads(waits_file(tmp_path).read_text())
    waits_file(tmp_path).write_text(json.dumps(content | {"pid": ended.pid}))
    assert read_waits(tmp_path) is None


def test_a_process_that_inherited_the_number_is_not_taken_for_it(tmp_path: Path) -> None:
    write_waits(tmp_path, "the database", "it is away", time.time(), None)
    content = json.loads(waits_file(tmp_path).read_text())
    before_we_began = psutil.Process().create_time() - 5
    waits_file(tmp_path).write_text(json.dumps(content | {"at": before_we_began}))
    assert read_waits(tmp_path, lambda: before_we_began + 1) is None


def test_of_another_host_the_files_age_alone_tells(tmp_path: Path) -> None:
    write_waits(tmp_path, "the database", "it is away", time.time(), None)
    content = json.loads(waits_file(tmp_path).read_text())
    waits_file(tmp_path).write_text(json.dumps(content | {"pid": 2**22 + 1, "host": "elsewhere"}))
    assert read_waits(tmp_path) is not None
    assert read_waits(tmp_path, lambda: content["at"] + STALE_SECONDS + 1) is None


def test_what_lasts_for_too_long_is_told(tmp_path: Path) -> None:
    waiting = Waiting(tmp_path, None)
    assert waiting.beyond(-1.0) is None
    waiting.part("intake", "the events directory")("no directory.")
    assert waiting.beyond(-1.0) == "no directory"
    assert waiting.beyond(60.0) is None
