"""The screenshots of the README, from a fresh stack: `make screenshots`.

Each picture shows a state that was waited for: everything materialized, all checks passed, some rows rejected.
"""

from __future__ import annotations

import signal
import sys
import tempfile
import time
from pathlib import Path

from dagster_pages import DagsterPages, chromium, dagster_pages
from incident_pictures import take_incident_pictures
from playwright.sync_api import expect
from up_stack import Up, until

from clickstream_assets.checks.event_checks import EVENT_CHECKS
from clickstream_assets.thresholds import LATENCY_FIRST_START_SECONDS

PICTURES = Path(__file__).resolve().parent.parent / "docs" / "screenshots"
LARGEST = 300_000  # bytes: a page with several stays quick
SUMMARIES = 6
ASSETS = 11
CHECKS = len(EVENT_CHECKS)  # of events
LIMIT = 600.0  # seconds
READY = """SELECT (SELECT count(*) FROM summary_state WHERE row_count > 0) = {summaries}
                  AND EXISTS (SELECT FROM rejected_events)"""


IS_WARM = "SELECT started_at + make_interval(secs => {seconds}) < now() FROM stream_lease"


def main() -> int:
    if chromium() is None:
        sys.stderr.write("screenshots: no Chromium on this machine (Debian: apt install chromium).\n")
        return 1
    with tempfile.TemporaryDirectory(prefix="clickstream-", dir="/tmp") as directory:
        Path(directory).chmod(0o755)  # as root, PostgreSQL runs under another account
        up = Up(Path(directory) / "home", rate=20)  # as many as the month before has an hour
        try:
            process = up.start()
            with dagster_pages(up.url, width=1760, height=1340) as pages:  # the whole graph fits
                _land_history(up)
                pages.materialize("event_files")
                until(lambda: _is_ready(up), "rows in every summary, and rejects", LIMIT)
                pages.materialize("clickstream_report")
                pages.expect_run_success()
                _asset_graph(pages)
            with dagster_pages(up.url, width=1500, height=900) as pages:
                _checks(pages)
                _runs(pages)
                _report(pages, up)
            take_incident_pictures(up, _take, lambda text: sys.stdout.write(f"{text}\n"))
            process.send_signal(signal.SIGINT)
            process.wait(60)
        finally:
            up.clear_away()
    return 0


def _land_history(up: Up) -> None:
    """Events of a month, file by file: a heap of them at once would wait, and the latencies would be those of no usual
    day. Nor are those of the stream's first start.
    """
    elsewhere = up.home / "history"
    arguments = ["--events", "400000", "--files", "80", "--duplicates", "2%", "--malformed", "1%"]
    up.run("generate", *arguments, "--out", str(elsewhere))
    is_warm = IS_WARM.format(seconds=LATENCY_FIRST_START_SECONDS)
    until(lambda: up.run("psql", "-XAtc", is_warm).strip() == "t", "the stream has run for a while", LIMIT)
    for file in sorted(elsewhere.rglob("*.csv*")):
        file.rename(up.home / "events" / file.name)
        time.sleep(1.5)


def _is_ready(up: Up) -> bool:
    return up.run("psql", "-XAtc", READY.format(summaries=SUMMARIES)).strip() == "t"


def _asset_graph(pages: DagsterPages) -> None:
    pages.open_asset_graph()
    pages.page.get_by_text("Materialized", exact=True).first.wait_for()
    expect(pages.page.get_by_text("Materialized", exact=True)).to_have_count(ASSETS, timeout=LIMIT * 1000)
    expect(pages.page.get_by_text(f"{CHECKS} / {CHECKS} Passed")).to_be_visible(timeout=LIMIT * 1000)
    expect(pages.page.get_by_text("Unsynced")).to_have_count(0)
    _take(pages, "asset-graph")


def _checks(pages: DagsterPages) -> None:
    pages.open_checks("events", "reject_rate")
    expect(pages.page.get_by_text("Succeeded", exact=True)).to_have_count(CHECKS, timeout=LIMIT * 1000)
    pages.page.get_by_text("lifetime_rows_read", exact=True).first.wait_for()
    _take(pages, "checks")


def _runs(pages: DagsterPages) -> None:
    pages.open("/runs")
    pages.page.get_by_text("spark_stream", exact=True).first.wait_for()
    _take(pages, "runs")


def _report(pages: DagsterPages, up: Up) -> None:
    pages.page.goto((up.home / "report" / "clickstream_report.html").as_uri())
    pages.page.locator("#quality .main-svg").first.wait_for()
    _take(pages, "report")


def _take(pages: DagsterPages, name: str) -> None:
    pages.page.wait_for_timeout(1500)  # animations of Dagster's pages
    file = PICTURES / f"{name}.png"
    file.parent.mkdir(parents=True, exist_ok=True)
    pages.page.screenshot(path=file)
    size = file.stat().st_size
    if size >= LARGEST:
        raise ValueError(f"{file} has {size} bytes: make the page smaller")
    sys.stdout.write(f"{file} ({size // 1024} KiB)\n")


if __name__ == "__main__":
    sys.exit(main())
