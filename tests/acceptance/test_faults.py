"""Long runs of faults: `make test-faults`. After each: nothing lost, nothing twice, and the stream comes back by
itself when it is started again, as the supervisor does; each of its ends was said in one sentence.

Points within a micro-batch are held by locks that the test takes in PostgreSQL. The one after the commit is held by
stopping the JVM, which then plans nothing more. Whether Spark has written its own commit by then is left open: it
decides nothing.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import psycopg2
import pytest
from databases import run_sql, server_with_schema, superuser_url
from stream_program import (
    START_LIMIT,
    Stream,
    assert_exactly,
    load_the_rest,
    start_stream,
    wait_for_no_stream,
    wait_until,
)

from clickstream_assets.conservation.audit import verify
from clickstream_assets.data_generator import GenerationSpec, generate_files
from clickstream_assets.database import connect
from clickstream_assets.database_url import with_identity
from clickstream_assets.file_names import EventsDirectory
from clickstream_assets.generator.truth import Truth
from clickstream_assets.outages.stream_waits import read_waits
from clickstream_assets.postgres.configuration import HOST
from clickstream_assets.postgres.roles import ROLE_NAMES
from clickstream_assets.postgres.server import PostgresServer

pytestmark = [pytest.mark.spark, pytest.mark.faults, pytest.mark.timeout(900)]
PASSWORD = "secret"
WAITING = """
    SELECT pid::int FROM pg_stat_activity
     WHERE datname = current_database() AND wait_event_type = 'Lock' AND application_name = %(name)s
       AND query LIKE %(query)s"""


@dataclass
class Place:
    """A server, a database, files with their truth, and a home, all for one test: it is going to break them."""

    server: PostgresServer
    directory: Path
    truth: Truth
    streams: list[Stream] = field(default_factory=list)

    @property
    def owner_url(self) -> str:
        return superuser_url(self.server, PASSWORD, "clickstream")

    @property
    def writer_url(self) -> str:
        return with_identity(self.owner_url, ROLE_NAMES["writer"], PASSWORD)

    @property
    def events(self) -> Path:
        return self.directory / "events"

    @property
    def home(self) -> Path:
        return self.directory / "home"

    def sql(self, statement: str, **parameters: object) -> list[tuple[object, ...]]:
        return run_sql(self.owner_url, statement, parameters or None)

    def start(self, number: int, **arguments: object) -> Stream:
        return self.start_at(self.writer_url, self.home, number, **arguments)

    def start_at(self, url: str, home: Path, number: int, **arguments: object) -> Stream:
        stream = start_stream(url, home, self.events, number, **arguments)  # type: ignore[arg-type]
        self.streams.append(stream)
        return stream

    def end(self) -> None:
        """Whatever the test left running."""
        for stream in self.streams:
            stream.process.kill()
            stream.process.wait()

    def backend_waits(self, name: str, statement: str) -> Callable[[], bool]:
        return lambda: bool(self.sql(WAITING, name=name, query=statement))

    @contextmanager
    def lock(self, table: str, mode: str) -> Iterator[None]:
        connection = connect(self.owner_url, "tests-lock")
        try:
            connection.cursor().execute(f"LOCK TABLE {table} IN {mode} MODE")
            yield
        finally:
            with suppress(Exception):
                connection.close()

    def ends_well(self, first: int) -> list[str]:
        """Load what is left and check everything; what the stream said when it ended otherwise."""
        said = load_the_rest(self.owner_url, self.writer_url, self.home, self.events, first)
        assert_exactly(self.truth, self.owner_url, self.events)
        return said


@pytest.fixture
def place() -> Iterator[Place]:
    directory = Path(tempfile.mkdtemp(prefix="clickstream-test-", dir="/tmp"))
    directory.chmod(0o755)
    spec = GenerationSpec(events=40_000, files=4, duplicates=0.05, malformed=0.02, late=0.01, seed=7)
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, directory, ignore_errors=True)
        server = stack.enter_context(server_with_schema(directory, PASSWORD, "clickstream"))
        (directory / "home").mkdir()
        place = Place(server, directory, generate_files(spec, directory / "events"))
        stack.callback(place.end)
        yield place


def said_in_one_sentence(stream: Stream) -> str:
    """The stream's last words."""
    line = stream.last_line()
    assert line.startswith("clickstream stream: "), stream.log.read_text()[-3000:]
    return line


# -- SIGKILL at named points ----------------------------------------------------------------------------------------


