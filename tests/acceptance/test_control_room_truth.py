"""What the checks, the status and the metrics say, against what was really done: every injected share, stall, changed
header and death must be reported exactly, and nothing else may turn red.

One real stream runs through all of it. CLICKSTREAM_TRUTH_ROUNDS=100 makes a long run of it, by hand.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest
from databases import Database, run_sql
from prometheus_client import CollectorRegistry

from clickstream_assets import thresholds
from clickstream_assets.checks.event_checks import EVENT_CHECKS, measure
from clickstream_assets.checks.judgement import Judgement
from clickstream_assets.data_generator import GenerationSpec, Truth, generate_files
from clickstream_assets.database import connect
from clickstream_assets.file_names import EventsDirectory
from clickstream_assets.monitoring.metrics import PipelineCollector
from clickstream_assets.monitoring.scrape import Reader
from clickstream_assets.monitoring.status import read_status
from clickstream_assets.paths import STREAM_PROGRAM
from clickstream_assets.postgres.connections import Connections
from clickstream_assets.settings import Settings
from clickstream_assets.summaries import refresh as summaries
from clickstream_assets.summaries.audit import audit_summaries
from clickstream_assets.supervision.model import StreamState
from clickstream_assets.thresholds import Limits

pytestmark = [pytest.mark.spark, pytest.mark.timeout(0 if "CLICKSTREAM_TRUTH_ROUNDS" in os.environ else 900)]

ROUNDS = int(os.environ.get("CLICKSTREAM_TRUTH_ROUNDS", "2"))
LIMIT = 180.0  # seconds for anything to happen on a busy machine
EVENTS = 4_000  # rows of a phase: shares of a thousandth are exact
QUIET = set(EVENT_CHECKS) - {"latency"}  # whatever a busy machine needs is the truth
HEADER = "event_id,user_id,session_id,action_type,product_id,event_time,price,user_agent"
ROW = "00000000-0000-4000-8000-{:012d},u,s,view,p,2026-01-01T00:00:00Z,{},Mozilla"
DAY = "interval '25 hours'"
A_DAY_LATER = f"""
    UPDATE ingest_batches SET started_at = started_at - {DAY}, committed_at = committed_at - {DAY};
    UPDATE ingest_files SET landed_at = landed_at - {DAY}, registered_at = registered_at - {DAY},
                            committed_at = committed_at - {DAY};
    UPDATE rejected_events SET rejected_at = rejected_at - {DAY};
    UPDATE ingest_layouts SET first_seen_at = first_seen_at - {DAY};
    UPDATE stream_lease SET started_at = started_at - {DAY}"""


class Room:
    """The stream's process, and the eyes of whoever is on call."""

    def __init__(self, database: Database, directory: Path) -> None:
        self.database = database
        settings = Settings.from_env({"CLICKSTREAM_HOME": str(directory / "home")})
        self.settings = settings.changed(latency_p99_seconds=1e9)
        self.events = self.settings.events_dir
        self.events.mkdir(parents=True)
        self.log = directory / "stream.log"
        self.reader = connect(database.reader_url, "tests", autocommit=True)
        self.process: subprocess.Popen[bytes] | None = None
        self.phase = 0
        self.looks = 0

    def start(self) -> None:
        environment = os.environ | {
            "CLICKSTREAM_STREAM_DATABASE_URL": self.database.writer_url,
            "CLICKSTREAM_HOME": str(self.settings.home),
            "CLICKSTREAM_EVENTS_DIR": str(self.events),
            "CLICKSTREAM_SPARK_MASTER": "local[2]",
            "CLICKSTREAM_SETTLE_SECONDS": "0",
        }
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, str(STREAM_PROGRAM)], env=environment, stdout=log, stderr=log
            )
        self.until(lambda: self.state() in (StreamState.RUNNING, StreamState.IDLE, StreamState.BEHIND))

    def tree(self) -> list[psutil.Process]:
        assert self.process is not None
        root = psutil.Process(self.process.pid)
        return [root, *root.children(recursive=True)]

    def kill(self) -> None:
        """As the kernel does when memory runs out: the driver, and what hangs on it."""
        for process in self.tree():
            with suppress(psutil.NoSuchProcess):  # it has ended meanwhile
                process.kill()
        assert self.process is not None
        self.process.wait()

    def end(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.kill()
        self.reader.close()

    def check(self, name: str) -> Judgement:
        self.looks += 1
        return measure(name, self.reader, self.settings)

    def red(self) -> set[str]:
        return {name for name in QUIET if self.check(name).verdict != "pass"}

    def state(self) -> StreamState:
        return read_status(self.reader, EventsDirectory(self.events)).decision.state

    def stored(self) -> int:
        ((rows,),) = run_sql(
            self.database.owner_url, "SELECT coalesce(sum(rows_read), 0)::bigint FROM ingest_files"
        )
        return int(str(rows))

    def until(self, condition: Callable[[], bool], limit: float = LIMIT) -> None:
        deadline = time.monotonic() + limit
        while not condition():
            assert time.monotonic() < deadline, self.log.read_text()[-2000:]
            time.sleep(0.1)

    def forget(self) -> None:
        """Let a day pass: all that the windows of the checks look at lies behind them."""
        run_sql(self.database.owner_url, A_DAY_LATER)

    def inject(self, **shares: float) -> Truth:
        """Land generated files, wait until they are in, and return the truth about them."""
        self.phase += 1
        before = self.stored()
        spec = GenerationSpec(events=EVENTS, files=4, seed=self.phase, **shares)  # type: ignore[arg-type]
        truth = generate_files(spec, self.events / f"phase-{self.phase}")
        self.until(lambda: self.stored() == before + truth.rows and self.check("freshness").verdict == "pass")
        return truth

    def land(self, name: str, *lines: str) -> None:
        hidden = self.events / f".{name}"
        hidden.write_text("\n".join(lines) + "\n")
        hidden.rename(self.events / name)

    def metrics(self) -> dict[str, float]:
        registry = CollectorRegistry()
        url = self.database.reader_url
        registry.register(
            PipelineCollector(
                Reader(
                    Connections(Settings.from_env({}), "tests", {"reader": url}), EventsDirectory(self.events)
                )
            )
        )
        return {
            "/".join([sample.name, *sample.labels.values()]): sample.value
            for family in registry.collect()
            for sample in family.samples
        }


@pytest.fixture
def room(database: Database, tmp_path: Path) -> Iterator[Room]:
    room = Room(database, tmp_path)
    yield room
    room.end()


def numbers(judgement: Judgement, *names: str) -> list[Any]:
    return [judgement.metadata[name] for name in names]


def test_what_the_control_room_says_is_what_was_done(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    room.start()
    room.until(lambda: room.state() is StreamState.IDLE)
    assert room.red() == set(), "an empty system is green"

    _shares_are_reported_exactly(room)
    _late_events_are_counted_where_they_belong(room)
    _a_silent_producer_is_idle_and_green(room)
    _a_changed_header_is_told_and_a_missing_column_is_an_error(room)
    _a_conflicting_row_is_counted(room)
    _a_stalled_stream_is_told_by_the_age_of_its_oldest_file(room, monkeypatch)
    _a_killed_stream_is_dead_and_catches_up(room)
    _random_rounds(room)
    assert room.check("conservation").verdict == "pass"
    sys.stdout.write(f"{room.looks} looks, {room.stored()} rows\n")


def _shares_are_reported_exactly(room: Room) -> None:
    for duplicates, malformed in ((0, 0), (0.01, 0), (0.05, 0), (0.3, 0), (0, 0.02), (0, 0.2)):
        room.forget()
        truth = room.inject(duplicates=duplicates, malformed=malformed)
        assert truth.duplicates == duplicates * EVENTS
        assert truth.malformed == malformed * EVENTS
        _assert_rates(room, truth)
        red = set()
        if thresholds.DUPLICATE_RATE.verdict(duplicates) != "pass":
            red.add("duplicate_rate")
        if thresholds.REJECT_RATE.verdict(malformed) != "pass":
            red.add("reject_rate")
        assert room.red() == red, (duplicates, malformed)
    assert room.check("reject_rate").verdict == "warn", "20 % itself is still within the limit of the error"


def _assert_rates(room: Room, truth: Truth) -> None:
    """The checks, the status and the metrics tell the same, and it is the truth."""
    for name, rows in (("duplicate_rate", truth.duplicates), ("reject_rate", truth.malformed)):
        found = room.check(name)
        assert numbers(found, "rows", "rows_read", "rate") == [rows, truth.rows, rows / truth.rows], name
    assert sum(room.check("reject_rate").metadata["by_reason"].values()) == truth.malformed
    status = read_status(room.reader, EventsDirectory(room.events))
    window = status.window
    assert (window.rows_inserted, window.rows_duplicate, window.rows_rejected) == (
        truth.unique_events,
        truth.duplicates,
        truth.malformed,
    )
    metrics = room.metrics()
    assert metrics["clickstream_rows_total/inserted"] == status.totals.rows_inserted
    assert metrics["clickstream_rows_total/duplicate"] == status.totals.rows_duplicate
    rejects = {name: value for name, value in metrics.items() if name.startswith("clickstream_rejected_rows")}
    assert sum(rejects.values()) == status.totals.rows_rejected == metrics["clickstream_rows_total/rejected"]


def _late_events_are_counted_where_they_belong(room: Room) -> None:
    writer = connect(room.database.writer_url, "tests")
    for share in (0, 0.2):
        room.forget()
        truth = room.inject(late=share)
        assert truth.late == share * EVENTS
        for name in summaries.NAMES:
            summaries.refresh(writer, name)
        assert room.red() == set()
    writer.close()
    for seed in "abcde":  # another old day each
        audits = audit_summaries(room.reader, seed)
        assert [audit.differences for audit in audits] == [0] * 6
        assert all(audit.rows for audit in audits)


def _a_silent_producer_is_idle_and_green(room: Room) -> None:
    room.until(lambda: room.state() is StreamState.IDLE)
    until = time.monotonic() + 5
    while time.monotonic() < until:
        assert room.state() is StreamState.IDLE
        assert room.red() == set()
        time.sleep(0.5)


def _a_changed_header_is_told_and_a_missing_column_is_an_error(room: Room) -> None:
    room.forget()
    before = room.stored()
    room.land("renamed.csv", HEADER.replace("price", "amount"), ROW.format(1, "1.50"))
    room.until(lambda: room.stored() == before + 1)
    drift = room.check("schema_drift")
    assert (drift.verdict, numbers(drift, "headers_new", "files_with_unusable_header")) == ("warn", [1, 0])
    assert drift.metadata["changes"][0].startswith("renamed.csv since ")
    assert drift.metadata["changes"][0].endswith(": without price, with amount")
    room.land("lacks.csv", HEADER.replace("user_id,", ""), "x")
    room.until(lambda: room.check("schema_drift").verdict == "error")
    drift = room.check("schema_drift")
    assert drift.metadata["files_not_read"] == {"missing_columns": {"files": 1, "newest": ["lacks.csv"]}}
    assert room.red() == {"schema_drift"}
    room.land("lacks.csv", HEADER, ROW.format(2, "1.50"))
    room.until(lambda: room.stored() == before + 2)
    assert room.check("schema_drift").verdict == "warn", "the file was delivered again, and read"
    room.forget()
    assert room.red() == set()


def _a_conflicting_row_is_counted(room: Room) -> None:
    before = room.stored()
    room.land("changed.csv", HEADER, ROW.format(2, "2.50"), ROW.format(3, "1.50"))
    room.until(lambda: room.stored() == before + 2)
    conflicts = room.check("id_conflicts")
    assert numbers(conflicts, "rows", "rows_read", "lifetime_rows") == [1, 2, 1]
    (example,) = conflicts.metadata["newest"]
    assert (example["path"], example["line_no"], example["differs_in"]) == ("changed.csv", 2, "price")
    assert conflicts.verdict == "error", "half of the window's rows"
    assert room.metrics()["clickstream_conflicting_rows_total"] == 1
    room.forget()
    assert "id_conflicts" not in room.red()


def _a_stalled_stream_is_told_by_the_age_of_its_oldest_file(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The verdict is compared at every look with the age that the file really has."""
    limits = Limits(warn_above=3.0, error_above=6.0)
    monkeypatch.setattr(thresholds, "FRESHNESS", limits)
    room.forget()  # else the first start, whose files the latency leaves out, may not be over
    path = room.events / "stalled.csv"
    stopped = room.tree()
    for process in stopped:
        process.send_signal(signal.SIGSTOP)
    room.land("stalled.csv", HEADER, ROW.format(4, "1.50"))
    landed = path.stat().st_ctime
    seen = set()
    while time.time() - landed < 13:
        earliest = time.time() - landed
        found, state = room.check("freshness"), room.state()
        latest = time.time() - landed
        assert found.verdict in {limits.verdict(earliest), limits.verdict(latest)}
        assert found.metadata["waiting_files"] == ["stalled.csv"]
        assert earliest - 0.1 <= found.metadata["oldest_waiting_seconds"] <= latest + 0.1
        if not earliest <= thresholds.BEHIND_AFTER <= latest:
            assert (state is StreamState.BEHIND) == (earliest > thresholds.BEHIND_AFTER)
        seen.add(found.verdict)
        time.sleep(0.2)
    assert seen == {"pass", "warn", "error"}
    before = room.stored()
    for process in stopped:
        process.send_signal(signal.SIGCONT)
    room.until(lambda: room.stored() == before + 1)
    assert room.check("freshness").verdict == "pass"
    latency = room.check("latency").metadata
    assert latency["max_seconds"] == pytest.approx(time.time() - landed, abs=5)
    assert latency["max_seconds"] >= 13
    monkeypatch.undo()


def _a_killed_stream_is_dead_and_catches_up(room: Room) -> None:
    room.kill()
    room.until(lambda: room.state() is StreamState.DEAD, limit=20)
    assert room.check("stream_alive").verdict == "warn", "dead for a moment"
    assert room.red() == {"stream_alive"}
    assert room.metrics()["clickstream_stream_up"] == 0
    assert room.metrics()["clickstream_stream_state/dead"] == 1
    before = room.stored()
    room.land("meanwhile.csv", HEADER, ROW.format(5, "1.50"))
    assert room.check("freshness").metadata["files_waiting"] == 1
    starts = room.metrics()["clickstream_stream_starts_total"]
    room.start()
    room.until(lambda: room.stored() == before + 1)
    assert room.check("stream_alive").verdict == "pass"
    assert room.metrics()["clickstream_stream_starts_total"] == starts + 1


def _random_rounds(room: Room) -> None:
    chance = random.Random(7)
    for _ in range(ROUNDS):
        room.forget()
        duplicates = chance.choice((0, 0.001, 0.01, 0.05, 0.1, 0.3, 0.6))
        malformed = chance.choice((0, 0.001, 0.02, 0.05, 0.2, 0.3))
        truth = room.inject(duplicates=duplicates, malformed=malformed, late=chance.choice((0, 0.05)))
        _assert_rates(room, truth)
        red = {
            name
            for name, limits, share in (
                ("duplicate_rate", thresholds.DUPLICATE_RATE, truth.duplicates / truth.rows),
                ("reject_rate", thresholds.REJECT_RATE, truth.malformed / truth.rows),
            )
            if limits.verdict(share) != "pass"
        }
        assert room.red() == red
