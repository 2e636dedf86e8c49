"""Several sources in one stream, with the real ledger and without Spark: what one does is nothing to the others."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from databases import Database, run_sql
from psycopg2.extensions import connection as Connection
from stalled_mounts import StalledMount

from clickstream_assets.database import connect
from clickstream_assets.errors import SettingsError
from clickstream_assets.ledger.held_files import HeldFile, WhichHeld, drop, read_held, release
from clickstream_assets.settings import Settings
from spark.intake.making import IntakeMaker
from spark.intake.manifest import Manifest
from spark.intake.source_intakes import SourceIntakes
from spark.lease import Lease
from spark.mapping.source_mapping import UNMAPPED
from spark.stream.settings import ChangedSources, stream_sources

HEADER = "user_id,session_id,action_type,product_id,event_time,price\n"
ROW = "u,s,view,p,2026-01-01T00:00:00Z,19.99\n"
LIMIT = 20.0  # seconds


class Intakes:
    """The intakes by a sources.toml, which can be written again while they run."""

    def __init__(self, database: Database, place: Path) -> None:
        self.database = database
        self.place = place
        self.file = place / "sources.toml"
        for name in ("home", "shop", "web", "slow", "home/events"):
            (place / name).mkdir()
        self.settings = Settings.from_env(
            {
                "CLICKSTREAM_HOME": str(place / "home"),
                "CLICKSTREAM_SETTLE_SECONDS": "0",
                "CLICKSTREAM_SOURCES": str(self.file),
            }
        )
        self.failures: list[object] = []
        self.lease = Lease(database.writer_url, "continuous", None, self.failures.append)
        self._running: SourceIntakes | None = None

    def start(self, text: str, registered: Path | None = None) -> None:
        self.file.write_text(text)
        changed = ChangedSources(self.settings)
        self._running = SourceIntakes(
            stream_sources(self.settings, UNMAPPED),
            IntakeMaker(
                Manifest(lambda: connect(self.database.writer_url, "tests-intake"), self.lease.epoch),
                self.failures.append,
                lambda _: lambda _: None,
            ),
            changed,
        )
        if registered is None:
            self._running.start()
        else:
            self._running.start_with_present_files(registered)

    def stop(self) -> None:
        if self._running is not None:
            self._running.stop()
            self._running = None

    def end(self) -> None:
        self.stop()
        self.lease.release("test")
        assert not self.failures

    def land(self, path: str, text: str = HEADER + ROW) -> None:
        target = self.place / path
        hidden = target.with_name(f".{target.name}")
        hidden.write_text(text)
        hidden.rename(target)

    def files(self) -> list[tuple[object, ...]]:
        return run_sql(
            self.database.owner_url, "SELECT source, path, status FROM ingest_files ORDER BY source, path"
        )

    def sources(self, columns: str) -> list[tuple[object, ...]]:
        return run_sql(self.database.owner_url, f"SELECT {columns} FROM ingest_sources ORDER BY source")

    def wait_for(self, condition: Callable[[], bool]) -> None:
        limit = time.monotonic() + LIMIT
        while not condition():
            assert time.monotonic() < limit, (self.files(), self.sources("source, problem, fault"))
            assert not self.failures
            time.sleep(0.02)


@pytest.fixture
def intakes(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Intakes]:
    monkeypatch.setattr("spark.intake.file_system_clock.STALL_SECONDS", 0.5)
    monkeypatch.setattr("spark.intake.source_intakes.STOP_PATIENCE", 0.2)
    monkeypatch.setattr("spark.intake.source_intakes.GIVE_UP_SECONDS", 1.0)
    running = Intakes(database, tmp_path)
    yield running
    running.end()


BOTH = '[shop]\ndirectory = "shop"\n[web]\ndirectory = "web"\n'


def test_the_same_name_and_content_in_two_sources_are_two_files(intakes: Intakes) -> None:
    for path in ("shop/a.csv", "web/a.csv", "home/events/a.csv"):
        intakes.land(path)
    intakes.start(BOTH)
    intakes.wait_for(lambda: len(intakes.files()) == 3)
    assert intakes.files() == [(source, "a.csv", "registered") for source in ("default", "shop", "web")]
    assert intakes.sources("source, owner, problem, fault, removed_at") == [
        (source, None, None, None, None) for source in ("default", "shop", "web")
    ]


def test_a_mount_that_does_not_answer_delays_no_other_and_is_told_as_long_as_it_lasts(
    intakes: Intakes, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    mount = StalledMount(intakes.place / "slow", monkeypatch)
    intakes.start(BOTH + '[slow]\ndirectory = "slow"\n')
    intakes.land("slow/before.csv")
    intakes.wait_for(lambda: len(intakes.files()) == 1)
    mount.stall()
    try:
        for number in range(5):
            intakes.land(f"shop/{number}.csv")
            intakes.wait_for(lambda number=number: len(intakes.files()) == number + 2)  # type: ignore[misc]
        intakes.wait_for(lambda: intakes.sources("problem")[2] != (None,))
        assert intakes.sources("problem, problem_since IS NULL") == [
            (None, True),
            (None, True),
            (f"{intakes.place}/slow does not answer", False),
            (None, True),
        ]
    finally:
        mount.answer()
    intakes.land("slow/after.csv")
    intakes.wait_for(lambda: len(intakes.files()) == 7)
    intakes.wait_for(lambda: intakes.sources("problem")[2] == (None,))
    told = [text for text in caplog.messages if "slow" in text and "answer" in text]
    assert told == [f"source slow: {intakes.place}/slow does not answer; the other sources go on"]


def test_a_directory_that_is_not_there_stops_nobody_and_is_read_when_it_comes(intakes: Intakes) -> None:
    intakes.start(BOTH + '[late]\ndirectory = "late"\n')
    sentence = f"{intakes.place}/late cannot be read: No such file or directory"
    intakes.wait_for(lambda: ("late", sentence) in intakes.sources("source, problem"))
    intakes.land("shop/a.csv")
    (intakes.place / "late").mkdir()
    intakes.land("late/a.csv")
    intakes.wait_for(lambda: len(intakes.files()) == 2)
    intakes.wait_for(lambda: intakes.sources("problem")[1] == (None,))


def test_the_end_does_not_wait_for_a_mount_that_does_not_answer(
    intakes: Intakes, monkeypatch: pytest.MonkeyPatch
) -> None:
    mount = StalledMount(intakes.place / "slow", monkeypatch)
    intakes.start('[slow]\ndirectory = "slow"\n')
    intakes.wait_for(lambda: len(intakes.sources("source")) == 2)
    mount.stall()
    try:
        intakes.land("home/events/a.csv")
        intakes.wait_for(lambda: len(intakes.files()) == 1)
        began = time.monotonic()
        intakes.stop()
        assert time.monotonic() - began < 5
    finally:
        mount.answer()


def test_a_catch_up_ends_without_the_files_of_a_mount_that_does_not_answer(
    intakes: Intakes, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    mount = StalledMount(intakes.place / "slow", monkeypatch)
    intakes.land("shop/a.csv")
    mount.stall()
    try:
        intakes.start(BOTH + '[slow]\ndirectory = "slow"\n', tmp_path / "registered")
        intakes.wait_for((tmp_path / "registered").exists)
        assert intakes.files() == [("shop", "a.csv", "registered")]
    finally:
        mount.answer()


def test_sources_come_and_go_while_the_stream_runs(intakes: Intakes) -> None:
    intakes.start('[shop]\ndirectory = "shop"\n')
    intakes.land("shop/a.csv")
    intakes.wait_for(lambda: len(intakes.files()) == 1)
    intakes.file.write_text('[web]\ndirectory = "web"\nowner = "web-team"\n')
    intakes.land("web/a.csv")
    intakes.wait_for(lambda: len(intakes.files()) == 2)
    assert intakes.sources("source, owner, removed_at IS NULL") == [
        ("default", None, True),
        ("shop", None, False),
        ("web", "web-team", True),
    ]
    intakes.land("shop/b.csv")
    intakes.land("web/b.csv")
    intakes.wait_for(lambda: len(intakes.files()) == 3)
    assert ("shop", "b.csv", "registered") not in intakes.files()


def test_a_faulty_version_is_one_line_and_what_was_in_force_stays_so(
    intakes: Intakes, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.ERROR)
    intakes.start('[shop]\ndirectory = "shop"\n')
    intakes.wait_for(lambda: len(intakes.sources("source")) == 2)
    intakes.file.write_text('[shop]\ndirectory = "web"\nmapping.actions = 3\n')
    intakes.wait_for(lambda: intakes.sources("fault")[0] != (None,))
    intakes.land("web/a.csv")
    intakes.land("shop/a.csv")
    intakes.wait_for(lambda: len(intakes.files()) == 1)
    assert intakes.files() == [("shop", "a.csv", "registered")]
    assert intakes.sources("directory")[1] == (str(intakes.place / "shop"),)
    assert len(caplog.messages) == 1
    assert caplog.messages[0].startswith(f"{intakes.file}, [shop.mapping]")
    intakes.file.write_text('[shop]\ndirectory = "shop"\n')
    intakes.wait_for(lambda: intakes.sources("fault") == [(None,), (None,)])


def test_files_that_come_at_the_same_time_are_numbered_in_the_order_of_their_commits(
    intakes: Intakes,
) -> None:
    """A chunk that is committed after a later one would never be read."""
    for source in ("shop", "web", "home/events"):
        for number in range(200):
            intakes.land(f"{source}/{number}.csv", HEADER + ROW * (number + 1))
    watching = connect(intakes.database.owner_url, "tests-watch", autocommit=True)
    intakes.start(BOTH)
    highest, seen = 0, 0
    limit = time.monotonic() + LIMIT
    with watching.cursor() as cursor:
        while seen < 600:
            cursor.execute(
                "SELECT count(*), max(seq), count(*) FILTER (WHERE seq <= %s) FROM ingest_chunks", (highest,)
            )
            ((count, last, before),) = cursor.fetchall()
            assert before == seen, "a chunk came in behind what was seen"
            seen, highest = count, last or 0
            assert time.monotonic() < limit
    watching.close()


BAD = "u,s,dance,p,2026-01-01T00:00:00Z,19.99\n"
STRICT = '[shop]\ndirectory = "shop"\ndrift = "quarantine"\nerror_budget = 10\n'


def decided(
    intakes: Intakes, decide: Callable[[Connection, WhichHeld], list[HeldFile]], which: WhichHeld
) -> int:
    connection = connect(intakes.database.writer_url, "tests-files", autocommit=True)
    try:
        return len(decide(connection, which))
    finally:
        connection.close()


def statuses(intakes: Intakes) -> list[tuple[object, ...]]:
    return run_sql(
        intakes.database.owner_url, "SELECT path, status, reason FROM ingest_files ORDER BY file_id"
    )


def test_files_that_are_not_as_agreed_are_held_back_whole_until_somebody_decides(intakes: Intakes) -> None:
    intakes.start(STRICT)
    intakes.land("shop/good.csv", HEADER + ROW * 9 + BAD)
    intakes.wait_for(lambda: len(statuses(intakes)) == 1)
    intakes.land("shop/bad.csv", HEADER + ROW + BAD)
    intakes.land("shop/other.csv", HEADER.replace("price", "colour") + ROW)
    intakes.wait_for(lambda: len(statuses(intakes)) == 3)
    assert sorted(statuses(intakes)[1:]) == [
        ("bad.csv", "held", "error_budget"),
        ("other.csv", "held", "new_columns"),
    ]
    reader = connect(intakes.database.reader_url, "tests-files", autocommit=True)
    held = {file.path: file for file in read_held(reader)}
    reader.close()
    assert held["bad.csv"].detail == (
        "1 of its 2 records, 50.00 %, are rejects, over the budget of 10 %: unknown_action_type 1."
    )
    assert held["other.csv"].detail == "No file of its source had these columns before: colour."
    assert run_sql(intakes.database.owner_url, "SELECT count(*)::int FROM ingest_chunks") == [(1,)]
    assert decided(intakes, drop, WhichHeld([held["bad.csv"].file_id])) == 1
    assert decided(intakes, release, WhichHeld(source="shop")) == 1
    intakes.wait_for(lambda: ("other.csv", "registered", None) in statuses(intakes))
    assert ("bad.csv", "dropped", "error_budget") in statuses(intakes)
    assert run_sql(intakes.database.owner_url, "SELECT count(*)::int FROM ingest_chunks") == [(2,)]
    intakes.land("shop/next.csv", HEADER.replace("price", "colour") + ROW * 2)
    intakes.wait_for(lambda: ("next.csv", "registered", None) in statuses(intakes))


def test_what_a_release_says_is_done_or_refused_as_a_whole(intakes: Intakes) -> None:
    intakes.start(STRICT)
    intakes.land("shop/bad.csv", HEADER + BAD)
    intakes.wait_for(lambda: len(statuses(intakes)) == 1)
    ((file_id,),) = run_sql(intakes.database.owner_url, "SELECT file_id FROM ingest_files")
    intakes.stop()
    with pytest.raises(SettingsError, match="file 99 is not held back"):
        decided(intakes, release, WhichHeld([file_id, 99]))  # type: ignore[list-item]
    with pytest.raises(SettingsError, match="no file was chosen"):
        decided(intakes, drop, WhichHeld())
    assert run_sql(intakes.database.owner_url, "SELECT released_at FROM ingest_files") == [(None,)]
    assert decided(intakes, release, WhichHeld(reason="error_budget")) == 1
    with pytest.raises(SettingsError, match="is not held back"):
        decided(intakes, drop, WhichHeld([file_id]))  # type: ignore[list-item]


def test_a_file_that_is_another_one_by_the_time_it_is_released_is_not_taken_for_it(
    intakes: Intakes, tmp_path: Path
) -> None:
    intakes.start(STRICT)
    for name in ("gone", "other"):
        intakes.land(f"shop/{name}.csv", HEADER + BAD * (len(name)))
    intakes.wait_for(lambda: len(statuses(intakes)) == 2)
    intakes.stop()
    assert decided(intakes, release, WhichHeld(source="shop")) == 2
    (intakes.place / "shop" / "gone.csv").unlink()
    intakes.land("shop/other.csv", HEADER + ROW)
    intakes.start(STRICT, tmp_path / "registered")
    intakes.wait_for((tmp_path / "registered").exists)
    assert sorted(statuses(intakes)) == [
        ("gone.csv", "changed", "changed"),
        ("other.csv", "changed", "changed"),
        ("other.csv", "registered", None),
    ]


def test_a_catch_up_takes_what_was_released_meanwhile(intakes: Intakes, tmp_path: Path) -> None:
    intakes.land("shop/bad.csv", HEADER + BAD)
    intakes.start(STRICT, tmp_path / "first")
    intakes.wait_for((tmp_path / "first").exists)
    intakes.stop()
    assert statuses(intakes) == [("bad.csv", "held", "error_budget")]
    assert decided(intakes, release, WhichHeld(source="shop")) == 1
    intakes.start(STRICT, tmp_path / "second")
    intakes.wait_for((tmp_path / "second").exists)
    assert statuses(intakes) == [("bad.csv", "registered", None)]


def test_a_file_whose_directory_was_away_when_it_was_to_be_read_is_taken_once_more(intakes: Intakes) -> None:
    intakes.start(BOTH)
    intakes.land("shop/a.csv")
    intakes.wait_for(lambda: len(statuses(intakes)) == 1)
    run_sql(
        intakes.database.owner_url,
        "WITH gone AS (DELETE FROM ingest_chunks)"
        " UPDATE ingest_files SET status = 'changed', reason = 'away', chunks_open = 0",
    )
    intakes.wait_for(lambda: len(statuses(intakes)) == 2)
    assert statuses(intakes) == [("a.csv", "changed", "away"), ("a.csv", "registered", None)]
