"""One good source beside three that are not: half garbage, an object store that fails now and then, and a mount that
does not answer. What the checks say of each, whether the good one gets slower, and what is left after kills at random.
"""

from __future__ import annotations

import itertools
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from databases import Database, run_sql
from failing_mount import FailingMount, failing_mount, needs_fuse
from object_server import ENVIRONMENT, ObjectServer, object_server
from stream_program import Stream, wait_for_no_stream, wait_until

from clickstream_assets.checks.look import Look
from clickstream_assets.checks.source_checks import SOURCE_CHECKS, facts_of
from clickstream_assets.conservation.audit import verify
from clickstream_assets.database import connect
from clickstream_assets.file_names import EventsDirectory
from clickstream_assets.paths import STREAM_PROGRAM
from clickstream_assets.settings import Settings

pytestmark = [pytest.mark.spark, pytest.mark.faults, pytest.mark.timeout(1_500)]
HEADER = "event_id,user_id,session_id,action_type,product_id,event_time,price\n"
FILES = 40  # of the good source in each measured stretch
LIMIT = 600.0  # seconds, on a very busy machine


def rows(name: str, count: int, bad: int = 0) -> str:
    good = (f"{name}-{at},u,s,view,p,2026-01-01T00:00:{at % 60:02d}Z,1.50\n" for at in range(count))
    return HEADER + "".join(good) + "".join(f"{name}-b{at},u,s,dance,p,never,a\n" for at in range(bad))


class Sources:
    """Directories and a bucket with what was put there, and the stream that reads them."""

    def __init__(self, database: Database, place: Path, server: ObjectServer, mount: FailingMount) -> None:
        self.database, self.place, self.server, self.mount = database, place, server, mount
        for name in ("home", "events", "shop"):
            (place / name).mkdir()
        self.bucket = server.bucket()
        self.file = place / "sources.toml"
        self.environment = {
            "CLICKSTREAM_STREAM_DATABASE_URL": database.writer_url,
            "CLICKSTREAM_HOME": str(place / "home"),
            "CLICKSTREAM_EVENTS_DIR": str(place / "events"),
            "CLICKSTREAM_SOURCES": str(self.file),
            "CLICKSTREAM_SPARK_MASTER": "local[2]",
            "CLICKSTREAM_SETTLE_SECONDS": "0",
        }
        self.put: dict[str, int] = dict.fromkeys(("default", "shop", "cloud", "slow"), 0)
        self.starts = itertools.count(1)
        self.file.write_text("")

    def all_in_force(self) -> None:
        written = self.file.with_suffix(".new")
        written.write_text(
            f'[shop]\ndirectory = "shop"\n[slow]\ndirectory = "{self.mount.path}"\n'
            f'[cloud]\ndirectory = "s3://{self.bucket}/in/"\nendpoint = "{self.server.endpoint}"\n'
            "look_seconds = 0.5\n"
        )
        written.rename(self.file)

    def land(self, source: str, name: str, count: int, bad: int = 0) -> None:
        text = rows(f"{source}-{name}", count, bad)
        if source == "cloud":
            self.server.put(self.bucket, f"in/{name}.csv", text)
        else:
            places = {"default": "events", "shop": "shop"}
            directory = self.mount.behind if source == "slow" else self.place / places[source]
            (directory / f".{name}").write_text(text)
            (directory / f".{name}").rename(directory / f"{name}.csv")
        self.put[source] += 1

    def start(self) -> Stream:
        log = self.place / f"stream-{next(self.starts)}.log"
        with log.open("w") as output:
            process = subprocess.Popen(
                [sys.executable, str(STREAM_PROGRAM)],
                env={**os.environ, **ENVIRONMENT, **self.environment},
                stdout=output,
                stderr=subprocess.STDOUT,
                text=True,
            )
        return Stream(process, log)

    def committed(self, source: str, like: str = "%") -> int:
        ((found,),) = run_sql(
            self.database.owner_url,
            "SELECT count(*)::int FROM ingest_files WHERE status = 'committed' AND source = %(source)s"
            " AND path LIKE %(like)s",
            {"source": source, "like": like},
        )
        return int(str(found))

    def p99(self, like: str) -> float:
        """Seconds from landing to visible, of files of the good source."""
        ((found,),) = run_sql(
            self.database.owner_url,
            "SELECT percentile_cont(0.99) WITHIN GROUP (ORDER BY extract(epoch FROM committed_at - landed_at))::float"
            " FROM ingest_files WHERE source = 'default' AND path LIKE %(like)s",
            {"like": like},
        )
        return float(str(found))

    def colours(self) -> dict[str, str]:
        """Of all checks by source that are not green."""
        environment = {key: value for key, value in self.environment.items() if "DATABASE" not in key}
        connection = connect(self.database.reader_url, "tests-look")
        try:
            look = Look(connection, Settings.from_env(environment))
            found = {
                f"{source.name}/{name}": judge(facts_of(look, source)).verdict
                for source in look.in_force.sources
                for name, judge in SOURCE_CHECKS.items()
            }
        finally:
            connection.close()
        return {name: verdict for name, verdict in found.items() if verdict != "pass"}

    def problems(self) -> set[str]:
        found = run_sql(
            self.database.owner_url, "SELECT source FROM ingest_sources WHERE problem IS NOT NULL"
        )
        return {str(row[0]) for row in found}

    def stall(self) -> None:
        assert self.mount.server is not None
        self.mount.server.send_signal(signal.SIGSTOP)

    def answer(self) -> None:
        assert self.mount.server is not None
        self.mount.server.send_signal(signal.SIGCONT)


