"""Dagster's pages in a headless Chromium, as a person uses them: by what is written on them.

Shared by the browser tests and by `scripts/screenshots.py`.
Dagster's pages change with its versions; all that depends on their wording is here.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Locator, Page, expect, sync_playwright

CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome")
CHROMIUM_FLAGS = (
    "--no-sandbox",  # it needs user namespaces, which containers and root do not have
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
LIMIT = 60_000.0  # milliseconds for a page or an element; a loaded machine is slow
RUN_LIMIT = 180_000.0  # milliseconds for a small run: queue, a new process, the work


def chromium() -> str | None:
    """The Chromium of this machine, if there is one."""
    return next((path for name in CHROMIUM_NAMES if (path := shutil.which(name))), None)


class DagsterPages:
    """The pages of one Dagster, in one tab."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self._url = url

    def open(self, path: str) -> None:
        self.page.goto(self._url + path, wait_until="domcontentloaded")

    def open_asset_graph(self) -> None:
        """The graph of all assets, with all groups expanded; side bars hidden, else names are cut."""
        self.open("/asset-groups")
        self.page.get_by_label("zoom_in").wait_for()
        self.page.get_by_text("Hide navigation").click()
        self.page.get_by_label("panel_show_right").last.click()  # the list of assets
        self.page.get_by_label("settings").last.click()  # the first one is Dagster's own settings
        self.page.get_by_role("menuitem", name="Expand all groups").click()
        self.page.keyboard.press("Escape")

    def graph_node(self, asset: str) -> Locator:
        """The name of an asset as the asset graph shows it."""
        return self.page.get_by_text(asset, exact=True).first

    def open_checks(self, asset: str, check: str) -> None:
        self.open(f"/assets/{asset}?view=checks&checkDetail={check}")
        self.page.get_by_text("Latest execution").wait_for()

    def check_in_list(self, check: str) -> Locator:
        """The name of a check in the list at the left, with its latest result below."""
        return self.page.get_by_title(check, exact=True).first.locator("xpath=..")

    def materialize(self, asset: str) -> str:
        """Press Materialize on the page of an asset, open the run that it launches, and return the run's id."""
        self.open(f"/assets/{asset}")
        self.page.get_by_role("button", name="Materialize").first.click()
        self.page.get_by_text("Launched run").wait_for()
        self.page.get_by_text("View", exact=True).click()
        self.page.wait_for_url("**/runs/**")
        return self.page.url.partition("/runs/")[2].partition("?")[0]

    def expect_run_success(self) -> None:
        """On the page of a run: wait until it has ended, and well."""
        ended = self.page.get_by_text("RUN_SUCCESS").or_(self.page.get_by_text("RUN_FAILURE"))
        ended.first.wait_for(timeout=RUN_LIMIT)
        expect(self.page.get_by_text("RUN_SUCCESS").first).to_be_visible()


@contextmanager
def dagster_pages(url: str, width: int = 2000, height: int = 1060) -> Iterator[DagsterPages]:
    """A new browser with an empty profile, on the Dagster at `url`."""
    expect.set_options(timeout=LIMIT)
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as profile:
        context = playwright.chromium.launch_persistent_context(
            profile,
            executable_path=chromium(),
            headless=True,
            args=list(CHROMIUM_FLAGS),
            viewport={"width": width, "height": height},
            color_scheme="light",
        )
        try:
            context.set_default_timeout(LIMIT)
            yield DagsterPages(context.pages[0], url)
        finally:
            context.close()
