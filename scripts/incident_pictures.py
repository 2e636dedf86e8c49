"""The pictures of docs/what-went-wrong.md: an incident is provoked, then looked for as a newcomer would, with clicks.

It also measures how long the way took. `screenshots` starts the stack and keeps the pictures.
"""

from __future__ import annotations

import json
import os
import re
import signal
import time
from collections.abc import Callable

from dagster_pages import DagsterPages, dagster_pages
from playwright.sync_api import expect
from up_stack import Up, until

from clickstream_assets.checks.event_checks import EVENT_CHECKS

LIMIT = 300.0  # seconds
BAD_ROWS, BAD_PERCENT = 250_000, 80
NOT_PASSED = re.compile("Failed|Error")

Take = Callable[[DagsterPages, str], None]


def take_incident_pictures(up: Up, take: Take, say: Callable[[str], None]) -> None:
    """Provoke the incident on `up`, whose checks are green, and take the pictures of the way to its cause."""
    _provoke(up)
    with dagster_pages(up.url, width=1760, height=1340) as pages:
        started = time.monotonic()
        pages.open_asset_graph()
        all_passed = f"{len(EVENT_CHECKS)} / {len(EVENT_CHECKS)}"
        checks = pages.page.get_by_text(
            re.compile(rf"^(?!{all_passed})\d+ / {len(EVENT_CHECKS)} Passed")
        ).first
        checks.wait_for()
        say(
            f"the asset graph shows the failed check {time.monotonic() - started:.1f} s after the browser opened"
        )
        take(pages, "incident-graph")
        clicked = time.monotonic()
        checks.click()
        check = pages.check_in_list("reject_rate")
        expect(check).to_contain_text(NOT_PASSED)
        check.click()
        pages.page.get_by_text("Most in partner/").first.wait_for()
        say(f"two clicks later the file is named, {time.monotonic() - clicked:.1f} s")
    with dagster_pages(up.url, width=1500, height=1050) as pages:
        pages.open_checks("events", "reject_rate")
        pages.page.get_by_text("Most in partner/").first.wait_for()
        take(pages, "incident-check")
        pages.open("/runs")
        pages.page.get_by_text("Failure", exact=True).first.wait_for()
        take(pages, "incident-runs")


def _provoke(up: Up) -> None:
    """A producer's new release writes nonsense, and the stream's driver is killed."""
    out = str(up.home / "events" / "partner")
    rejected = _status(up)["window"]["rows_rejected"] + BAD_ROWS * BAD_PERCENT // 100
    shares = ("--events", str(BAD_ROWS), "--files", "5", "--malformed", f"{BAD_PERCENT}%")
    up.run("generate", *shares, "--out", out)
    until(lambda: _status(up)["window"]["rows_rejected"] >= rejected, "the bad rows are rejected", LIMIT)
    driver = _status(up)["stream"]["pid"]
    os.kill(driver, signal.SIGKILL)
    until(lambda: _status(up)["stream"]["pid"] not in (None, driver), "another driver", LIMIT)
    until(lambda: _status(up)["stream"]["state"] in ("running", "idle"), "the stream runs again", LIMIT)


def _status(up: Up) -> dict[str, dict[str, int]]:
    status: dict[str, dict[str, int]] = json.loads(up.run("status", "--json"))
    return status
