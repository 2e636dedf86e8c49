"""The results as a table in Markdown and as a chart in SVG.

Belongs here: numbers to text. Does not belong here: measuring, and drawing libraries: a bar chart is a few rectangles.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from benchmarks.throughput import Throughput

OURS = "pipeline, copy"
WIDTH, ROW, LABEL = 860, 34, 250  # pixels
BAR_SPACE = WIDTH - LABEL - 130


def throughput_table(results: Sequence[Throughput]) -> str:
    """Rows per second by variant, and how many times as fast our COPY sink is."""
    heads = [f"{result.ids} ids: rows/s | ours is … times as fast" for result in results]
    lines = [f"| variant | promise | {' | '.join(heads)} |", "|---|---|" + "---:|" * (2 * len(results))]
    for name in results[0].seconds:
        cells = [f"{result.median_rate(name):,.0f} | {result.ratio(OURS, name):.2f}" for result in results]
        lines.append(f"| {name} | {results[0].promises[name]} | {' | '.join(cells)} |")
    return "\n".join(lines)


def throughput_chart(result: Throughput) -> str:
    """One bar a variant, the medians; readable on a light and on a dark page."""
    rates = {name: result.median_rate(name) for name in result.seconds}
    longest = max(rates.values())
    height = ROW * len(rates) + 40
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="sans-serif" '
        'font-size="14" role="img">',
        f"<title>Rows per second, {result.rows:,} rows, {result.ids} ids</title>",
        f'<text x="0" y="18" fill="#888">rows per second, median of {len(next(iter(result.seconds.values())))} '
        f"rounds, {result.rows:,} rows, {result.ids} ids</text>",
    ]
    for number, (name, rate) in enumerate(rates.items()):
        top = 30 + number * ROW
        width = BAR_SPACE * rate / longest
        colour = "#2563eb" if name.startswith("pipeline") else "#94a3b8"
        parts += [
            f'<text x="{LABEL - 10}" y="{top + 18}" text-anchor="end" fill="#888">{escape(name)}</text>',
            f'<rect x="{LABEL}" y="{top}" width="{width:.0f}" height="{ROW - 10}" rx="3" fill="{colour}"/>',
            f'<text x="{LABEL + width + 8:.0f}" y="{top + 18}" fill="#888">{rate:,.0f}</text>',
        ]
    return "\n".join([*parts, "</svg>"]) + "\n"
