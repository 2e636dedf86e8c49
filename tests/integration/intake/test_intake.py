"""Intake with the real ledger and without Spark: what is registered, when, and what is said of the rest."""

from __future__ import annotations

import gzip
import logging
import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from databases import Database, run_sql
from failing_mount import failing_mount, needs_fuse
from psycopg2.extensions import connection as Connection

from clickstream_assets.file_names import EventsDirectory
from clickstream_assets.ledger.waiting_files import read_waiting_files
from clickstream_assets.sql_files import statement
from spark.discovery.place import EventsPlace
from spark.intake.intake import Intake
from spark.intake.manifest import Manifest
from spark.intake.workplace import IntakeRules
from spark.lease import Lease

HEADER = b"user_id,session_id,action_type,product_id,event_time,price\n"
ROW = b"u,s,view,p,2026-01-01T00:00:00Z,19.99\n"
SECRET = b"hunter2"


@pytest.fixture
def events(tmp_path: Path) -> Path:
    directory = tmp_path / "events"
    directory.mkdir()
    return directory


@pytest.fixture
def intake(database: Database, writer: Connection, events: Path) -> Iterator[Callable[..., Intake]]:
    """Makes intakes under one lease."""
    failures: list[object] = []
    lease = Lease(database.writer_url, "catch-up", None, failures.append)
    yield lambda **rules: Intake(
        EventsPlace(os.fsencode(events)),
        Manifest(lambda: writer, lease.epoch),
        failures.append,
        IntakeRules(**rules),
    )
    lease.release("test")
    assert not failures


def files(
    database: Database, columns: str = "path, status, reason, rows_expected::int"
) -> list[tuple[object, ...]]:
    return run_sql(database.owner_url, f"SELECT {columns} FROM ingest_files ORDER BY path, file_id")


def test_what_a_task_must_know_of_a_chunk_is_in_the_manifest(
    database: Database, events: Path, intake: Callable[..., Intake]
) -> None:
    (events / "a.csv").write_bytes(b"sep=,\n" + HEADER + rb'"say \"hi\"",s,view,p,t,' + b"\n")
    intake().register_present_files()
    (row,) = run_sql(database.owner_url, statement("chunks.to_read"), {"after": 0, "upto": 99})
    byte_offset, _, first_line, escape, header_bytes, content_hash, goes_on, mapping, directory = row[12:21]
    assert row[21:] == ("utf-8", "csv")
    assert (byte_offset, first_line, escape) == (len(HEADER) + 6, 3, "\\")
    assert header_bytes == len(HEADER) + 6
    assert mapping == "{}"
    assert len(bytes(content_hash)) == 32  # type: ignore[call-overload]
    assert goes_on is False
    assert directory is None, "it is in the events directory"


def test_a_layout_is_there_once_for_each_dialect(
    database: Database, events: Path, writer: Connection, intake: Callable[..., Intake]
) -> None:
    lines = {"plain": ROW, "escaped": rb'"say \"hi\"",s,view,p,t,' + b"\n"}
    for number in range(2):
        for name, line in lines.items():
            (events / f"{name}{number}.csv").write_bytes(HEADER + b"\n" * number + line)
        intake().register_present_files()
    by_dialect = (
        "SELECT escape, array_agg(path ORDER BY path) FROM ingest_files JOIN ingest_layouts USING (layout_id)"
        " GROUP BY layout_id, escape ORDER BY escape"
    )
    assert run_sql(database.owner_url, by_dialect) == [
        ("\\", ["escaped0.csv", "escaped1.csv"]),
        (None, ["plain0.csv", "plain1.csv"]),
    ]
    with writer.cursor() as cursor:
        cursor.execute(statement("checks.headers"), {"window_seconds": 3600})
        assert len(cursor.fetchall()) == 1, "another dialect is no new header"


@pytest.mark.parametrize("compress", [False, True])
def test_a_file_that_paused_within_its_last_price_is_registered_whole(
    database: Database,
    events: Path,
    reader: Connection,
    intake: Callable[..., Intake],
    caplog: pytest.LogCaptureFixture,
    compress: bool,
) -> None:
    def written(data: bytes) -> bytes:
        return gzip.compress(data) if compress else data

    path = events / "a.csv"
    path.write_bytes(written(HEADER + ROW[:-3]))
    caplog.set_level(logging.INFO, "clickstream.intake")
    running = threading.Thread(target=intake(unterminated_seconds=60).register_present_files)
    running.start()
    limit = time.monotonic() + 20
    while not any("waiting up to 60 s for the end of the last line" in text for text in caplog.messages):
        assert time.monotonic() < limit, "it does not say that it waits"
    assert files(database) == []
    assert read_waiting_files(reader, EventsDirectory(events)).files == 1
    path.write_bytes(written(HEADER + ROW))
    running.join(30)
    assert not running.is_alive()
    assert files(database) == [("a.csv", "registered", None, 1)]
    assert len(caplog.messages) == 1