@contextmanager
def repeated(seconds: float, act: Callable[[int], None]) -> Iterator[None]:
    """`act` again and again in a thread, as long as the block lasts."""
    stop = threading.Event()

    def run() -> None:
        number = 0
        while not stop.wait(seconds):
            act(number)
            number += 1

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


@pytest.fixture
def sources(database: Database, tmp_path: Path) -> Iterator[Sources]:
    with object_server() as server, failing_mount(tmp_path) as mount:
        made = Sources(database, tmp_path, server, mount)
        try:
            yield made
        finally:
            made.answer()


def stretch(sources: Sources, stream: Stream, name: str) -> float:
    """The good source writes a file every half second; its p99."""
    for number in range(FILES):
        sources.land("default", f"{name}-{number}", 20)
        time.sleep(0.5)
    wait_until(lambda: sources.committed("default", f"{name}-%") == FILES, stream, LIMIT)
    return sources.p99(f"{name}-%")


@needs_fuse
def test_what_is_wrong_with_some_sources_is_said_of_them_and_lost_by_none(sources: Sources) -> None:
    chance = random.Random(19)
    stream = sources.start()
    try:
        wait_until(lambda: stretch_begins(sources), stream, LIMIT)
        alone = stretch(sources, stream, "alone")
        sources.land("slow", "before", 30)
        sources.all_in_force()
        wait_until(lambda: sources.committed("slow") == 1, stream, LIMIT)
        sources.stall()
        refused = itertools.cycle([None] * 9 + [(503, "SlowDown")])
        sources.server.faults.refuse = lambda method, path: next(refused)
        with (
            repeated(0.5, lambda at: sources.land("shop", f"a{at}", 500, bad=500)),
            repeated(1.0, lambda at: sources.land("cloud", f"a{at}", 200)),
        ):
            sources.land("slow", "after", 30)
            wait_until(lambda: "slow" in sources.problems(), stream, LIMIT)
            wait_until(lambda: sources.committed("cloud") > 3, stream, LIMIT)
            beside = stretch(sources, stream, "beside")
            colours = sources.colours()
            sys.stderr.write(f"\np99 alone {alone:.2f} s, beside the others {beside:.2f} s; {colours}\n")
            assert colours.pop("shop/reject_rate") == "error"
            assert colours.pop("slow/freshness") == "error"
            # New headers are worth a look; nothing else is wrong.
            assert {name.partition("/")[2] for name in colours} <= {"schema_drift"}
            for number in range(6):
                stream = killed(sources, stream, chance, number)
        sources.answer()
        for source, count in sources.put.items():
            wait_until(lambda s=source, c=count: sources.committed(s) == c, stream, LIMIT)  # type: ignore[misc]
    finally:
        stream.process.terminate()
        assert stream.process.wait(60) == 0
    put = sources.put
    assert run_sql(
        sources.database.owner_url,
        "SELECT f.source, count(*)::int, sum(rows_read)::int, sum(rows_inserted)::int, sum(rows_duplicate)::int,"
        " sum(rows_rejected)::int,"
        " sum((SELECT count(*) FROM events AS e WHERE e.file_id = f.file_id))::int,"
        " sum((SELECT count(*) FROM rejected_events AS r WHERE r.file_id = f.file_id))::int"
        " FROM ingest_files AS f WHERE status = 'committed' GROUP BY f.source ORDER BY f.source",
    ) == [
        ("cloud", put["cloud"], *conserved(put["cloud"] * 200, 0)),
        ("default", put["default"], *conserved(put["default"] * 20, 0)),
        ("shop", put["shop"], *conserved(put["shop"] * 500, put["shop"] * 500)),
        ("slow", 2, *conserved(60, 0)),
    ]
    connection = connect(sources.database.owner_url, "tests-verify")
    try:
        audit = verify(connection, EventsDirectory(sources.place / "events"))
    finally:
        connection.close()
    assert audit.ok, audit.offences


