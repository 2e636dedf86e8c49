"""Archiving and deleting finished files, over a real database and real directories. Guards against the one mistake
that cannot be repaired: a file that goes although it is not accounted for."""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from databases import Database, run_sql
from failing_mount import needs_fuse
from ledger_books import LedgerBooks, Part, state_on_disk
from memory_mount import memory_mount
from psycopg2.extensions import connection as Connection

from clickstream_assets.conservation.audit import verify
from clickstream_assets.database import connect
from clickstream_assets.errors import SettingsError
from clickstream_assets.file_names import EventsDirectory
from clickstream_assets.ledger.waiting_files import read_waiting_files
from clickstream_assets.maintenance import file_moves, finished_files
from clickstream_assets.maintenance.file_moves import FinishedFile
from clickstream_assets.maintenance.finished_files import Tidied, tidy_finished_files
from clickstream_assets.monitoring.status import read_status
from clickstream_assets.monitoring.status_line import status_line
from clickstream_assets.monitoring.status_text import status_text
from clickstream_assets.outages.mounts import NOT_MOUNTED
from clickstream_assets.settings import Settings

TODAY = datetime.now(UTC).strftime("%Y-%m-%d")


class Directory:
    """An events directory with its books."""

    def __init__(self, database: Database, home: Path) -> None:
        self.database = database
        self.settings = Settings.from_env(
            {
                "CLICKSTREAM_HOME": str(home),
                "CLICKSTREAM_FINISHED_FILES": "archive",
                "CLICKSTREAM_FINISHED_HOURS": "0",
            }
        )
        self.root = self.settings.events_dir
        self.root.mkdir(parents=True)
        self.books = LedgerBooks(database.owner_url)

    def land(self, name: str, content: str = "content", **row: object) -> int:
        """A file on disk, and its row: registered, unless said otherwise."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
        file_id = self.books.add_file(name, state=state_on_disk(self.root, name), **row)  # type: ignore[arg-type]
        run_sql(
            self.database.owner_url,
            "UPDATE ingest_files SET content_hash = %(hash)s WHERE file_id = %(id)s",
            {"hash": hashlib.sha256(content.encode()).digest(), "id": file_id},
        )
        return file_id

    def load(self, *names: str) -> None:
        """Files that are committed, and a later batch, after which Spark has committed theirs."""
        for name in names:
            self.books.commit(Part(self.land(name, name, expected=1, chunks=1), inserted=1))
        self.books.commit(Part(self.books.add_file("elsewhere.csv", expected=1, chunks=1), inserted=1))

    def tidy(self, **settings: object) -> Tidied:
        connection = connect(self.database.writer_url, "tests", autocommit=True)
        try:
            return tidy_finished_files(connection, self.settings.changed(**settings))
        finally:
            connection.close()

    def names(self) -> list[str]:
        """The visible files of the events directory."""
        return sorted(
            str(path.relative_to(self.root))
            for path in self.root.rglob("*")
            if path.is_file() and not path.relative_to(self.root).parts[0].startswith(".")
        )

    def held(self) -> list[str]:
        holding = self.root / ".finished"
        return sorted(os.listdir(holding)) if holding.exists() else []

    def archived(self) -> dict[str, str]:
        archive = self.settings.archive_dir
        return {
            str(path.relative_to(archive)): path.read_text() for path in archive.rglob("*") if path.is_file()
        }

    def archived_ids(self) -> list[int]:
        rows = run_sql(
            self.database.owner_url,
            "SELECT file_id::int FROM ingest_files WHERE archived_at IS NOT NULL ORDER BY file_id",
        )
        return [row[0] for row in rows]  # type: ignore[misc]


@pytest.fixture
def directory(database: Database, tmp_path: Path) -> Directory:
    return Directory(database, tmp_path / "home")


@pytest.fixture
def other_file_system(monkeypatch: pytest.MonkeyPatch) -> None:
    """The archive is in another one: only copies get there."""
    device = file_moves.device
    monkeypatch.setattr(file_moves, "device", lambda path: -1 if b"/archive" in path else device(path))


@pytest.mark.parametrize("places", ["one file system", "two file systems"])
def test_committed_files_move_into_the_archive_and_all_others_stay(
    directory: Directory, places: str, request: pytest.FixtureRequest
) -> None:
    if places == "two file systems":
        request.getfixturevalue("other_file_system")
    directory.load("a.csv", "sub/b.csv")
    directory.land("waits.csv", expected=1, chunks=1)
    directory.land("noise.gz", status="rejected", reason="not_gzip")
    directory.land("changed.csv", status="changed", reason="changed")
    directory.land("again.csv", "a.csv", status="duplicate", expected=1, duplicate_of=1)
    (directory.root / "unknown.csv").write_text("x")
    done = directory.tidy()
    assert (done.archived, done.left, done.problem) == (3, 0, None)
    assert directory.names() == ["changed.csv", "noise.gz", "unknown.csv", "waits.csv"]
    assert directory.archived() == {
        f"{TODAY}/1-a.csv": "a.csv",
        f"{TODAY}/sub/2-b.csv": "sub/b.csv",
        f"{TODAY}/7-again.csv": "a.csv",
    }
    assert directory.archived_ids() == [1, 2, 7]
    assert directory.held() == []
    assert directory.tidy().archived == 0


def test_afterwards_nothing_waits_nothing_has_vanished_and_the_audit_passes(directory: Directory) -> None:
    directory.load("a.csv", "b.csv")
    directory.tidy()
    connection = connect(directory.database.reader_url, "tests", autocommit=True)
    try:
        waiting = read_waiting_files(connection, EventsDirectory(directory.root))
        audit = verify(connection, EventsDirectory(directory.root))
    finally:
        connection.close()
    assert (waiting.files, waiting.vanished, waiting.unlistable) == (0, 0, ())
    assert audit.ok


def test_deleting_deletes_the_same_files(directory: Directory) -> None:
    directory.load("a.csv")
    directory.land("waits.csv", expected=1, chunks=1)
    assert directory.tidy(finished_files="delete").deleted == 1
    assert directory.names() == ["waits.csv"]
    assert directory.archived_ids() == [1]
    assert not directory.settings.archive_dir.exists()


def test_unless_asked_for_no_file_is_touched(directory: Directory) -> None:
    directory.load("a.csv")
    directory.tidy(finished_files="keep")
    assert directory.names() == ["a.csv"]


def test_a_file_stays_for_so_many_hours(directory: Directory) -> None:
    directory.load("a.csv")
    assert directory.tidy(finished_hours=1).archived == 0
    run_sql(directory.database.owner_url, "UPDATE ingest_files SET committed_at = now() - interval '61 min'")
    assert directory.tidy(finished_hours=1).archived == 1


@pytest.mark.parametrize("change", ["other content", "touched", "mode", "replaced", "link"])
def test_a_file_that_is_not_in_the_state_that_was_loaded_stays(directory: Directory, change: str) -> None:
    directory.load("a.csv")
    path = directory.root / "a.csv"
    if change == "other content":
        path.write_text("b.csv")
    elif change == "touched":
        os.utime(path)
    elif change == "mode":
        path.chmod(0o640)
    elif change == "replaced":
        (directory.root / ".new").write_text("a.csv")
        (directory.root / ".new").rename(path)
    else:
        path.rename(directory.root / ".elsewhere")
        path.symlink_to(".elsewhere")
    assert directory.tidy().archived == 0
    assert directory.names() == ["a.csv"]
    assert directory.archived_ids() == []


def test_the_files_of_the_newest_batch_wait_until_spark_has_committed_it(directory: Directory) -> None:
    directory.books.commit(Part(directory.land("a.csv", "a.csv", expected=1, chunks=1), inserted=1))
    assert directory.tidy().archived == 0
    checkpoint = directory.settings.checkpoint_dir
    (checkpoint / "commits").mkdir(parents=True)
    (checkpoint / "metadata").write_text('{"id": "another query"}')
    (checkpoint / "commits" / "1").write_text("v1\n{}")
    assert directory.tidy().archived == 0
    (checkpoint / "metadata").write_text('{"id": "query"}')
    (checkpoint / "commits" / "1").write_text("")  # never reached the disk
    assert directory.tidy().archived == 0
    (checkpoint / "commits" / "1").write_text("v1\n{}")
    assert directory.tidy().archived == 1


def test_a_file_replaced_in_the_very_moment_goes_back_under_its_name(
    directory: Directory, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory.load("a.csv")
    is_at = FinishedFile.is_at

    def replaced_afterwards(self: FinishedFile, path: bytes, *, moved: bool = False) -> bool:
        found = is_at(self, path, moved=moved)
        if not moved:
            os.unlink(path)
            Path(os.fsdecode(path)).write_text("a new delivery")
        return found

    monkeypatch.setattr(FinishedFile, "is_at", replaced_afterwards)
    done = directory.tidy()
    assert (done.archived, done.left) == (0, 1)
    assert (directory.root / "a.csv").read_text() == "a new delivery"
    assert directory.held() == []
    assert directory.archived_ids() == []


class Crash(BaseException):
    """The process is killed here."""


@pytest.mark.parametrize("places", ["one file system", "two file systems"])
@pytest.mark.parametrize("point", ["before the ledger", "before the move", "before the original goes"])
def test_after_a_crash_at_any_point_the_next_look_ends_what_was_begun(
    directory: Directory,
    places: str,
    point: str,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> None:
    if places == "two file systems":
        request.getfixturevalue("other_file_system")
    directory.load("a.csv", "b.csv")

    def crash(*_: object) -> None:
        raise Crash

    with monkeypatch.context() as patch:
        if point == "before the ledger":
            patch.setattr(finished_files, "_run", crash)
        elif point == "before the move":
            patch.setattr(file_moves, "move_in", crash)
        else:
            patch.setattr(file_moves, "_flush", crash)
        with pytest.raises(Crash):
            directory.tidy()
    assert directory.tidy().problem is None
    assert directory.archived() == {f"{TODAY}/1-a.csv": "a.csv", f"{TODAY}/2-b.csv": "b.csv"}
    assert directory.archived_ids() == [1, 2]
    assert directory.names() == directory.held() == []


def test_what_a_crash_left_goes_back_where_archiving_was_switched_off(
    directory: Directory, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory.load("a.csv")

    def crash(*_: object) -> None:
        raise Crash

    with monkeypatch.context() as patch:
        patch.setattr(file_moves, "move_in", crash)
        with pytest.raises(Crash):
            directory.tidy()
    directory.tidy(finished_files="keep")
    assert directory.names() == ["a.csv"]
    assert directory.archived_ids() == []


def test_what_a_crash_left_and_a_restored_database_does_not_know_becomes_a_file_like_any_other(
    directory: Directory,
) -> None:
    (directory.root / ".finished").mkdir()
    (directory.root / ".finished" / "77").write_text("unknown")
    assert directory.tidy().archived == 0
    assert directory.names() == ["returned-77"]
    assert directory.held() == []


def test_a_full_disk_is_one_sentence_and_every_file_is_where_it_was_or_in_the_archive(
    directory: Directory, other_file_system: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory.load("a.csv", "b.csv", "c.csv")
    fsync: Callable[[int], None] = os.fsync
    room = iter([True, False])

    def full(descriptor: int) -> None:
        if not next(room, True):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        fsync(descriptor)

    with monkeypatch.context() as patch:
        patch.setattr(file_moves.os, "fsync", full)
        done = directory.tidy()
    assert done.archived == 1
    assert done.problem is not None
    assert "No space left on device" in done.problem
    assert "\n" not in done.problem
    assert directory.names() == ["b.csv", "c.csv"]
    assert directory.archived() == {f"{TODAY}/1-a.csv": "a.csv"}
    assert directory.held() == []
    assert directory.tidy().archived == 2


@needs_fuse
def test_an_archive_that_is_full_or_not_mounted_keeps_every_file_and_status_says_why(
    directory: Directory, tmp_path: Path, reader: Connection
) -> None:
    """What is put below a mount that is away would be hidden once it is back."""
    directory.load("a.csv", "b.csv")

    def said() -> str:
        events, home = directory.settings.events_directory, directory.settings.home
        status = read_status(reader, events, home=home, archive=tmp_path / "nfs" / "archive")
        assert (status.archive or "") in status_text(status)
        assert (status.archive or "") in status_line(status)
        return status.archive or ""

    def tidy() -> Tidied:
        return directory.tidy(archive_dir=tmp_path / "nfs" / "archive")

    def nothing_moved() -> str:
        done = tidy()
        assert done.archived == 0
        assert directory.names() == ["a.csv", "b.csv"]
        assert (directory.held(), directory.archived_ids()) == ([], [])
        return done.problem or ""

    with memory_mount(tmp_path / "nfs") as mount:
        (tmp_path / "nfs" / "archive").mkdir()
        mount.fill()
        assert said().endswith("cannot be written: no space is left in its file system")
        assert "No space left on device" in nothing_moved()
        mount.make_room()
        assert said() == ""
        assert directory.tidy(archive_dir=tmp_path / "nfs" / "archive", finished_hours=1).problem is None
        mount.unmount()
        assert f"the file system that was mounted at {tmp_path}/nfs is not mounted any more" in said()
        assert NOT_MOUNTED in nothing_moved()
        assert list((tmp_path / "nfs").iterdir()) == []
        mount.mount()
        assert said() == ""
        assert (tidy().archived, directory.names()) == (2, [])
        assert directory.archived_ids() == [1, 2]


def test_a_copy_that_is_not_what_was_loaded_is_not_taken(
    directory: Directory, other_file_system: None
) -> None:
    directory.load("a.csv")
    run_sql(
        directory.database.owner_url, "UPDATE ingest_files SET content_hash = sha256('x') WHERE file_id = 1"
    )
    assert directory.tidy().left == 1
    assert directory.names() == ["a.csv"]
    assert directory.archived() == {}


def test_names_that_are_no_utf8_or_as_long_as_can_be_are_archived(directory: Directory) -> None:
    long, odd = "x" * 255, b"odd-\xff\n.csv"
    (directory.root / long).write_text("long")
    (directory.root / os.fsdecode(odd)).write_text("odd")
    for name in (long, os.fsdecode(odd)):
        state = state_on_disk(directory.root, name)
        file_id = directory.books.add_file(state.path, state=state, expected=1, chunks=1)
        run_sql(
            directory.database.owner_url,
            "UPDATE ingest_files SET raw_path = %(raw)s WHERE file_id = %(id)s",
            {"raw": os.fsencode(name) if name != long else None, "id": file_id},
        )
        directory.books.commit(Part(file_id, inserted=1))
    directory.load()
    assert directory.tidy().archived == 2
    assert sorted(directory.archived().values()) == ["long", "odd"]


def test_an_archive_within_the_events_directory_is_refused_where_files_would_go_there(tmp_path: Path) -> None:
    environment = {"CLICKSTREAM_EVENTS_DIR": str(tmp_path), "CLICKSTREAM_HOME": str(tmp_path / "home")}

    assert Settings.from_env(environment).finished_files == "keep"
    with pytest.raises(SettingsError, match="lies in the events directory"):
        Settings.from_env(environment | {"CLICKSTREAM_FINISHED_FILES": "archive"})