@pytest.mark.parametrize(
    "data",
    [
        HEADER + ROW[:-1],
        HEADER + b"u,s,view,p,2026-01-01T00:00:00Z,",
        gzip.compress(HEADER + ROW[:-1], mtime=0),
    ],
    ids=["plain", "empty last field", "gzip"],
)
def test_a_file_that_stays_without_an_end_is_taken_as_it_is(
    database: Database, events: Path, intake: Callable[..., Intake], data: bytes
) -> None:
    (events / "a.csv").write_bytes(data)
    (events / "header.csv").write_bytes(HEADER.strip())
    started = time.monotonic()
    intake(unterminated_seconds=0.5).register_present_files()
    assert time.monotonic() - started > 0.4
    assert files(database) == [("a.csv", "registered", None, 1), ("header.csv", "committed", None, 0)]


def test_a_link_that_leads_out_is_refused_once_whatever_becomes_of_its_target(
    database: Database, events: Path, reader: Connection, tmp_path: Path, intake: Callable[..., Intake]
) -> None:
    target = tmp_path / "elsewhere.csv"
    target.write_bytes(SECRET + b"\n")
    (events / "out.csv").symlink_to(target)
    (events / "a.csv").write_bytes(HEADER + ROW)
    (events / "in.csv").symlink_to("a.csv")
    for _ in range(2):
        intake().register_present_files()
        target.write_bytes(target.read_bytes() * 2)
        assert files(database, "path, reason") == [
            ("a.csv", None),
            ("in.csv", None),
            ("out.csv", "link_outside"),
        ]
        assert "out.csv" not in read_waiting_files(reader, EventsDirectory(events)).oldest_paths
    ((detail,),) = run_sql(database.owner_url, "SELECT detail FROM ingest_files WHERE reason IS NOT NULL")
    assert "CLICKSTREAM_FOLLOW_LINKS=1" in str(detail)


def test_links_are_followed_where_that_is_wanted(
    database: Database, events: Path, tmp_path: Path, intake: Callable[..., Intake]
) -> None:
    (tmp_path / "elsewhere.csv").write_bytes(HEADER + ROW)
    (events / "out.csv").symlink_to(tmp_path / "elsewhere.csv")
    intake(follow_links=True).register_present_files()
    assert files(database) == [("out.csv", "registered", None, 1)]


def test_what_is_said_of_a_refused_file_quotes_nothing_of_it(
    database: Database, events: Path, intake: Callable[..., Intake]
) -> None:
    refused = {
        "no_header": SECRET + b",b,c\n1,2,3\n",
        "missing_columns": b"user_id," + SECRET + b"\n1,2\n",
        "line_ends": HEADER.strip() + b"\r" + SECRET + b",2,3,4,5,6\r",
        "not_text": SECRET + b"\0\n",
        "header_too_long": SECRET * 20_000 + b"\n",
        "too_many_columns": HEADER.strip() + (b"," + SECRET) * 600 + b"\n",
        "unsupported_format": b"PK\x03\x04" + SECRET,
        "damaged_parquet": b"PAR1" + SECRET + b"\x09\0\0\0PAR1",
        "no_json_lines": b"[{" + SECRET,
    }
    for name, data in refused.items():
        (events / name).write_bytes(data)
    intake().register_present_files()
    found = files(database, "reason, detail")
    assert {reason for reason, _ in found} == set(refused)
    assert [detail for _, detail in found if SECRET.decode() in str(detail)] == []
    assert all(os.fspath(events) not in str(detail) for _, detail in found)


@needs_fuse
def test_a_file_that_cannot_be_read_is_booked_once_and_taken_when_it_can_be(
    database: Database, reader: Connection, writer: Connection, tmp_path: Path
) -> None:
    """A catch-up ends without it, and so does the next one: nobody waits for it, and nobody forgets it."""
    lease = Lease(database.writer_url, "catch-up", None, lambda _: None)
    try:
        with failing_mount(tmp_path) as mount:

            def catch_up() -> None:
                manifest = Manifest(lambda: writer, lease.epoch)
                rules = IntakeRules(unreadable_seconds=1)
                Intake(EventsPlace(os.fsencode(mount.path)), manifest, print, rules).register_present_files()

            (mount.behind / "bad.csv").write_bytes(HEADER + ROW)
            (mount.behind / "good.csv").write_bytes(HEADER + ROW * 2)
            mount.fails("EIO read bad.csv")
            for _ in range(2):
                catch_up()
                assert files(database) == [
                    ("bad.csv", "changed", "away", 0),
                    ("good.csv", "registered", None, 2),
                ]
            assert files(database, "detail")[0] == (
                "It cannot be read (Input/output error), and others can: they do not wait for it.",
            )
            waiting = read_waiting_files(reader, EventsDirectory(mount.path))
            assert (waiting.files, waiting.set_aside, waiting.set_aside_paths) == (2, 1, ("bad.csv",))
            mount.works()
            catch_up()
            assert files(database)[:2] == [
                ("bad.csv", "changed", "away", 0),
                ("bad.csv", "registered", None, 1),
            ]
            waiting = read_waiting_files(reader, EventsDirectory(mount.path))
            assert (waiting.files, waiting.set_aside) == (2, 0)
    finally:
        lease.release("test")
