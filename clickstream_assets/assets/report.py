"""The asset `clickstream_report`: an HTML page, and the schedule that makes it every day.

What is in the page: `clickstream_assets/report/`.
"""

import os
import tempfile
from datetime import timedelta
from pathlib import Path

import dagster as dg

from clickstream_assets.assets.catalogue import FILLED_BY, code_links, code_version
from clickstream_assets.assets.previews import markdown_table
from clickstream_assets.launches import failing_in_one_sentence
from clickstream_assets.postgres.connections import Connections
from clickstream_assets.report.facts import read_facts
from clickstream_assets.report.page import report_page, tiles
from clickstream_assets.settings import Settings

OVERDUE, LATE = timedelta(hours=25), timedelta(hours=49)  # one report is missing, two are
SOURCES = [
    "events",
    "rejected_events",
    "hourly_traffic",
    "product_performance",
    "conversion_funnel",
    "device_usage",
]


@dg.asset(
    deps=SOURCES,
    group_name="report",
    kinds={"html", "plotly"},
    owners=["team:clickstream"],
    tags={FILLED_BY: "schedule"},
    code_version=code_version("clickstream_assets/report/*"),
    metadata=code_links("clickstream_assets/report/page.py"),
    # It is made every day whether there are new events or not, so that its age is a fact about its schedule.
    freshness_policy=dg.FreshnessPolicy.time_window(fail_window=LATE, warn_window=OVERDUE),
    description="One HTML page to look at: traffic, revenue, funnel, top products, devices, data quality and latency, "
    "with charts. It needs no network and no server: open the file, or send it to someone. Made every day, and by "
    "the button.",
)
def clickstream_report(
    database: dg.ResourceParam[Connections], settings: dg.ResourceParam[Settings]
) -> dg.MaterializeResult:
    path = settings.report_file
    with failing_in_one_sentence("No report was made"):
        with database.open("reader") as connection:
            facts = read_facts(connection)
        size = write_atomically(path, report_page(facts))
    return dg.MaterializeResult(
        metadata={
            "path": dg.MetadataValue.path(str(path)),
            "url": dg.MetadataValue.url(path.as_uri()),
            "size_bytes": size,
            "through_batch": facts.through_batch,
            "events": facts.totals["events"],
            "revenue": float(facts.totals["revenue"]),
            "preview": dg.MetadataValue.md(markdown_table(("", "last 30 days"), tiles(facts))),
        }
    )


def write_atomically(path: Path, text: str) -> int:
    """Replace `path` as a whole, so that no reader ever sees half of it; returns its size in bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=".", suffix=".html", dir=path.parent)
    written = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        written.chmod(0o644)
        size = written.stat().st_size
        written.replace(path)
    except BaseException:
        written.unlink(missing_ok=True)
        raise
    return size


report_job = dg.define_asset_job(
    "daily_report",
    selection=dg.AssetSelection.assets(clickstream_report),
    description="Makes the report. Runs every day after midnight (UTC).",
)
report_schedule = dg.ScheduleDefinition(
    name="daily_report_schedule",
    job=report_job,
    cron_schedule="15 0 * * *",  # UTC: the day is over, and its last files are in
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
)