def stretch_begins(sources: Sources) -> bool:
    """The stream stores files at all: a first one, which is not measured."""
    if not sources.put["default"]:
        sources.land("default", "first", 1)
        sources.land("default", "second", 39)  # forty rows in two files, as of others
    return sources.committed("default") == 2


def conserved(good: int, bad: int) -> tuple[int, ...]:
    """Rows read, inserted, duplicate and rejected by the books; events and rejects in the tables."""
    return good + bad, good, 0, bad, good, bad


def killed(sources: Sources, stream: Stream, chance: random.Random, number: int) -> Stream:
    """Kill something of the stream at some moment, while the good source goes on; the stream that runs then."""
    what = ("driver", "jvm", "worker")[number % 3]
    for at in range(chance.randrange(1, 6)):
        sources.land("default", f"kill-{number}-{at}", 20)
        time.sleep(chance.random())
    if what == "driver":
        children = [stream.jvm()]
        stream.process.send_signal(signal.SIGKILL)
        for child in children:
            child.kill()
    elif what == "jvm":
        stream.jvm().kill()
    elif workers := stream.workers():
        chance.choice(workers).kill()
    try:
        stream.process.wait(60 if what != "worker" else 15)
    except subprocess.TimeoutExpired:
        assert what == "worker", f"the stream outlived its {what}"
        return stream
    wait_for_no_stream(sources.database.owner_url)
    stream = sources.start()
    before = sources.committed("default")
    sources.land("default", f"after-{number}", 20)
    wait_until(lambda: sources.committed("default") > before, stream, LIMIT)
    return stream


def test_a_backlog_of_one_source_delays_no_other(sources: Sources) -> None:
    """A file waits for the micro-batch that runs when it comes, and for its own."""
    for number in range(100):
        (sources.place / "shop" / f"{number}.csv").write_text(rows(f"backlog-{number}", 10_000))
    sources.put["shop"] = 100
    sources.file.write_text('[shop]\ndirectory = "shop"\n')
    stream = sources.start()
    try:
        wait_until(lambda: sources.committed("shop") > 0, stream, LIMIT)
        landed = 0
        while sources.committed("shop") < 95:
            sources.land("default", f"live-{landed}", 20)
            landed += 1
            time.sleep(0.5)
        wait_until(lambda: sources.committed("default") == landed, stream, LIMIT)
        waited = run_sql(
            sources.database.owner_url,
            "SELECT extract(epoch FROM f.committed_at - f.landed_at)::float,"
            " (SELECT count(*) FROM ingest_batches AS b"
            "   WHERE b.started_at > f.registered_at AND b.committed_at < f.committed_at)::int"
            " FROM ingest_files AS f WHERE source = 'default' ORDER BY f.landed_at",
        )
        sys.stderr.write(
            f"\n{landed} files beside the backlog: {[round(float(str(s)), 1) for s, _ in waited]}\n"
        )
        assert landed >= 3, "the backlog was too small to show anything"
        assert max(int(str(batches)) for _, batches in waited) <= 1
    finally:
        stream.process.terminate()
        assert stream.process.wait(60) == 0
