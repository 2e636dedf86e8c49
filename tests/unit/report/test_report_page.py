"""The report's page. Guards against names from files that become markup, and against a page that needs a network."""

from __future__ import annotations

import html
import json
import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import plotly.graph_objects as go
import pytest
from dagster_pages import CHROMIUM_FLAGS, chromium
from playwright.sync_api import Browser, Page, sync_playwright

from clickstream_assets.assets.report import write_atomically
from clickstream_assets.report import charts
from clickstream_assets.report.facts import Facts
from clickstream_assets.report.page import report_page

NOW = datetime(2026, 3, 8, 12, 0, tzinfo=UTC)
HOSTILE = (
    "<script>document.title='owned'</script>",
    '"><img src=x onerror="document.title=\'owned\'">',
    "</script><script>document.title='owned'</script>",
    "<a href=\"javascript:document.title='owned'\">buy</a>",
    "<b>bold</b>",
    "&lt;i&gt;",
    "line\nbreak\x00\u2028\u202e",
    "x" * 5000,
)
HOURS = [NOW - timedelta(hours=hour) for hour in range(30, 0, -1)]
DAYS = [date(2026, 3, day) for day in range(1, 9)]
FACTS = Facts(
    taken_at=NOW,
    through_batch=1234,
    since=NOW - timedelta(days=30),
    until=NOW,
    totals={
        "events": 12_345,
        "purchases": 100,
        "revenue": Decimal("1999.50"),
        "sessions": 400,
        "purchased": 40,
    },
    traffic=tuple({"hour": hour, "views": 5, "carts": 2, "removes": 1, "purchases": 1} for hour in HOURS),
    revenue=tuple({"day": day, "revenue": Decimal("10.25"), "purchases": 1} for day in DAYS),
    funnel=tuple(
        {
            "day": day,
            "sessions": 50,
            "viewed": 48,
            "carted": 20,
            "purchased": 5,
            "abandoned": 15,
            "conversion_rate": Decimal("0.1"),
        }
        for day in DAYS
    ),
    products=tuple(
        {"product_id": name, "views": 9, "carts": 3, "purchases": 1, "revenue": Decimal(10)}
        for name in HOSTILE
    ),
    devices=(
        {"device": "phone", "browser": HOSTILE[0], "sessions": 30, "purchased": 3, "revenue": Decimal(3)},
        {"device": "desktop", "browser": "Firefox", "sessions": 20, "purchased": 2, "revenue": Decimal(2)},
    ),
    quality=tuple({"hour": hour, "inserted": 97, "duplicate": 2, "rejected": 1} for hour in HOURS),
    rejects=({"reason": "invalid_price", "rows": 30, "replayed": 0},),
    latency=tuple({"hour": hour, "files": 60, "p50": 0.2, "p95": 0.4, "p99": 0.8} for hour in HOURS),
)
NOTHING = replace(
    FACTS,
    since=None,
    until=None,
    totals={"events": 0, "purchases": 0, "revenue": Decimal(0), "sessions": 0, "purchased": 0},
    traffic=(),
    revenue=(),
    funnel=(),
    products=(),
    devices=(),
    quality=(),
    rejects=(),
    latency=(),
)
CHARTS = ("traffic", "revenue", "funnel", "conversion", "products", "devices", "quality", "latency")


def own_text(page: str) -> str:
    """The page without plotly.js."""
    return re.sub(r"<script>.{100000,}?</script>", "", page, flags=re.DOTALL)


def test_names_from_files_are_text_wherever_they_stand() -> None:
    page = own_text(report_page(FACTS))
    for name in HOSTILE[:6]:
        assert name not in page
        assert html.escape(name) in page
    assert page.count("<script") == 2
    figures = re.search(r'id="figures">(.*?)</script>', page, re.DOTALL)
    assert figures is not None
    shown = json.loads(figures.group(1))["products"]["layout"]["yaxis"]["ticktext"]
    assert len(shown) == len(HOSTILE)
    assert not any("<" in name for name in shown), "plotly reads HTML in its texts"


def test_two_products_that_are_cut_to_the_same_name_have_a_bar_each() -> None:
    alike = tuple(
        {"product_id": "x" * 100 + str(n), "views": 1, "carts": 1, "purchases": 1, "revenue": Decimal(n)}
        for n in (3, 2, 1)
    )
    (trace,) = charts.products(replace(FACTS, products=alike))["data"]
    assert trace["x"] == [1.0, 2.0, 3.0]
    assert len(set(trace["y"])) == 3


@pytest.mark.parametrize("facts", [FACTS, NOTHING], ids=["facts", "nothing"])
def test_every_chart_is_one_that_plotly_understands(facts: Facts) -> None:
    for name in CHARTS:
        go.Figure(getattr(charts, name)(facts))  # raises on an unknown property


def test_a_report_about_nothing_says_so() -> None:
    assert "No events yet." in report_page(NOTHING)


def test_a_file_is_replaced_as_a_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "report" / "page.html"
    assert write_atomically(path, "first") == 5
    with pytest.raises(UnicodeEncodeError):
        write_atomically(path, "\ud800")
    assert path.read_text() == "first"
    assert [file.name for file in path.parent.iterdir()] == ["page.html"]


@pytest.mark.browser
@pytest.mark.skipif(chromium() is None, reason="no Chromium on this machine (Debian: apt install chromium)")
def test_the_page_draws_its_charts_without_a_network_on_a_phone_and_in_the_dark(tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    path.write_text(report_page(FACTS), encoding="utf-8")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=list(CHROMIUM_FLAGS))
        try:
            light = looked_at(browser, path, "light", 1280)
            dark = looked_at(browser, path, "dark", 390)
        finally:
            browser.close()
    assert light != dark


def looked_at(browser: Browser, path: Path, scheme: str, width: int) -> str:
    """Open the page; return its background colour."""
    said: list[str] = []
    context = browser.new_context(
        offline=True,
        color_scheme=scheme,  # type: ignore[arg-type]
        viewport={"width": width, "height": 800},
    )
    page: Page = context.new_page()
    page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(path.as_uri())
    for name in CHARTS:
        page.locator(f"#{name} .main-svg").first.wait_for()
    assert page.title() == "Clickstream report"
    assert said == []
    assert page.locator("#products .ytick", has_text="<b>bold</b>").count() == 1
    overflow = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert overflow <= 0, "the page itself does not scroll sideways"
    background: str = page.evaluate("getComputedStyle(document.body).backgroundColor")
    context.close()
    return background
