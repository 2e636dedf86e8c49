"""One stream, and an events directory whose file system fails as a network mount does: while it is listed, while a file
is registered, and while tasks read. And one that is taken away.

After each of them the same process goes on by itself, says so in one line, and no file is booked as unreadable.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest
from databases import Database, RunningServer, run_sql
from failing_mount import FailingMount, failing_mount, needs_fuse
from stream_program import START_LIMIT, Stream, start_stream, wait_until

from clickstream_assets.conservation.audit import verify
from clickstream_assets.database import connect
from clickstream_assets.file_names import EventsDirectory
from clickstream_assets.outages.stream_waits import read_waits

pytestmark = [pytest.mark.spark, pytest.mark.timeout(300)]
HEADER = "user_id,session_id,action_type,product_id,event_time,price\n"
BEGINS, ENDS = "the stream waits, and goes on by itself", "the events directory is back after"


@dataclass
class Place:
    """A stream; files are put into `behind`, and the stream sees them in `events`."""

    database: Database
    home: Path
    behind: Path
    events: Path
    files: int = 0
    seen: int = 0
    streams: list[Stream] = field(default_factory=list)

    @property
    def stream(self) -> Stream:
        return self.streams[-1]

    def start(self, **options: object) -> Stream:
        options = {"available_now": False, **options}
        number = len(self.streams) + 1
        stream = start_stream(self.database.writer_url, self.home, self.events, number, **options)  # type: ignore[arg-type]
        self.streams.append(stream)
        return stream

    def put(self) -> str:
        self.files += 1
        name = f"{self.files}.csv"
        hidden = self.behind / f".{name}"
        hidden.write_text(f"{HEADER}u{self.files},s,view,p,2026-07-01 12:00:00,1.50\n")
        hidden.rename(self.behind / name)
        return name

    def sql(self, statement: str) -> list[tuple[object, ...]]:
        return run_sql(self.database.owner_url, statement)

    def stored(self, files: int | None = None) -> bool:
        return self.sql("SELECT count(*)::int FROM events") == [(self.files if files is None else files,)]

    def waits_for(self, reason: str) -> None:
        def says() -> bool:
            waits = read_waits(self.home)
            return waits is not None and reason in waits.reason and waits.what == "the events directory"

        wait_until(says, self.stream)

    def goes_on(self) -> None:
        self.put()
        wait_until(self.stored, self.stream)
        wait_until(lambda: ENDS in self.stream.log.read_text()[self.seen :], self.stream)
        wait_until(lambda: read_waits(self.home) is None, self.stream)
        text = self.stream.log.read_text()
        new, self.seen = text[self.seen :], len(text)
        said = [line for line in new.splitlines() if " WARN" in line or " ERROR " in line]
        # What comes in the place of a mount may be another file system, which is waited for once more.
        assert [BEGINS in line for line in said] in ([True, False], [True, False] * 2), new
        assert "Traceback" not in new
        # A file that was not there when its turn came is registered anew; none is given up.
        assert self.sql("SELECT status, reason FROM ingest_files WHERE status <> 'committed'") == []
        with closing(connect(self.database.owner_url, "tests-verify")) as connection:
            audit = verify(connection, EventsDirectory(self.events))
        assert audit.ok, audit.offences

    def jvm_stopped(self) -> psutil.Process:
        """Intake goes on; no task begins."""
        jvm = self.stream.jvm()
        jvm.suspend()
        return jvm

    def is_registered(self, name: str) -> bool:
        return bool(self.sql(f"SELECT 1 FROM ingest_files WHERE path = '{name}'"))

    def end(self) -> None:
        for stream in self.streams:
            if not stream.has_ended():
                stream.process.kill()
                stream.process.wait()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def mount(tmp_path: Path) -> Iterator[FailingMount]:
    with failing_mount(tmp_path) as mount:
        yield mount


@pytest.fixture
def mounted(database: Database, home: Path, mount: FailingMount) -> Iterator[Place]:
    """A stream that has stored a file of a mount."""
    place = Place(database, home, mount.behind, mount.path)
    try:
        place.put()
        place.start()
        wait_until(place.stored, place.stream)
        place.seen = len(place.stream.log.read_text())
        yield place
    finally:
        mount.works()
        place.end()


@needs_fuse
def test_a_mount_that_fails_in_every_way_ends_nothing(mounted: Place, mount: FailingMount) -> None:
    for name in ("ESTALE", "EIO", "ENOTCONN", "ETIMEDOUT", "EHOSTDOWN"):
        mount.fails(name)
        mounted.waits_for(os.strerror(getattr(errno, name)))
        mount.works()
        mounted.goes_on()


@needs_fuse
def test_files_that_cannot_be_read_are_registered_once_they_can(mounted: Place, mount: FailingMount) -> None:
    for name in ("EIO read", "ESTALE open", "EIO getattr"):
        mount.fails(name)
        mounted.put()
        mounted.waits_for(os.strerror(getattr(errno, name.split()[0])))
        mount.works()
        mounted.goes_on()


@needs_fuse
def test_one_file_that_cannot_be_read_keeps_no_other_one_waiting(mounted: Place, mount: FailingMount) -> None:
    mount.fails(f"EIO read {mounted.files + 1}.csv")
    name = mounted.put()
    mounted.waits_for(f"{name} cannot be read: Input/output error")
    mounted.put()
    wait_until(lambda: mounted.stored(mounted.files - 1), mounted.stream)
    mount.works()
    mounted.goes_on()


@needs_fuse
def test_a_file_that_stays_unreadable_is_set_aside_and_taken_once_it_can_be_read(
    database: Database, home: Path, mount: FailingMount
) -> None:
    place = Place(database, home, mount.behind, mount.path)

    def is_aside(name: str) -> bool:
        newest = (
            f"SELECT status, reason FROM ingest_files WHERE path = '{name}' ORDER BY file_id DESC LIMIT 1"
        )
        return place.sql(newest) == [("changed", "away")]

    def comes_back(name: str) -> None:
        mount.works()
        (mount.behind / name).chmod(0o640)  # what has changed is not left for later
        wait_until(place.stored, place.stream)

    try:
        place.put()
        place.start(extra={"CLICKSTREAM_UNREADABLE_SECONDS": "3"})
        wait_until(place.stored, place.stream)
        mount.fails(f"EIO read {place.files + 1}.csv")  # it cannot even be registered
        name = place.put()
        wait_until(lambda: is_aside(name), place.stream)
        wait_until(lambda: read_waits(home) is None, place.stream)
        place.put()
        wait_until(lambda: place.stored(place.files - 1), place.stream)
        comes_back(name)
        jvm = place.jvm_stopped()
        task_fails = place.put()
        wait_until(lambda: place.is_registered(task_fails), place.stream)
        mount.fails(f"EIO read {task_fails}")
        place.put()
        jvm.resume()
        place.waits_for(f"{task_fails} cannot be read: Input/output error")
        wait_until(lambda: place.stored(place.files - 1), place.stream)
        wait_until(lambda: is_aside(task_fails), place.stream)
        wait_until(lambda: read_waits(home) is None, place.stream)
        comes_back(task_fails)
        assert "Traceback" not in place.stream.log.read_text()
        with closing(connect(database.owner_url, "tests-verify")) as connection:
            audit = verify(connection, EventsDirectory(place.events))
        assert audit.ok, audit.offences
    finally:
        mount.works()
        place.end()


@needs_fuse
def test_a_mount_that_fails_between_registering_and_reading(mounted: Place, mount: FailingMount) -> None:
    for mood in ("ESTALE read", "EIO open"):
        jvm = mounted.jvm_stopped()
        name = mounted.put()
        wait_until(lambda name=name: mounted.is_registered(name), mounted.stream)  # type: ignore[misc]
        mount.fails(mood)
        jvm.resume()
        mounted.waits_for(os.strerror(getattr(errno, mood.split()[0])))
        mount.works()
        mounted.goes_on()


@needs_fuse
def test_a_mount_whose_server_is_gone_and_that_is_unmounted_and_mounted_again(
    mounted: Place, mount: FailingMount
) -> None:
    mount.die()
    mounted.waits_for("Transport endpoint is not connected")
    mount.unmount()
    mounted.waits_for("Its file system is no longer mounted")
    mount.mount()
    mounted.goes_on()


@needs_fuse
@pytest.mark.faults
@pytest.mark.timeout(900)  # three starts
def test_a_mount_that_is_away_before_the_stream_starts_is_waited_for(
    mounted: Place, mount: FailingMount
) -> None:
    def starts_while(reason: str) -> None:
        mounted.start()
        mounted.waits_for(reason)
        mounted.put()

    def ends() -> None:
        mounted.stream.process.terminate()
        assert mounted.stream.process.wait(START_LIMIT) == 0

    ends()
    mount.unmount()
    starts_while("Its file system is no longer mounted")
    mount.mount()
    wait_until(mounted.stored, mounted.stream)
    ends()
    mount.fails("ESTALE")
    starts_while("Stale file handle")
    mount.works()
    wait_until(mounted.stored, mounted.stream)
    assert "Traceback" not in mounted.stream.log.read_text()
    assert mounted.sql("SELECT status FROM ingest_files WHERE status <> 'committed'") == []


@needs_fuse
def test_files_that_were_registered_before_the_mount_went_away_are_not_taken_for_changed(
    mounted: Place, mount: FailingMount
) -> None:
    jvm = mounted.jvm_stopped()
    name = mounted.put()
    wait_until(lambda: mounted.is_registered(name), mounted.stream)
    mount.unmount()
    jvm.resume()
    mounted.waits_for("")
    mount.mount()
    mounted.goes_on()


@needs_fuse
def test_a_catch_up_waits_for_its_directory_as_long_as_it_may_and_ends_with_one_sentence(
    database: Database, home: Path, mount: FailingMount
) -> None:
    place = Place(database, home, mount.behind, mount.path)
    place.put()
    mount.fails("EIO read")
    stream = place.start(available_now=True, extra={"CLICKSTREAM_OUTAGE_SECONDS": "3"})
    assert stream.process.wait(START_LIMIT) == 1
    assert stream.last_line().endswith("1.csv cannot be read: Input/output error; after 3 s of waiting")
    assert "Traceback" not in stream.log.read_text()
    mount.works()
    assert place.start(available_now=True).process.wait(START_LIMIT) == 0
    assert place.stored()


@needs_fuse
def test_commands_that_look_at_a_mount_that_fails_say_so_and_claim_nothing_about_its_files(
    mounted: Place, mount: FailingMount, postgres_server: RunningServer
) -> None:
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        environment = {
            "CLICKSTREAM_HOME": str(mounted.home),
            "CLICKSTREAM_EVENTS_DIR": str(mounted.events),
            "CLICKSTREAM_DATABASE_URL": mounted.database.owner_url,
            "CLICKSTREAM_READER_PASSWORD": postgres_server.password,
            "CLICKSTREAM_WRITER_PASSWORD": postgres_server.password,
            "CLICKSTREAM_FINISHED_FILES": "archive",
            "CLICKSTREAM_FINISHED_HOURS": "0",
        }
        command = [sys.executable, "-m", "clickstream_assets.cli", *arguments]
        done = subprocess.run(
            command, env=os.environ | environment, capture_output=True, text=True, timeout=120
        )
        assert "Traceback" not in done.stderr
        return done

    mount.fails("ESTALE")
    mounted.waits_for("Stale file handle")
    status = json.loads(run("status", "--json").stdout)
    assert status["stream"]["state"] == "waiting"
    assert "Stale file handle" in status["stream"]["reason"]
    assert status["waiting"]["unlistable"] == ["."]
    archiver = run("maintain", "--only", "finish_files")
    assert archiver.returncode == 1
    assert "Stale file handle" in archiver.stdout + archiver.stderr
    audit = run("verify", "--values")
    assert audit.returncode == 0, audit.stdout
    assert "1 files with 1 rows whose file system cannot be read at present" in audit.stdout
    mount.fails("EIO read")
    assert "whose file system cannot be read at present" in run("verify", "--values").stdout
    mount.works()
    assert "cannot be read at present" not in run("verify", "--values").stdout


def test_a_directory_that_is_gone_for_a_while(database: Database, home: Path, tmp_path: Path) -> None:
    (tmp_path / "events").mkdir()
    place = Place(database, home, tmp_path / "events", tmp_path / "events")
    try:
        place.put()
        place.start()
        wait_until(place.stored, place.stream)
        place.seen = len(place.stream.log.read_text())
        place.events.rename(tmp_path / "elsewhere")
        place.waits_for("No such file or directory")
        (tmp_path / "elsewhere").rename(place.events)
        place.goes_on()
        jvm = place.jvm_stopped()
        name = place.put()
        wait_until(lambda: place.is_registered(name), place.stream)
        place.events.rename(tmp_path / "elsewhere")
        jvm.resume()
        place.waits_for("No such file or directory")
        shutil.move(tmp_path / "elsewhere", place.events)
        place.goes_on()
    finally:
        place.end()
