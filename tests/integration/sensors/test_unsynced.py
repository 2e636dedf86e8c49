"""Dagster's "Unsynced". Guards against the graph saying so of a healthy pipeline, between any two refreshes."""

from __future__ import annotations

import dagster as dg
import pytest
from control_plane import ControlPlane
from dagster._core.definitions.data_version import CachingStaleStatusResolver, StaleStatus
from ledger_books import LedgerBooks, Part

from clickstream_assets.sensors.sensors import ingest_progress

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