@contextmanager
def held_before_the_offset(place: Place, stream: Stream) -> Iterator[None]:
    # Before the files are registered: a catch-up loads while it registers.
    wait_until(
        lambda: bool(place.sql("SELECT 1 FROM stream_lease WHERE released_at IS NULL AND epoch > 0")), stream
    )
    with place.lock("ingest_chunks", "ACCESS EXCLUSIVE"):
        wait_until(place.backend_waits("clickstream-stream-source", "%chunks%"), stream)
        assert not list((place.home / "checkpoint" / "offsets").glob("[0-9]*"))
        yield


@contextmanager
def held_while_rows_are_copied(place: Place, stream: Stream) -> Iterator[None]:
    with place.lock("events", "EXCLUSIVE"):
        wait_until(place.backend_waits("clickstream-stream-sink", "%"), stream)
        assert list((place.home / "spool").glob("e*-*-*/*.events"))
        yield


@contextmanager
def held_inside_the_transaction(place: Place, stream: Stream) -> Iterator[None]:
    with place.lock("ingest_batches", "EXCLUSIVE"):
        wait_until(place.backend_waits("clickstream-stream-sink", "%INSERT INTO ingest_batches%"), stream)
        yield


@contextmanager
def held_after_the_commit(place: Place, stream: Stream) -> Iterator[None]:
    with held_inside_the_transaction(place, stream):
        jvm = stream.jvm()
        jvm.suspend()
    try:
        wait_until(lambda: bool(place.sql("SELECT 1 FROM ingest_batches")), stream)
        yield
    finally:
        with suppress(psutil.NoSuchProcess):
            jvm.resume()


POINTS = {
    "before the offset is logged": held_before_the_offset,
    "while rows are copied": held_while_rows_are_copied,
    "inside the transaction": held_inside_the_transaction,
    "after the commit": held_after_the_commit,
}


def kill_driver(place: Place, stream: Stream) -> None:
    jvm = stream.jvm()
    stream.process.kill()
    jvm.resume()  # it ends when its parent's pipe closes, which a stopped process cannot notice


def kill_jvm(place: Place, stream: Stream) -> None:
    stream.jvm().kill()


def kill_workers(place: Place, stream: Stream) -> None:
    for worker in stream.workers():
        with suppress(psutil.NoSuchProcess):
            worker.kill()


def kill_postgresql(place: Place, stream: Stream) -> None:
    """One of its processes, in which a transaction was: it then ends all others, and recovers."""
    (pid,) = place.sql(
        "SELECT max(pid)::int FROM pg_stat_activity WHERE application_name LIKE 'clickstream-stream%'"
    )[0]
    os.kill(int(str(pid)), signal.SIGKILL)


VICTIMS = {
    "driver": kill_driver,
    "JVM": kill_jvm,
    "Python workers": kill_workers,
    "PostgreSQL": kill_postgresql,
}


@pytest.mark.parametrize("victim", list(VICTIMS))
@pytest.mark.parametrize("point", list(POINTS))
def test_sigkill(place: Place, point: str, victim: str) -> None:
    stream = place.start(1)
    with POINTS[point](place, stream):
        VICTIMS[victim](place, stream)
        if victim == "driver":
            assert stream.process.wait(30) == -signal.SIGKILL
        elif victim == "PostgreSQL":
            _until_it_answers(place)
    # Where the victim was idle at that point, the stream may get over it; else it ends in words.
    if victim != "driver" and stream.process.wait(START_LIMIT) != 0:
        said_in_one_sentence(stream)
    place.ends_well(2)


def _until_it_answers(place: Place) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            place.sql("SELECT 1")
        except psycopg2.Error:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        else:
            return


@pytest.mark.parametrize("seed", [1, 2])
def test_sigkill_at_random(place: Place, seed: int) -> None:
    chance = random.Random(seed)
    for number in range(1, 6):
        stream = place.start(number)
        wait_until(lambda: bool(place.sql("SELECT 1 FROM stream_lease WHERE released_at IS NULL")), stream)
        with suppress(subprocess.TimeoutExpired):
            stream.process.wait(chance.uniform(4, 14))
        if stream.has_ended():
            break
        with suppress(psutil.NoSuchProcess, StopIteration):
            chance.choice([kill_driver, kill_jvm, kill_workers])(place, stream)
        with suppress(subprocess.TimeoutExpired):
            stream.process.wait(30)
        if not stream.has_ended():
            stream.process.kill()
            stream.process.wait()
        wait_for_no_stream(place.owner_url)
    place.ends_well(10)


