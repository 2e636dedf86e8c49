"""Writes Grafana's dashboard: `make dashboard`.

What a panel asks for is in the table PANELS; how Grafana wants it said is in the functions above it. Limits come from
clickstream_assets/thresholds.py. The panels of Prometheus ask for what `clickstream metrics` serves, those of
PostgreSQL read the ledger as clickstream_reader.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from clickstream_assets import thresholds

DASHBOARD = (
    Path(__file__).resolve().parent.parent / "monitoring" / "grafana" / "dashboards" / "clickstream.json"
)
PROMETHEUS = {"type": "prometheus", "uid": "clickstream-prometheus"}
POSTGRES = {"type": "grafana-postgresql-datasource", "uid": "clickstream-postgres"}
SUMMARY_BEHIND = 900.0  # seconds, as the alert ClickstreamSummaryBehind has it
GREEN, YELLOW, RED, BLUE, GREY = "green", "yellow", "red", "blue", "#8e8e8e"
STATES = {
    "running": GREEN,
    "idle": GREEN,
    "starting": BLUE,
    "behind": YELLOW,
    "waiting": RED,
    "stopped": GREY,
    "stuck": RED,
    "dead": RED,
    "crash-looping": RED,
}
SHARE_OF_HOUR = (
    'sum(increase(clickstream_rows_total{{result="{0}"}}[1h])) / (sum(increase(clickstream_rows_total[1h])) > 0) '
    "or vector(0)"
)
QUANTILE = "histogram_quantile({0}, sum(rate(clickstream_file_latency_seconds_bucket[5m])) by (le))"
DUPLICATES_OF_BATCHES = """
SELECT $__timeGroup(committed_at, $__interval) AS time,
       sum(rows_duplicate - rows_conflict) AS "same event again", sum(rows_conflict) AS "same id, other content"
FROM ingest_batches WHERE $__timeFilter(committed_at) GROUP BY 1 ORDER BY 1"""
DUPLICATE_FILES = """
SELECT $__timeGroup(registered_at, $__interval) AS time, sum(rows_duplicate) AS "whole file again"
FROM ingest_files WHERE $__timeFilter(registered_at) AND status = 'duplicate' GROUP BY 1 ORDER BY 1"""
PHASES = """
SELECT $__timeGroup(committed_at, $__interval) AS time,
       avg(parse_seconds) AS "Spark: read, clean, hand over", avg(merge_seconds) AS "PostgreSQL: store and commit"
FROM ingest_batches WHERE $__timeFilter(committed_at) GROUP BY 1 ORDER BY 1"""
BATCHES = """
SELECT $__timeGroup(committed_at, $__interval) AS time,
       count(*) AS "micro-batches", avg(rows_read) AS "rows per micro-batch", max(rows_read) AS "largest"
FROM ingest_batches WHERE $__timeFilter(committed_at) GROUP BY 1 ORDER BY 1"""
SUMMARIES = """
SELECT summary, row_count AS rows, refreshed_at AS refreshed, rebuilt_at AS rebuilt,
       (SELECT count(*) FROM ingest_batches WHERE batch_id > state.through_batch_id) AS "micro-batches missing"
