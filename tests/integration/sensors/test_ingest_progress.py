"""The sensor that reports progress. Guards against a batch that no event counts, and against an event a batch."""

import dagster as dg
import pytest
from control_plane import ControlPlane
from databases import run_sql
from ledger_books import LedgerBooks, Part

from clickstream_assets.sensors.sensors import ingest_progress


def refresh_every(control: ControlPlane, seconds: float) -> None:
    control.settings = control.settings.model_copy(update={"refresh_seconds": seconds})


@pytest.fixture
def books(control: ControlPlane) -> LedgerBooks:
    refresh_every(control, 0.0)
    return LedgerBooks(control.database.owner_url)


def load(books: LedgerBooks, inserted: int, duplicate: int = 0, rejected: int = 0) -> None:
    file_id = books.add_file("f.csv", expected=inserted + duplicate + rejected, chunks=1)
    books.commit(Part(file_id, inserted=inserted, duplicate=duplicate, rejected=rejected))


def tick(control: ControlPlane) -> dict[str, dict[str, object]]:
    events = control.tick(ingest_progress).asset_events
    assert all(isinstance(event, dg.AssetMaterialization) for event in events)
    reported = {
        event.asset_key.to_user_string(): {name: value.value for name, value in event.metadata.items()}
        for event in events
        if event.metadata is not None
    }
    assert len(reported) == len(events), "one event an asset at most"
    return reported


def test_an_empty_system_reports_nothing(control: ControlPlane, books: LedgerBooks) -> None:
    assert tick(control) == {}


def test_all_that_is_new_is_one_event_an_asset_with_its_numbers(
    control: ControlPlane, books: LedgerBooks
) -> None:
    load(books, inserted=6, duplicate=3, rejected=1)
    load(books, inserted=10)
    reported = tick(control)
    assert set(reported) == {"event_files", "events", "rejected_events"}
    events = reported["events"]
    assert [events[n] for n in ("batches", "rows_read", "rows_inserted", "rows_duplicate", "rows_rejected")] == [
        2, 20, 16, 3, 1,
    ]  # fmt: skip
    assert (events["duplicate_rate"], events["reject_rate"], events["dagster/row_count"]) == (0.15, 0.05, 16)
    assert float(str(events["lag_seconds"])) > 0
    assert float(str(events["latency_p99_seconds"])) >= float(str(events["latency_p50_seconds"]))
    assert (reported["event_files"]["files"], reported["event_files"]["rows"]) == (2, 20)
    assert tick(control) == {}


def test_over_any_number_of_ticks_every_batch_is_reported_once(
    control: ControlPlane, books: LedgerBooks
) -> None:
    rows = 0
    for number in range(1, 6):
        for _ in range(number % 3):
            load(books, inserted=number)
        rows += int(str(tick(control).get("events", {}).get("rows_inserted", 0)))
    ((stored,),) = run_sql(control.database.owner_url, "SELECT count(*) FROM events")
    assert rows == stored


def test_a_file_delivered_again_is_reported_though_it_makes_no_batch(
    control: ControlPlane, books: LedgerBooks
) -> None:
    load(books, inserted=1)
    tick(control)
    books.add_file("again.csv", status="duplicate", expected=1, duplicate_of=1)
    assert tick(control)["event_files"]["files_delivered_again"] == 1


def test_reports_are_not_more_frequent_than_the_summaries_can_follow(
    control: ControlPlane, books: LedgerBooks
) -> None:
    load(books, inserted=1)
    assert tick(control)
    refresh_every(control, 30.0)
    load(books, inserted=1)
    assert tick(control) == {}
    refresh_every(control, 0.0)
    assert tick(control)["events"]["batches"] == 1


def test_a_new_database_under_an_old_dagster_is_reported_from_its_begin(
    control: ControlPlane, books: LedgerBooks
) -> None:
    for _ in range(3):
        load(books, inserted=1)
    tick(control)
    run_sql(control.database.owner_url, "TRUNCATE ingest_batches, ingest_files, events CASCADE")
    load(LedgerBooks(control.database.owner_url), inserted=2)
    assert tick(control)["events"]["rows_inserted"] == 2
