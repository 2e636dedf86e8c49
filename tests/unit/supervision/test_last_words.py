"""Why the last stream ended, where the ledger does not say: by its own words, if nobody has streamed since."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from clickstream_assets.ledger.reads import LeaseRow
from clickstream_assets.ledger.waiting_files import WaitingFiles
from clickstream_assets.outages.last_words import (
    LastWords,
    last_words_file,
    read_last_words,
    write_last_words,
)
from clickstream_assets.outages.stream_told import StreamTold
from clickstream_assets.supervision.decision import decide
from clickstream_assets.supervision.facts import stream_facts

NOW = datetime(2026, 8, 1, 12, tzinfo=UTC)
WORDS = LastWords("the JVM was killed", (NOW - timedelta(minutes=1)).timestamp(), 7, 42, "here", None)


def lease(**values: Any) -> LeaseRow:
    empty: dict[str, Any] = dict.fromkeys(LeaseRow.__dataclass_fields__)
    defaults = {
        "epoch": 7,
        "wanted": "running",
        "failures": 0,
        "now": NOW,
        "started_at": NOW - timedelta(minutes=9),
        "heartbeat_at": NOW - timedelta(minutes=2),
    }
    return LeaseRow(**(empty | defaults | values))


def reason(row: LeaseRow, words: LastWords | None) -> str:
    waiting = WaitingFiles(0, 0, 0, None, None, (), 0, (), (), 0)
    return decide(stream_facts(row, waiting, None, told=StreamTold(last_words=words))).reason


KILLED = "the last one ended: it left no word, its process was killed"


@pytest.mark.parametrize(
    ("row", "words", "said"),
    [
        (lease(), WORDS, "the last one ended: the JVM was killed"),
        (lease(), None, KILLED),
        (lease(), replace(WORDS, epoch=6), KILLED),
        (lease(heartbeat_at=NOW), WORDS, KILLED),
        (lease(), replace(WORDS, epoch=None), "the last one ended: the JVM was killed"),
        (
            lease(released_at=NOW, last_reason="stopped by SIGTERM"),
            WORDS,
            "the last one ended: stopped by SIGTERM",
        ),
        (
            lease(started_at=None, heartbeat_at=None),
            replace(WORDS, epoch=None),
            "the last one ended: the JVM was killed",
        ),
        (lease(started_at=None, heartbeat_at=None), None, "no stream has run yet"),
    ],
)
def test_the_words_count_where_nobody_has_streamed_since_and_the_ledger_has_none(
    row: LeaseRow, words: LastWords | None, said: str
) -> None:
    assert reason(row, words) == said


def test_they_are_kept_in_the_home_and_what_is_none_of_them_says_nothing(tmp_path: Path) -> None:
    assert read_last_words(tmp_path) is None
    write_last_words(tmp_path, "it failed.", 3, "run-1")
    found = read_last_words(tmp_path)
    assert found is not None
    assert (found.reason, found.epoch, found.dagster_run_id) == ("it failed", 3, "run-1")
    assert [file.name for file in tmp_path.iterdir()] == [last_words_file(tmp_path).name]
    last_words_file(tmp_path).write_text("[]")
    assert read_last_words(tmp_path) is None
    write_last_words(tmp_path / "nowhere", "it failed.", 3, None)
