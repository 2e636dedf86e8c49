"""Sources in Dagster: an asset each, upstream of events, with checks of its own that the sensors report."""

from __future__ import annotations

from pathlib import Path

import dagster as dg
import pytest
from control_plane import ControlPlane
from databases import run_sql

from clickstream_assets.definitions import build_definitions
from clickstream_assets.ledger.sources_in_force import sources_in_force
from clickstream_assets.ledger.waiting_by_source import read_all_waiting
from clickstream_assets.sensors.sensors import event_check_results, ingest_progress

SOURCES = """
[shop]
directory = "shop"
owner = "shop-team@example.com"
drift = "quarantine"
[web]
directory = "web"
[slow]
directory = "slow"
"""
FILE = """INSERT INTO ingest_files (path, size_bytes, status, reason, landed_at, committed_at, rows_expected, rows_read,
    rows_inserted, rows_rejected, inode, modified_ns, changed_ns, source)
    VALUES (%(path)s, 1, %(status)s, %(reason)s, now() - interval '1 second', now(), %(rows)s, %(read)s, %(good)s,
            %(bad)s, 1, 1, 1, %(source)s)"""


@pytest.fixture
def place(control: ControlPlane) -> Path:
    """Where the sources are: the file, and two of their three directories."""
    place = control.settings.home.parent
    (place / "sources.toml").write_text(SOURCES)
    for name in ("shop", "web"):
        (place / name).mkdir()
    control.settings = control.settings.model_copy(
        update={"sources": place / "sources.toml", "refresh_seconds": 0.0}
    )
    return place


def ledger_file(control: ControlPlane, source: str, good: int, bad: int, reason: str | None = None) -> None:
    is_held = reason is not None
    run_sql(
        control.database.owner_url,
        FILE,
        {
            "path": "a.csv",
            "status": "held" if is_held else "committed",
            "reason": reason,
            "rows": good + bad,
            "read": 0 if is_held else good + bad,
            "good": 0 if is_held else good,
            "bad": 0 if is_held else bad,
            "source": source,
        },
    )


def reported(control: ControlPlane) -> dict[tuple[str, str | None], str]:
    """The verdict of each check by asset and name, of those of the sources."""
    return {
        (event.asset_key.to_user_string(), event.check_name): "pass" if event.passed else event.severity.value
        for event in control.tick(event_check_results).asset_events
        if isinstance(event, dg.AssetCheckEvaluation) and event.asset_key.path[0] == "event_files"
    }


def test_each_source_is_an_asset_upstream_of_events_and_tells_who_owns_it(
    control: ControlPlane, place: Path
) -> None:
    graph = control.definitions.resolve_asset_graph()
    shop = graph.get(dg.AssetKey(["event_files", "shop"]))
    assert shop.owners == ["shop-team@example.com"]
    assert shop.metadata["drift"] == "quarantine"
    for table in ("events", "rejected_events"):
        assert graph.get(dg.AssetKey(table)).parent_keys == {
            dg.AssetKey("event_files"),
            *(dg.AssetKey(["event_files", name]) for name in ("shop", "web", "slow")),
        }
    checks = {(key.asset_key.to_user_string(), key.name) for key in graph.asset_check_keys}
    assert {("event_files", "sources_in_force"), ("event_files/web", "held_files")} <= checks
    dg.Definitions.validate_loadable(control.definitions)


def test_without_a_file_nothing_of_it_is_there(control: ControlPlane) -> None:
    graph = control.definitions.resolve_asset_graph()
    assert graph.get(dg.AssetKey("events")).parent_keys == {dg.AssetKey("event_files")}
    assert not [key for key in graph.asset_check_keys if key.asset_key.path[0] == "event_files"]
    assert reported(control) == {}


def test_a_fault_of_one_source_turns_its_own_checks_and_no_other(control: ControlPlane, place: Path) -> None:
    ledger_file(control, "default", 100, 0)
    ledger_file(control, "shop", 50, 50)
    ledger_file(control, "web", 100, 0)
    ledger_file(control, "web", 100, 0, "error_budget")
    verdicts = reported(control)
    assert {key: verdict for key, verdict in verdicts.items() if verdict != "pass"} == {
        ("event_files/slow", "freshness"): "ERROR",  # its directory is not there
        ("event_files/shop", "reject_rate"): "ERROR",
        ("event_files/web", "held_files"): "WARN",
    }
    assert len(verdicts) == 4 * 4 + 1
    assert reported(control) == {}, "nothing has changed"


