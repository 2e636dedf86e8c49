"""Files waiting, against a real ledger. Guards against a backlog that is not there, and one that is hidden."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from databases import Database, run_sql
from ledger_books import LedgerBooks, Part, state_on_disk
from psycopg2.extensions import connection as Connection

from clickstream_assets.file_names import EventsDirectory
from clickstream_assets.ledger.disk_view import list_event_files
from clickstream_assets.ledger.waiting import WaitingFiles
from clickstream_assets.ledger.waiting_files import read_waiting_files, watch_of


@pytest.fixture
def events_dir(tmp_path: Path) -> Path:
    directory = tmp_path / "events"
    directory.mkdir()
    return directory


@pytest.fixture
def books(database: Database) -> LedgerBooks:
    return LedgerBooks(database.owner_url)


def land(directory: Path, name: str, content: str = "12345") -> None:
    (directory / name).write_text(content)


def paths(waiting: WaitingFiles) -> set[str]:
    assert waiting.files == len(waiting.oldest_paths)
    return set(waiting.oldest_paths)


def test_an_empty_directory_has_nothing_waiting(reader: Connection, events_dir: Path) -> None:
    waiting = read_waiting_files(reader, EventsDirectory(events_dir))
    assert (waiting.files, waiting.size_bytes, waiting.oldest_landed_at, waiting.vanished) == (0, 0, None, 0)


def test_unknown_and_registered_files_wait_and_finished_ones_do_not(
    reader: Connection, events_dir: Path, books: LedgerBooks
) -> None:
    for name in (
        "unknown.csv",
        "registered.csv",
        "committed.csv",
        "duplicate.csv",
        "rejected.csv",
        "changed.csv",
    ):
        land(events_dir, name)
    for status in ("committed", "rejected", "changed"):
        books.add_file(
            f"{status}.csv", status=status, reason="x", state=state_on_disk(events_dir, f"{status}.csv")
        )
    books.add_file(
        "duplicate.csv", status="duplicate", duplicate_of=1, state=state_on_disk(events_dir, "duplicate.csv")
    )
    books.add_file(
        "registered.csv",
        expected=1,
        chunks=1,
        state=state_on_disk(events_dir, "registered.csv"),
        landed_seconds_ago=3600,
    )
    waiting = read_waiting_files(reader, EventsDirectory(events_dir))
    assert paths(waiting) == {"unknown.csv", "registered.csv", "changed.csv"}
    assert waiting.oldest_paths[0] == "registered.csv"
    assert waiting.oldest_age_seconds == pytest.approx(3600, abs=60)
    assert (waiting.size_bytes, waiting.registered, waiting.files_on_disk) == (15, 1, 6)


def test_the_age_of_an_unknown_file_runs_from_its_change_time(reader: Connection, events_dir: Path) -> None:
    land(events_dir, "old.csv")
    os.utime(events_dir / "old.csv", (0, 0))  # an old modification time says nothing about the landing
    waiting = read_waiting_files(reader, EventsDirectory(events_dir))
    assert waiting.oldest_age_seconds is not None
    assert waiting.oldest_age_seconds < 60


@pytest.mark.parametrize(
    "name", [b"new\nline.csv", b"glob*[x]?.csv", b"\xff\xfe{}.csv", b"tab\t\"'\\.csv", "ü.csv".encode()]
)
def test_an_odd_name_is_found_in_the_ledger(
    reader: Connection, events_dir: Path, books: LedgerBooks, name: bytes
) -> None:
    land(events_dir, os.fsdecode(name))
    assert read_waiting_files(reader, EventsDirectory(events_dir)).files == 1
    (state,) = list_event_files(EventsDirectory(events_dir)).files
    books.add_file(state.path, status="committed", state=state)
    assert read_waiting_files(reader, EventsDirectory(events_dir)).files == 0


def test_a_chmod_of_a_committed_file_is_no_backlog(
    reader: Connection, events_dir: Path, books: LedgerBooks
) -> None:
    land(events_dir, "a.csv")
    books.add_file("a.csv", status="committed", state=state_on_disk(events_dir, "a.csv"))
    touch_change_time(events_dir / "a.csv")
    assert read_waiting_files(reader, EventsDirectory(events_dir)).files == 0


def test_a_chmod_of_an_unreadable_file_lets_it_wait_again(
    reader: Connection, events_dir: Path, books: LedgerBooks
) -> None:
    land(events_dir, "a.csv")
    books.add_file("a.csv", status="rejected", reason="unreadable", state=state_on_disk(events_dir, "a.csv"))
    assert read_waiting_files(reader, EventsDirectory(events_dir)).files == 0
    touch_change_time(events_dir / "a.csv")
    assert read_waiting_files(reader, EventsDirectory(events_dir)).files == 1


def test_new_content_under_a_committed_name_waits(
    reader: Connection, events_dir: Path, books: LedgerBooks
) -> None:
    land(events_dir, "a.csv")
    books.add_file("a.csv", status="committed", state=state_on_disk(events_dir, "a.csv"))
    land(events_dir, ".a.csv", "other")
    (events_dir / ".a.csv").rename(events_dir / "a.csv")
    assert paths(read_waiting_files(reader, EventsDirectory(events_dir))) == {"a.csv"}


def test_an_earlier_state_of_a_name_that_comes_back_waits(
    reader: Connection, events_dir: Path, books: LedgerBooks
) -> None:
    land(events_dir, "a.csv")
    books.add_file("a.csv", status="committed", state=state_on_disk(events_dir, "a.csv"))
    assert read_waiting_files(reader, EventsDirectory(events_dir)).files == 0
    books.add_file("a.csv", status="committed")
    assert paths(read_waiting_files(reader, EventsDirectory(events_dir))) == {"a.csv"}


def test_a_file_committed_between_listing_and_query_does_not_wait(
    reader: Connection, events_dir: Path, books: LedgerBooks
) -> None:
    land(events_dir, "a.csv")
    watch = watch_of(reader, EventsDirectory(events_dir))
    watch.look()
    file_id = books.add_file("a.csv", expected=1, chunks=1, state=state_on_disk(events_dir, "a.csv"))
    books.commit(Part(file_id, inserted=1))
    assert watch.compare(reader).files == 0


def test_a_registered_file_that_is_gone_is_vanished_and_a_young_one_is_not_yet(
    reader: Connection, events_dir: Path, books: LedgerBooks
) -> None:
    books.add_file("gone.csv", expected=1, chunks=1)
    books.add_file("landed after the listing.csv", expected=1, chunks=1, landed_seconds_ago=-60)
    waiting = read_waiting_files(reader, EventsDirectory(events_dir))
    assert (waiting.files, waiting.vanished, waiting.vanished_paths) == (0, 1, ("gone.csv",))


def test_many_files_are_compared_in_one_query(
    database: Database, reader: Connection, events_dir: Path
) -> None:
    """A query a file, or a scan of the ledger a file, would take minutes."""
    for number in range(3_000):
        (events_dir / f"{number}.csv").touch()
    listing = list_event_files(EventsDirectory(events_dir))
    parameters = {"states": [list(map(str, state)) for state in listing.files[1:]]}
    run_sql(
        database.owner_url,
        """
        INSERT INTO ingest_files (path, status, landed_at, inode, size_bytes, modified_ns, changed_ns)
        SELECT s->>0, 'committed', now(), (s->>1)::bigint, (s->>2)::bigint, (s->>3)::bigint, (s->>4)::bigint
          FROM jsonb_array_elements(to_jsonb(%(states)s)) AS s""",
        parameters,
    )
    started = time.monotonic()
    assert paths(read_waiting_files(reader, EventsDirectory(events_dir))) == {listing.files[0].path}
    assert time.monotonic() - started < 5


def touch_change_time(path: Path) -> None:
    """chmod until the change time has moved: the kernel's clock ticks every few milliseconds."""
    before = path.stat().st_ctime_ns
    limit = time.monotonic() + 10
    while path.stat().st_ctime_ns == before:
        path.chmod(0o600)
        path.chmod(0o644)
        assert time.monotonic() < limit
