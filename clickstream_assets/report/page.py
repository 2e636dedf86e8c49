"""The page of the report: one HTML file that needs no other and no network.

It makes every value safe to stand in HTML. The numbers come from `facts`, the charts from `charts`.

Two fences against names that files may have brought: everything is escaped where it enters the page, and the page's
content security policy runs no script but the two whose hashes it names.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

from clickstream_assets.report import charts
from clickstream_assets.report.facts import DAYS, Facts, Row
from clickstream_assets.text import count, duration, moment, percent

HERE = Path(__file__).parent

PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Clickstream report</title>
<style>{style}</style>
</head>
<body>
<main>
<h1>Clickstream report</h1>
<p class="note">{subtitle}</p>
<div class="tiles">{tiles}</div>
<noscript>The charts need JavaScript; the numbers below each of them do not.</noscript>
<div class="sections">{sections}</div>
</main>
<script type="application/json" id="figures">{figures}</script>
<script>{plotly}</script>
<script>{script}</script>
</body>
</html>
"""


def report_page(facts: Facts) -> str:
    """The whole page."""
    figures = {
        "traffic": charts.traffic(facts),
        "revenue": charts.revenue(facts),
        "funnel": charts.funnel(facts),
        "conversion": charts.conversion(facts),
        "products": charts.products(facts),
        "devices": charts.devices(facts),
        "quality": charts.quality(facts),
        "latency": charts.latency(facts),
    }
    plotly = _script((files("plotly") / "package_data" / "plotly.min.js").read_text(encoding="utf-8"))
    script = _script((HERE / "report.js").read_text(encoding="utf-8"))
    policy = (
        f"default-src 'none'; script-src {_hash(plotly)} {_hash(script)}; style-src 'unsafe-inline'; "
        "img-src data: blob:; base-uri 'none'; form-action 'none'"
    )
    sections = (
        _section("traffic", "Traffic", "Events by the hour, the last seven days.", facts.traffic, wide=True)
        + _section("revenue", "Revenue", "By day.", facts.revenue)
        + _section("products", "Top products", "By revenue.", facts.products)
        + _section("funnel", "Funnel", "How far sessions came.", facts.funnel)
        + _section("conversion", "Conversion", "Share of each day's sessions with a purchase.", ())
        + _section("devices", "Devices", "Sessions with and without a purchase.", facts.devices)
        + _section(
            "latency", "Latency", "From a file's rename to visible rows; last 48 hours.", facts.latency
        )
        + _section(
            "quality", "Data quality", "Rows read, by the hour; last 48 hours.", facts.quality, wide=True
        )
        + _section(None, "Rejected rows", "By reason; last 48 hours.", facts.rejects, wide=True)
    )
    return PAGE.format(
        policy=policy,
        style=(HERE / "report.css").read_text(encoding="utf-8"),
        subtitle=_text(_subtitle(facts)),
        tiles="".join(
            f'<div class="tile"><b>{_text(value)}</b><span>{_text(name)}</span></div>'
            for name, value in tiles(facts)
        ),
        sections=sections,
        figures=_json(figures),
        plotly=plotly,
        script=script,
    )


def tiles(facts: Facts) -> list[tuple[str, str]]:
    """The numbers at the top: name and value."""
    totals = facts.totals
    read = sum(row[name] for row in facts.quality for name in ("inserted", "duplicate", "rejected"))

    def share(name: str) -> str:
        return percent(sum(row[name] for row in facts.quality) / read if read else None)

    newest = facts.latency[-1]["p99"] if facts.latency else None
    return [
        ("events", count(totals["events"])),
        ("sessions", count(totals["sessions"])),
        ("purchases", count(totals["purchases"])),
        ("revenue", f"{totals['revenue']:,.0f}"),
        ("conversion", percent(totals["purchased"] / totals["sessions"] if totals["sessions"] else None)),
        ("duplicates, 48 hours", share("duplicate")),
        ("rejected, 48 hours", share("rejected")),
        ("latency p99, newest hour", duration(newest)),
    ]


def _subtitle(facts: Facts) -> str:
    made = f"Made {moment(facts.taken_at)}, batch {count(facts.through_batch)}. Days and hours are UTC."
    if facts.since is None or facts.until is None:
        return f"No events yet. {made}"
    return f"{DAYS} days up to {moment(facts.until)}. {made}"


def _section(chart: str | None, title: str, note: str, rows: Sequence[Row], *, wide: bool = False) -> str:
    drawing = f'<div class="chart" id="{chart}"></div>' if chart else ""
    numbers = (
        f"<details{'' if chart else ' open'}><summary>Numbers</summary>{_table(rows)}</details>"
        if rows
        else ""
    )
    head = f'<h2>{title}</h2><p class="note">{note}</p>'
    return f"<section{' class=wide' if wide else ''}>{head}{drawing}{numbers}</section>"


def _table(rows: Sequence[Row]) -> str:
    head = "".join(f"<th>{_text(name)}</th>" for name in rows[0])
    body = "".join(
        f"<tr>{''.join(f'<td>{_cell(value)}</td>' for value in row.values())}</tr>" for row in rows
    )
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def _cell(value: object) -> str:
    if isinstance(value, int):
        return count(value)
    if isinstance(value, float):
        return f"{value:,.3f}"
    return "" if value is None else _text(str(value))


def _text(value: str) -> str:
    printable = "".join(character if character.isprintable() else " " for character in value)
    return html.escape(printable)


def _json(value: object) -> str:
    """JSON that no script element can end in."""
    return (
        json.dumps(value, allow_nan=False)
        .replace("<", "\\u003c")
        .replace(">", "\\u003e")
        .replace("&", "\\u0026")
    )


def _script(text: str) -> str:
    """A script as the browser will hash it: it reads every line end as a line feed."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _hash(script: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"
