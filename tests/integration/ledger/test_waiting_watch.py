"""The watch on the files that wait remembers. Guards against remembering what is no longer so."""

from __future__ import annotations

import os
import random
import time
from pathlib import Path

import psycopg2
import pytest
from databases import Database, run_sql
from ledger_books import LedgerBooks, state_on_disk
from psycopg2.extensions import connection as Connection
from waiting_by_sql import waiting_by_sql

from clickstream_assets.database import connect
from clickstream_assets.file_names import EventsDirectory
from clickstream_assets.ledger import disk_folder, waiting_watch
from clickstream_assets.ledger.waiting_files import watch_of
from clickstream_assets.ledger.waiting_watch import WaitingWatch

NAMES = ["a.csv", "b.csv", "c.csv", "sub/a.csv", "sub/b.csv", "sub/deep/c.csv", "ü.csv"]


@pytest.fixture
def events_dir(tmp_path: Path) -> Path:
    directory = tmp_path / "events"
    directory.mkdir()
    return directory


class Producer:
    """Does to the directory and the ledger what producers, people and the stream do, at random."""

    def __init__(self, directory: Path, database: Database, seed: int) -> None:
        self._directory = directory
        self._owner = database.owner_url
        self._books = LedgerBooks(database.owner_url)
        self._random = random.Random(seed)

    def act(self) -> str:
        action = self._random.choice(
            [
                self.land,
                self.land,
                self.rewrite,
                self.delete,
                self.register,
                self.register,
                self.end,
                self.chmod,
                self.release,
                self.take,
            ]
        )
        return action()

    def is_in_a_hurry(self) -> bool:
        return self._random.random() < 0.3

    def _present(self) -> list[str]:
        return sorted(str(p.relative_to(self._directory)) for p in self._directory.rglob("*.csv"))

    def land(self) -> str:
        path = self._directory / self._random.choice(NAMES)
        path.parent.mkdir(parents=True, exist_ok=True)
        hidden = path.with_name(f".{path.name}")
        hidden.write_text("x" * self._random.randrange(1, 5))
        hidden.rename(path)
        return f"land {path.name}"

    def rewrite(self) -> str:
        for name in self._random.sample(self._present(), min(1, len(self._present()))):
            (self._directory / name).write_text("y" * self._random.randrange(5, 9))
            return f"rewrite {name}"
        return "nothing"

    def chmod(self) -> str:
        for name in self._random.sample(self._present(), min(1, len(self._present()))):
            (self._directory / name).chmod(self._random.choice([0o600, 0o644]))
            return f"chmod {name}"
        return "nothing"

    def delete(self) -> str:
        for name in self._random.sample(self._present(), min(1, len(self._present()))):
            path = self._directory / name
            path.unlink()
            if path.parent != self._directory and not any(path.parent.iterdir()):
                path.parent.rmdir()
            return f"delete {name}"
        return "nothing"

    def register(self) -> str:
        status = self._random.choice(["registered", "registered", "committed", "rejected", "changed", "held"])
        for name in self._random.sample(self._present(), min(1, len(self._present()))):
            state = state_on_disk(self._directory, name)
            self._books.add_file(name, status=status, reason="x", state=state)
            return f"{status} {name}"
        return "nothing"

    def release(self) -> str:
        run_sql(self._owner, "UPDATE ingest_files SET released_at = now() WHERE status = 'held'")
        return "release"

    def take(self) -> str:
        run_sql(
            self._owner,
            "UPDATE ingest_files SET status = 'registered' WHERE status = 'held' AND released_at IS NOT NULL",
        )
        return "take"

    def end(self) -> str:
        status = self._random.choice(["committed", "rejected", "changed"])
        run_sql(
            self._owner,
            "UPDATE ingest_files SET status = %(status)s WHERE file_id IN"
            " (SELECT file_id FROM ingest_files WHERE status = 'registered' ORDER BY random() LIMIT 2)",
            {"status": status},
        )
        return f"end {status}"


