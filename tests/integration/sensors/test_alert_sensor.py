"""The sensor `alerts` against a local receiver: one message a change, none lost, none that blocks."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import dagster as dg
import pytest
from control_plane import ControlPlane, switch, wait_until
from databases import run_sql
from ledger_books import LedgerBooks, Part

from clickstream_assets.alerts import facts as alert_facts
from clickstream_assets.alerts.webhook import deliver
from clickstream_assets.errors import SettingsError
from clickstream_assets.sensors import alerts as alert_sensor
from clickstream_assets.sensors.alerts import alerts
from clickstream_assets.sensors.sensors import event_check_results
from clickstream_assets.settings import Settings
from clickstream_assets.supervision import limits

SECRET = "T0K3N"


@dataclass
class Receiver:
    """An HTTP server that answers with `status` and keeps what it was sent."""

    url: str
    bodies: list[dict[str, Any]] = field(default_factory=list)
    status: int = 200

    @property
    def texts(self) -> list[str]:
        return [line for body in self.bodies for line in body["text"].splitlines()]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            content = self.rfile.read(int(self.headers["Content-Length"]))
            if received.status == 200:
                received.bodies.append(json.loads(content))
            self.send_response(received.status)
            if received.status == 302:
                self.send_header("Location", received.url)
            self.end_headers()

        def log_message(self, *_arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    received = Receiver(f"http://127.0.0.1:{server.server_address[1]}/services/{SECRET}")
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield received
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def alerting(control: ControlPlane, receiver: Receiver) -> ControlPlane:
    control.settings = control.settings.changed(alert_webhook_url=receiver.url)
    return control


def tick(control: ControlPlane) -> str:
    """What the sensor's history says of the tick."""
    reason = control.tick(alerts).skip_reason
    assert reason is not None
    said = reason.skip_message or ""
    assert SECRET not in said
    return said


def load(books: LedgerBooks, **counts: int) -> None:
    file_id = books.add_file("f.csv", expected=sum(counts.values()), chunks=1, landed_seconds_ago=0.2)
    books.commit(Part(file_id, **counts))


def test_without_a_webhook_it_does_nothing(control: ControlPlane) -> None:
    assert tick(control) == "No webhook is set (CLICKSTREAM_ALERT_WEBHOOK_URL)."
    assert alerts.name not in control.cursors


def test_a_failed_check_is_told_once_and_so_is_its_recovery(
    alerting: ControlPlane, receiver: Receiver
) -> None:
    books = LedgerBooks(alerting.database.owner_url)
    tick(alerting)
    assert receiver.bodies == [], "checks that were never measured are no news"
    load(books, inserted=30, duplicate=70)
    alerting.tick(event_check_results)
    assert tick(alerting) == "Sent: check duplicate_rate of events (error)."
    tick(alerting)
    (text,) = receiver.texts
    assert text.startswith("[ERROR] check duplicate_rate of events: 70.00 % of 100 rows")
    run_sql(
        alerting.database.owner_url, "UPDATE ingest_batches SET committed_at = now() - interval '2 hours'"
    )
    alerting.tick(event_check_results)
    tick(alerting)
    tick(alerting)
    assert [line.split(":")[0] for line in receiver.texts[1:]] == ["[OK] check duplicate_rate of events"]


def test_warnings_are_sent_where_they_are_asked_for(alerting: ControlPlane, receiver: Receiver) -> None:
    books = LedgerBooks(alerting.database.owner_url)
    load(books, inserted=80, duplicate=20)
    alerting.tick(event_check_results)
    tick(alerting)
    assert receiver.texts == []
    alerting.settings = alerting.settings.changed(alert_level="warn")
    tick(alerting)
    assert [line.split(":")[0] for line in receiver.texts] == ["[WARN] check duplicate_rate of events"]


