"""Dagster's pages as a newcomer sees them, minutes after `clickstream up`, in a real browser."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest
from dagster_pages import DagsterPages, chromium, dagster_pages
from playwright.sync_api import expect
from up_stack import Up, until

ASSETS = ("event_files", "events", "rejected_events", "user_agents", "sessions", "product_performance")
ASSETS += ("hourly_traffic", "conversion_funnel", "device_usage", "clickstream_report")
CHECKS = ("stream_alive", "freshness", "duplicate_rate", "reject_rate", "id_conflicts", "schema_drift")
CHECKS += ("conservation",)
CALM_LIMIT = 240_000.0  # milliseconds
NOT_PASSED = re.compile("Failed|Warning|Error")

pytestmark = [
    pytest.mark.spark,
    pytest.mark.browser,
    pytest.mark.timeout(900),
    pytest.mark.skipif(
        chromium() is None, reason="no Chromium on this machine (Debian: apt install chromium)"
    ),
]


@pytest.fixture
def pages(up: Up) -> Iterator[DagsterPages]:
    up.start()
    until(lambda: up.stored() > 0, "the first rows")
    with dagster_pages(up.url) as pages:
        yield pages


def test_a_newcomer_sees_the_assets_and_green_checks_and_lands_files_with_the_button(
    up: Up, pages: DagsterPages
) -> None:
    pages.open_asset_graph()
    for asset in ASSETS:
        expect(pages.graph_node(asset)).to_be_visible()
    # Dagster's own dialog for newcomers would cover the first page.
    expect(pages.page.get_by_role("dialog")).to_have_count(0)

    pages.open_checks("events", "conservation")
    for check in CHECKS:
        # On a slow machine the first files wait for longer than freshness likes, until Spark has started.
        expect(pages.check_in_list(check)).to_contain_text("Succeeded", timeout=CALM_LIMIT)

    # Rejects come from the button alone: the live generator makes none. Others may have pressed it before.
    before = _totals(up)["rows_rejected"]
    pages.materialize("event_files")
    pages.expect_run_success()
    until(lambda: _totals(up)["rows_rejected"] == before + 100, "the 100 malformed rows of 10,000 are in")


@pytest.mark.faults  # it takes a minute
def test_a_check_turns_red_when_duplicates_are_injected_and_green_again(up: Up, pages: DagsterPages) -> None:
    pages.open_checks("events", "duplicate_rate")
    check = pages.check_in_list("duplicate_rate")
    expect(check).to_contain_text("Succeeded", timeout=CALM_LIMIT)

    rows = _window(up)["rows_read"] + 2_000
    _land(up, "repeating", rows, "--duplicates", "0.6")
    expect(check).to_contain_text(NOT_PASSED, timeout=CALM_LIMIT)

    _land(up, "well", 12 * _window(up)["rows_duplicate"])
    expect(check).to_contain_text("Succeeded", timeout=CALM_LIMIT)


def _land(up: Up, name: str, rows: int, *shares: str) -> None:
    out = str(up.home / "events" / name)
    up.run("generate", "--events", str(rows), "--files", "4", "--out", out, *shares)


def _window(up: Up) -> dict[str, int]:
    window: dict[str, int] = json.loads(up.run("status", "--json"))["window"]
    return window


def _totals(up: Up) -> dict[str, int]:
    totals: dict[str, int] = json.loads(up.run("status", "--json"))["totals"]
    return totals
