"""Dagster's "Unsynced". Guards against the graph saying so of a healthy pipeline, between any two refreshes."""

from __future__ import annotations

from pathlib import Path

import dagster as dg
import pytest
from control_plane import ControlPlane
from dagster._core.definitions.data_version import CachingStaleStatusResolver, StaleStatus
from databases import run_sql
from ledger_books import LedgerBooks, Part

from clickstream_assets.sensors import sensors
from clickstream_assets.sensors.sensors import ingest_progress
from clickstream_assets.summaries.refresh import NAMES

SUMMARY = "hourly_traffic"


@pytest.fixture
def books(control: ControlPlane) -> LedgerBooks:
    control.settings = control.settings.model_copy(update={"refresh_seconds": 0.0})
    return LedgerBooks(control.database.owner_url)


def unsynced(control: ControlPlane) -> dict[str, list[str]]:
    """The assets that the graph would call so, and why."""
    graph = control.definitions.get_repository_def().asset_graph
    resolver = CachingStaleStatusResolver(control.instance, graph, dg_loading_context(control))
    return {
        key.to_user_string(): [cause.reason for cause in resolver.get_stale_causes(key)]
        for key in graph.materializable_asset_keys
        if resolver.get_status(key) is StaleStatus.STALE
    }


def dg_loading_context(control: ControlPlane) -> object:
    from dagster._core.loader import LoadingContextForTest

    return LoadingContextForTest(control.instance)


def refresh(control: ControlPlane, *names: str) -> None:
    done = control.definitions.resolve_implicit_global_asset_job_def().execute_in_process(
        instance=control.instance, asset_selection=[dg.AssetKey(name) for name in names]
    )
    assert done.success


def test_new_rows_make_nothing_unsynced_before_or_after_a_refresh(
    control: ControlPlane, books: LedgerBooks
) -> None:
    def load(name: str) -> None:
        books.commit(Part(books.add_file(name, expected=1, chunks=1), inserted=1))
        control.tick(ingest_progress)

    load("a.csv")
    refresh(control, SUMMARY)
    assert unsynced(control) == {}
    load("b.csv")
    assert unsynced(control) == {}
    refresh(control, SUMMARY)
    assert unsynced(control) == {}


def test_files_that_are_registered_and_not_loaded_yet_make_nothing_unsynced(
    control: ControlPlane, books: LedgerBooks
) -> None:
    books.commit(Part(books.add_file("a.csv", expected=1, chunks=1), inserted=1))
    control.tick(ingest_progress)
    books.add_file("b.csv", expected=1, chunks=1)
    assert len(control.tick(ingest_progress).asset_events) == 1
    assert unsynced(control) == {}


def test_the_button_of_the_files_makes_nothing_unsynced(control: ControlPlane, books: LedgerBooks) -> None:
    books.commit(Part(books.add_file("a.csv", expected=1, chunks=1), inserted=1))
    control.tick(ingest_progress)
    refresh(control, SUMMARY)
    refresh(control, "event_files")
    assert unsynced(control) == {}


@pytest.fixture
def sources(control: ControlPlane) -> Path:
    """Two more sources; returns the file that names them."""
    place = control.settings.home.parent
    for name in ("shop", "web"):
        (place / name).mkdir()
    file = place / "sources.toml"
    file.write_text('[shop]\ndirectory = "shop"\n[web]\ndirectory = "web"\n')
    control.settings = control.settings.model_copy(update={"sources": file})
    return file


def load_from(books: LedgerBooks, source: str) -> None:
    file_id = books.add_file(f"{source}.csv", expected=1, chunks=1)
    run_sql(books.url, "UPDATE ingest_files SET source = %(source)s WHERE file_id = %(file)s",
            {"source": source, "file": file_id})  # fmt: skip
    books.commit(Part(file_id, inserted=1))


def test_sources_make_nothing_unsynced_whether_they_have_files_or_not(
    control: ControlPlane, books: LedgerBooks, sources: Path
) -> None:
    load_from(books, "shop")
    control.tick(ingest_progress)
    assert unsynced(control) == {}
    load_from(books, "web")
    control.tick(ingest_progress)
    assert unsynced(control) == {}


def test_a_source_that_comes_or_goes_makes_nothing_unsynced_though_no_row_comes(
    control: ControlPlane, books: LedgerBooks, sources: Path
) -> None:
    load_from(books, "shop")
    control.tick(ingest_progress)
    sources.write_text(sources.read_text().replace("[web]", "[app]"))
    assert set(unsynced(control)) == {"events", "rejected_events"}
    control.tick(ingest_progress)
    assert unsynced(control) == {}
    assert control.tick(ingest_progress).asset_events == [], "it is reported once"


@pytest.mark.parametrize("asset", ["event_files", "events", "rejected_events"])
def test_a_wiped_asset_is_materialized_and_in_sync_again_though_no_row_comes(
    control: ControlPlane, books: LedgerBooks, asset: str
) -> None:
    books.commit(Part(books.add_file("a.csv", expected=1, chunks=1), inserted=1))
    control.tick(ingest_progress)
    key = dg.AssetKey(asset)
    control.instance.wipe_assets([key])
    control.tick(ingest_progress)
    assert control.instance.get_latest_materialization_event(key) is not None
    assert unsynced(control) == {}
    assert control.tick(ingest_progress).asset_events == [], "it is reported once"


def test_what_was_wiped_does_not_wait_for_the_next_refresh(
    control: ControlPlane, books: LedgerBooks, monkeypatch: pytest.MonkeyPatch
) -> None:
    control.settings = control.settings.model_copy(update={"refresh_seconds": 3600.0})
    books.commit(Part(books.add_file("a.csv", expected=1, chunks=1), inserted=1))
    control.tick(ingest_progress)
    monkeypatch.setattr(sensors, "AGAIN_AFTER", 0.0)
    assert control.tick(ingest_progress).asset_events == []
    control.instance.wipe_assets([dg.AssetKey("events")])
    (event,) = control.tick(ingest_progress).asset_events
    assert event.asset_key == dg.AssetKey("events")


def test_the_first_refresh_and_the_report_after_it_are_in_sync_and_stay_so(
    control: ControlPlane, books: LedgerBooks
) -> None:
    books.commit(Part(books.add_file("a.csv", expected=1, chunks=1), inserted=1))
    control.tick(ingest_progress)
    refresh(control, *NAMES)
    assert unsynced(control) == {}
    refresh(control, "clickstream_report")
    assert unsynced(control) == {}
    refresh(control, *NAMES)
    refresh(control, "sessions")
    assert unsynced(control) == {}
