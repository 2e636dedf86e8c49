"""The outcome of a sample as a page of HTML: one file, without anything from elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from html import escape

from spark.sample.comparison import Compared

_STYLE = """
:root { color-scheme: light dark; }
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 75rem; padding: 0 1rem; }
pre { overflow-x: auto; padding: 1rem; border: 1px solid #8886; border-radius: 6px; }
table { border-collapse: collapse; width: 100%; margin: .5rem 0 1.5rem; }
td, th { text-align: left; vertical-align: top; padding: .15rem .6rem; border-bottom: 1px solid #8883; }
td { font-family: ui-monospace, monospace; font-size: 13px; overflow-wrap: anywhere; width: 50%; }
td + td { border-left: 3px solid #8886; }
.name { opacity: .65; }
.event th { color: light-dark(#176f3d, #6fcf97); }
.reject th { color: light-dark(#b3261e, #ff8a80); }
"""


def page(title: str, summary: Sequence[str], groups: Iterable[tuple[str, Sequence[Compared]]]) -> str:
    """`summary`: lines of the report. `groups`: rows of files with one header, and a heading for them."""
    parts = [
        f"<h2>{escape(heading)}</h2>\n{''.join(map(_table, rows)) or '<p>No rows.</p>'}"
        for heading, rows in groups
    ]
    body = "\n".join(parts)
    report = escape("\n".join(summary))
    return (
        f'<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n<title>{escape(title)}</title>\n'
        f"<style>{_STYLE}</style>\n<h1>{escape(title)}</h1>\n<pre>{report}</pre>\n{body}\n</html>\n"
    )


def _table(row: Compared) -> str:
    kind = "reject" if row.faults else "event"
    outcome = "becomes an event"
    if row.faults:
        outcome = "is rejected: " + ", ".join(
            reason if value is None else f"{reason} ({value})" for reason, value in row.faults
        )
    head = f'<tr><th colspan="2">{escape(row.path)}, line {row.line_no:,} {escape(outcome)}</th></tr>'
    return f'<table class="{kind}">{head}{"".join(_rows(row))}</table>\n'


def _rows(row: Compared) -> Iterator[str]:
    for pair in row.pairs:
        left = "<br>".join(_named(name, text) for name, text in pair.before)
        right = _named(pair.name, pair.after or "—") if pair.name else ""
        yield f"<tr><td>{left}</td><td>{right}</td></tr>"


def _named(name: str, text: str) -> str:
    return f'<span class="name">{escape(name)}</span> {escape(text)}' if name else escape(text)