# -- PostgreSQL away ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("immediate", [False, True], ids=["restarted", "crashed"])
def test_postgresql_goes_away_in_the_middle_of_a_transaction(place: Place, immediate: bool) -> None:
    stream = place.start(1)
    with held_inside_the_transaction(place, stream):
        place.server.stop(immediate=immediate)
    wait_until(lambda: read_waits(place.home) is not None, stream)
    impatient = {"CLICKSTREAM_OUTAGE_SECONDS": "3"}
    while_away = place.start_at(place.writer_url, place.directory / "another-home", 2, extra=impatient)
    assert while_away.process.wait(START_LIMIT) == 1
    assert "the database does not answer" in said_in_one_sentence(while_away)
    assert while_away.last_line().endswith("; after 3 s of waiting")
    assert not stream.has_ended()
    place.server.start(PASSWORD)
    assert stream.process.wait(START_LIMIT) == 0, stream.last_line()
    assert place.ends_well(3) == []


class Proxy(threading.Thread):
    """A TCP relay that can be cut: connections end, and new ones are refused."""

    def __init__(self, port: int) -> None:
        super().__init__(daemon=True)
        self._target = (HOST, port)
        self._ends: list[socket.socket] = []
        self._relays: list[threading.Thread] = []
        self._is_cut = False
        self._listener = socket.create_server((HOST, 0))
        self.port = self._listener.getsockname()[1]
        self.start()

    def run(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                if self._is_cut:
                    client.close()
                    continue
                server = socket.create_connection(self._target)
                self._ends += [client, server]
                for ends in ((client, server), (server, client)):
                    relay = threading.Thread(target=self._relay, args=ends, daemon=True)
                    relay.start()
                    self._relays.append(relay)

    def cut(self) -> None:
        self._is_cut = True
        for end in self._ends:
            _hang_up(end)

    def mend(self) -> None:
        self._is_cut = False

    def close(self) -> None:
        self.cut()
        _hang_up(self._listener)
        for thread in (self, *self._relays):
            thread.join(10)
        for end in (self._listener, *self._ends):
            end.close()

    @staticmethod
    def _relay(source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                target.sendall(data)
        _hang_up(source)
        _hang_up(target)


def _hang_up(end: socket.socket) -> None:
    with suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)


def test_postgresql_unreachable_for_a_minute(place: Place) -> None:
    proxy = Proxy(place.server.port or 0)
    url = place.writer_url.replace(f":{place.server.port}/", f":{proxy.port}/")
    try:
        stream = place.start_at(url, place.home, 1, available_now=False)
        with held_inside_the_transaction(place, stream):
            proxy.cut()
            since = time.monotonic()
        wait_until(lambda: time.monotonic() - since > 60, stream)
        waits = read_waits(place.home)
        assert waits is not None
        assert "the database does not answer" in waits.reason
        proxy.mend()
        committed = "SELECT count(*)::int FROM ingest_files WHERE status = 'committed'"
        wait_until(lambda: place.sql(committed) == [(4,)], stream)
        # The end of an outage is said once Spark has asked for files again, which is after the commit.
        wait_until(lambda: "is back after" in stream.log.read_text(), stream)
        said = stream.log.read_text()
        assert said.count("the stream waits, and goes on by itself") == said.count("is back after") == 1
        assert "Traceback" not in said
        stream.process.terminate()
        assert stream.process.wait(60) == 0
    finally:
        proxy.close()
    assert_exactly(place.truth, place.owner_url, place.events)


# -- Disks that are full --------------------------------------------------------------------------------------------


@dataclass
class SmallDisk:
    """A file system of a few megabytes, in a mount namespace of its own. `within` starts a program there."""

    path: Path
    keeper: subprocess.Popen[str]

    @property
    def within(self) -> list[str]:
        return [
            "nsenter",
            "--target",
            str(self.keeper.pid),
            "--user",
            "--mount",
            "--preserve-credentials",
            "--",
        ]

    @property
    def seen_from_here(self) -> Path:
        return Path(f"/proc/{self.keeper.pid}/root{self.path}")

    def fill(self) -> None:
        with suppress(OSError), (self.seen_from_here / "filler").open("wb", buffering=0) as filler:
            while True:
                filler.write(b"x" * 4096)

    def make_room(self) -> None:
        (self.seen_from_here / "filler").unlink()


@pytest.fixture
def small_disk(place: Place) -> Iterator[SmallDisk]:
    path = place.directory / "small"
    path.mkdir()
    script = 'mount -t tmpfs -o size=32m tmpfs "$0" && echo ready && exec sleep 3600'
    keeper = subprocess.Popen(
        ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script, str(path)],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert keeper.stdout is not None
        if keeper.stdout.readline() != "ready\n":
            pytest.skip("needs user namespaces (unshare) for a small file system")
        yield SmallDisk(path, keeper)
    finally:
        keeper.kill()
        keeper.communicate()


def test_the_disk_of_the_home_is_full(place: Place, small_disk: SmallDisk) -> None:
    stream = place.start_at(
        place.writer_url, small_disk.path, 1, available_now=False, within=small_disk.within
    )
    wait_until(lambda: bool(place.sql("SELECT 1 FROM ingest_batches")), stream)
    small_disk.fill()
    more = generate_files(GenerationSpec(events=30_000, files=3, seed=8), place.directory / "more")
    for file in (place.directory / "more").glob("*.csv"):
        file.rename(place.events / f"more-{file.name}")
    assert stream.process.wait(START_LIMIT) == 1
    assert "No space left" in said_in_one_sentence(stream)
    small_disk.make_room()
    again = place.start_at(place.writer_url, small_disk.path, 2, within=small_disk.within)
    assert again.process.wait(START_LIMIT) == 0, again.log.read_text()[-3000:]
    counts = place.sql("SELECT sum(rows_read)::int FROM ingest_files")
    assert counts == [(place.truth.rows + more.rows,)]
    connection = connect(place.owner_url, "tests-verify")
    try:
        assert verify(connection, EventsDirectory(place.events)).ok
    finally:
        connection.close()


def test_the_disk_of_the_archive_is_full(place: Place, small_disk: SmallDisk) -> None:
    assert place.start(1).process.wait(START_LIMIT) == 0
    before = sorted(path.name for path in place.events.glob("*.csv"))

    def maintain() -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [
                *small_disk.within,
                sys.executable,
                "-m",
                "clickstream_assets.cli",
                "maintain",
                "--only",
                "finish_files",
            ],
            env={
                **os.environ,
                "CLICKSTREAM_HOME": str(place.home),
                "CLICKSTREAM_EVENTS_DIR": str(place.events),
                "CLICKSTREAM_DATABASE_URL": place.owner_url,
                "CLICKSTREAM_WRITER_PASSWORD": PASSWORD,
                "CLICKSTREAM_READER_PASSWORD": PASSWORD,
                "CLICKSTREAM_FINISHED_FILES": "archive",
                "CLICKSTREAM_FINISHED_HOURS": "0",
                "CLICKSTREAM_ARCHIVE_DIR": str(small_disk.path / "archive"),
            },
            capture_output=True,
            text=True,
            check=False,
        )

    (small_disk.seen_from_here / "archive").mkdir()
    small_disk.fill()
    full = maintain()
    assert full.returncode == 1, full.stderr
    assert "No space left on device" in full.stdout
    assert full.stdout.count("\n") == 1
    assert full.stderr == ""
    assert sorted(path.name for path in place.events.glob("*.csv")) == before
    place.ends_well(2)
    small_disk.make_room()
    (small_disk.seen_from_here / "room").write_bytes(b"")
    done = maintain()
    archived = place.sql("SELECT count(*)::int FROM ingest_files WHERE archived_at IS NOT NULL")
    kept = len(list(place.events.glob("*.csv")))
    assert (archived[0][0], kept) in {(n, len(before) - n) for n in range(len(before) + 1)}, done.stdout
    assert archived != [(0,)]


# -- Two at once ----------------------------------------------------------------------------------------------------


def test_of_two_streams_that_are_started_at_once_one_loads_and_the_other_says_who_does(place: Place) -> None:
    first = place.start(1, available_now=False)
    second = place.start(2, available_now=False)
    deadline = time.monotonic() + START_LIMIT
    while not (first.has_ended() or second.has_ended()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    loser, winner = (first, second) if first.has_ended() else (second, first)
    assert loser.process.returncode == 3
    assert "holds the lease; only one may run" in said_in_one_sentence(loser)
    committed = "SELECT count(*)::int FROM ingest_files WHERE status = 'committed'"
    wait_until(lambda: place.sql(committed) == [(4,)], winner)
    winner.process.terminate()
    assert winner.process.wait(60) == 0
    place.ends_well(3)
