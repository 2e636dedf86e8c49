"""The sensor `openlineage` against a local catalogue that is there, away, unwell, or wants something else."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import dagster as dg
import pytest
from control_plane import ControlPlane
from databases import run_sql
from ledger_books import LedgerBooks, Part

from clickstream_assets.database import connect
from clickstream_assets.definitions import build_definitions
from clickstream_assets.lineage import sending
from clickstream_assets.sensors.openlineage import openlineage
from clickstream_assets.settings import Settings
from clickstream_assets.summaries import refresh as summaries

KEY = "K3Y"


@dataclass
class Catalogue:
    """An HTTP server. `answers` are given first, then 201; what was answered with 2xx is kept."""

    url: str
    events: list[dict[str, Any]] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)
    keys: set[str | None] = field(default_factory=set)

    @property
    def jobs(self) -> list[str]:
        return [event["job"]["name"] for event in self.events]

    @property
    def run_ids(self) -> list[str]:
        return [event["run"]["runId"] for event in self.events]


@pytest.fixture
def catalogue() -> Iterator[Catalogue]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            event = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            found.keys.add(self.headers["Authorization"])
            status = found.answers.pop(0) if found.answers else 201
            if status < 300:
                found.events.append(event)
            self.send_response(status)
            self.end_headers()

        def log_message(self, *_arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found = Catalogue(f"http://127.0.0.1:{server.server_address[1]}/api/v1/lineage")
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield found
    server.shutdown()
    thread.join()
    server.server_close()


@dataclass
class Telling:
    """A control plane that tells the catalogue."""

    control: ControlPlane
    books: LedgerBooks

    def tick(self) -> str:
        result = self.control.tick(openlineage)
        return str(result.skip_reason.skip_message if result.skip_reason else "")

    def commit(self, inserted: int = 3, rejected: int = 0) -> None:
        number = run_sql(self.books.url, "SELECT count(*) FROM ingest_files")[0][0]
        total = inserted + rejected
        file_id = self.books.add_file(f"f{number}.csv", expected=total, chunks=1)
        self.books.commit(Part(file_id, inserted=inserted, rejected=rejected))

    def refresh(self, name: str) -> None:
        with closing(connect(self.control.database.writer_url, "tests", autocommit=True)) as connection:
            summaries.refresh(connection, name)

    def sent(self, columns: str, subject: str = "events") -> tuple[Any, ...]:
        (row,) = run_sql(
            self.books.url, f"SELECT {columns} FROM lineage_sent WHERE subject = %(s)s", {"s": subject}
        )
        return row

    def let_time_pass(self) -> None:
        run_sql(self.books.url, "UPDATE lineage_sent SET next_attempt_at = now()")


@pytest.fixture
def telling(control: ControlPlane, catalogue: Catalogue) -> Telling:
    return Telling(with_url(control, catalogue.url), LedgerBooks(control.database.owner_url))


def with_url(control: ControlPlane, url: str) -> ControlPlane:
    settings = Settings.from_env(
        {
            "CLICKSTREAM_HOME": str(control.settings.home),
            "CLICKSTREAM_OPENLINEAGE_URL": url,
            "CLICKSTREAM_OPENLINEAGE_API_KEY": KEY,
        }
    )
    return replace(control, settings=settings)


def test_every_micro_batch_and_refresh_is_told_once(telling: Telling, catalogue: Catalogue) -> None:
    telling.commit(inserted=3, rejected=1)
    telling.commit(inserted=2)
    telling.refresh("hourly_traffic")
    assert telling.tick() == "3 events sent, 0 micro-batches wait."
    assert catalogue.jobs == ["spark_stream", "spark_stream", "refresh_summaries.hourly_traffic"]
    assert catalogue.keys == {f"Bearer {KEY}"}
    assert telling.tick() == "0 events sent, 0 micro-batches wait."
    telling.commit()
    telling.refresh("hourly_traffic")
    telling.tick()
    assert len(catalogue.events) == len(set(catalogue.run_ids)) == 5
    outputs = [
        event["outputs"][0]["outputFacets"]["outputStatistics"]["rowCount"] for event in catalogue.events[:2]
    ]
    assert outputs == [3, 2]


def test_a_rebuild_is_told_as_well(telling: Telling, catalogue: Catalogue) -> None:
    telling.commit()
    telling.refresh("hourly_traffic")
    telling.tick()
    with closing(connect(telling.control.database.writer_url, "tests", autocommit=True)) as connection:
        summaries.rebuild(connection, "hourly_traffic")
    telling.tick()
    assert catalogue.jobs.count("refresh_summaries.hourly_traffic") == 2


def test_what_was_committed_while_the_catalogue_was_away_is_told_when_it_is_back(
    telling: Telling, catalogue: Catalogue
) -> None:
    telling.commit()
    telling.control = with_url(telling.control, "http://127.0.0.1:1/")  # nobody listens
    assert "1 micro-batches wait; the catalogue cannot be reached: Connection refused" in telling.tick()
    for _ in range(3):
        telling.commit()
    assert "0 events sent, 4 micro-batches wait" in telling.tick()  # and it is not even tried
    assert telling.sent("failures, events") == (1, 0)
    telling.control = with_url(telling.control, catalogue.url)
    telling.let_time_pass()
    assert telling.tick() == "4 events sent, 0 micro-batches wait."
    assert telling.sent("failures, events, next_attempt_at") == (0, 4, None)


@pytest.mark.parametrize("status", [500, 503, 429, 401, 404, 302])
def test_an_answer_that_may_pass_holds_everything_back(
    telling: Telling, catalogue: Catalogue, status: int
) -> None:
    telling.commit()
    telling.commit()
    catalogue.answers = [201, status]
    said = telling.tick()
    assert "1 events sent, 1 micro-batches wait" in said
    assert f"HTTP {status}" in said
    telling.let_time_pass()
    telling.tick()
    assert len(catalogue.events) == len(set(catalogue.run_ids)) == 2


@pytest.mark.parametrize("status", [400, 413, 422])
def test_an_event_that_is_refused_for_good_is_counted_and_holds_up_no_other(
    telling: Telling, catalogue: Catalogue, status: int
) -> None:
    for _ in range(3):
        telling.commit()
    catalogue.answers = [201, status]
    assert f"1 events were refused for good; the catalogue answers with HTTP {status}" in telling.tick()
    assert telling.sent("events, refused, last_error") == (2, 1, f"the catalogue answers with HTTP {status}")
    assert len(catalogue.events) == 2


def test_a_process_that_dies_before_it_wrote_down_what_it_sent_sends_the_same_runs_again(
    telling: Telling, catalogue: Catalogue
) -> None:
    telling.commit()
    telling.commit()
    telling.tick()
    run_sql(telling.books.url, "UPDATE lineage_sent SET through_batch_id = 0")
    telling.tick()
    assert len(catalogue.events) == 4
    assert len(set(catalogue.run_ids)) == 2


def test_a_round_ends_in_time_and_the_next_goes_on(
    telling: Telling, catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(5):
        telling.commit()
    monkeypatch.setattr(sending, "TIME", 0.0)
    assert telling.tick() == "1 events sent, 4 micro-batches wait."
    monkeypatch.undo()
    telling.tick()
    assert len(set(catalogue.run_ids)) == 5


def test_a_catalogue_that_is_named_late_is_not_sent_years_of_history(
    telling: Telling, catalogue: Catalogue
) -> None:
    telling.commit()
    run_sql(telling.books.url, "UPDATE ingest_batches SET committed_at = committed_at - interval '2 hours'")
    telling.commit()
    telling.tick()
    assert len(catalogue.events) == 1


def test_pauses_grow_and_end_somewhere() -> None:
    assert [sending.pause_after(n) for n in (1, 2, 3, 7, 400)] == [5, 10, 20, 300, 300]


def test_without_a_catalogue_there_is_no_sensor_and_nothing_is_written(control: ControlPlane) -> None:
    assert control.settings.openlineage_url is None
    names = {sensor.name for sensor in control.definitions.sensors or []}
    assert "openlineage" not in names
    assert run_sql(control.database.owner_url, "SELECT count(*) FROM lineage_sent") == [(0,)]


def test_with_one_the_sensor_is_on_and_no_secret_shows(telling: Telling) -> None:
    definitions = build_definitions(telling.control.settings)
    sensor = definitions.resolve_sensor_def("openlineage")
    assert sensor.default_status is dg.DefaultSensorStatus.RUNNING
    assert KEY not in repr(telling.control.settings)
