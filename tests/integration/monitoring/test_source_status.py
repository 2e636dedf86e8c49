"""Sources in the status, for a person and for a program, and in the metrics."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from databases import Database, run_sql
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import generate_latest

from clickstream_assets.database import connect
from clickstream_assets.ledger.sources_in_force import sources_in_force
from clickstream_assets.monitoring.metrics import PipelineCollector
from clickstream_assets.monitoring.scrape import Reader
from clickstream_assets.monitoring.status import Status, read_status
from clickstream_assets.monitoring.status_json import status_json
from clickstream_assets.monitoring.status_text import status_text
from clickstream_assets.postgres.connections import Connections
from clickstream_assets.settings import Settings

FILE = """INSERT INTO ingest_files (path, size_bytes, status, reason, landed_at, committed_at, rows_expected, rows_read,
    rows_inserted, rows_rejected, inode, modified_ns, changed_ns, source)
    VALUES ('a.csv', 1, %(status)s, %(reason)s, now() - interval '2 seconds', now(), 10, %(read)s, %(good)s, %(bad)s,
            1, 1, 1, %(source)s)"""


@pytest.fixture
def settings(database: Database, tmp_path: Path) -> Settings:
    for name in ("events", "shop"):
        (tmp_path / name).mkdir()
    (tmp_path / "shop" / "waits.csv").write_text("x\n")
    (tmp_path / "sources.toml").write_text(
        '[shop]\ndirectory = "shop"\nowner = "shop-team"\n[gone]\ndirectory = "gone"\n'
    )
    for source, status, good, bad in (("shop", "committed", 8, 2), ("shop", "held", 0, 0)):
        values = {"source": source, "status": status, "good": good, "bad": bad, "read": good + bad}
        run_sql(database.owner_url, FILE, {**values, "reason": "error_budget" if status == "held" else None})
    return Settings.from_env(
        {
            "CLICKSTREAM_HOME": str(tmp_path),
            "CLICKSTREAM_SOURCES": str(tmp_path / "sources.toml"),
            "CLICKSTREAM_DATABASE_URL": database.owner_url,
        }
    )


def status(database: Database, settings: Settings) -> Status:
    connection = connect(database.reader_url, "tests", autocommit=True)
    try:
        in_force = sources_in_force(connection, settings) if settings.sources else None
        return read_status(connection, settings.events_directory, in_force=in_force)
    finally:
        connection.close()


def test_each_source_has_its_entry_and_the_backlog_is_that_of_all(
    database: Database, settings: Settings
) -> None:
    found = status(database, settings)
    content = json.loads(json.dumps(status_json(found), default=str))
    by_name = {entry["source"]: entry for entry in content["sources"]}
    assert list(by_name) == ["default", "shop", "gone"]
    shop = by_name["shop"]
    assert (shop["owner"], shop["reject_rate"], shop["held_files"], shop["waiting"]["files"]) == (
        "shop-team",
        0.2,
        1,
        1,
    )
    assert shop["p99_seconds"] == pytest.approx(2, abs=1)
    assert by_name["gone"]["waiting"] is None
    assert content["waiting"]["files"] == 1
    assert content["waiting"]["oldest_paths"] == ["shop: waits.csv"]
    text = status_text(found)
    assert "shop            1 waiting, 10 rows of 1 files, rejects 20.00 %" in text
    assert "! 1 files of shop are held back (error_budget): clickstream files list" in text
    assert f"! {settings.home}/gone is not there, or does not answer" in text


def test_a_fault_of_the_file_is_told(database: Database, settings: Settings) -> None:
    assert settings.sources is not None
    settings.sources.write_text("[shop\n")
    found = status(database, settings)
    assert "is no TOML" in str(status_json(found)["sources_fault"])
    assert "Sources       ! " in status_text(found)


def test_without_a_file_nothing_of_it_is_shown(database: Database, settings: Settings) -> None:
    found = status(database, settings.changed(sources=None))
    assert status_json(found)["sources"] == []
    assert "Sources" not in status_text(found)


def test_the_metrics_tell_sources_apart(database: Database, settings: Settings) -> None:
    def scraped(settings: Settings) -> str:
        registry = CollectorRegistry()
        urls = {"reader": database.reader_url}
        reader = Reader(Connections(settings, "tests", urls), settings.events_directory)  # type: ignore[arg-type]
        registry.register(PipelineCollector(reader))
        return generate_latest(registry).decode()

    text = scraped(settings)
    for line in (
        'clickstream_source_up{source="shop"} 1.0',
        'clickstream_source_up{source="gone"} 0.0',
        'clickstream_source_backlog_files{source="shop"} 1.0',
        'clickstream_source_held_files{source="shop"} 1.0',
        'clickstream_source_rows_last_hour{result="rejected",source="shop"} 2.0',
        "clickstream_sources_faulty 0.0",
        "clickstream_backlog_files 1.0",
    ):
        assert line in text
    assert "clickstream_source" not in scraped(settings.changed(sources=None))
