"""A long run of faults, `make soak`: a live shop writes files, a stream loads them, and every so often one of many
things happens to the database, to the file system or to a process. Whoever sees the stream end starts it again, as the
supervisor does. Nothing may be lost or stored twice, and every end has its cause.

    python tests/support/outages/soak.py [--minutes 45] [--every 120] [--rate 200] [--seed 1]

The same seed gives the same faults at the same times.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

if __name__ == "__main__":
    _ROOT = Path(__file__).resolve().parents[3]
    sys.path[:0] = [
        str(_ROOT),
        str(_ROOT / "tests" / "support"),
        str(_ROOT / "tests" / "support" / "outages"),
    ]

import psutil
import psycopg2
from databases import TEST_CONFIGURATION, ended_with_this_process, run_sql
from failing_mount import FailingMount, can_mount, failing_mount
from stream_program import Stream, start_stream

from clickstream_assets.database import connect
from clickstream_assets.database_url import with_database, with_identity
from clickstream_assets.file_names import EventsDirectory
from clickstream_assets.ledger.waiting_files import read_waiting_files
from clickstream_assets.outages.last_words import read_last_words
from clickstream_assets.outages.stream_waits import read_waits
from clickstream_assets.postgres.configuration import HOST
from clickstream_assets.postgres.new_server import OWNER
from clickstream_assets.postgres.roles import ROLE_NAMES
from clickstream_assets.postgres.schema import apply_schema, ensure_database
from clickstream_assets.postgres.server import PostgresServer

PASSWORD = "secret"
SESSIONS = "application_name LIKE 'clickstream-stream-%'"
END_LIMIT = 300.0  # seconds after the last fault until all files are in
RESTART_SECONDS = 5.0  # until the supervisor starts a stream again


@dataclass
class Soak:
    """What runs, and what was seen. `say` gets each line of the report."""

    directory: Path
    server: PostgresServer
    mount: FailingMount | None
    rate: float
    chance: random.Random
    say: Callable[[str], None]
    streams: list[Stream] = field(default_factory=list)
    ends: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    faults: Counter[str] = field(default_factory=Counter)
    longest_wait: dict[str, float] = field(default_factory=dict)
    killed: set[int] = field(default_factory=set)  # the drivers that a fault killed
    generator: subprocess.Popen[bytes] | None = None

    @property
    def home(self) -> Path:
        return self.directory / "home"

    @property
    def events(self) -> Path:
        return self.mount.path if self.mount else self.directory / "events"

    @property
    def landing(self) -> Path:
        """Where the generator puts files; the stream may see them through a mount."""
        return self.mount.behind if self.mount else self.events

    @property
    def owner_url(self) -> str:
        return f"postgresql://{OWNER}:{quote(PASSWORD)}@{HOST}:{self.server.port}/clickstream"

    @property
    def stream(self) -> Stream:
        return self.streams[-1]

    def sql(self, statement: str) -> list[tuple[object, ...]]:
        return run_sql(self.owner_url, statement)

    def start_stream(self) -> None:
        url = with_identity(self.owner_url, ROLE_NAMES["writer"], PASSWORD)
        number = len(self.streams) + 1
        self.streams.append(start_stream(url, self.home, self.events, number, available_now=False))

    def start_generator(self) -> None:
        command = [sys.executable, "-m", "clickstream_assets.cli", "generate", "--rate", f"{self.rate:g}"]
        command += ["--out", str(self.landing), "--duplicates", "2%", "--malformed", "1%", "--late", "1%"]
        command += ["--seed", str(self.chance.randrange(10**6)), "--exit-with-parent"]
        log = (self.directory / "generator.log").open("ab")
        self.generator = subprocess.Popen(command, stdout=log, stderr=log, env=self.environment())
        log.close()

    def environment(self) -> dict[str, str]:
        return os.environ | {
            "CLICKSTREAM_HOME": str(self.home),
            "CLICKSTREAM_EVENTS_DIR": str(self.events),
            "CLICKSTREAM_DATABASE_URL": self.owner_url,
            "CLICKSTREAM_WRITER_PASSWORD": PASSWORD,
            "CLICKSTREAM_READER_PASSWORD": PASSWORD,
            "PYTHONPATH": str(Path(__file__).resolve().parents[3]),
        }

    # -- while all runs

    def pause(self, seconds: float) -> None:
        """Wait, and look after stream and generator."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self.look()
            time.sleep(0.5)

    def look(self) -> None:
        assert self.generator is not None
        if self.generator.poll() is not None:
            self.start_generator()
        waits = read_waits(self.home)
        if waits is not None:
            seconds = time.time() - waits.since
            self.longest_wait[waits.what] = max(seconds, self.longest_wait.get(waits.what, 0.0))
        if self.stream.has_ended():
            self.note_end()
            time.sleep(RESTART_SECONDS)
            self.start_stream()

    def note_end(self) -> None:
        """The cause: a fault of ours killed it, or its last line says why."""
        process, last = self.stream.process, self.stream.last_line()
        words = read_last_words(self.home)
        if process.pid in self.killed:
            cause = (
                f"killed by {signal.Signals(-process.returncode).name}" if process.returncode < 0 else last
            )
        elif last.startswith("clickstream stream: ") and words is not None and words.pid == process.pid:
            cause = last.removeprefix("clickstream stream: ")
        else:
            cause = f"WITHOUT A CAUSE, exit code {process.returncode}: {last}"
            self.wrong.append(f"an end without a cause: {last}")
        self.ends.append(cause)
        self.say(f"    stream {len(self.streams)} ended with {process.returncode}: {cause}")

    def happen(self) -> None:
        names = [name for name in FAULTS if self.mount or not name.startswith("mount")]
        name = self.chance.choice(names)
        self.faults[name] += 1
        self.say(f"{time.strftime('%H:%M:%S')} {name}")
        try:
            FAULTS[name](self)
        except (psutil.NoSuchProcess, StopIteration, psycopg2.OperationalError) as error:
            self.say(f"    it did not come to it: {str(error).strip() or type(error).__name__}")

    # -- at the end

    def settle(self) -> None:
        """No more files; all that are there get in."""
        assert self.generator is not None
        self.generator.send_signal(signal.SIGTERM)
        self.generator.wait(60)
        deadline = time.monotonic() + END_LIMIT
        while (waiting := self.waiting()) != 0:
            if self.stream.has_ended():
                self.note_end()
                self.start_stream()
            if time.monotonic() > deadline:
                self.wrong.append(f"{waiting} files still wait after {END_LIMIT:.0f} s")
                return
            time.sleep(0.5)
        self.stream.process.send_signal(signal.SIGTERM)
        code = self.stream.process.wait(120)
        if code != 0:
            self.wrong.append(f"the last stream ended with {code}: {self.stream.last_line()}")

    def waiting(self) -> int | None:
        with (
            suppress(psycopg2.Error),
            closing(connect(self.owner_url, "soak", autocommit=True)) as connection,
        ):
            return read_waiting_files(connection, EventsDirectory(self.events)).files
        return None

    def check(self) -> None:
        """Nothing lost, nothing twice, right values, one stream."""
        command = [sys.executable, "-m", "clickstream_assets.cli", "verify", "--values"]
        audit = subprocess.run(command, env=self.environment(), capture_output=True, text=True, check=False)
        self.say(audit.stdout.strip())
        if audit.returncode != 0:
            self.wrong.append(f"verify --values: {audit.stdout[-2000:]}{audit.stderr[-500:]}")
        ((twice,),) = self.sql(
            "SELECT count(*)::int FROM (SELECT 1 FROM events GROUP BY event_id, event_time HAVING count(*) > 1) AS t"
        )
        ((epoch,),) = self.sql("SELECT epoch::int FROM stream_lease")
        ((refused,),) = self.sql("SELECT count(*)::int FROM ingest_files WHERE status = 'rejected'")
        ((rows,),) = self.sql("SELECT sum(rows_read)::int FROM ingest_files")
        if twice:
            self.wrong.append(f"{twice} events are stored twice")
        if int(str(epoch)) > len(self.streams):
            self.wrong.append(f"{epoch} streams had the lease, and {len(self.streams)} were started")
        if refused:
            self.wrong.append(f"{refused} files are booked as unreadable")
        self.say(f"{rows} rows read; {len(self.streams)} starts, {epoch} of them had the lease")
        self.say("faults: " + ", ".join(f"{name} ({number})" for name, number in self.faults.items()))
        waits = ", ".join(f"{what} {seconds:.0f} s" for what, seconds in self.longest_wait.items())
        self.say(f"longest wait: {waits or 'none'}")
        for text in self.streams_logs():
            if "Traceback" in text:
                self.wrong.append(
                    "a traceback in the log of a stream: " + text[text.index("Traceback") :][:1500]
                )

    def streams_logs(self) -> Iterator[str]:
        for stream in self.streams:
            yield stream.log.read_text()


