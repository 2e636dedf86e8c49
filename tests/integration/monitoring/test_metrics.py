"""`clickstream metrics`: what is served is what the ledger says, scrape after scrape, and the rules fit to it."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from control_plane import wait_until
from databases import Database, RunningServer, run_sql
from ledger_books import LedgerBooks, Part, consistent_history
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families
from up_stack import free_port

from clickstream_assets import thresholds
from clickstream_assets.file_names import EventsDirectory
from clickstream_assets.monitoring.metrics import PipelineCollector
from clickstream_assets.monitoring.scrape import LATENCY_BOUNDS, Reader
from clickstream_assets.paths import PROJECT_ROOT
from clickstream_assets.postgres.connections import Connections
from clickstream_assets.settings import Settings

MONITORING = PROJECT_ROOT / "monitoring"
HISTOGRAM = "clickstream_file_latency_seconds"

Samples = dict[str, float]


def reading(url: str) -> Connections:
    return Connections(Settings.from_env({}), "tests", {"reader": url})


class Scraper:
    """One `clickstream metrics`, without its port."""

    def __init__(self, url: str, events: Path) -> None:
        self.said: list[str] = []
        self.registry = CollectorRegistry()
        self.reader = Reader(reading(url), EventsDirectory(events))
        self.registry.register(PipelineCollector(self.reader, self.said.append))

    def text(self) -> str:
        return generate_latest(self.registry).decode()

    def scrape(self) -> Samples:
        return parsed(self.text())


def parsed(text: str) -> Samples:
    """Samples by their name and the values of their labels."""
    return {
        "/".join([sample.name, *sample.labels.values()]): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


@pytest.fixture
def scraper(database: Database, tmp_path: Path) -> Scraper:
    (tmp_path / "events").mkdir()
    return Scraper(database.reader_url, tmp_path / "events")


def test_an_empty_database_has_metrics_without_a_moment_in_them(scraper: Scraper) -> None:
    samples = scraper.scrape()
    assert samples["clickstream_scrape_success"] == 1
    assert samples["clickstream_rows_total/inserted"] == 0
    assert samples["clickstream_stream_up"] == 0
    assert samples["clickstream_stream_state/dead"] == 1
    assert sum(value for name, value in samples.items() if name.startswith("clickstream_stream_state")) == 1
    assert samples[f"{HISTOGRAM}_count"] == 0
    assert "clickstream_newest_event_age_seconds" not in samples


def test_the_numbers_are_those_of_the_ledger_and_grow_with_it(
    scraper: Scraper, database: Database, tmp_path: Path
) -> None:
    books = consistent_history(database.owner_url)
    (tmp_path / "events" / "new.csv").write_text("12345")
    before = scraper.scrape()
    assert before["clickstream_rows_total/inserted"] == 14
    assert before["clickstream_rows_total/duplicate"] == 10
    assert before["clickstream_rows_total/rejected"] == 3
    assert before["clickstream_rejected_rows_total/invalid_price"] == 3
    assert before["clickstream_conflicting_rows_total"] == 1
    assert before["clickstream_batches_total"] == 5
    assert (before["clickstream_backlog_files"], before["clickstream_backlog_bytes"]) == (1, 5)
    assert scraper.scrape()["clickstream_rejected_rows_total/invalid_price"] == 3, "nothing is counted twice"
    file_id = books.add_file("more.csv", expected=4, chunks=1)
    books.commit(Part(file_id, inserted=1, duplicate=1, conflict=1, rejected=2, reason="bad_time"))
    after = scraper.scrape()
    assert after["clickstream_rows_total/inserted"] == 15
    assert after["clickstream_rejected_rows_total/bad_time"] == 2
    assert after["clickstream_rejected_rows_total/invalid_price"] == 3
    assert after["clickstream_conflicting_rows_total"] == 2
    assert after[f"{HISTOGRAM}_count"] == before[f"{HISTOGRAM}_count"] + 1


def test_the_histogram_is_exact_also_on_its_bounds_and_a_new_collector_counts_the_same(
    scraper: Scraper, database: Database, tmp_path: Path
) -> None:
    books = LedgerBooks(database.owner_url)
    durations = (0.05, 0.1, 0.25, 1.0, 1.000001, 4000.0)
    for count, seconds in enumerate(durations, start=1):
        books.commit(Part(books.add_file("f.csv", expected=1, chunks=1), inserted=1))
        run_sql(
            database.owner_url,
            "UPDATE ingest_files SET landed_at = committed_at - make_interval(secs => %(seconds)s) "
            "WHERE file_id = %(id)s",
            {"seconds": seconds, "id": count},
        )
        assert scraper.scrape()[f"{HISTOGRAM}_count"] == count
    for samples in (scraper.scrape(), Scraper(database.reader_url, tmp_path / "events").scrape()):
        assert samples[f"{HISTOGRAM}_bucket/0.1"] == 2
        assert samples[f"{HISTOGRAM}_bucket/0.3"] == 3
        assert samples[f"{HISTOGRAM}_bucket/1.0"] == 4
        assert samples[f"{HISTOGRAM}_bucket/1800.0"] == 5
        assert samples[f"{HISTOGRAM}_bucket/+Inf"] == 6
        assert samples[f"{HISTOGRAM}_sum"] == pytest.approx(sum(durations), abs=1e-5)
        buckets = [value for name, value in samples.items() if name.startswith(f"{HISTOGRAM}_bucket")]
        assert buckets == sorted(buckets)


def test_a_new_database_under_the_same_collector_is_counted_from_its_begin(
    scraper: Scraper, database: Database
) -> None:
    consistent_history(database.owner_url)
    scraper.scrape()
    run_sql(database.owner_url, "TRUNCATE ingest_batches, ingest_files, events CASCADE")
    books = LedgerBooks(database.owner_url)
    books.commit(Part(books.add_file("f.csv", expected=3, chunks=1), inserted=1, rejected=2))
    samples = scraper.scrape()
    assert samples["clickstream_rejected_rows_total/invalid_price"] == 2
    assert samples["clickstream_conflicting_rows_total"] == 0
    assert samples[f"{HISTOGRAM}_count"] == 1


def test_a_database_that_does_not_answer_is_said_and_nothing_is_made_up(
    scraper: Scraper, database: Database
) -> None:
    consistent_history(database.owner_url)
    scraper.reader.connections = reading("postgresql://nobody@127.0.0.1:1/nothing")
    assert scraper.scrape() == {"clickstream_scrape_success": 0, "clickstream_stream_waiting_seconds": 0}
    assert len(scraper.said) == 1
    scraper.reader.connections = reading(database.reader_url)
    assert scraper.scrape()["clickstream_conflicting_rows_total"] == 1


def test_a_summary_that_lacks_batches_says_for_how_long(scraper: Scraper, database: Database) -> None:
    books = LedgerBooks(database.owner_url)
    books.commit(Part(books.add_file("f.csv", expected=1, chunks=1), inserted=1), seconds_ago=600)
    books.commit(Part(books.add_file("g.csv", expected=1, chunks=1), inserted=1), seconds_ago=60)
    run_sql(
        database.owner_url,
        "UPDATE summary_state SET through_batch_id = CASE summary WHEN 'sessions' THEN 0 "
        "WHEN 'hourly_traffic' THEN 1 ELSE 2 END",
    )
    samples = scraper.scrape()
    waiting = [
        samples[f"clickstream_refresh_waiting_seconds/{name}"] for name in ("sessions", "hourly_traffic")
    ]
    assert waiting == [pytest.approx(600, abs=20), pytest.approx(60, abs=20)]
    assert samples["clickstream_refresh_waiting_seconds/device_usage"] == 0


@pytest.fixture
def served(
    database: Database, postgres_server: RunningServer, tmp_path: Path
) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """The command itself, on a free port."""
    (tmp_path / "events").mkdir()
    port = free_port()
    environment = os.environ | {
        "CLICKSTREAM_HOME": str(tmp_path / "home"),
        "CLICKSTREAM_EVENTS_DIR": str(tmp_path / "events"),
        "CLICKSTREAM_DATABASE_URL": database.owner_url,
        "CLICKSTREAM_READER_PASSWORD": postgres_server.password,
        "CLICKSTREAM_WRITER_PASSWORD": postgres_server.password,
        "PYTHONUNBUFFERED": "1",
    }
    command = [sys.executable, "-m", "clickstream_assets.cli", "metrics", "--port", str(port)]
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            assert f"127.0.0.1:{port}/metrics" in process.stdout.readline()
            yield process, port
        finally:
            process.kill()


def test_the_command_serves_until_it_is_asked_to_end_and_a_taken_port_is_one_sentence(
    served: tuple[subprocess.Popen[str], int], database: Database
) -> None:
    process, port = served
    consistent_history(database.owner_url)
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=20) as response:
        samples = parsed(response.read().decode())
    assert samples["clickstream_rows_total/inserted"] == 14
    assert not any(name.startswith(("python_", "process_")) for name in samples)
    second = subprocess.run(process.args, capture_output=True, text=True, timeout=60, check=False)
    assert second.returncode == 2
    assert f"port {port} on 127.0.0.1 cannot be had for the metrics" in second.stderr
    assert second.stderr.count("\n") == 1
    process.send_signal(signal.SIGTERM)
    wait_until(lambda: process.poll() is not None)
    assert process.returncode == 0


def test_the_rules_ask_only_for_metrics_that_are_served(scraper: Scraper, database: Database) -> None:
    consistent_history(database.owner_url)
    served = {name.partition("/")[0] for name in scraper.scrape()}
    rules = {
        rule["alert"]: rule["expr"]
        for group in yaml.safe_load((MONITORING / "alerts.yml").read_text())["groups"]
        for rule in group["rules"]
    }
    for expression in rules.values():
        assert set(re.findall(r"clickstream_\w+", expression)) <= served
    assert thresholds.LATENCY_P99_SECONDS in LATENCY_BOUNDS


def test_the_documentation_names_every_metric_and_alert(scraper: Scraper, database: Database) -> None:
    consistent_history(database.owner_url)
    text = (PROJECT_ROOT / "docs" / "monitoring.md").read_text()
    for name in {name.partition("/")[0] for name in scraper.scrape()}:
        assert re.sub("_(bucket|count|sum)$", "", name) in text
    for group in yaml.safe_load((MONITORING / "alerts.yml").read_text())["groups"]:
        for rule in group["rules"]:
            assert f"`{rule['alert']}`" in text


needs_promtool = pytest.mark.skipif(
    shutil.which("promtool") is None, reason="no promtool on this machine (Debian: apt install prometheus)"
)


def promtool(*arguments: str, text: str | None = None) -> str:
    done = subprocess.run(
        ["promtool", *arguments], input=text, capture_output=True, text=True, cwd=MONITORING, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@needs_promtool
def test_promtool_takes_the_configuration_and_the_rules_fire_when_they_should() -> None:
    assert "rules found" in promtool("check", "config", "prometheus.yml")
    assert "SUCCESS" in promtool("test", "rules", "alerts_test.yml")


@needs_promtool
def test_promtool_finds_no_fault_with_the_metrics(scraper: Scraper, database: Database) -> None:
    consistent_history(database.owner_url)
    assert promtool("check", "metrics", text=scraper.text()) == ""