@pytest.mark.parametrize("seed", range(6))
def test_what_is_remembered_is_what_a_look_from_scratch_tells(
    database: Database, reader: Connection, events_dir: Path, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    if seed % 2:  # as of very many new files
        monkeypatch.setattr(waiting_watch, "FEW_PATHS", 0)
    producer = Producer(events_dir, database, seed)
    watch = WaitingWatch(EventsDirectory(events_dir))
    done = []
    for _ in range(60):
        done.append(producer.act())
        if producer.is_in_a_hurry():
            watch.look(new_seconds=0.0)
            # A new file may have the inode of one that is done with: until it is looked at, it is taken for that.
            assert watch.compare(reader).files <= waiting_by_sql(reader, events_dir).files, done
        watch.look()
        waiting, told = watch.compare(reader, examples=100), waiting_by_sql(reader, events_dir)
        seen = (waiting.files, waiting.size_bytes, waiting.registered)
        assert seen == (told.files, told.size_bytes, told.registered), done
        # Rows that were written a moment ago share their times with the listing.
        assert sorted(waiting.oldest_paths) == sorted(told.paths), done
        assert sorted(waiting.vanished_paths) == sorted(told.vanished_paths), done
        assert waiting.not_looked_at == 0


def test_a_directory_that_stands_still_is_not_listed_again(
    reader: Connection, events_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (events_dir / "a.csv").write_text("1")
    monkeypatch.setattr(disk_folder, "FRESH_NS", 0)
    watch = WaitingWatch(EventsDirectory(events_dir))
    watch.look()

    def refuse(path: str) -> object:
        raise AssertionError(f"listed again: {path}")

    monkeypatch.setattr(os, "scandir", refuse)
    watch.look()
    assert watch.compare(reader).files == 1
    (events_dir / "b.csv").write_text("1")
    with pytest.raises(AssertionError, match="listed again"):
        watch.look()


def test_a_directory_that_changed_a_moment_ago_is_listed_again(
    reader: Connection, events_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its times tick with a clock: a name that comes within the same tick moves nothing."""
    listed = []
    scandir = os.scandir
    monkeypatch.setattr(os, "scandir", lambda path: (listed.append(path), scandir(path))[1])
    watch = WaitingWatch(EventsDirectory(events_dir))
    watch.look()
    watch.look()
    assert len(listed) == 2


def test_of_very_many_new_files_all_are_counted_at_once_and_looked_at_by_and_by(
    reader: Connection, events_dir: Path
) -> None:
    for number in range(300):
        (events_dir / f"{number}.csv").write_text("1")
    watch = WaitingWatch(EventsDirectory(events_dir))
    watch.look(new_seconds=0.0)
    first = watch.compare(reader)
    assert (first.files, first.size_bytes, first.not_looked_at) == (300, 0, 300)
    assert first.oldest_age_seconds is None
    watch.look()
    second = watch.compare(reader)
    assert (second.files, second.size_bytes, second.not_looked_at) == (300, 300, 0)
    assert second.oldest_age_seconds is not None


def test_a_restored_database_is_asked_about_every_file_again(
    database: Database, reader: Connection, events_dir: Path
) -> None:
    (events_dir / "a.csv").write_text("1")
    books = LedgerBooks(database.owner_url)
    books.add_file("a.csv", status="committed", state=state_on_disk(events_dir, "a.csv"))
    watch = WaitingWatch(EventsDirectory(events_dir))
    watch.look()
    assert watch.compare(reader).files == 0
    run_sql(database.owner_url, "TRUNCATE ingest_files CASCADE")
    watch.look()
    assert watch.compare(reader).files == 1


def test_a_process_has_one_watch_for_a_directory_and_a_ledger(
    database: Database, reader: Connection, writer: Connection, events_dir: Path, tmp_path: Path
) -> None:
    watch = watch_of(reader, EventsDirectory(events_dir))
    assert watch_of(writer, EventsDirectory(events_dir)) is watch
    assert watch_of(reader, EventsDirectory(tmp_path)) is not watch


def test_a_look_that_the_ledger_does_not_answer_is_made_up_for_by_the_next(
    database: Database, reader: Connection, events_dir: Path
) -> None:
    (events_dir / "a.csv").write_text("1")
    watch = WaitingWatch(EventsDirectory(events_dir))
    watch.look()
    closed = connect(database.reader_url, "tests", autocommit=True)
    closed.close()
    with pytest.raises(psycopg2.InterfaceError):
        watch.compare(closed)
    assert watch.compare(reader).files == 1


def test_a_look_takes_part_of_a_second_for_ten_thousand_files(reader: Connection, events_dir: Path) -> None:
    for number in range(10_000):
        (events_dir / f"{number}.csv").touch()
    watch = WaitingWatch(EventsDirectory(events_dir))
    watch.look()
    watch.compare(reader)
    began = time.process_time()
    watch.look()
    assert watch.compare(reader).files == 10_000
    assert time.process_time() - began < 1
