"""Grafana's dashboard: every panel asks for something that is there. A real Prometheus scrapes a real `clickstream
metrics`, and the SQL runs as the reader.
"""

from __future__ import annotations

import json
import math
import os
import re
import shutil
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from control_plane import wait_until
from databases import Database, RunningServer, run_sql
from ledger_books import LedgerBooks, Part
from up_stack import free_port

from clickstream_assets.paths import PROJECT_ROOT
from scripts import grafana_dashboard

DASHBOARD: dict[str, Any] = json.loads(grafana_dashboard.DASHBOARD.read_text(encoding="utf-8"))
PANELS: dict[str, dict[str, Any]] = {panel["title"]: panel for panel in DASHBOARD["panels"]}
OF_PROMETHEUS = [title for title, panel in PANELS.items() if panel["datasource"]["type"] == "prometheus"]
OF_POSTGRES = [title for title in PANELS if title not in OF_PROMETHEUS]
SOURCES = PROJECT_ROOT / "monitoring" / "grafana" / "provisioning" / "datasources" / "clickstream.yml"
MACROS = {  # as Grafana's PostgreSQL source expands them
    r"\$__timeFilter\((\w+)\)": r"\1 BETWEEN now() - interval '1 hour' AND now() + interval '1 minute'",
    r"\$__timeGroup\((\w+), \$__interval\)": r"floor(extract(epoch FROM \1) / 15) * 15",
}

needs_prometheus = pytest.mark.skipif(
    shutil.which("prometheus") is None,
    reason="no prometheus on this machine (Debian: apt install prometheus)",
)


def test_the_file_is_what_the_script_makes() -> None:
    assert grafana_dashboard.DASHBOARD.read_text(encoding="utf-8") == grafana_dashboard.text(), (
        "make dashboard"
    )


def test_panels_lie_beside_each_other_and_none_on_another() -> None:
    taken = set()
    for title, panel in PANELS.items():
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, title
        assert place["x"] + place["w"] <= 24
        taken |= cells
    assert len({panel["id"] for panel in PANELS.values()}) == len(PANELS) == len(DASHBOARD["panels"])


def test_the_panels_ask_the_sources_that_are_provisioned() -> None:
    sources = {
        (source["type"], source["uid"]) for source in yaml.safe_load(SOURCES.read_text())["datasources"]
    }
    asked = {
        (part["datasource"]["type"], part["datasource"]["uid"])
        for panel in PANELS.values()
        for part in (panel, *panel["targets"])
    }
    assert asked == sources


def test_every_panel_says_what_it_shows() -> None:
    assert all(panel["description"].endswith(".") for panel in PANELS.values())


@dataclass
class Scraped:
    """A Prometheus that has seen the ledger grow."""

    url: str
    started: float

    def range(self, expression: str) -> list[dict[str, Any]]:
        """What a panel of the time since the start would get."""
        query = urllib.parse.urlencode(
            {
                "query": expression.replace("$__rate_interval", "8s"),
                "start": self.started,
                "end": time.time(),
                "step": 1,
            }
        )
        with urllib.request.urlopen(f"{self.url}/api/v1/query_range?{query}", timeout=30) as answer:  # noqa: S310
            found = json.load(answer)
        assert found["status"] == "success", found
        series: list[dict[str, Any]] = found["data"]["result"]
        return series


@pytest.fixture
def scraped(database: Database, postgres_server: RunningServer, tmp_path: Path) -> Iterator[Scraped]:
    events, port, own = tmp_path / "events", free_port(), free_port()
    events.mkdir()
    (events / "waiting.csv").write_text("waits\n")
    (tmp_path / "prometheus.yml").write_text(
        yaml.safe_dump(
            {
                "global": {"scrape_interval": "1s"},
                "scrape_configs": [
                    {"job_name": "clickstream", "static_configs": [{"targets": [f"127.0.0.1:{port}"]}]}
                ],
            }
        )
    )
    commands = [
        [sys.executable, "-m", "clickstream_assets.cli", "metrics", "--port", str(port)],
        [
            "prometheus",
            f"--config.file={tmp_path}/prometheus.yml",
            f"--storage.tsdb.path={tmp_path}/data",
            f"--web.listen-address=127.0.0.1:{own}",
        ],
    ]
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("CLICKSTREAM_", "PG"))},
        "CLICKSTREAM_HOME": str(tmp_path / "home"),
        "CLICKSTREAM_EVENTS_DIR": str(events),
        "CLICKSTREAM_DATABASE_URL": database.owner_url,
        "CLICKSTREAM_READER_PASSWORD": postgres_server.password,
        "PYTHONPATH": str(PROJECT_ROOT),
    }
    books, processes = grown(database), []
    found = Scraped(f"http://127.0.0.1:{own}", time.time())
    try:
        with (tmp_path / "log").open("wb") as log:
            for command in commands:
                processes.append(
                    subprocess.Popen(command, env=environment, cwd=tmp_path, stdout=log, stderr=log)
                )
        wait_until(lambda: answers(f"{found.url}/-/ready"))
        wait_until(lambda: bool(found.range("clickstream_batches_total")))
        for _ in range(6):  # what is a rate needs a ledger that grows
            more(books)
            before = len(found.range("clickstream_batches_total")[0]["values"])
            wait_until(lambda seen=before: len(found.range("clickstream_batches_total")[0]["values"]) > seen)
        yield found
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait(30)


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5):  # noqa: S310
            return True
    except OSError:
        return False


def grown(database: Database) -> LedgerBooks:
    """A ledger with something of each kind in it."""
    books = LedgerBooks(database.owner_url)
    more(books)
    books.add_file("again.csv", status="duplicate", expected=4, duplicate_of=1)
    books.add_file("broken.csv.gz", status="rejected", reason="broken_gzip")
    return books


def more(books: LedgerBooks) -> None:
    number = run_sql(books.url, "SELECT count(*) FROM ingest_files")[0][0]
    file_id = books.add_file(f"more-{number}.csv", expected=10, chunks=1)
    books.commit(Part(file_id, inserted=6, duplicate=3, rejected=1, conflict=1))


@needs_prometheus
def test_every_panel_of_prometheus_has_data(scraped: Scraped) -> None:
    for title in OF_PROMETHEUS:
        for target in PANELS[title]["targets"]:
            series = scraped.range(target["expr"])
            values = [float(value) for found in series for _, value in found["values"]]
            assert any(map(math.isfinite, values)), f"{title}: {target['expr']}"


@pytest.mark.parametrize("title", OF_POSTGRES)
def test_a_panel_of_postgresql_has_data_that_the_reader_may_see(title: str, database: Database) -> None:
    grown(database)
    for target in PANELS[title]["targets"]:
        statement = target["rawSql"]
        for macro, expansion in MACROS.items():
            statement = re.sub(macro, expansion, statement)
        assert "$__" not in statement
        assert run_sql(database.reader_url, statement), statement


def test_a_panel_over_time_gets_its_time_first(database: Database) -> None:
    for title in OF_POSTGRES:
        for target in PANELS[title]["targets"]:
            is_series = target["format"] == "time_series"
            assert is_series is bool(
                re.match(r"SELECT \$__timeGroup\(\w+, \$__interval\) AS time", target["rawSql"])
            )