# -- the faults: each ends as it began, but for what was killed ------------------------------------------------------


def _restart(soak: Soak, *, immediate: bool, away: float) -> None:
    soak.server.stop(immediate=immediate)
    soak.pause(away)
    soak.server.start(PASSWORD)


def _end_sessions(soak: Soak) -> None:
    soak.sql(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {SESSIONS}")


def _end_one_session(soak: Soak) -> None:
    found = soak.sql(f"SELECT pid::int FROM pg_stat_activity WHERE {SESSIONS} ORDER BY pid")
    if found:
        soak.sql(f"SELECT pg_terminate_backend({soak.chance.choice(found)[0]})")


def _kill_backend(soak: Soak) -> None:
    found = soak.sql(f"SELECT pid::int FROM pg_stat_activity WHERE {SESSIONS} ORDER BY pid")
    if found:
        os.kill(int(str(soak.chance.choice(found)[0])), signal.SIGKILL)
        soak.pause(5)


@contextmanager
def _as_superuser(soak: Soak) -> Iterator[psycopg2.extensions.connection]:
    with closing(psycopg2.connect(soak.owner_url)) as connection:
        connection.set_session(readonly=False, autocommit=True)
        yield connection


def _read_only(soak: Soak) -> None:
    soak.sql("ALTER DATABASE clickstream SET default_transaction_read_only = on")
    _end_sessions(soak)
    soak.pause(20)
    with _as_superuser(soak) as connection:
        connection.cursor().execute("ALTER DATABASE clickstream RESET default_transaction_read_only")


def _no_connections(soak: Soak) -> None:
    soak.sql("ALTER ROLE clickstream_writer CONNECTION LIMIT 0")
    _end_sessions(soak)
    soak.pause(20)
    soak.sql("ALTER ROLE clickstream_writer CONNECTION LIMIT -1")


def _disk_full(soak: Soak) -> None:
    soak.sql(
        "CREATE OR REPLACE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE"
        " 'could not extend file: No space left on device' USING ERRCODE = '53100'; END $$"
    )
    soak.sql("CREATE TRIGGER no_room BEFORE INSERT ON ingest_batches EXECUTE FUNCTION no_room()")
    soak.pause(15)
    soak.sql("DROP FUNCTION no_room CASCADE")


def _kill_driver(soak: Soak) -> None:
    soak.killed.add(soak.stream.process.pid)
    soak.stream.process.kill()
    soak.stream.process.wait()


def _kill_jvm(soak: Soak) -> None:
    soak.stream.jvm().kill()


def _kill_workers(soak: Soak) -> None:
    for worker in soak.stream.workers():
        with suppress(psutil.NoSuchProcess):
            worker.kill()


def _freeze(soak: Soak) -> None:
    jvm = soak.stream.jvm()
    jvm.suspend()
    soak.pause(15)
    jvm.resume()


def _kill_generator(soak: Soak) -> None:
    assert soak.generator is not None
    soak.generator.kill()
    soak.generator.wait()


def _mount_fails(soak: Soak) -> None:
    assert soak.mount is not None
    soak.mount.fails(soak.chance.choice(["ESTALE", "EIO", "EIO read", "ETIMEDOUT", "EHOSTDOWN"]))
    soak.pause(15)
    soak.mount.works()


def _mount_goes_away(soak: Soak) -> None:
    assert soak.mount is not None
    soak.mount.die()
    soak.pause(10)
    soak.mount.unmount()
    soak.pause(10)
    soak.mount.mount()


FAULTS: dict[str, Callable[[Soak], None]] = {
    "the server is restarted": lambda soak: _restart(soak, immediate=False, away=0.0),
    "the server crashes": lambda soak: _restart(soak, immediate=True, away=0.0),
    "the server is away for 40 s": lambda soak: _restart(soak, immediate=False, away=40.0),
    "all sessions are ended": _end_sessions,
    "one session is ended": _end_one_session,
    "a process of the server is killed": _kill_backend,
    "the database is read-only for 20 s": _read_only,
    "no connection is left for 20 s": _no_connections,
    "the database's disk is full for 15 s": _disk_full,
    "the driver is killed": _kill_driver,
    "the JVM is killed": _kill_jvm,
    "the Python workers are killed": _kill_workers,
    "the JVM stands still for 15 s": _freeze,
    "the generator is killed": _kill_generator,
    "mount fails for 15 s": _mount_fails,
    "mount goes away for 20 s": _mount_goes_away,
}


def soak(minutes: float, every: float, rate: float, seed: int, say: Callable[[str], None]) -> list[str]:
    """Run it. What was wrong at the end, a line each; nothing where all was well."""
    directory = Path(tempfile.mkdtemp(prefix="clickstream-soak-", dir="/tmp"))
    directory.chmod(0o755)
    server = PostgresServer(directory / "postgres", TEST_CONFIGURATION)
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, directory, ignore_errors=True)
        server.start(PASSWORD)
        stack.callback(server.stop, immediate=True)
        stack.enter_context(ended_with_this_process(server))
        postgres = f"postgresql://{OWNER}:{quote(PASSWORD)}@{HOST}:{server.port}/postgres"
        ensure_database(postgres, "clickstream")
        apply_schema(with_database(postgres, "clickstream"), {"writer": PASSWORD, "reader": PASSWORD})
        mount = stack.enter_context(failing_mount(directory)) if can_mount() else None
        run = Soak(directory, server, mount, rate, random.Random(seed), say)
        run.events.mkdir(exist_ok=True)
        stack.callback(lambda: _end(run))
        run.start_generator()
        run.start_stream()
        began = time.monotonic()
        while (left := began + minutes * 60 - time.monotonic()) > 0:
            run.pause(min(every, left))
            if left > every:
                run.happen()
        run.settle()
        run.check()
        return run.wrong


def _end(run: Soak) -> None:
    for process in (run.generator, *(stream.process for stream in run.streams)):
        if process is not None and process.poll() is None:
            process.kill()
            process.wait()


def main() -> int:
    parser = argparse.ArgumentParser(description="A long run of faults.")
    parser.add_argument("--minutes", type=float, default=45)
    parser.add_argument("--every", type=float, default=120, help="seconds from fault to fault")
    parser.add_argument("--rate", type=float, default=200, help="events per second")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()

    def say(text: str) -> None:
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()

    wrong = soak(options.minutes, options.every, options.rate, options.seed, say)
    for line in wrong:
        say(f"WRONG: {line}")
    say(f"{len(wrong)} things are wrong." if wrong else "Nothing was lost, nothing is there twice.")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
