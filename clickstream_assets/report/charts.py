"""The charts of the report as plotly figures: plain dictionaries of `data` and `layout`. Pure.

The numbers come from `facts`; colours of the page and of the dark mode are in `report.js` and `report.css`.

Texts from files pass `label`: plotly reads a subset of HTML in every text, links among it.
"""

from __future__ import annotations

import html
from collections.abc import Callable, Sequence
from datetime import date, datetime
from typing import Any

from clickstream_assets.report.facts import Facts, Row

LABEL_LENGTH = 32  # characters of a name on an axis

Figure = dict[str, Any]


def label(value: object) -> str:
    """A name as a text that plotly shows as it is, whatever it holds."""
    text = "".join(character if character.isprintable() else " " for character in str(value))
    if len(text) > LABEL_LENGTH:
        text = text[: LABEL_LENGTH - 1] + "…"
    return html.escape(text, quote=False)  # plotly decodes no quotes, and needs none to be


def traffic(facts: Facts) -> Figure:
    series = {"Views": "views", "To cart": "carts", "Purchases": "purchases"}
    return _figure(
        [_line(name, facts.traffic, "hour", column) for name, column in series.items()],
        yaxis={"rangemode": "tozero"},
    )


def revenue(facts: Facts) -> Figure:
    return _figure([_bars("Revenue", facts.revenue, "day", "revenue")], showlegend=False)


def funnel(facts: Facts) -> Figure:
    steps = {"Sessions": "sessions", "Viewed": "viewed", "To cart": "carted", "Purchased": "purchased"}
    totals = [sum(row[column] for row in facts.funnel) for column in steps.values()]
    trace = {
        "type": "funnel",
        "y": list(steps),
        "x": totals,
        "textinfo": "value+percent initial",
        "hoverinfo": "skip",
    }
    return _figure([trace], showlegend=False)


def conversion(facts: Facts) -> Figure:
    shares = [{**row, "percent": 100 * float(row["conversion_rate"] or 0)} for row in facts.funnel]
    return _figure(
        [_line("Conversion", shares, "day", "percent")], showlegend=False, yaxis={"ticksuffix": " %"}
    )


def products(facts: Facts) -> Figure:
    rows = facts.products[::-1]  # plotly draws from the bottom
    trace = {
        "type": "bar",
        "orientation": "h",
        "x": [float(row["revenue"]) for row in rows],
        # Numbers, not names: two that are cut to the same text must not share a bar.
        "y": list(range(len(rows))),
        "hovertext": [
            f"{label(row['product_id'])}: {row['views']:,} views, {row['purchases']:,} purchases"
            for row in rows
        ],
        "hoverinfo": "text+x",
    }
    names = {"tickvals": trace["y"], "ticktext": [label(row["product_id"]) for row in rows]}
    return _figure([trace], showlegend=False, yaxis=names)


def devices(facts: Facts) -> Figure:
    return _figure(
        [
            {"type": "bar", "name": "Bought", **_by_device(facts, lambda row: row["purchased"])},
            {
                "type": "bar",
                "name": "Did not",
                **_by_device(facts, lambda row: row["sessions"] - row["purchased"]),
            },
        ],
        barmode="stack",
    )


def quality(facts: Facts) -> Figure:
    series = {"Inserted": "inserted", "Duplicate": "duplicate", "Rejected": "rejected"}
    return _figure(
        [_bars(name, facts.quality, "hour", column) for name, column in series.items()], barmode="stack"
    )


def latency(facts: Facts) -> Figure:
    series = {"p50": "p50", "p95": "p95", "p99": "p99"}
    return _figure(
        [_line(name, facts.latency, "hour", column) for name, column in series.items()],
        yaxis={"ticksuffix": " s", "rangemode": "tozero"},
    )


def _by_device(facts: Facts, value: Callable[[Row], int]) -> Figure:
    sums: dict[str, int] = {}
    for row in facts.devices:
        sums[row["device"]] = sums.get(row["device"], 0) + value(row)
    return {"x": [label(device) for device in sums], "y": list(sums.values())}


def _line(name: str, rows: Sequence[Row], x: str, y: str) -> Figure:
    mode = "lines+markers" if len(rows) < 50 else "lines"
    return {"type": "scatter", "mode": mode, "name": name, **_points(rows, x, y)}


def _bars(name: str, rows: Sequence[Row], x: str, y: str) -> Figure:
    return {"type": "bar", "name": name, **_points(rows, x, y)}


def _points(rows: Sequence[Row], x: str, y: str) -> Figure:
    return {"x": [_moment(row[x]) for row in rows], "y": [float(row[y]) for row in rows]}


def _moment(value: date) -> str:
    """As plotly reads it; without a zone, so that it shows UTC and not the reader's time."""
    return f"{value:%Y-%m-%d %H:%M}" if isinstance(value, datetime) else value.isoformat()


def _figure(data: list[Figure], **layout: Any) -> Figure:
    return {"data": data, "layout": {"margin": {"l": 10, "r": 10, "t": 10, "b": 10}, **layout}}
