"""Outages with the other handovers: the JDBC sink, and tasks that upload their rows."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import stream_without_spool
from foreign_servers import needs_debian_postgres
from outage_place import LARGE, Place, open_place
from stream_program import START_LIMIT, wait_until

from clickstream_assets.database import connect
from clickstream_assets.paths import STREAM_PROGRAM

pytestmark = [
    pytest.mark.spark,
    pytest.mark.faults,  # some minutes: the usual suite has the same outages with the usual handover
    needs_debian_postgres,
    pytest.mark.timeout(600),
]
UPLOADING = Path(stream_without_spool.__file__)
SESSIONS = {
    "jdbc": ("jdbc", "source", "batches"),
    "upload": ("task", "sink", "source"),
}


@pytest.fixture(scope="module", params=list(SESSIONS))
def way(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def place(way: str) -> Iterator[Place]:
    program = UPLOADING if way == "upload" else STREAM_PROGRAM
    with open_place(program, {"CLICKSTREAM_SINK": "jdbc" if way == "jdbc" else "copy"}) as place:
        yield place


def test_the_rows_go_the_way_that_is_meant(place: Place, way: str) -> None:
    sinks = place.sql("SELECT DISTINCT sink FROM ingest_batches")
    assert sinks == [("jdbc" if way == "jdbc" else "copy",)]
    assert not list((place.directory / "home").glob("spool/*/*"))


@pytest.mark.parametrize("mode", ["fast", "immediate"])
def test_the_server_is_restarted_while_a_large_micro_batch_is_stored(place: Place, mode: str) -> None:
    with closing(connect(place.owner_url, "tests")) as connection:
        connection.cursor().execute("LOCK TABLE ingest_batches IN EXCLUSIVE MODE")
        place.put(LARGE)
        storing = (
            "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%ingest_batches%'"
        )
        wait_until(lambda: bool(place.sql(storing)), place.running)
        place.server.restart(mode)
    place.goes_on()


def test_the_server_is_restarted_while_rows_go_into_staging(place: Place) -> None:
    staging = "SELECT 1 FROM pg_tables WHERE schemaname = 'staging' AND tablename <> 'finished_parts'"
    place.put(10 * LARGE)
    wait_until(lambda: bool(place.sql(staging)), place.running)
    place.server.restart("immediate")
    place.goes_on()


@pytest.mark.parametrize("number", [0, 1, 2])
def test_an_administrator_ends_one_session(place: Place, way: str, number: int) -> None:
    name = f"clickstream-stream-{SESSIONS[way][number]}"
    ending = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = %(name)s"
    place.put(10 * LARGE)
    wait_until(lambda: bool(place.sql(ending, name=name)), place.running)
    place.goes_on()


def test_the_server_is_away_for_a_while_and_the_stream_says_why(place: Place) -> None:
    place.server.stop()
    wait_until(lambda: "the database does not answer" in place.waits(), place.running)
    place.put(LARGE)
    since = time.monotonic()
    wait_until(lambda: time.monotonic() - since > 8, place.running)
    place.server.start()
    place.goes_on()


def test_the_disk_of_the_database_is_full(place: Place) -> None:
    place.sql(
        "CREATE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE"
        " 'could not extend file: No space left on device' USING ERRCODE = '53100'; END $$"
    )
    place.sql("CREATE TRIGGER no_room BEFORE INSERT ON ingest_batches EXECUTE FUNCTION no_room()")
    place.put(LARGE)
    wait_until(lambda: "No space left on device" in place.waits(), place.running)
    place.sql("DROP FUNCTION no_room CASCADE")
    place.goes_on()


def test_at_the_end_one_stream_has_lived_through_all_of_it(place: Place) -> None:
    place.running.process.terminate()
    assert place.running.process.wait(START_LIMIT) == 0
    assert place.sql("SELECT epoch::int, last_reason FROM stream_lease") == [(1, "stopped by SIGTERM")]
    assert place.sql("SELECT tablename FROM pg_tables WHERE schemaname = 'staging'") == [("finished_parts",)]
