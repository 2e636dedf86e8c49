"""Several sources in one stream, with real Spark: each by its own mapping, all in one ledger."""

from __future__ import annotations

from pathlib import Path

import pytest
from stream_pipeline import HEADER, Pipeline, event

from clickstream_assets.database import connect
from clickstream_assets.errors import SettingsError
from clickstream_assets.ledger.held_files import WhichHeld, release
from clickstream_assets.rejects.reads import RejectFilter
from clickstream_assets.rejects.replay import replay_as_they_are
from clickstream_assets.second_reader.mapping import AuditMapping
from clickstream_assets.values_audit.audit import audit_values
from clickstream_assets.values_audit.opening import FilesToRead

pytestmark = pytest.mark.spark

SHOP = b"besucher;sitzung;art;artikel;zeit;preis\nu1;s1;angesehen;p1;01.01.2026 12:00:00;1,50\n"
SOURCES = """
[shop]
directory = "shop"
[shop.mapping.columns]
besucher = "user_id"
sitzung = "session_id"
art = "action_type"
artikel = "product_id"
zeit = "event_time"
preis = "price"
[shop.mapping.actions]
angesehen = "view"
[shop.mapping.time]
format = "%d.%m.%Y %H:%M:%S"
[shop.mapping.price]
decimal = ","

[web]
directory = "web"
"""


@pytest.fixture
def place(pipeline: Pipeline) -> Path:
    """Where the directories of the sources are."""
    place = pipeline.settings.home.parent
    for name in ("shop", "web"):
        (place / name).mkdir()
    return place


def test_each_source_is_read_by_its_mapping_and_each_event_leads_to_its_source(
    pipeline: Pipeline, place: Path
) -> None:
    pipeline.write("a.csv", event(1))
    (place / "web" / "a.csv").write_text(HEADER + event(2) + event(2, action_type="dance", event_id=""))
    (place / "shop" / "a.csv").write_bytes(SHOP)
    pipeline.load_sources(SOURCES)
    assert pipeline.rows(
        "SELECT f.source, f.path, f.status, e.action_type, e.price::text, e.event_time::text"
        " FROM ingest_files AS f JOIN events AS e USING (file_id) ORDER BY f.source"
    ) == [
        ("default", "a.csv", "committed", "view", "9.99", "2026-01-01 00:00:01+00"),
        ("shop", "a.csv", "committed", "view", "1.50", "2026-01-01 12:00:00+00"),
        ("web", "a.csv", "committed", "view", "9.99", "2026-01-01 00:00:02+00"),
    ]
    assert pipeline.rows(
        "SELECT f.source, r.reason FROM rejected_events AS r JOIN ingest_files AS f USING (file_id)"
    ) == [("web", "unknown_action_type")]
    assert pipeline.counts() == (4, 3, 0, 1)


def test_the_same_bytes_in_two_sources_are_read_in_both(pipeline: Pipeline, place: Path) -> None:
    """By another mapping they may mean other events. Here they mean the same, and are duplicates row by row."""
    for directory in (pipeline.root, place / "web"):
        (directory / "a.csv").write_text(HEADER + event(1) + event(2))
    pipeline.load_sources(SOURCES)
    assert pipeline.rows("SELECT status, count(*)::int FROM ingest_files GROUP BY status") == [
        ("committed", 2)
    ]
    assert pipeline.counts() == (4, 2, 2, 0)


def test_a_source_that_is_no_longer_named_is_read_to_the_end_of_what_was_registered(
    pipeline: Pipeline, place: Path
) -> None:
    (place / "web" / "a.csv").write_text(HEADER + event(1))
    pipeline.load_sources(SOURCES)
    (place / "web" / "b.csv").write_text(HEADER + event(2))
    pipeline.load_sources('[shop]\ndirectory = "shop"\n')
    assert pipeline.counts() == (1, 1, 0, 0)


def test_a_file_over_its_budget_leaves_nothing_behind_and_is_stored_whole_once_it_is_released(
    pipeline: Pipeline, place: Path
) -> None:
    sources = '[web]\ndirectory = "web"\nerror_budget = 10\n'
    (place / "web" / "a.csv").write_text(HEADER + event(1) + event(2, action_type="dance"))
    pipeline.write("b.csv", event(3))
    pipeline.load_sources(sources)
    assert pipeline.counts() == (1, 1, 0, 0)
    assert pipeline.rows(
        "SELECT path, status, rows_expected::int, rows_read::int FROM ingest_files ORDER BY path"
    ) == [
        ("a.csv", "held", 2, 0),
        ("b.csv", "committed", 1, 1),
    ]
    pipeline.assert_conserved()
    connection = connect(pipeline.database.writer_url, "tests-files", autocommit=True)
    assert len(release(connection, WhichHeld(source="web"))) == 1
    connection.close()
    pipeline.load_sources(sources)
    assert pipeline.counts() == (3, 2, 0, 1)
    assert pipeline.reasons() == {"unknown_action_type": 1}
    pipeline.assert_conserved()


def test_the_audits_look_for_each_file_in_its_source_and_read_it_by_its_mapping(
    pipeline: Pipeline, place: Path
) -> None:
    pipeline.write("a.csv", event(1))
    (place / "web" / "a.csv").write_text(HEADER + event(2))
    (place / "shop" / "a.csv").write_bytes(SHOP)
    pipeline.load_sources(SOURCES)
    archive = pipeline.settings.archive_dir
    others = {name: (place / name, archive / name) for name in ("shop", "web")}
    connection = connect(pipeline.database.reader_url, "tests", autocommit=True)
    try:
        reading = FilesToRead(pipeline.root, archive, AuditMapping(), others=others)
        found = audit_values(connection, reading)
        assert (found.ok, found.files, found.rows) == (True, 3, 3)
        (place / "web" / "a.csv").write_text(HEADER + event(3))
        assert audit_values(connection, reading).files == 2
    finally:
        connection.close()


def test_rejects_go_back_into_the_directory_of_their_source(pipeline: Pipeline, place: Path) -> None:
    (place / "shop" / "a.csv").write_bytes(SHOP.replace(b"angesehen", b"besehen"))
    pipeline.load_sources(SOURCES)
    assert pipeline.counts() == (1, 0, 0, 1)
    connection = connect(pipeline.database.writer_url, "tests", autocommit=True)
    try:
        with pytest.raises(SettingsError, match="rows of the source shop cannot go back"):
            replay_as_they_are(connection, pipeline.root, RejectFilter(), again=False)
        places = {"default": pipeline.root, "shop": place / "shop", "web": place / "web"}
        done = replay_as_they_are(connection, places, RejectFilter(), again=False)
    finally:
        connection.close()
    assert [file.parent for file in done.files] == [place / "shop"]
    pipeline.load_sources(SOURCES.replace('angesehen = "view"', 'besehen = "view"'))
    assert pipeline.counts() == (2, 1, 0, 1)