def test_what_was_registered_is_reported_by_source(control: ControlPlane, place: Path) -> None:
    ledger_file(control, "default", 1, 0)
    ledger_file(control, "shop", 7, 0)
    events = {
        event.asset_key.to_user_string(): event.metadata["rows"].value
        for event in control.tick(ingest_progress).asset_events
        if isinstance(event, dg.AssetMaterialization) and event.asset_key.path[0] == "event_files"
    }
    assert events == {"event_files": 1, "event_files/shop": 7}


def test_files_of_the_same_name_wait_by_their_source(control: ControlPlane, place: Path) -> None:
    for directory in (control.settings.events_dir, place / "shop", place / "web"):
        (directory / "a.csv").write_text("x\n")
    state = (place / "shop" / "a.csv").stat()
    run_sql(
        control.database.owner_url,
        "INSERT INTO ingest_files (path, size_bytes, status, landed_at, inode, modified_ns, changed_ns, source)"
        " VALUES ('a.csv', %(size)s, 'committed', now(), %(inode)s, %(modified)s, %(changed)s, 'shop')",
        {
            "size": state.st_size,
            "inode": state.st_ino,
            "modified": state.st_mtime_ns,
            "changed": state.st_ctime_ns,
        },
    )
    with control.resource.open("reader") as connection:
        waiting = read_all_waiting(connection, control.settings)
    assert (waiting.files, waiting.files_on_disk) == (2, 3)
    assert set(waiting.oldest_paths) == {"a.csv", "web: a.csv"}


def test_of_a_faulty_file_what_the_stream_goes_by_is_shown_and_the_fault_turns_a_check(
    control: ControlPlane, place: Path
) -> None:
    run_sql(
        control.database.owner_url,
        "INSERT INTO ingest_sources (source, directory, settings) VALUES ('shop', %(directory)s, %(settings)s)",
        {
            "directory": str(place / "shop"),
            "settings": '{"settle_seconds": 1, "settle_unterminated_seconds": 60, "follow_links": false,'
            ' "unfinished": [], "drift": "accept", "error_budget": null, "finished_files": "keep",'
            ' "finished_hours": 24, "archive_dir": "/srv/archive"}',
        },
    )
    (place / "sources.toml").write_text("[shop\n")
    with control.resource.open("reader") as connection:
        found = sources_in_force(connection, control.settings)
    assert [source.name for source in found.sources] == ["shop"]
    assert found.fault
    assert "is no TOML" in found.fault
    names = {key.to_user_string() for key in control.definitions.resolve_asset_graph().get_all_asset_keys()}
    assert "event_files/shop" in names
    no_database = build_definitions(control.settings.model_copy(update={"database_url": None}))
    assert dg.AssetKey("event_files") in no_database.resolve_asset_graph().get_all_asset_keys()


def test_a_source_without_assets_yet_says_that_the_code_location_is_to_be_reloaded(
    control: ControlPlane, place: Path
) -> None:
    definitions = control.definitions
    (place / "sources.toml").write_text(SOURCES + '[new]\ndirectory = "new"\n')
    check = next(
        check
        for check in definitions.asset_checks or ()
        if isinstance(check, dg.AssetChecksDefinition)
        and set(check.check_keys) == {dg.AssetCheckKey(dg.AssetKey("event_files"), "sources_in_force")}
    )
    result = check(database=control.resource, settings=control.settings)
    assert isinstance(result, dg.AssetCheckResult)
    assert (result.passed, result.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert result.description == "new: no assets yet. Reload the code location (Deployment, Reload)."


def test_held_files_are_released_and_dropped_in_dagster(control: ControlPlane) -> None:
    ledger_file(control, "web", 1, 1, "error_budget")
    ledger_file(control, "shop", 1, 1, "new_columns")
    released = control.execute(
        "release_files", run_config={"ops": {"release": {"config": {"source": "web"}}}}
    )
    dropped = control.execute(
        "drop_files", run_config={"ops": {"drop": {"config": {"reason": "new_columns"}}}}
    )
    assert released.success
    assert dropped.success
    rows = "SELECT source, status, released_at IS NOT NULL FROM ingest_files ORDER BY source"
    assert run_sql(control.database.owner_url, rows) == [("shop", "dropped", True), ("web", "held", True)]
    assert not control.execute("drop_files", run_config={"ops": {"drop": {"config": {}}}}).success