def test_nothing_is_lost_while_the_receiver_is_away_and_no_tick_fails(
    alerting: ControlPlane, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1e9
    monkeypatch.setattr(alert_sensor.time, "time", lambda: now)
    load(LedgerBooks(alerting.database.owner_url), rejected=100)
    alerting.tick(event_check_results)
    receiver.status = 500
    assert tick(alerting) == (
        "1 alerts are NOT delivered: the receiver answers with HTTP 500; attempt 2 in 15 s."
    )
    receiver.status = 200
    now += 5
    assert "attempt 2 in 10 s" in tick(alerting), "the pause is kept"
    assert receiver.bodies == []
    now += 15
    assert tick(alerting) == "Sent: check reject_rate of events (error)."
    assert len(receiver.texts) == 1


def test_a_dead_stream_is_told_after_a_grace_and_a_stopped_one_is_not(
    alerting: ControlPlane, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    tick(alerting)
    assert receiver.bodies == [], "a restart is no news"
    monkeypatch.setattr(alert_facts, "DEAD_AFTER", 0.0)
    tick(alerting)
    tick(alerting)
    assert receiver.texts == ["[ERROR] stream: The stream is dead: no stream has run yet."]
    alerting.update_lease("failures = 5, started_at = now(), next_attempt_at = now() + interval '1 minute'")
    tick(alerting)
    assert receiver.texts[1].startswith("[ERROR] stream: The stream is crash-looping: next start in ")
    alerting.update_lease("wanted = 'stopped'")
    tick(alerting)
    assert receiver.texts[2].startswith("[OK] stream: The stream is stopped: stopped on purpose")
    tick(alerting)
    assert len(receiver.texts) == 3


def test_a_stream_that_runs_again_is_told(
    alerting: ControlPlane, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alert_facts, "DEAD_AFTER", 0.0)
    monkeypatch.setattr(limits, "BEGUN_MARGIN", 0.2)
    tick(alerting)
    run_id = alerting.make_run(dg.DagsterRunStatus.STARTED, worker=os.getpid())
    tick(alerting)
    assert len(receiver.texts) == 1, "a start is not yet a recovery"
    with alerting.stream(run_id):
        wait_until(lambda: tick(alerting).startswith("Sent: stream (recovered)"))
    assert receiver.texts[1].startswith("[OK] stream: The stream is ")


def test_a_failed_run_is_told_with_its_reason_until_the_same_succeeds(
    alerting: ControlPlane, receiver: Receiver
) -> None:
    alerting.execute("stop_stream")
    run_sql(alerting.database.owner_url, "REVOKE SELECT ON hourly_traffic FROM clickstream_reader")
    assert not alerting.execute("daily_report").success
    tick(alerting)
    assert receiver.texts == [], "what failed before the first look is history"
    assert not alerting.execute("daily_report").success
    tick(alerting)
    tick(alerting)
    (text,) = receiver.texts
    assert text.startswith("[ERROR] ")
    assert "permission denied for table hourly_traffic" in text
    assert receiver.bodies[0]["attachments"][0]["fields"][-1]["value"].startswith(
        "http://127.0.0.1:3000/runs/"
    )
    run_sql(alerting.database.owner_url, "GRANT SELECT ON hourly_traffic TO clickstream_reader")
    assert alerting.execute("daily_report").success
    tick(alerting)
    assert [line[:5] for line in receiver.texts] == ["[ERRO", "[OK] "]


def test_a_database_that_does_not_answer_is_told_and_the_stream_is_left_unknown(
    alerting: ControlPlane, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alert_facts, "DATABASE_AFTER", 0.0)
    working = alerting.database
    tick(alerting)
    alerting.database = replace(working, reader_url="postgresql://nobody@127.0.0.1:1/nothing")
    tick(alerting)
    tick(alerting)
    assert [line.split(":")[0] for line in receiver.texts] == ["[ERROR] database"]
    alerting.database = working
    tick(alerting)
    assert receiver.texts[1].startswith("[OK] database: It answers again.")


def test_what_is_switched_off_is_told_and_that_nobody_keeps_the_stream_alive(
    alerting: ControlPlane, receiver: Receiver
) -> None:
    switch(alerting.instance, "event_check_results", on=False)
    switch(alerting.instance, "nightly_maintenance", on=False, kind="schedule")
    alerting.update_lease("wanted = 'stopped', supervised_at = '2026-03-01 14:05:03+00'")
    tick(alerting)
    assert sorted(receiver.texts) == [
        "[ERROR] sensor event_check_results: It is switched off.",
        "[ERROR] supervisor: Nobody keeps the stream alive: "
        "the supervisor has not looked since 2026-03-01 14:05:03 UTC.",
    ]
    switch(alerting.instance, "event_check_results", on=True)
    alerting.update_lease("supervised_at = now()")
    tick(alerting)
    assert sorted(line.split(" (after")[0] for line in receiver.texts[2:]) == [
        "[OK] sensor event_check_results: It is on again.",
        "[OK] supervisor: It looks again.",
    ]


@pytest.mark.parametrize(
    ("status", "error"),
    [(500, "the receiver answers with HTTP 500"), (302, "the receiver answers with HTTP 302")],
)
def test_what_went_wrong_is_named_without_the_address(receiver: Receiver, status: int, error: str) -> None:
    receiver.status = status
    assert deliver(receiver.url, {"text": "x"}) == error
    for url in (f"http://127.0.0.1:1/{SECRET}", f"http://127.0.0.1:99999/{SECRET}", f"http://[{SECRET}"):
        said = deliver(url, {"text": "x"})
        assert said is not None
        assert SECRET not in said


def test_the_address_is_in_no_representation_of_the_settings() -> None:
    settings = Settings.from_env({"CLICKSTREAM_ALERT_WEBHOOK_URL": f"https://hooks.example.com/{SECRET}"})
    assert SECRET not in repr(settings)
    with pytest.raises(SettingsError) as wrong:
        Settings.from_env({"CLICKSTREAM_ALERT_WEBHOOK_URL": f"file:///{SECRET}"})
    assert SECRET not in str(wrong.value)
