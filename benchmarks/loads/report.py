"""The results of comparisons as tables in Markdown and as a chart in SVG.

A drawing library is not needed: a bar chart is a few rectangles.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from benchmarks.loads.comparison import Comparison
from benchmarks.variants import own

OURS = own.COPY.name
WIDTH, ROW, LABEL = 860, 34, 250  # pixels
BAR_SPACE = WIDTH - LABEL - 130


def throughput_tables(results: Sequence[Comparison]) -> str:
    return "\n\n".join(throughput_table(result) for result in results)


def throughput_table(result: Comparison) -> str:
    """Rows per second by variant, how many times as fast our COPY sink is, and what it costs."""
    about = f"{result.about[0].upper()}{result.about[1:]}"
    lines = [
        f"{about}; {result.rows:,} rows, medians (ranges) of {result.rounds} rounds:",
        "",
        f"| variant | what it promises | rows/s | {OURS} is … times as fast | CPU s per million rows "
        f"| … times that of {OURS} |",
        "|---|---|---:|---:|---:|---:|",
    ]
    for name in result.loads:
        lines.append(
            f"| {name} | {result.promises[name]} | {result.rows_per_second(name):,.0f} "
            f"| {result.times_as_fast(OURS, name)} | {result.cpu_per_million(name):.1f} "
            f"| {result.times_the_cpu(name, OURS)} |"
        )
    return "\n".join(lines)


def throughput_chart(result: Comparison) -> str:
    """One bar per variant, the medians; readable on a light and on a dark page."""
    rates = {name: result.rows_per_second(name) for name in result.loads}
    longest = max(rates.values())
    height = ROW * len(rates) + 40
    title = f"{result.rows:,} rows: {result.about}"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="sans-serif" '
        'font-size="14" role="img">',
        f"<title>Rows per second, {escape(title)}</title>",
        f'<text x="0" y="18" fill="#888">rows per second, median of {result.rounds} rounds, {escape(title)}</text>',
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