FROM summary_state AS state ORDER BY summary"""
UNREADABLE_FILES = """
SELECT registered_at AS registered, path, reason, detail
FROM ingest_files WHERE status = 'rejected' ORDER BY registered_at DESC LIMIT 20"""


@dataclass(frozen=True)
class Panel:
    """One panel. `queries` maps a legend to a query: PromQL, or SQL where the panel reads PostgreSQL."""

    title: str
    kind: str
    width: int  # of 24
    height: int
    queries: dict[str, str]
    about: str
    unit: str = "short"
    sql: bool = False
    stack: bool = False
    limits: tuple[tuple[float, str], ...] = ()  # from a value on, a colour
    options: dict[str, Any] = field(default_factory=dict)
    mappings: list[dict[str, Any]] = field(default_factory=list)


def over(limits: thresholds.Limits) -> tuple[tuple[float, str], ...]:
    """Colours by the limits of a check."""
    return ((limits.warn_above, YELLOW), (limits.error_above, RED))


STAT = {
    "colorMode": "value",
    "graphMode": "area",
    "justifyMode": "auto",
    "textMode": "value",
    "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
}
PANELS = (
    Panel(
        "State of the stream",
        "stat",
        4,
        5,
        {"{{state}}": "clickstream_stream_state == 1"},
        "The word is explained in docs/checks.md.",
        options={**STAT, "graphMode": "none", "textMode": "name", "colorMode": "background"},
    ),
    Panel(
        "Files waiting",
        "stat",
        4,
        5,
        {"files": "clickstream_backlog_files"},
        "Files on disk that are not in the database.",
        options=STAT,
    ),
    Panel(
        "Oldest waiting file",
        "stat",
        4,
        5,
        {"seconds": "clickstream_backlog_oldest_seconds"},
        "How long the oldest of them has been waiting. An idle stream has none.",
        "s",
        limits=over(thresholds.FRESHNESS),
        options=STAT,
    ),
    Panel(
        "Latency p99",
        "stat",
        4,
        5,
        {"p99": QUANTILE.format(0.99)},
        "From a file's rename to its rows being visible, over the last 5 minutes. Empty where no file came.",
        "s",
        limits=((thresholds.LATENCY_P99_SECONDS, YELLOW),),
        options=STAT,
    ),
    Panel(
        "Duplicates in the last hour",
        "stat",
        4,
        5,
        {"share": SHARE_OF_HOUR.format("duplicate")},
        "Share of the rows read that had been delivered before.",
        "percentunit",
        limits=over(thresholds.DUPLICATE_RATE),
        options=STAT,
    ),
    Panel(
        "Rejects in the last hour",
        "stat",
        4,
        5,
        {"share": SHARE_OF_HOUR.format("rejected")},
        "Share of the rows read that could not be read as events.",
        "percentunit",
        limits=over(thresholds.REJECT_RATE),
        options=STAT,
    ),
    Panel(
        "State over time",
        "state-timeline",
        24,
        6,
        {"{{state}}": "clickstream_stream_state"},
        "A lit row is the state at that time.",
        options={
            "showValue": "never",
            "mergeValues": True,
            "rowHeight": 0.8,
            "legend": {"showLegend": False},
        },
        mappings=[
            {
                "type": "value",
                "options": {
                    "0": {"color": "transparent", "index": 0, "text": " "},
                    "1": {"color": BLUE, "index": 1, "text": "now"},
                },
            }
        ],
    ),
    Panel(
        "Rows per second",
        "timeseries",
        12,
        8,
        {"{{result}}": "sum(rate(clickstream_rows_total[$__rate_interval])) by (result)"},
        "Rows read, by what became of them.",
        "rowsps",
        stack=True,
    ),
    Panel(
        "Latency from rename to visible",
        "timeseries",
        12,
        8,
        {f"p{round(100 * share)}": QUANTILE.format(share) for share in (0.5, 0.95, 0.99)},
        "Percentiles over 5 minutes.",
        "s",
        limits=((thresholds.LATENCY_P99_SECONDS, YELLOW),),
    ),
    Panel(
        "Waiting",
        "timeseries",
        12,
        8,
        {"files": "clickstream_backlog_files", "oldest, seconds": "clickstream_backlog_oldest_seconds"},
        "Files on disk that are not in the database, and how long the oldest has been waiting.",
    ),
    Panel(
        "Rejected rows per minute, by reason",
        "timeseries",
        12,
        8,
        {"{{reason}}": "60 * sum(rate(clickstream_rejected_rows_total[$__rate_interval])) by (reason)"},
        "The reasons are explained in docs/operations.md.",
        stack=True,
    ),
    Panel(
        "Duplicate rows, by kind",
        "timeseries",
        12,
        8,
        {"batches": DUPLICATES_OF_BATCHES, "files": DUPLICATE_FILES},
        "What was delivered before: rows of other files, whole files, and events whose content differs.",
        sql=True,
        stack=True,
    ),
    Panel(
        "Phases of a micro-batch",
        "timeseries",
        12,
        8,
        {"phases": PHASES},
        "Mean seconds per micro-batch.",
        "s",
        sql=True,
        stack=True,
    ),
    Panel(
        "Micro-batches and their rows",
        "timeseries",
        12,
        8,
        {"batches": BATCHES},
        "How many were committed in each interval, and how many rows they had.",
        sql=True,
    ),
    Panel(
        "What the summaries lack",
        "timeseries",
        12,
        8,
        {"{{summary}}": "clickstream_refresh_waiting_seconds"},
        "How long the oldest micro-batch that a summary has not taken in has been waiting.",
        "s",
        limits=((SUMMARY_BEHIND, YELLOW),),
    ),
    Panel(
        "Summaries",
        "table",
        12,
        8,
        {"summaries": SUMMARIES},
        "What each has recorded.",
        sql=True,
    ),
    Panel(
        "Newest files that could not be read",
        "table",
        12,
        8,
        {"files": UNREADABLE_FILES},
        "Files that hold no events at all. Single rows are in rejected_events.",
        sql=True,
    ),
)


def dashboard() -> dict[str, Any]:
    """The dashboard, as Grafana's model of dashboards has it."""
    return {
        "uid": "clickstream",
        "title": "Clickstream",
        "description": "State of the stream, what waits, latency, rows, rejects, micro-batches and summaries.",
        "tags": ["clickstream"],
        "timezone": "utc",
        "schemaVersion": 39,
        "editable": True,
        "graphTooltip": 1,
        "refresh": "15s",
        "time": {"from": "now-1h", "to": "now"},
        "timepicker": {},
        "templating": {"list": []},
        "annotations": {"list": []},
        "links": [],
        "panels": _placed(),
    }


