"""One stream, and a server of Debian's PostgreSQL that goes away in every way: restarted, crashed, stopped, out of
connections, out of disk, read-only, and with each session of the stream ended for itself.

After each of them the same process goes on by itself, says so in one line, and has lost and doubled nothing.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import closing

import psycopg2
import pytest
from foreign_servers import needs_debian_postgres
from outage_place import LARGE, Place, open_place
from stream_program import START_LIMIT, wait_until

from clickstream_assets.database import connect

pytestmark = [pytest.mark.spark, needs_debian_postgres, pytest.mark.timeout(600)]
PARTS = ["lease", "source", "sink", "batches", "intake"]


@pytest.fixture(scope="module")
def place() -> Iterator[Place]:
    with open_place() as place:
        yield place


@pytest.mark.parametrize("mode", ["fast", "immediate"])
def test_the_server_is_restarted(place: Place, mode: str) -> None:
    place.server.restart(mode)
    place.goes_on()


@pytest.mark.parametrize("mode", ["fast", "immediate"])
def test_the_server_is_restarted_while_a_large_micro_batch_is_stored(place: Place, mode: str) -> None:
    copying = "SELECT 1 FROM pg_stat_activity WHERE application_name = 'clickstream-stream-sink' AND state = 'active'"
    with closing(connect(place.owner_url, "tests")) as connection:
        connection.cursor().execute("LOCK TABLE ingest_batches IN EXCLUSIVE MODE")
        place.put(LARGE)
        wait_until(lambda: bool(place.sql(copying)), place.running)
        place.server.restart(mode)
    place.goes_on()


@pytest.mark.parametrize("part", PARTS)
def test_an_administrator_ends_one_session(place: Place, part: str) -> None:
    ended = place.sql(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = %(name)s",
        name=f"clickstream-stream-{part}",
    )
    assert ended
    place.goes_on()


def test_the_server_is_away_for_a_while_and_the_stream_says_why(place: Place) -> None:
    place.server.stop()
    wait_until(lambda: "the database does not answer" in place.waits(), place.running)
    place.put()
    since = time.monotonic()
    wait_until(lambda: time.monotonic() - since > 8, place.running)
    place.server.start()
    place.goes_on()


@pytest.mark.parametrize("whom", ["SYSTEM", "DATABASE shop", "ROLE clickstream_writer"])
def test_the_database_is_made_read_only_and_writable_again(place: Place, whom: str) -> None:
    place.sql(f"ALTER {whom} SET default_transaction_read_only = on")
    place.sql("SELECT pg_reload_conf()")
    # A session that lives keeps what it began with, where it is not the server's own setting.
    place.sql(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'clickstream-stream-%'"
    )
    place.put()
    wait_until(lambda: "the database is read-only" in place.waits(), place.running)
    with closing(psycopg2.connect(place.owner_url)) as connection:
        connection.set_session(readonly=False, autocommit=True)
        connection.cursor().execute(f"ALTER {whom} RESET default_transaction_read_only")
        connection.cursor().execute("SELECT pg_reload_conf()")
    place.goes_on()


def test_the_server_has_no_connection_left_for_the_stream(place: Place) -> None:
    place.sql("ALTER ROLE clickstream_writer CONNECTION LIMIT 0")
    place.sql(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'clickstream-stream-%'"
    )
    wait_until(lambda: "too many connections" in place.waits(), place.running)
    place.sql("ALTER ROLE clickstream_writer CONNECTION LIMIT -1")
    place.goes_on()


@pytest.mark.parametrize("rows", [1, LARGE], ids=["small", "large"])
def test_the_disk_of_the_database_is_full(place: Place, rows: int) -> None:
    """Said by a trigger as PostgreSQL says it: the heartbeat finds room, and a micro-batch does not."""
    place.sql(
        "CREATE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE"
        " 'could not extend file: No space left on device' USING ERRCODE = '53100'; END $$"
    )
    place.sql("CREATE TRIGGER no_room BEFORE INSERT ON ingest_batches EXECUTE FUNCTION no_room()")
    place.put(rows)
    wait_until(lambda: "No space left on device" in place.waits(), place.running)
    since = time.monotonic()
    wait_until(lambda: time.monotonic() - since > 5, place.running)
    assert place.waits()
    place.sql("DROP FUNCTION no_room CASCADE")
    place.goes_on()


def test_files_whose_registration_a_server_has_forgotten_are_registered_anew(place: Place) -> None:
    """As after a failover to a standby that was behind: here a crash takes back a commit that nobody has flushed."""
    registered = f"SELECT count(*)::int FROM ingest_files WHERE path = '{place.files + 1}.csv'"
    place.sql(
        "CREATE FUNCTION not_flushed() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " PERFORM set_config('synchronous_commit', 'off', true); RETURN NEW; END $$"
    )
    place.sql("CREATE TRIGGER t BEFORE INSERT ON ingest_files FOR EACH ROW EXECUTE FUNCTION not_flushed()")
    ((flusher,),) = place.sql("SELECT pid::int FROM pg_stat_activity WHERE backend_type = 'walwriter'")
    jvm = place.running.jvm()
    jvm.suspend()  # no task begins
    os.kill(int(str(flusher)), signal.SIGSTOP)
    with closing(connect(place.owner_url, "tests")) as connection:
        connection.cursor().execute("LOCK TABLE stream_lease IN SHARE MODE")  # nor does a heartbeat flush
        place.put()
        wait_until(lambda: place.sql(registered) == [(1,)], place.running)
        place.server.restart("immediate")
    assert place.sql(registered) == [(0,)], "the condition that is tried"
    jvm.resume()
    place.sql("DROP FUNCTION not_flushed CASCADE")
    wait_until(place.is_stored, place.running)  # no other file need come
    place.goes_on()


def test_at_the_end_one_stream_has_lived_through_all_of_it(place: Place) -> None:
    place.running.process.terminate()
    assert place.running.process.wait(START_LIMIT) == 0
    assert place.sql("SELECT epoch::int, last_reason FROM stream_lease") == [(1, "stopped by SIGTERM")]