def _placed() -> list[dict[str, Any]]:
    """The panels from left to right, in rows as wide as the page."""
    placed, x, y = [], 0, 0
    for number, panel in enumerate(PANELS, 1):
        if x + panel.width > 24:
            x, y = 0, y + placed[-1]["gridPos"]["h"]
        placed.append(_panel(panel, number) | {"gridPos": _place(panel, x, y)})
        x += panel.width
    return placed


def _place(panel: Panel, x: int, y: int) -> dict[str, int]:
    return {"x": x, "y": y, "w": panel.width, "h": panel.height}


def _panel(panel: Panel, number: int) -> dict[str, Any]:
    source = POSTGRES if panel.sql else PROMETHEUS
    steps = [{"color": GREEN if panel.limits else BLUE, "value": None}]
    steps += [{"color": colour, "value": value} for value, colour in panel.limits]
    defaults: dict[str, Any] = {
        "unit": panel.unit,
        "mappings": panel.mappings,
        "thresholds": {"mode": "absolute", "steps": steps},
        "color": {"mode": "thresholds" if panel.kind == "stat" else "palette-classic"},
    }
    if panel.kind == "timeseries":
        defaults |= {"min": 0, "custom": _lines(panel)}
    overrides = []
    if panel.title == "State of the stream":
        overrides = [
            {
                "matcher": {"id": "byName", "options": state},
                "properties": [{"id": "color", "value": {"mode": "fixed", "fixedColor": colour}}],
            }
            for state, colour in STATES.items()
        ]
    return {
        "id": number,
        "type": panel.kind,
        "title": panel.title,
        "description": panel.about,
        "datasource": source,
        "fieldConfig": {"defaults": defaults, "overrides": overrides},
        "options": panel.options or _options(panel),
        "targets": [
            _target(panel, source, chr(ord("A") + n), legend, query)
            for n, (legend, query) in enumerate(panel.queries.items())
        ],
    }


def _lines(panel: Panel) -> dict[str, Any]:
    return {
        "drawStyle": "line",
        "lineWidth": 1,
        "fillOpacity": 25 if panel.stack else 8,
        "showPoints": "never",
        "spanNulls": False,
        "stacking": {"mode": "normal" if panel.stack else "none", "group": "A"},
        "thresholdsStyle": {"mode": "line" if panel.limits else "off"},
    }


def _options(panel: Panel) -> dict[str, Any]:
    if panel.kind == "table":
        return {"showHeader": True, "cellHeight": "sm"}
    return {
        "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True},
        "tooltip": {"mode": "multi", "sort": "desc"},
    }


def _target(panel: Panel, source: dict[str, str], ref: str, legend: str, query: str) -> dict[str, Any]:
    if not panel.sql:
        return {
            "refId": ref,
            "datasource": source,
            "expr": query,
            "legendFormat": legend,
            "range": panel.kind != "stat" or panel.options.get("graphMode") != "none",
            "instant": panel.options.get("graphMode") == "none",
        }
    return {
        "refId": ref,
        "datasource": source,
        "rawQuery": True,
        "rawSql": query.strip(),
        "editorMode": "code",
        "format": "table" if panel.kind == "table" else "time_series",
    }


def text() -> str:
    """The file's text."""
    return json.dumps(dashboard(), indent=2, ensure_ascii=False) + "\n"


def main() -> int:
    DASHBOARD.write_text(text(), encoding="utf-8")
    sys.stdout.write(f"{DASHBOARD.name} has {len(PANELS)} panels.\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
